-- Runs one attempt of one case: makes `t`, brings the device into a known state, catches every way a case can end.
local absence <const> = require "cert.absence"
local air <const> = require "cert.air"
local case_fields <const> = require "cert.case"
local claim <const> = require "cert.claim"
local config <const> = require "cert.config"
local control <const> = require "cert.control"
local device <const> = require "cert.device"
local downlink <const> = require "cert.downlink"
local expectation <const> = require "cert.expectation"
local fleet <const> = require "cert.fleet"
local line <const> = require "cert.line"
local measurement <const> = require "cert.measurement"
local options <const> = require "cert.options"
local point <const> = require "cert.point"
local probe <const> = require "cert.probe"
local refusal <const> = require "cert.refusal"
local samples <const> = require "cert.samples"
local schema <const> = require "cert.schema"
local stations <const> = require "cert.stations"

local runner <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

local T <const> = {}
T.__index = T

--- t:require(subject, value [, why]) -> demand: like t:expect, but the case ends when it is not met.
function T:require(subject, value, why)
  return expectation.new(of[self].event, true, subject, value, why)
end

--- t:expect(subject, value [, why]) -> demand on a value: :exists() :equals(x) :is_true() :within(lo, hi, unit)
--- :at_least(x) :at_most(x) :one_of{…} :is_empty(). Recorded; the case goes on. With `nil, why` the verdict is that
--- of `why`.
function T:expect(subject, value, why)
  return expectation.new(of[self].event, false, subject, value, why)
end

--- t:measure(name, value [, why]) -> :within(lo, hi, unit) | :against(limit) | :report(unit)
function T:measure(name, value, why)
  return measurement.new(of[self].event, name, value, why)
end

--- t:claim{ event =, trials =, allowed =, trial = } or { event =, good =, bad =, alpha =, beta =, trial = } ->
--- whether it holds
function T:claim(fields)
  return claim.run({ emit = of[self].event, step = of[self].step, statistics = of[self].statistics }, fields)
end

--- t:point{ series =, x =, x_unit =, bad =, trials = } books a measured point of the curve `series`, the proportion of
--- bad events at x with its 95 % interval (Clopper-Pearson), for a figure in the report; it carries no verdict. `event`
--- may say what is counted, `x_name` what x is. Points of equal series and x are added up over the run.
function T:point(fields)
  point.book(of[self].event, of[self].statistics, fields)
end

--- t:limit(name) -> { name, min, max, unit, source, mark } out of the device's limits file; unknown names are errors.
function T:limit(name)
  for _, limit in ipairs(of[self].limits) do
    if limit.name == name then return limit end
  end
  control.fault("NOTFOUND", "config", ("the limit %s is not in the limits file that the device names; add it there")
    :format(tostring(name)))
end

local AMOUNT <const> = {
  of = { type = "string" },
  full = { type = "integer", min = 1 },
  smoke = { type = "integer", min = 1 },
}

local LEVELS <const> = { basic = 1, substantial = 2, high = 3 }

--- t:tolerates(level) -> whether this run asks for less than that level ("substantial", "high"): its profile is a lower
--- one. A profile that is no level tolerates nothing.
function T:tolerates(level)
  local asked <const> = LEVELS[of[self].profile]
  if not LEVELS[level] then control.misuse("t:tolerates(%q): known are substantial, high", tostring(level)) end
  return asked ~= nil and asked < LEVELS[level]
end

--- t:shortcoming(text) -> why: what a lower level tolerates, a warning: for `t:expect(subject, nil, t:shortcoming
--- "…")`.
function T:shortcoming(text) -- luacheck: ignore 212
  return absence.new("warn", "device", "%s", text)
end

--- t:evidence{ name =, text =, media_type = } keeps a text beside the verdict, hashed.
function T:evidence(fields)
  if type(fields) ~= "table" or type(fields.name) ~= "string" or type(fields.text) ~= "string" then
    control.misuse("t:evidence{ name =, text =, media_type = }: name and text are texts")
  end
  if not fields.name:find "^[%w][%w._-]*$" then
    control.misuse("t:evidence: %q is no file name; use letters, digits, . _ -", fields.name)
  end
  of[self].evidence(fields.name, fields.media_type or "text/plain", fields.note or "", fields.text)
end

--- t:note(text) puts a remark into the record; it carries no verdict.
function T:note(text)
  of[self].event { type = "note", text = tostring(text) }
end

--- t:amount{ of =, full =, smoke = } -> how many to do: `full` is what the catalogue asks for, `smoke` what a run of
--- the profile smoke does instead; the record says so.
function T:amount(fields)
  local o <const> = options("t:amount", fields, AMOUNT)
  if of[self].profile ~= "smoke" then return o.full end
  self:note(("profile smoke: %d %s; all other profiles do the %d that the catalogue asks for"):format(o.smoke, o.of,
    o.full))
  return o.smoke
