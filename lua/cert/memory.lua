-- What the device keeps in the flash chip beside its processor, read while it runs: whether refused downlinks leave
-- anything there. The bytes stay on the C side (lua/bind/bind_image.c); here are places, digests, and payloads that the
-- bench itself sent.
local absence <const> = require "cert.absence"
local schema <const> = require "cert.schema"

local Memory <const> = {}
Memory.__index = Memory

local memory <const> = {}

local PLACES_TOLD <const> = 3

-- Why the chip cannot be read, or the chip.
local function chip_of(t, core)
  if not t:declares "EXTMEM" then return nil, "the device declares no memory outside its processor (EXTMEM)" end
  local ftdi <const> = core.bench.ftdi
  if not (ftdi and schema.set(ftdi.wired).spi) then
    return nil, "the device's flash is not wired to the bench; where it can be, add wired = { \"spi\" } to ftdi"
  end
  return core.probe:flash_identify()
end

--- What the device keeps, or nil where it cannot be read: a note says why.
function memory.open(t, core)
  local chip <const>, why <const> = chip_of(t, core)
  if not chip then
    t:note("what refused downlinks leave in memory was not looked at: " .. why)
    return nil
  end
  return setmetatable({ t = t, core = core, unit = core.bench.ftdi.unit, size = chip.size, sent = {} }, Memory)
end

-- What changed, in words.
local function told(places, n, bytes)
  local list <const> = {}
  for i = 1, math.min(#places, PLACES_TOLD) do
    list[i] = ("0x%06x"):format(places[i].from)
    if places[i].len > 1 then list[i] = ("%s to 0x%06x"):format(list[i], places[i].from + places[i].len - 1) end
  end
  if n > #list then list[#list + 1] = ("%d more places"):format(n - #list) end
  return ("%d byte%s of the flash changed, at %s"):format(bytes, bytes == 1 and "" or "s", table.concat(list, ", "))
end

-- Where bytes of a payload that was refused lie, in words, or nil.
function Memory:place_of(image, genuine)
  for _, payload in ipairs(self.sent) do
    local hit <const> = image:find(self.image, payload, genuine)
    if hit then
      local run <const> = payload:sub(hit.first, hit.first + 5)
      return ("the flash holds bytes %d to %d of a refused payload (%s) from 0x%06x on, %s"):format(hit.first,
        hit.first + 5, run:gsub(".", function(c) return ("%02x"):format(c:byte()) end), hit.offset, hit.form)
    end
  end
end

--- Reads the flash; `genuine` is the payload of downlinks that the device may have taken. What it holds of a payload
--- that was sent since the look before (a text; sure), or where it changed since (a text; not sure), or nil.
function Memory:look(when, genuine)
  if self.lost then return nil end
  local t <const>, before <const> = self.t, self.image
  local image <const>, why <const> = self.core.probe:flash_image(self.size, before)
  if not image then
    self.lost = true
    t:note(("the flash %s could not be read, so what refused downlinks leave there is not known: %s"):format(when, why))
    return nil
  end
  local places, n, bytes = {}, 0, 0
  if before then places, n, bytes = image:changes(before) end
  local trace <const> = n > 0 and self:place_of(image, genuine or "") or nil
  self.core.event {
    type = "memory", unit = self.unit, size = self.size, sha256 = image:sha256(), moment = when,
    changed = before and bytes or nil, trace = trace,
  }
  self.image, self.sent = image, {}
  if trace then return trace, true end
  return n > 0 and told(places, n, bytes) or nil, false
end

--- The look behind a request that nobody answered: whether the flash changed, which is nobody's doing but the device's.
--- From then on changes say nothing; payloads still do.
function Memory:look_alone()
  local changed <const> = self:look "after a request that nobody answers"
  if not changed then return false end
  self.restless = true
  self.t:note(changed .. " behind a request that nobody answered, so that it changes behind a refused downlink says"
    .. " nothing; its payload there would")
  return true
end

-- The payload of a frame, as the device reads it.
local function clear_of(frame, otherwise)
  local payload <const>, flip <const> = frame.payload or otherwise, frame.payload_flip_hex
  if not flip then return payload end
  local bytes <const> = {}
  for i = 1, #payload do bytes[i] = string.char(payload:byte(i) ~ tonumber(flip:sub(2 * i - 1, 2 * i), 16)) end
  return table.concat(bytes)
end

-- The look behind the frames of a stimulus.
function Memory:look_after(stimulus, genuine)
  for _, frame in ipairs(stimulus.at) do self.sent[#self.sent + 1] = clear_of(frame, genuine) end
  return self:look("after: " .. stimulus.name, genuine)
end

-- A device may write into its flash whenever it likes. One that does so behind two refused stimuli in a row, and not
-- behind the unanswered requests before and after, does it because of them.
function Memory:confirm(stimulus, genuine, ways, effect)
  local t <const> = self.t
  t:note(("%s: %s; twice more, between requests that nobody answers"):format(stimulus.name, effect))
  ways.silent()
  if self:look_alone() then return nil end
  for _, one in ipairs(ways.stimuli) do
    local sent <const>, other <const>, other_sure <const> = ways.again(one)
    if other or not sent then return other, other_sure end
    local again <const>, sure <const> = self:look_after(one, genuine)
    if sure then return again, true end
    if not again then
      t:require(one.name .. ", sent once more", nil, absence.bench("%s the first time, and not when it was sent"
        .. " again: the device may have written for another reason, or does so only once; repeat the case with another"
        .. " device of its make", effect)):exists()
    end
  end
  ways.silent()
  if self:look_alone() then return nil end
  local trace <const> = effect .. ", as behind two more, and behind no request that nobody answered"
  self.core.event {
    type = "memory", unit = self.unit, size = self.size, sha256 = self.image:sha256(), moment = "seen again",
    changed = 0, trace = trace,
  }
  return trace, true
end

--- What the refused downlinks of a stimulus left in the flash, in words, or nil; `genuine` is the payload of downlinks
--- that the device may have taken. Where only a change shows it, it must come again: ways.silent() makes a request that
--- nobody answers; ways.again(one) sends one of ways.stimuli, says whether it could, and what else that did and whether
--- for sure. The second value is whether the trace is beyond doubt.
function Memory:trace_of(stimulus, genuine, ways)
  local changed <const>, sure <const> = self:look_after(stimulus, genuine)
  if not changed or sure then return changed, sure end
  if self.restless then return nil end
  return self:confirm(stimulus, genuine, ways, changed)
end

return memory
