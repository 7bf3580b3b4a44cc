-- A measured value with its unit and its limits: one `measure` event.
local control <const> = require "cert.control"

local Measurement <const> = {}
Measurement.__index = Measurement

local measurement <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

--- `why` says why the value is missing. A measurement that is never compared records nothing.
function measurement.new(emit, name, value, why)
  if type(name) ~= "string" then control.misuse("t:measure: the first argument is what is measured, a text") end
  if value ~= nil and (type(value) ~= "number" or value ~= value) then
    control.misuse("t:measure(%q): expected a number, got %s", name, tostring(value))
  end
  local made <const> = setmetatable({ name = name, value = value, why = why }, Measurement)
  of[made] = emit
  return made
end

local function book(self, event, holds)
  event.type = "measure"
  event.name = self.name
  event.value = self.value
  event.verdict = holds and "pass" or "fail"
  event.blame = holds and "none" or "device"
  if self.value == nil then
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
  local holds <const> = self.value ~= nil and self.value >= lo and self.value <= hi
  return book(self, { unit = unit, limit = ("%.6g … %.6g"):format(lo, hi), limit_source = "the case", mark = "C" },
    holds)
end

--- :against(limit): a limit of t:limit. One without a value only reports.
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
    of[self](event)
    return self.value, true
  end
  local low <const>, high <const> = limit.min or -math.huge, limit.max or math.huge
  event.limit = limit.max == nil and (">= %.6g"):format(low) or limit.min == nil and ("<= %.6g"):format(high)
    or ("%.6g … %.6g"):format(low, high)
  return book(self, event, self.value ~= nil and self.value >= low and self.value <= high)
end

--- :report(unit [, { source =, mark = }]): recorded without a limit; the verdict is info. `source` says where the
--- value comes from, when it was not measured.
function Measurement:report(unit, origin)
  if type(unit) ~= "string" then control.misuse("t:measure(%q):report(unit): the unit is a text", self.name) end
  of[self] {
    type = "measure", name = self.name, value = self.value, unit = unit, limit = "report only",
    limit_source = origin and origin.source or "the case", mark = origin and origin.mark or "C", verdict = "info",
    blame = "none",
  }
  return self.value, true
end

return measurement