end

--- t:declares(feature) -> whether the device file declares it.
function T:declares(feature)
  if not case_fields.FEATURES[feature] then
    control.misuse("t:declares(%q): unknown feature; known are %s", tostring(feature), schema.names(
      case_fields.FEATURES))
  end
  return schema.set(self.device.features)[feature] == true
end

--- t:doubt(text) -> why: an absence that allows no decision, for `t:expect(subject, nil, t:doubt "…")`.
function T:doubt(text) -- luacheck: ignore 212
  return absence.bench("%s", text)
end

--- t:undeclared(text) -> why: what the device file would have to say, for `t:require(subject, nil, …)`.
function T:undeclared(text) -- luacheck: ignore 212
  return absence.new("error", "config", "%s", text)
end

--- t:misdeclared(text) -> why: the device file says of a unit what the unit does not bear out; no decision, and the
--- configuration is to blame.
function T:misdeclared(text) -- luacheck: ignore 212
  return absence.new("inconclusive", "config", "%s", text)
end

--- t:step(text) says on the terminal what the case is doing; not recorded.
function T:step(text)
  of[self].step(tostring(text))
end

--- t:random(n) -> integer 1 … n, t:random() -> number in [0, 1): from the run's seed, the case's id and its axes,
--- so a case draws the same whether it runs alone or among others.
function T:random(n)
  local u <const> = of[self].random()
  if n == nil then return u end
  if math.type(n) ~= "integer" or n < 1 then control.misuse("t:random(n): n is an integer of at least 1") end
  return math.floor(u * n) + 1
end

--- t:weak_key(messages) -> { found, family, candidates, tag_bits, false_alarm }: searches the dictionary of weak
--- keys for one that gives the tags of all these messages.
function T:weak_key(messages)
  local packets <const> = {}
  for i, message in ipairs(messages) do
    for _, frame in ipairs(message.frames) do
      packets[i] = frame.packet_hex
      if frame.rank == 1 then break end
    end
  end
  if #packets == 0 then control.misuse("t:weak_key: expected a list of messages of t:air:message") end
  return of[self].weak_key(packets)
end

--- t:exchange{ label =, payload =, tag_flip_hex =, at = } -> what became of one request; see cert/downlink.lua.
function T:exchange(given)
  return downlink.exchange(self, of[self], given)
end

--- t:unasked{ label =, payload =, counter =, f_hz =, from_s =, every_s =, count = } -> finish, which gives what the
--- device did; see cert/downlink.lua.
function T:unasked(given)
  return downlink.unasked(self, of[self], given)
end

--- t:refuses{ event =, payload =, stimuli = } -> whether none had an effect, with positive twins. See
--- cert/refusal.lua.
function T:refuses(given)
  return refusal.block(self, of[self], given)
end

--- t:has_line(name) -> whether the bench switches the device's "power" or "reset".
function T:has_line(name)
  if name ~= "power" and name ~= "reset" then
    control.misuse("t:has_line(%q): known are power, reset", tostring(name))
  end
  return config.switch(of[self].bench, name) ~= nil
end

--- t:weaker_db() -> by how much downlinks can be weaker than the bench's; see cert/downlink.lua.
function T:weaker_db()
  return downlink.weaker_db(self, of[self])
end

--- t:can_sign(key) -> whether the bench can sign downlinks under this key; see t:exchange.
function T:can_sign(key)
  return downlink.can_sign(self, of[self], key)
end

