-- What becomes of verdicts in OSCAL, in-toto and SARIF, over random runs: only what a device earned counts for it,
-- and worse evidence never gives a better word.
package.path = (arg[1] or ".") .. "/lua/tests/?.lua;" .. package.path
local h <const> = require "harness"
local root <const> = arg[1] or "."

local function data(name)
  return assert(loadfile(root .. "/reports/mappings/" .. name, "t", { syntax = function() end }))()
end

-- A template as the report loads it, but that its JSON stays a table.
local function template(name)
  if name == "json.lua" then return { EMPTY = {}, text = function(value) return value end } end
  local env <const> = setmetatable({}, { __index = _G })
  env.include = template
  return assert(loadfile(root .. "/reports/templates/" .. name, "t", env))()
end

local intoto <const>, oscal <const>, sarif <const> = template "intoto.lua", template "oscal.lua", template "sarif.lua"
local lint <const> = template "lint.lua"
local catalogue <const> = data "catalogue.lua"

-- The orders of design and catalogue, written down here once more: how good a verdict is for a device.
local WORDS <const> = { "pass", "info", "warn", "inconclusive", "notrun", "error", "fail" }
local BLAMES <const> = { "none", "device", "bench", "suite", "operator", "config" }

local function pick(list) return list[math.random(#list)] end

local function case(verdict, id)
  local state <const> = (verdict == "notrun" or verdict == "na") and verdict or "attempted"
  local attempts <const> = {}
  if state == "attempted" then
    attempts[1] = { attempt = 1, ended = true, verdict = verdict, blame = pick(BLAMES), reason = "", events = {},
      superseded = false, ["end"] = { files = {} } }
  end
  return { id = id, axes = "_", title = "a case", threat = "somebody", severity = "high", level = "basic",
    covers = { "EN303645:5.5-" .. math.random(3), "WP:A1" }, state = state, verdict = verdict, blame = pick(BLAMES),
    reason = "", attempts = attempts, watches = {} }
end

local function model(cases)
  return { dir = "run", run = { profile = "basic", substitutes = {}, faults = {}, device = "d", bench = "b" },
    plan = { device = {}, bench = {} }, cases = cases, digests = {}, outside = {}, ["end"] = { exit = 0 },
    wall = { first = "2026-01-01T00:00:00Z", last = "2026-01-01T00:00:01Z" }, mappings = { catalogue = catalogue } }
end

local function random_cases()
  local cases <const> = {}
  for i = 1, math.random(8) do
    cases[i] = case(math.random(3) == 1 and pick { "waived", "na" } or pick(WORDS),
      pick(catalogue).id .. (i == 1 and "" or i)) -- the first one is in the catalogue
  end
  return cases
end

local RESULT <const> = { PASSED = 1, WARNED = 2, FAILED = 3 }
local STATE <const> = { satisfied = 1, none = 2, ["not-satisfied"] = 3 }

local function result_of(m) return intoto(m).statement.predicate.result end

local function findings_of(m)
  local found <const> = {}
  for _, finding in ipairs(oscal(m)["assessment-results"].results[1].findings or {}) do
    found[finding.title] = finding.target.status.state
  end
  return found
end

math.randomseed(1)

h.test("PASSED and satisfied need a pass, and nothing that speaks against it", function()
  for _ = 1, 200 do
    local m <const> = model(random_cases())
    local only_good, passes = true, false
    for _, c in ipairs(m.cases) do
      only_good = only_good and (c.verdict == "pass" or c.verdict == "info" or c.verdict == "na")
      passes = passes or c.verdict == "pass"
    end
    h.equal(result_of(m) == "PASSED", only_good and passes, "PASSED")
    for control, state in pairs(findings_of(m)) do
      if state == "satisfied" then
        for _, c in ipairs(m.cases) do
          local covered <const> = c.covers[1] == control or c.covers[2] == control
          h.equal(not covered or c.verdict == "pass" or c.verdict == "info" or c.verdict == "na", true, c.verdict)
        end
      end
    end
    for _, r in ipairs(sarif(m).runs[1].results) do
      h.equal(r.kind == "pass", r.properties.verdict == "pass", r.properties.verdict)
      h.equal(r.kind == "fail" or r.level == "none", true, "a level beside " .. r.kind)
    end
  end
end)

h.test("worse evidence never gives a better word", function()
  for _ = 1, 200 do
    local m <const> = model(random_cases())
    local before <const>, states <const> = result_of(m), findings_of(m)
    local c <const> = pick(m.cases)
    local worse <const> = case("fail", c.id)
    worse.covers = c.covers
    for i, other in ipairs(m.cases) do
      if other == c then m.cases[i] = worse end
    end
    h.equal(RESULT[result_of(m)] >= RESULT[before], true, before .. " became " .. result_of(m))
    h.equal(result_of(m), "FAILED", "with a fail")
    local after <const> = findings_of(m)
    for control, state in pairs(states) do
      h.equal(STATE[after[control] or "none"] >= STATE[state], true, control)
    end
    for _, control in ipairs(c.covers) do h.equal(after[control], "not-satisfied", control) end
  end
end)

h.test("a run that did not end, had faults or was made by other programs proves nothing", function()
  local function with(change)
    local m <const> = model { case("pass", "AUTH-UL-001") }
    m.cases[1].covers = { "WP:A1" }
    change(m)
    return result_of(m), findings_of(m)["WP:A1"]
  end
  local result, state = with(function() end)
  h.equal(result .. " " .. tostring(state), "PASSED satisfied", "an honest run")
  h.equal(with(function(m) m["end"] = nil end), "FAILED", "unfinished")
  h.equal(with(function(m) m.run.faults = { "MUT-RF-001" } end), "WARNED", "seeded fault")
  h.equal(with(function(m) m.run.chaos = "all" end), "WARNED", "chaos")
  result, state = with(function(m) m.run.substitutes = { "worker" } end)
  h.equal(result .. " " .. tostring(state), "FAILED nil", "substitutes")
end)

h.test("open questions of a mandatory test fail the attestation, of another they warn", function()
  local free
  for _, test in ipairs(catalogue) do
    if test.level == "high" then free = test.id end
  end
  for _, verdict in ipairs { "inconclusive", "notrun", "waived" } do
    h.equal(result_of(model { case("pass", "CNT-UL-001"), case(verdict, "AUTH-UL-001") }), "FAILED", verdict)
    h.equal(result_of(model { case("pass", "CNT-UL-001"), case(verdict, free) }), "WARNED", verdict .. " of " .. free)
  end
  h.equal(result_of(model { case("pass", "CNT-UL-001"), case("error", free) }), "FAILED", "error")
  h.equal(result_of(model { case("na", "CNT-UL-001"), case("info", free) }), "FAILED", "nothing passed")
end)

h.test("a run with everything lacks nothing, and each thing that is taken away is named", function()
  local cases <const> = {}
  for i, test in ipairs(catalogue) do
    cases[i] = case("pass", test.id)
    cases[i].severity = test.severity
  end
  local m <const> = model(cases)
  m.has = { pdf = true, signature = true }
  m.plan = { limits = { { name = "a", mark = "C" } },
    device = { make = "m", model = "m", hardware = "1", serial = "1", firmware = { version = "1", sha256 = "00" },
      order = { customer = "c", contact = "c", received = "2026-01-01", condition = "good", sampling = "by hand" } },
    bench = { operator = "o", reference = "r", conditions = { temperature_c = 21, supply_v = 3.3 },
      laboratory = { name = "l", address = "a", authorises = "p" },
      radios = { { unit = "r", calibration = {} } }, rf = { { from = "r", to = "d", tolerance_db = 1 } } } }
  h.equal(#lint(m), 0, (lint(m)[1] or {}).lacks)
  local function without(object, name)
    local kept <const> = object[name]
    object[name] = nil
    h.equal(#lint(m), 1, "without " .. name)
    object[name] = kept
  end
  for _, name in ipairs { "make", "model", "hardware", "serial" } do without(m.plan.device, name) end
  for name in pairs(m.plan.device.order) do without(m.plan.device.order, name) end
  for name in pairs(m.plan.device.firmware) do without(m.plan.device.firmware, name) end
  for name in pairs(m.plan.bench.laboratory) do without(m.plan.bench.laboratory, name) end
  for name in pairs(m.plan.bench.conditions) do without(m.plan.bench.conditions, name) end
  without(m.plan.bench, "operator")
  without(m.plan.bench.radios[1], "calibration")
  without(m.plan.bench.rf[1], "tolerance_db")
  without(m.has, "pdf")
  without(m.has, "signature")
  without(m, "end")
  for _, verdict in ipairs { "inconclusive", "error", "notrun" } do
    cases[1] = case(verdict, cases[1].id)
    h.equal(lint(m)[1].section, "results", verdict)
  end
end)

h.test("one line, whatever came", function()
  local line <const> = template("outcome.lua").line
  h.equal(line " a\n\tb\u{a0}\u{2028}c\u{202e}d\127 ", "a b c d", "blanks")
  h.equal(line "", "-", "nothing")
  h.equal(line(nil, "x"), "x", "nothing")
  h.equal(line "\xff\xfea\xc3b", "a b", "no UTF-8")
  h.equal(line "# TO\68O \"q\" \\", "# TO\68O \"q\" \\", "plain")
end)

h.run()
