-- A measured value with its unit and its limits: one `measure` event.
local absence <const> = require "cert.absence"
local control <const> = require "cert.control"

local Measurement <const> = {}
Measurement.__index = Measurement

local measurement <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

-- Expanded by this factor, an uncertainty covers 95 %.
local K <const> = 2

--- `value` is a number, or a quantity of t.air:measure, whose uncertainty guards the limits then. `why` says why the
--- value is missing. A measurement that is never compared records nothing.
function measurement.new(emit, name, value, why)
  local u
  if type(value) == "table" and value.unit and (value.value or value.void) then
    u = value.u
    if value.value == nil then why = why or absence.bench("%s", value.void) end
    value = value.value
  end
  if type(name) ~= "string" then control.misuse("t:measure: the first argument is what is measured, a text") end
  if value ~= nil and (type(value) ~= "number" or value ~= value) then
    control.misuse("t:measure(%q): expected a number, got %s", name, tostring(value))
  end
  local made <const> = setmetatable({ name = name, value = value, u = u, why = why }, Measurement)
  of[made] = emit
  return made
end

-- "pass", "fail", or between, within the guard band on either side of a limit, "inconclusive".
local function within(self, low, high)
  local guard <const> = K * (self.u or 0)
  if self.value == nil then return false end
  if self.value >= low + guard and self.value <= high - guard then return true end
  if self.value < low - guard or self.value > high + guard then return false end
  return false, true
end

-- A value that its own uncertainty keeps from being told on which side of the limit it lies.
local function doubt(self, event)
  event.verdict, event.blame = "inconclusive", "bench"
  event.reason = ("%s is %.6g %s, closer to the limit (%s) than it is known, to +- %.2g"):format(self.name, self.value,
    event.unit, event.limit, K * self.u)
end

local function book(self, event, holds, close)
  event.type = "measure"
  event.name = self.name
  event.value = self.value
  event.verdict = holds and "pass" or "fail"
  event.blame = holds and "none" or "device"
  if self.u then event.U, event.k, event.guard = K * self.u, K, event.limit and K * self.u end
  if close then
    doubt(self, event)
  elseif self.value == nil then
    event.verdict = "inconclusive"
    event.blame = self.why and self.why.blame or "bench"
    event.reason = self.why and tostring(self.why) or "no value"
  elseif not holds then
    event.reason = ("%s is %.6g %s, allowed is %s"):format(self.name, self.value, event.unit, event.limit)
  end
  of[self](event)
  return self.value, holds
end

--- :within(lo, hi, unit)
function Measurement:within(lo, hi, unit)
  if type(lo) ~= "number" or type(hi) ~= "number" or type(unit) ~= "string" then
    control.misuse("t:measure(%q):within(lo, hi, unit): two numbers and a unit", self.name)
  end
  return book(self, { unit = unit, limit = ("%.6g … %.6g"):format(lo, hi), limit_source = "the case", mark = "C" },
    within(self, lo, hi))
end

--- :against(limit): a limit of t:limit. One without a value only reports. A value with an uncertainty passes where it
--- holds the limit by that (expanded to 95 %), fails where it misses it by that, and is inconclusive between.
function Measurement:against(limit)
  if type(limit) ~= "table" or not limit.name then
    control.misuse("t:measure(%q):against(limit): expected what t:limit gave", self.name)
  end
  local event <const> = {
    unit = limit.unit, limit_name = limit.name, limit_source = limit.source, mark = limit.mark,
  }
  if limit.max == nil and limit.min == nil then
    event.limit = "report only"
    event.type = "measure"
    event.name, event.value = self.name, self.value
    event.verdict, event.blame = "info", "none"
    if self.u then event.U, event.k = K * self.u, K end
    of[self](event)
    return self.value, true
  end
  local low <const>, high <const> = limit.min or -math.huge, limit.max or math.huge
  event.limit = limit.max == nil and (">= %.6g"):format(low) or limit.min == nil and ("<= %.6g"):format(high)
    or ("%.6g … %.6g"):format(low, high)
  return book(self, event, within(self, low, high))
end

--- :report(unit [, { source =, mark = }]): recorded without a limit; the verdict is info. `source` says where the
--- value comes from, when it was not measured.
function Measurement:report(unit, origin)
  if type(unit) ~= "string" then control.misuse("t:measure(%q):report(unit): the unit is a text", self.name) end
  of[self] {
    type = "measure", name = self.name, value = self.value, unit = unit, limit = "report only",
    limit_source = origin and origin.source or "the case", mark = origin and origin.mark or "C", verdict = "info",
    blame = "none", U = self.u and K * self.u, k = self.u and K,
  }
  return self.value, true
end

return measurement
