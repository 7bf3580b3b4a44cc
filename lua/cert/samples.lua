-- t.samples: further units of the device's make. One at a time is switched on and takes the place of the device under
-- test: t.dut talks to it, and nobody else can send meanwhile.
local absence <const> = require "cert.absence"
local bench_config <const> = require "cert.config"
local control <const> = require "cert.control"
local device <const> = require "cert.device"

local Samples <const> = {}
Samples.__index = Samples

local samples <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

function samples.new(core, dut)
  local made <const> = setmetatable({}, Samples)
  of[made] = { core = core, dut = dut, active = 0 }
  return made
end

--- t.samples:count() -> how many units there are beside the device under test.
function Samples:count()
  return of[self].core.samples:count()
end

-- Only switches: the clock may have reached the deadline, and what is waited for then is lost.
local function back(self)
  local own <const> = of[self]
  if own.active == 0 then return end
  own.active = 0
  own.core.dut:power(false)
  own.core.samples:use(0)
  device.at(own.dut, nil)
  if bench_config.switch(own.core.bench, "power") then own.core.dut:power(true) end
end

local UNIT <const> = { __name = "cert.unit", __close = function(unit) back(of[unit].samples) end }

local function describe(self, n)
  local core <const> = of[self].core
  local told <const> = n == 0 and core.device or core.device.samples[n]
  local name <const> = core.samples:unit(n)
  local unit <const> = setmetatable({
    n = n, name = name, id = told.id, pac = told.pac, serial = told.serial, summary = name,
  }, UNIT)
  of[unit] = { samples = self }
  return unit
end

--- t.samples:use(n) -> unit, or nil and why: switches the device under test off and sample n on, sees that it was
--- silent before and answers now, and makes t.dut talk to it; 0 is the device itself. A unit has `name` (of its serial
--- line), and as declared `id`, `pac` and `serial`. Hold it in a `<close>` variable: when that ends, the sample is off
--- and t.dut is the device again, which is switching on.
function Samples:use(n)
  local own <const> = of[self]
  if math.type(n) ~= "integer" or n < 0 or n > self:count() then
    control.misuse("t.samples:use: expected a unit from 0 to %d, got %s", self:count(), tostring(n))
  end
  if own.active ~= 0 then
    control.misuse "t.samples:use: the unit before is still in use; hold it in a <close> variable of its own block"
  end
  if n == 0 then
    local ready <const>, why <const> = own.dut:is_ready()
    if not ready then return nil, why end
    return describe(self, 0)
  end
  local off <const>, why <const> = own.dut:power_off()
  if not off then return nil, why end
  own.core.samples:use(n)
  own.active = n
  local unit <const> = describe(self, n)
  device.at(own.dut, own.core.bench.samples[n], unit.name)
  if not own.dut:is_silent() then
    back(self)
    return nil, absence.bench("%s answers although its power is off: the line does not act; check its wiring and"
      .. " samples[%d].power in the bench file", unit.name, n)
  end
  local ready <const>, unready <const> = own.dut:power_on()
  if ready then return unit end
  back(self)
  return nil, unready
end

-- One packet of each message: its repetitions say the same.
local function packets_of(messages)
  local list <const> = {}
  for i, message in ipairs(messages) do
    local frame <const> = message.by_rank[1] or message.frames[1]
    list[i] = frame.packet_hex
  end
  return list
end

--- t.samples:relations(list) -> { seen, findings, candidates, false_alarm }: looks for relations between the keys of
--- all units. `list` has the messages of each unit, the device under test first. `seen` says of each unit how many
--- `messages` there were with how many `tag_bits`, how many its declared key `verified`, whether a finding `explained`
--- them, and whose declared key they fit if the declarations are mixed up (`owner`). A finding has `kind`, `unit`,
--- `other`, `recipe`, `fingerprint`, `false_alarm`. Units count from 0, the device under test.
function Samples:relations(list)
  if type(list) ~= "table" or #list ~= self:count() + 1 then
    control.misuse("t.samples:relations: expected a list of messages for each of the %d units", self:count() + 1)
  end
  local packets <const> = {}
  for i, messages in ipairs(list) do packets[i] = packets_of(messages) end
  return of[self].core.samples:relations(packets)
end

return samples