local function watched_traffic(events)
  local traffic <const> = { requests = {}, uplinks = {}, gaps = {}, events = events, ended_by = nil }
  local kinds <const> = { request = traffic.requests, uplink = traffic.uplinks, gap = traffic.gaps }
  for _, event in ipairs(events) do
    local list <const> = kinds[event.type]
    if list then list[#list + 1] = event end
    local ends <const> = event.type == "fault" or event.fatal and event.verdict ~= "pass"
    if ends and not traffic.ended_by then traffic.ended_by = event.blame end
  end
  return traffic
end

--- The `t` of a case. `watched` is a list of events for a passive case, else nil.
function runner.context(core, case, axes, watched)
  -- What a page does with its copy of the device changes nothing for the bench.
  local t <const> = setmetatable({ id = case.id, each = axes, device = schema.copy(core.device) }, T)
  of[t] = core
  if watched then
    t.watched = watched_traffic(watched)
  else
    t.air = air.new(core)
    t.dut = device.new(core, core.device, core.dialect, t.air)
    t.probe = probe.new(core)
    t.samples = samples.new(core, t.dut)
  end
  t.net = core.net
  t.stations = stations.new(core)
  return t
end

-- A passive case judges what others saw. Too little of it proves nothing; to blame is what ended the watched case.
local function check_minimum(t, case)
  local least <const> = case.minimum and case.minimum.uplinks or 1
  local seen <const> = #t.watched.uplinks
  local enough <const> = seen >= least
  of[t].event {
    type = "expect",
    subject = "frames that the watched cases received",
    demand = "at least",
    expected = ("at least %d"):format(least),
    actual = tostring(seen),
    verdict = enough and "pass" or "inconclusive",
    blame = enough and "none" or #t.watched.gaps > 0 and "bench" or t.watched.ended_by or "device",
    fatal = not enough,
  }
  if not enough then control.stop "too few frames to judge" end
end

-- The lab-enable line, where the bench has one: it frees the device of what protects it in the field, such as its
-- budget of messages. Cases that judge the device as it is in the field leave it low.
local function set_lab_enable(t, case)
  local wired <const> = t.dut:lab_enable(case.lab_enable)
  if wired and case.lab_enable then t:note "the device's lab-enable line is high" end
end

-- Every active case begins with a device that has just been switched on and answers, so that no case depends on
-- another. Radios are opened and closed while it is off: it must not say anything that nobody hears.
local function prepare(t, case)
  t:step "bringing the device into a known state"
  local core <const> = of[t]
  local radios <const>, monitors <const> = config.further_radios(case.needs, core.bench)
  set_lab_enable(t, case)
  core.dut:supply_low(false)
  local powered <const> = config.switch(core.bench, "power")
  if core.stations:using(radios, monitors) then
    if powered then
      t:require("the device after a power cycle", t.dut:power_off { for_s = 1 }):exists()
    else
      t:require("the device at the beginning", t.dut:is_ready()):exists()
    end
  elseif powered then
    t:require("the device without power", t.dut:power_off()):exists()
    core.stations:use(radios, monitors)
    t:require("the device after a power cycle", t.dut:power_on()):exists()
  else
    core.stations:use(radios, monitors)
    t:require("the device at the beginning", t.dut:is_ready()):exists()
  end
  t.air:begin()
end

-- The demands of the runner are not the case's: a case that demands nothing has shown nothing.
local function demand_missing(core)
  core.event {
    type = "expect", subject = "demands of the case", demand = "at least", expected = "at least 1", actual = "0",
    verdict = "inconclusive", blame = "suite", fatal = true,
  }
end

-- Counts the events that carry a verdict.
local function counting(core)
  local made, counted <const> = 0, setmetatable({}, { __index = core })
  function counted.event(event)
    if event.verdict then made = made + 1 end
    core.event(event)
  end
  function counted.made() return made end
  return counted
end

-- A device that floods, splits or garbles its line may have been heard to answer, or not to, by accident.
local function check_line(t)
  local doubt <const> = device.doubt(t.dut)
  if doubt then t:expect("the device's serial line", nil, line.inconclusive("%s", doubt)):exists() end
end

local function body(core, case, axes, watched)
  local missing <const> = config.missing_instrument(case.needs, core.bench)
    or fleet.missing(case.needs, core.device, core.bench)
  if missing then control.fault("UNSUPPORTED", "config", missing) end
  local t <const> = runner.context(core, case, axes, case.watches and (watched or {}) or nil)
  if case.watches then check_minimum(t, case) else prepare(t, case) end
  local made <const> = core.made()
  case.run(t)
  if not case.watches then check_line(t) end
  if core.made() == made then demand_missing(core) end
end

-- What a case raised, as text; never an address, which no two runs share.
local function text_of(e)
  local meta <const> = type(e) == "table" and getmetatable(e)
  if type(e) == "string" or meta and meta.__tostring then return tostring(e) end
  return ("the case raised an error that is a %s and no text"):format(type(e))
end

--- Runs one attempt; every outcome becomes an event. Gives back the fault that the C side raised, or nil.
function runner.run(core, case, axes, watched)
  control.begin()
  local ok <const>, last <const> = xpcall(body, function(e)
    if control.is_stop(e) or control.is_fault(e) then return e end
    return text_of(e)
  end, counting(core), case, axes, watched)
  -- A fault stays one, whatever the case did with it.
  local e <const> = control.is_fault(control.ending()) and control.ending() or not ok and last
  if not e or control.is_stop(e) then return nil end
  if control.is_fault(e) then
    core.fault(e.code, e.blame, e.text)
    return e
  end
  core.fault("INVALID", "suite", e)
  return nil
end

return runner
