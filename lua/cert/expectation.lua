-- A demand on one subject. t:require("the message", m):exists() reads as a sentence, and becomes one `expect` event.
local absence <const> = require "cert.absence"
local control <const> = require "cert.control"

local Expectation <const> = {}
Expectation.__index = Expectation

local expectation <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

local SHOWN_MAX <const> = 200

local function show(value)
  if type(value) == "string" then
    if value:find "[^\x20-\x7e]" then
      value = value:gsub(".", function(c) return ("%02x"):format(c:byte()) end) .. " (hex)"
    end
  elseif type(value) == "table" and value.summary then
    value = value.summary
  elseif math.type(value) == "float" then
    value = ("%.6g"):format(value)
  elseif type(value) == "table" and not getmetatable(value) then
    local parts <const> = {}
    for i, item in ipairs(value) do parts[i] = show(item) end
    value = #parts > 0 and table.concat(parts, ", ") or "none"
  else
    value = tostring(value)
  end
  if #value > SHOWN_MAX then value = value:sub(1, SHOWN_MAX) .. "…" end
  return value
end

expectation.show = show

--- `emit` takes the event; `fatal` demands stop the case; `value` is what came, or nil and `why`.
function expectation.new(emit, fatal, subject, value, why)
  if type(subject) ~= "string" or subject == "" then
    control.misuse("t:%s: the first argument is the subject of the sentence, a text; got %s",
      fatal and "require" or "expect", type(subject))
  end
  local made <const> = setmetatable({ fatal = fatal, subject = subject, value = value, why = why }, Expectation)
  of[made] = emit
  return made
end

local function verdict_of(self, holds)
  if holds then return "pass", "none" end
  if self.value == nil and absence.is(self.why) then return self.why.verdict, self.why.blame end
  return "fail", "device"
end

local function decide(self, demand, expected, holds)
  local verdict <const>, blame <const> = verdict_of(self, holds)
  local actual = show(self.value)
  if self.value == nil then actual = self.why and tostring(self.why) or "nothing" end
  of[self] {
    type = "expect",
    subject = self.subject,
    demand = demand,
    expected = expected,
    actual = actual,
    verdict = verdict,
    blame = blame,
    fatal = self.fatal,
  }
  if self.fatal and not holds then
    control.stop(("%s: expected %s, got %s"):format(self.subject, expected, actual))
  end
  return self.value, holds
end

local function number(self, method)
  if self.value ~= nil and type(self.value) ~= "number" then
    control.misuse("%s:%s(): a number is compared, got %s", self.subject, method, type(self.value))
  end
  return self.value
end

--- :exists() demands that something came. Every method gives back the value and whether the demand was met.
function Expectation:exists()
  return decide(self, "exists", "it to come", self.value ~= nil and self.value ~= false)
end

--- :equals(x): the same number, text or boolean.
function Expectation:equals(wanted)
  if wanted == nil then control.misuse("%s:equals(nil): nothing to compare with", self.subject) end
  return decide(self, "equals", show(wanted), self.value == wanted)
end

--- :is_true()
function Expectation:is_true()
  return decide(self, "is true", "true", self.value == true)
end

--- :within(lo, hi [, unit]): lo <= value <= hi.
function Expectation:within(lo, hi, unit)
  if type(lo) ~= "number" or type(hi) ~= "number" or lo > hi then
    control.misuse("%s:within(lo, hi, unit): expected two numbers in order, got %s and %s", self.subject,
      tostring(lo), tostring(hi))
  end
  local value <const> = number(self, "within")
  return decide(self, "within", ("%s … %s%s"):format(show(lo), show(hi), unit and " " .. unit or ""),
    value ~= nil and value >= lo and value <= hi)
end

--- :at_least(x [, unit])
function Expectation:at_least(lo, unit)
  local value <const> = number(self, "at_least")
  return decide(self, "at least", ("at least %s%s"):format(show(lo), unit and " " .. unit or ""),
    value ~= nil and value >= lo)
end

--- :at_most(x [, unit])
function Expectation:at_most(hi, unit)
  local value <const> = number(self, "at_most")
  return decide(self, "at most", ("at most %s%s"):format(show(hi), unit and " " .. unit or ""),
    value ~= nil and value <= hi)
end

--- :one_of{ a, b, … }
function Expectation:one_of(list)
  if type(list) ~= "table" or #list == 0 then
    control.misuse("%s:one_of{…}: expected a list of allowed values", self.subject)
  end
  local found = false
  for _, item in ipairs(list) do found = found or item == self.value end
  return decide(self, "one of", "one of " .. show(list), found)
end

--- :is_empty(): a list of findings that has to be empty; what it holds is shown.
function Expectation:is_empty()
  if self.value ~= nil and type(self.value) ~= "table" then
    control.misuse("%s:is_empty(): expected a list, got %s", self.subject, type(self.value))
  end
  return decide(self, "is empty", "none", self.value ~= nil and #self.value == 0)
end

return expectation
