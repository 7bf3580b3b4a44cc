-- The language of suites: fields, ids, axes, plans; every misuse is an error that names what is allowed.
local harness <const> = require "tests.harness"
local case <const> = require "cert.case"
local cert <const> = require "cert"
local loader <const> = require "cert.loader"
local plan <const> = require "cert.plan"
local suite <const> = require "cert.suite"
local test <const>, equal <const>, raises <const> = harness.test, harness.equal, harness.raises

local function fields(changes)
  local f <const> = {
    id = "CNT-UL-900", title = "a title", threat = "a threat", severity = "high", level = "basic", needs = { "serial" },
    safety = "S0", covers = { "EN303645:5.5-1" }, faults = { "MUT-CNT-001" }, deadline_s = 60, run = function() end,
  }
  for k, v in pairs(changes or {}) do f[k] = v end
  return f
end

local function fresh()
  suite.reset()
  return cert.suite { id = "CNT", title = "Counters" }
end

test("a complete case is accepted and described", function()
  local s <const> = fresh()
  s:case(fields())
  local told <const> = case.describe(s.cases[1], function(list) return list end)
  equal(told.id, "CNT-UL-900")
  equal(told.catalogue_version, "1.0")
  equal(told.needs, { "serial" })
  equal(told.run, nil)
end)

test("every field but the optional ones is demanded by name", function()
  for _, name in ipairs { "title", "threat", "severity", "level", "needs", "safety", "covers", "faults",
    "deadline_s", "run" } do
    local s <const>, f <const> = fresh(), fields()
    f[name] = nil
    raises(function() s:case(f) end, "CNT-UL-900", "the field " .. name .. " is missing")
  end
end)

test("an unknown field is an error that lists the known ones", function()
  local s <const> = fresh()
  raises(function() s:case(fields { serverity = "high" }) end, '"serverity"', "severity", "deadline_s")
end)

test("values outside their lists are errors", function()
  raises(function() fresh():case(fields { severity = "grave" }) end, "severity", "critical, high, info, low, medium")
  raises(function() fresh():case(fields { needs = { "seriall" } }) end, "needs", "seriall", "radio.rx")
  raises(function() fresh():case(fields { covers = { "ISO9001:1" } }) end, "covers", "ISO9001:1", "EN18031")
  raises(function() fresh():case(fields { faults = { "MUT-1" } }) end, "MUT-CNT-007")
  raises(function() fresh():case(fields { deadline_s = "60" }) end, "deadline_s", "expected a number")
  raises(function() fresh():case(fields { id = "AUTH-UL-900" }) end, "CNT-")
  raises(function() fresh():case(fields { for_each = { ranks = { "1 2" } } }) end, "for_each.ranks", "part of an id")
  raises(function() fresh():case(fields { minimum = { uplinks = 3 } }) end, "minimum", "watches")
end)

test("an id is used once", function()
  local s <const> = fresh()
  s:case(fields())
  raises(function() s:case(fields { title = "another" }) end, "taken", "a title")
end)

test("an error names the line of the page", function()
  raises(function() fresh():case(fields { wrong = 1 }) end, "test_language.lua:")
end)

test("axes multiply and become part of the id", function()
  local s <const> = fresh()
  s:case(fields { for_each = { ranks = { "1", "1+3" }, power_dbm = { 10, 14 } } })
  local ids <const> = {}
  for i, axes in ipairs(case.combinations(s.cases[1])) do ids[i] = case.full_id("X-1", axes) end
  equal(ids, { "X-1/power_dbm=10,ranks=1", "X-1/power_dbm=10,ranks=1+3", "X-1/power_dbm=14,ranks=1",
    "X-1/power_dbm=14,ranks=1+3" })
end)

-- A library out of small pages.
local function library()
  local pages <const> = {
    ["suites/one/init.lua"] = function() return cert.suite { id = "CNT", title = "One" } end,
    ["suites/one/A.lua"] = function()
      local s <const> = cert.suite { id = "CNT", title = "One" }
      s:case(fields { id = "CNT-UL-901" })
      s:case(fields { id = "CNT-UL-902", watches = { "CNT-UL-903" } })
      s:case(fields { id = "CNT-UL-903", needs = { "serial", "ENC" }, for_each = { ranks = { "1", "1+3" } } })
      return s
    end,
    ["suites/profiles/smoke.lua"] = function() return { title = "Smoke", cases = { "CNT-UL-901" } } end,
  }
  return loader.load {
    pages = function()
      local list <const> = {}
      for path in pairs(pages) do list[#list + 1] = path end
      return list
    end,
    page = function(path) return pages[path]() end,
    array = function(t) return t end,
  }
end

local function ids(entries)
  local list <const> = {}
  for i, e in ipairs(entries) do list[i] = case.full_id(e.case.id, e.axes) end
  return list
end

test("a profile is the default, and is written into its cases", function()
  local lib <const> = library()
  equal(ids(plan.make(lib, {}, nil, {})), { "CNT-UL-901" })
  equal(lib.by_id["CNT-UL-901"].profiles, { "alarm", "basic", "high", "meter", "rail", "smoke", "substantial" })
end)

test("selecting a passive case adds what it watches, before it", function()
  equal(ids(plan.make(library(), { "CNT-UL-902" }, nil, { "ENC" })),
    { "CNT-UL-903/ranks=1", "CNT-UL-903/ranks=1+3", "CNT-UL-902" })
end)

test("one combination can be selected; globs and suites too", function()
  equal(ids(plan.make(library(), { "CNT-UL-903/ranks=1+3" }, nil, { "ENC" })), { "CNT-UL-903/ranks=1+3" })
  equal(#plan.make(library(), { "CNT-*" }, nil, { "ENC" }), 4)
  equal(#plan.make(library(), { "CNT" }, nil, { "ENC" }), 4)
  equal(#plan.make(library(), { "one" }, nil, { "ENC" }), 4)
end)

test("a feature that is not declared makes a case not applicable, with the reason", function()
  local entries <const> = plan.make(library(), { "CNT-UL-903" }, nil, {})
  harness.contains(entries[1].na, "feature ENC")
end)

test("unknown cases and profiles are refused, naming what there is", function()
  local none, why = plan.make(library(), { "CNT-UL-909" }, nil, {})
  equal(none, nil)
  harness.contains(why, "unknown case 'CNT-UL-909'")
  harness.contains(why, "nearest is CNT-UL-90")
  none, why = plan.make(library(), {}, "nightly", {})
  equal(none, nil)
  harness.contains(why, "unknown profile 'nightly'; there are: alarm, basic, high, meter, rail, smoke")
  none, why = plan.make(library(), { "CNT-%d" }, nil, {}) -- pattern characters are literal
  equal(none, nil)
  harness.contains(why, "unknown case")
end)

harness.run()
