-- Outputs of the device that are wired to pins of the adapter: whether refused downlinks move them. Levels are compared
-- between exchanges, with one question to the adapter; what moves and comes back within one is not seen.
local absence <const> = require "cert.absence"

local Pins <const> = {}
Pins.__index = Pins

local pins <const> = {}

local PAUSES_S <const> = { 0.31, 0.47, 0.73, 1.13 } -- in which something that blinks shows
local AGAIN <const> = 2

local function mask_of(name)
  return 1 << (name:sub(2, 2) == "C" and 8 or 0) + tonumber(name:sub(3))
end

--- The watched pins, or nil where the bench has none.
function pins.open(t, core)
  local ftdi <const> = core.bench.ftdi
  if not ftdi or #(ftdi.watch or {}) == 0 then return nil end
  local watched = 0
  for _, name in ipairs(ftdi.watch) do watched = watched | mask_of(name) end
  return setmetatable({
    t = t, core = core, unit = ftdi.unit, names = ftdi.watch, watched = watched, restless = 0,
  }, Pins)
end

function Pins:record(moment, trace)
  if self.levels == self.recorded and not trace then return end
  self.recorded = self.levels
  local list <const> = {}
  for i, name in ipairs(self.names) do list[i] = name .. (self.levels & mask_of(name) == 0 and "=0" or "=1") end
  self.core.event { type = "pins", unit = self.unit, moment = moment, levels = table.concat(list, " "), trace = trace }
end

-- Which pins moved since the last look, as bits, and are not known to move by themselves.
function Pins:look(moment)
  local last <const> = self.levels
  self.levels = self.core.probe:levels() & self.watched
  self:record(moment)
  return (self.levels ~ (last or self.levels)) & ~self.restless
end

--- The levels as they are now: what moved before is no refused downlink's doing.
function Pins:remember(moment)
  self:look(moment)
end

local function names_of(self, changed, format)
  local list <const> = {}
  for _, name in ipairs(self.names) do
    local bit <const> = mask_of(name)
    if changed & bit ~= 0 then list[#list + 1] = format(name, self.levels & bit ~= 0) end
  end
  return table.concat(list, ", ")
end

--- The look behind a request that nobody answered, some seconds long: what moves there says nothing from then on.
function Pins:look_alone()
  local moment <const> = "after a request that nobody answers"
  local changed = self:look(moment)
  for _, pause_s in ipairs(PAUSES_S) do
    self.core.air:wait(pause_s)
    changed = changed | self:look(moment)
  end
  if changed == 0 then return end
  self.restless = self.restless | changed
  self.t:note(names_of(self, changed, function(name) return name end) .. " moved though nobody had answered: that it"
    .. " moves behind a refused downlink says nothing")
end

-- Does something after which the pins may be as they were, until they are. Gives back what that was; a device that
-- turns a pin over each time needs none of it.
function Pins:way_back(before, changed, ways)
  for _, way in ipairs { ways.silent, ways.twin, ways.restart or false } do
    if way then
      way()
      self:remember "on the way back"
      if (self.levels ~ before) & changed == 0 then return way end
    end
  end
  return function() end
end

-- A device may move its outputs whenever it likes. One that does so behind each of three refused stimuli, and not
-- behind a request in their place that nobody answers, does it because of them. That request comes at another distance
-- than they do, so that what moves with every so many messages is not taken for an answer.
function Pins:confirm(stimulus, before, changed, ways)
  local t <const> = self.t
  local effect <const> = names_of(self, changed, function(name, is_high)
    return name .. (is_high and " went high" or " went low")
  end)
  t:note(("%s: %s; twice more, and once with nobody answering"):format(stimulus.name, effect))
  local back <const> = self:way_back(before, changed, ways)
  ways.silent()
  self:look_alone()
  for _ = 1, AGAIN do
    changed = changed & ~self.restless
    if changed == 0 then return nil end
    back()
    local sent <const>, other <const>, other_sure <const> = ways.again()
    if other then return other, other_sure end
    local moved <const> = sent and changed & self:look("after: " .. stimulus.name) or 0
    if moved == 0 then
      t:require(stimulus.name .. ", sent once more", nil, absence.bench("%s the first time, and not when it was sent"
        .. " again: the device may have moved it for another reason, or does so only once; repeat the case with"
        .. " another device of its make", effect)):exists()
    end
    changed = moved
  end
  local trace <const> = effect .. ", each of three times, and not behind a request that nobody answered"
  self:record("seen again", trace)
  return trace, true
end

--- Whether the refused downlinks of a stimulus moved a pin since it was remembered, in words, or nil. They must move it
--- again, from where it was: ways.silent() makes a request that nobody answers, ways.twin() sends a genuine downlink,
--- ways.restart() restarts the device (nil where it cannot); ways.again() remembers the levels and sends the stimulus,
--- says whether it could, and what else that did and whether for sure. The second value is whether the trace is beyond
--- doubt.
function Pins:trace_of(stimulus, ways)
  local before <const> = self.levels
  local changed <const> = self:look("after: " .. stimulus.name)
  if changed == 0 then return nil end
  return self:confirm(stimulus, before, changed, ways)
end

return pins
