-- What a run amounts to for machines: the same case means the same in OSCAL, in-toto and SARIF. Nothing but a verdict
-- that the device earned counts in its favour.
-- luacheck: read_globals include
local decision <const> = include "decision.lua"

local outcome <const> = {}

local NOT_SHOWN <const> = { [0x85] = true, [0xa0] = true, [0x1680] = true, [0x3000] = true, [0xfeff] = true }

local function is_blank(code)
  return code <= 0x20 or code >= 0x7f and code < 0xa0 or NOT_SHOWN[code] or code >= 0x2000 and code <= 0x200f
    or code >= 0x2028 and code <= 0x202f or code >= 0x205f and code <= 0x206f
end

--- Any value as one line without control characters, as formats want it that have no others; `otherwise` for none.
function outcome.line(value, otherwise)
  local s <const> = value == nil and "" or tostring(value)
  local out <const>, gap = {}, false
  if not utf8.len(s) then return (s:gsub("[^\33-\126]+", " "):match "^ ?(.-) ?$") end
  for _, code in utf8.codes(s) do
    if is_blank(code) then
      gap = #out > 0
    else
      if gap then out[#out + 1] = " " end
      out[#out + 1], gap = utf8.char(code), false
    end
  end
  return #out > 0 and table.concat(out) or otherwise or "-"
end

--- The certification decision, as the report has it.
function outcome.decide(m)
  return decision.decide {
    profile = m.run.profile, ended = m["end"] ~= nil, faults = m.run.faults, chaos = m.run.chaos,
    substitutes = m.run.substitutes, features = (m.plan.device or {}).features, cases = m.cases,
    catalogue = m.mappings.catalogue,
  }
end

--- Whether the level that the run is judged at demands this test.
function outcome.is_mandatory(m, id)
  local level <const> = decision.level_of(m.run.profile)
  for _, test in ipairs(m.mappings.catalogue) do
    if test.id == id then return decision.demands(level, test, (m.plan.device or {}).features) end
  end
  return false
end

--- Whether verdicts of this run may speak for a device at all: of a bench with replaced parts nobody knows.
function outcome.is_honest(m)
  return #(m.run.substitutes or {}) == 0
end

--- "ID" or "ID/axes".
function outcome.name(case)
  return case.axes == "_" and case.id or case.id .. "/" .. case.axes
end

-- Who was to blame, where somebody was.
function outcome.why(case)
  local why <const> = outcome.line(case.reason, "no reason was given")
  if case.blame == "none" or case.blame == nil or case.blame == "" then return why end
  return why .. " (blame: " .. outcome.line(case.blame) .. ")"
end

--- The folder of an attempt, from the run directory.
function outcome.folder(case, attempt)
  return ("cases/%s/%s/attempt-%d"):format(case.id, case.axes, attempt.attempt)
end

local SPEAKS <const> = { pass = "satisfied", fail = "fail", warn = "warn", inconclusive = "inconclusive" }

--- What a run's cases say of one control: { state, reason, cases }. state is "satisfied", "not-satisfied" or nil: then
--- nobody can say. One case without an answer is enough for that, and a single fail for "not-satisfied".
function outcome.control(cases, honest)
  local found <const>, silent = {}, nil
  for _, case in ipairs(cases) do
    local word <const> = case.state == "attempted" and SPEAKS[case.verdict]
    if word then
      found[word] = found[word] or case
    elseif case.verdict ~= "na" and case.verdict ~= "info" then
      silent = silent or case
    end
  end
  for _, word in ipairs { "fail", "warn", "inconclusive" } do
    if found[word] then
      return { state = "not-satisfied", reason = word == "fail" and "fail" or "other", case = found[word] }
    end
  end
  if silent then return { case = silent } end
  if found.satisfied and honest then return { state = "satisfied", reason = "pass", case = found.satisfied } end
  return { case = cases[1] }
end

return outcome
