-- The certification decision as a table, what became of a claim, and the data that both rest on against the sizes that
-- the catalogue prints.
package.path = (arg[1] or ".") .. "/lua/tests/?.lua;" .. package.path
local h <const> = require "harness"
local root <const> = arg[1] or "."
local decision <const> = dofile(root .. "/reports/templates/decision.lua")

local function data(name)
  local env <const> = { syntax = function(version) h.equal(version, 1, "syntax") end }
  return assert(loadfile(root .. "/reports/mappings/" .. name, "t", env))()
end

-- A template as the report loads it.
local function template(name)
  local env <const> = setmetatable({}, { __index = _G })
  env.include = template
  return assert(loadfile(root .. "/reports/templates/" .. name, "t", env))()
end

local assess <const> = template("claims.lua").assess
local catalogue <const> = data "catalogue.lua"
local claims <const> = data "claims.lua"

local function size(level, features)
  local n, grave = 0, 0
  for _, test in ipairs(catalogue) do
    if decision.demands(level, test, features) then
      n = n + 1
      if test.severity == "critical" or test.severity == "high" then grave = grave + 1 end
    end
  end
  return { n, grave }
end

-- Section D.3 of the catalogue: mandatory tests, and how many of them are critical or high.
h.test("the sets have the sizes of the catalogue", function()
  h.equal(#catalogue, 119, "tests")
  h.equal(size("basic", {}), { 67, 48 }, "basic")
  h.equal(size("substantial", {}), { 102, 73 }, "substantial")
  h.equal(size("high", {}), { 119, 77 }, "high")
  h.equal(size("rail", {}), { 102, 66 }, "rail")
  h.equal(size("meter", {}), { 111, 75 }, "meter")
  h.equal(size("alarm", {}), { 112, 76 }, "alarm")
  h.equal(size("rail", { "ENC" }), { 112, 75 }, "rail with encryption")
end)

h.test("what cannot be waived", function()
  local n <const> = { all = 0, meter = 0, alarm = 0, rail = 0 }
  for _, test in ipairs(catalogue) do
    for _, whom in ipairs(test.binding or {}) do n[whom] = n[whom] + 1 end
  end
  h.equal(n, { all = 18, meter = 6, alarm = 3, rail = 2 }, "binding")
end)

-- A run of everything that a level demands, all passed; `change` maps case ids to verdicts.
local function run_of(level, change, more)
  local cases <const> = {}
  for _, test in ipairs(catalogue) do
    if decision.demands(level, test, {}) and change[test.id] ~= "left out" then
      cases[#cases + 1] = { id = test.id, axes = "_", severity = test.severity, verdict = change[test.id] or "pass" }
    end
  end
  local run <const> = { profile = level, ended = true, cases = cases, catalogue = catalogue, features = {} }
  for key, value in pairs(more or {}) do run[key] = value end
  return run
end

local function kinds(result)
  local list <const> = {}
  for i, reason in ipairs(result.reasons) do
    list[i] = reason.case and reason.kind .. " " .. reason.case.id or reason.kind
  end
  return table.concat(list, ", ")
end

-- AUTH-UL-001 is critical and binding, AUTH-UL-004 medium, AUTH-UL-002 high and not binding.
local TABLE <const> = {
  { "all passed", "basic", {}, "granted", "" },
  { "does not apply, with a reason", "basic", { ["AUTH-DL-001"] = "na", ["AUTH-UL-002"] = "info" }, "granted", "" },
  { "a risk accepted", "basic", { ["AUTH-UL-002"] = "waived" }, "granted", "" },
  { "a risk that nobody may accept", "basic", { ["AUTH-UL-001"] = "waived" }, "refused", "waived AUTH-UL-001" },
  { "a critical fail", "basic", { ["AUTH-UL-001"] = "fail" }, "refused", "fail AUTH-UL-001" },
  { "a high fail", "basic", { ["AUTH-UL-002"] = "fail" }, "refused", "fail AUTH-UL-002" },
  { "a medium fail", "basic", { ["AUTH-UL-004"] = "fail" }, "not granted yet", "lesser fail AUTH-UL-004" },
  { "a fail outweighs what is open", "basic", { ["AUTH-UL-001"] = "inconclusive", ["AUTH-UL-002"] = "fail" },
    "refused", "fail AUTH-UL-002, undecided AUTH-UL-001" },
  { "inconclusive", "basic", { ["AUTH-UL-001"] = "inconclusive" }, "not granted yet", "undecided AUTH-UL-001" },
  { "a broken bench fails nobody", "basic", { ["AUTH-UL-001"] = "error" }, "not granted yet",
    "undecided AUTH-UL-001" },
  { "not run", "basic", { ["CNT-UL-001"] = "notrun" }, "not granted yet", "undecided CNT-UL-001" },
  { "a word nobody knows", "basic", { ["CNT-UL-001"] = "splendid" }, "not granted yet", "undecided CNT-UL-001" },
  { "a warning", "basic", { ["AUTH-UL-001"] = "warn" }, "not granted yet", "warn AUTH-UL-001" },
  { "not in the plan", "basic", { ["AUTH-UL-001"] = "left out" }, "not granted yet", "missing" },
  { "encryption a meter does not declare", "meter", { ["ENC-001"] = "na" }, "not granted yet",
    "not declared ENC-001" },
  { "encryption nobody demands of rail", "rail", {}, "granted", "" },
  { "not waivable for a meter", "meter", { ["ENC-001"] = "waived" }, "refused", "waived ENC-001" },
  { "waivable at high", "high", { ["ENC-001"] = "waived" }, "granted", "" },
}

for _, row in ipairs(TABLE) do
  h.test(row[1], function()
    local result <const> = decision.decide(run_of(row[2], row[3]))
    h.equal(result.word, row[4], "decision")
    h.equal(kinds(result), row[5], "reasons")
    h.equal(result.level, row[2], "level")
  end)
end

h.test("a profile that is no level is judged at basic, and lacks cases", function()
  local result <const> = decision.decide { profile = "smoke", ended = true, catalogue = catalogue, features = {},
    cases = { { id = "AUTH-UL-001", severity = "critical", verdict = "pass" } } }
  h.equal(result.word, "not granted yet")
  h.equal(result.level, "basic")
  h.equal(result.demanded, 67)
  h.equal(#result.missing, 66)
  h.equal(kinds(result), "missing")
end)

h.test("a fail beyond what the level demands counts as well", function()
  local run <const> = run_of("basic", {})
  run.cases[#run.cases + 1] = { id = "ENC-011", severity = "high", verdict = "fail" }
  h.equal(decision.decide(run).word, "refused")
  run.cases[#run.cases].verdict = "inconclusive"
  h.equal(decision.decide(run).word, "granted")
end)

h.test("a run that is not honest or not whole is not granted", function()
  h.equal(kinds(decision.decide(run_of("basic", {}, { ended = false }))), "unfinished")
  h.equal(kinds(decision.decide(run_of("basic", {}, { substitutes = { "lab" } }))), "substitutes")
  h.equal(kinds(decision.decide(run_of("basic", {}, { faults = { "MUT-X" } }))), "faults")
  h.equal(kinds(decision.decide(run_of("basic", {}, { chaos = "uart" }))), "chaos")
  h.equal(decision.decide(run_of("basic", {}, { faults = { "MUT-X" } })).word, "not granted yet")
end)

h.test("nothing at all is not granted", function()
  h.equal(decision.decide { profile = "basic", ended = true, cases = {}, catalogue = catalogue }.word,
    "not granted yet")
end)

h.test("the claims are numbered, and each says what touches it or why nothing can", function()
  h.equal(#claims, 36, "claims")
  for i, claim in ipairs(claims) do
    h.equal(claim.number, i, "number")
    if claim.bench == false then h.equal(type(claim.cannot), "string", "A" .. i)
    else h.equal(#claim.tests > 0, true, "A" .. i) end
  end
end)

-- Claims over tests of the real catalogue: AUTH-UL-001 to -007 are seven, KEY has fifteen.
local function state_of(claim, verdicts)
  local cases <const> = {}
  for id, verdict in pairs(verdicts) do cases[#cases + 1] = { id = id, axes = "_", verdict = verdict } end
  local result <const> = assess(claim, catalogue, cases)
  return { result.state, #result.tests }
end

h.test("what became of a claim", function()
  local uplinks <const> = { tests = { "AUTH-UL-001..007" } }
  h.equal(state_of(uplinks, {}), { "not run", 7 })
  h.equal(state_of(uplinks, { ["AUTH-UL-001"] = "notrun" }), { "not run", 7 })
  h.equal(state_of(uplinks, { ["AUTH-UL-001"] = "na" }), { "not applicable", 7 })
  h.equal(state_of(uplinks, { ["AUTH-UL-001"] = "pass" }), { "in part", 7 })
  h.equal(state_of(uplinks, { ["AUTH-UL-001"] = "pass", ["AUTH-UL-007"] = "fail" }), { "contradicted", 7 })
  h.equal(state_of(uplinks, { ["AUTH-UL-001"] = "pass", ["AUTH-DL-001"] = "fail" }), { "in part", 7 })
  h.equal(state_of(uplinks, { ["AUTH-UL-002"] = "error" }), { "undecided", 7 })
  h.equal(state_of({ tests = { "KEY-*" } }, { ["KEY-MEM-001"] = "fail" }), { "contradicted", 15 })
  h.equal(state_of({ tests = { "ENC-010" } }, { ["ENC-010"] = "info" }), { "supported", 1 })
  h.equal(state_of({ tests = { "PRC-CAL-001" }, bench = false }, { ["PRC-CAL-001"] = "pass" }), { "untestable", 1 })
  h.equal(state_of({ tests = {}, bench = false }, {}), { "untestable", 0 })
end)

h.test("the worst axis of a case speaks for it", function()
  local result <const> = assess({ tests = { "JAM-UL-002" } }, catalogue, {
    { id = "JAM-UL-002", axes = "ranks=1", verdict = "pass" },
    { id = "JAM-UL-002", axes = "ranks=2", verdict = "fail" },
    { id = "JAM-UL-002", axes = "ranks=3", verdict = "error" } })
  h.equal(result.state, "contradicted")
end)

h.test("every pattern of every claim means a test", function()
  for _, claim in ipairs(claims) do
    for _, pattern in ipairs(claim.tests or {}) do
      h.equal(#assess({ tests = { pattern } }, catalogue, {}).tests > 0, true, "A" .. claim.number .. " " .. pattern)
    end
  end
end)

h.run()
