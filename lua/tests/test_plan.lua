-- What is planned: levels without a page, expressions, shards whose union is the whole, what cannot be undone last.
local harness <const> = require "tests.harness"
local loader <const> = require "cert.loader"
local case <const> = require "cert.case"
local cert <const> = require "cert"
local nearest <const> = require "cert.nearest"
local plan <const> = require "cert.plan"
local selection <const> = require "cert.selection"
local shard <const> = require "cert.shard"
local test <const>, equal <const>, contains <const> = harness.test, harness.equal, harness.contains

local SUITES <const> = { "AUTH", "CNT", "ENC", "JAM", "KEY" }
local LEVELS <const> = { "basic", "substantial", "high" }
local SEVERITIES <const> = { "critical", "high", "medium", "low" }
local SAFETIES <const> = { "S0", "S1", "S3", "D" }
local NEEDS <const> = { "serial", "radio.rx", "radio.jam", "DL", "ENC" }

local function pick(list) return list[math.random(#list)] end

-- A random library of `n` cases, some passive, some with axes, some that destroy.
local function library(n)
  local made <const> = {}
  for i = 1, n do
    local suite <const> = pick(SUITES)
    local fields <const> = {
      id = ("%s-UL-%03d"):format(suite, i), title = "t", threat = "t", severity = pick(SEVERITIES),
      level = pick(LEVELS), needs = { pick(NEEDS) }, safety = pick(SAFETIES), covers = { "WP:A1" },
      faults = { "MUT-CNT-001" }, deadline_s = math.random(1, 500), run = function() end,
    }
    if i % 7 == 1 then fields.profiles = { "rail" } end
    if math.random(4) == 1 then fields.for_each = { a = { "1", "2", "3" } } end
    if math.random(4) == 1 and i > 3 then
      fields.watches = {}
      for k = 1, i - 1 do
        if not made[k].watches and math.random(4) == 1 then fields.watches[#fields.watches + 1] = made[k].id end
      end
      if #fields.watches == 0 then fields.watches = nil else fields.safety, fields.for_each = "S0", nil end
    end
    made[i] = fields
  end
  local pages <const> = {
    ["suites/all.lua"] = function()
      local by_id <const> = {}
      for _, id in ipairs(SUITES) do by_id[id] = cert.suite { id = id, title = id } end
      for _, fields in ipairs(made) do by_id[fields.id:match "^%u+"]:case(fields) end
      return true
    end,
  }
  return loader.load {
    pages = function() return { "suites/all.lua" } end,
    page = function(path) return pages[path]() end,
    array = function(t) return t end,
  }
end

local function names(entries)
  local list <const> = {}
  for i, e in ipairs(entries) do list[i] = case.full_id(e.case.id, e.axes) end
  return list
end

local function everything(lib, limits) return plan.make(lib, { "*" }, nil, { "DL", "ENC" }, limits) end

math.randomseed(20260)

test("shards: the union is the whole, none is twice, order and watching hold; 300 plans", function()
  for _ = 1, 300 do
    local lib <const> = library(math.random(1, 40))
    local n <const> = math.random(1, 7)
    local whole <const> = names(everything(lib))
    local found <const>, at = {}, {}
    for i, name in ipairs(whole) do at[name] = i end
    for i = 1, n do
      local part <const> = everything(lib, { shard = { i, n } })
      local ids <const>, last = {}, 0
      for _, e in ipairs(part) do ids[e.case.id] = true end
      for k, name in ipairs(names(part)) do
        if found[name] then error(name .. " is in two shards") end
        found[name] = true
        if at[name] <= last then error "a shard has another order than the plan" end
        last = at[name]
        for _, watched in ipairs(part[k].case.watches or {}) do
          if not ids[watched] then error(part[k].case.id .. " is not where what it watches is") end
        end
      end
    end
    for _, name in ipairs(whole) do
      if not found[name] then error(name .. " is in no shard") end
    end
  end
end)

test("shards: the load is spread", function()
  local list <const> = {}
  for i = 1, 100 do list[i] = { case = { id = "X-" .. i, deadline_s = 10 } } end
  for i = 1, 4 do equal(#shard.take(list, i, 4), 25) end
end)

test("what cannot be undone comes last, a watching case behind what it watches; 300 plans", function()
  for _ = 1, 300 do
    local seen <const>, destroyed = {}, false
    for _, e in ipairs(everything(library(30))) do
      if e.case.safety == "D" then
        destroyed = true
      elseif destroyed and not e.case.watches then
        error(e.case.id .. " runs on a destroyed device")
      end
      seen[e.case.id] = true
      for _, id in ipairs(e.case.watches or {}) do
        if not seen[id] then error(e.case.id .. " comes before " .. id) end
      end
    end
  end
end)

-- A random expression and what it must give, worked out beside the parser.
local function expression(depth)
  local kind <const> = depth > 0 and math.random(5) or 1
  if kind == 1 then
    local tags <const> = {
      { "suite:" .. pick(SUITES), function(c, w) return "suite:" .. c.suite.id == w end },
      { "level:" .. pick(LEVELS), function(c, w) return "level:" .. c.level == w end },
      { "severity:" .. pick(SEVERITIES), function(c, w) return "severity:" .. c.severity == w end },
      { pick(SAFETIES), function(c, w) return c.safety == w end },
      { "needs:" .. pick(NEEDS), function(c, w) return "needs:" .. c.needs[1] == w end },
      { "id:*" .. math.random(0, 9), function(c, w) return c.id:sub(-1) == w:sub(-1) end },
    }
    local tag <const> = pick(tags)
    return tag[1], function(c) return tag[2](c, tag[1]) end
  elseif kind == 2 then
    local text <const>, f <const> = expression(depth - 1)
    return "not (" .. text .. ")", function(c) return not f(c) end
  elseif kind == 3 then
    local text <const>, f <const> = expression(depth - 1)
    return "(" .. text .. ")", f
  end
  local a <const>, fa <const> = expression(depth - 1)
  local b <const>, fb <const> = expression(depth - 1)
  if kind == 4 then
    return "(" .. a .. ") and (" .. b .. ")", function(c) return fa(c) and fb(c) end
  end
  return a .. " or " .. b, function(c) return fa(c) or fb(c) end
end

test("expressions say what they say; 500 of them", function()
  local lib <const> = library(40)
  everything(lib)
  for _ = 1, 500 do
    local text <const>, wanted <const> = expression(4)
    local matches <const>, wrong <const> = selection.compile(text, lib)
    if not matches then error(wrong) end
    for _, known in ipairs(lib.cases) do equal(matches(known), wanted(known), text .. " of " .. known.id) end
  end
end)

test("'and' binds closer than 'or', 'not' closest", function()
  local lib <const> = library(40)
  local matches <const> = selection.compile("AUTH or CNT and not S0", lib)
  for _, c in ipairs(lib.cases) do
    equal(matches(c), c.suite.id == "AUTH" or (c.suite.id == "CNT" and c.safety ~= "S0"))
  end
end)

test("-i keeps, -e removes; what a passive case watches comes along", function()
  local lib <const> = library(40)
  for _, e in ipairs(everything(lib, { exclude = "D or level:high" })) do
    equal(e.case.safety ~= "D" and e.case.level ~= "high", true)
  end
  for _, e in ipairs(everything(lib, { include = "not id:*" })) do error(e.case.id) end
end)

local function refused(limits, ...)
  local lib <const> = library(30)
  local none <const>, why <const> = everything(lib, limits)
  equal(none, nil)
  for _, fragment in ipairs { ... } do contains(why, fragment) end
end

test("errors of expressions say what was expected and the nearest spelling", function()
  refused({ include = "level:substancial" }, "-i 'level:substancial'", "unknown tag 'substancial'",
    "nearest is substantial", "level is one of basic, high, substantial")
  refused({ exclude = "critcal" }, "-e 'critcal'", "the nearest is critical")
  refused({ include = "levle:basic" }, "unknown kind of tag 'levle', the nearest is level", "covers, fault")
  refused({ include = "S0 and" }, "expected a tag, 'not' or '(', got the end")
  refused({ include = "(S0 or S1" }, "expected ')', 'and' or 'or', got the end")
  refused({ include = "S0 S1" }, "expected 'and', 'or' or the end, got 'S1'")
  refused({ include = "" }, "expected a tag")
  refused({ include = ")" }, "got ')'")
  refused({ include = ("("):rep(1000) .. "S0" }, "at most 50 parentheses")
end)

test("the nearest spelling", function()
  local words <const> = { "AUTH-UL-001", "CNT-UL-004", "basic", "substantial", "AUTH" }
  equal(nearest("AUTH-UL-01", words), "AUTH-UL-001")
  equal(nearest("bacis", words), "basic")
  equal(nearest("auth", words), "AUTH")
  equal(nearest("subst", words), "substantial")
  equal(nearest("frobnicate", words), nil)
  equal(nearest("", words), nil)
end)

-- The report decides with rules of its own; a plan must not leave out what the decision demands.
test("a level without a page has the cases that the decision demands", function()
  local decision <const> = dofile "reports/templates/decision.lua"
  for _ = 1, 20 do
    local lib <const> = library(40)
    for _, name in ipairs { "basic", "substantial", "high", "rail", "meter", "alarm" } do
      local has <const> = {}
      for _, id in ipairs(lib.profiles[name].cases) do has[id] = true end
      for _, c in ipairs(lib.cases) do
        local own <const> = tonumber(c.id:match "%d+$") % 7 == 1 and { "rail" } or {} -- what its page says
        local demanded <const> = decision.demands(name, { id = c.id, level = c.level, profiles = own }, { "ENC" })
        equal(has[c.id] or false, demanded and true or false, name .. " " .. c.id)
        local told = false
        for _, known in ipairs(c.profiles) do told = told or known == name end
        equal(told, has[c.id] or false, "the profiles of " .. c.id .. " name " .. name)
      end
    end
  end
end)

harness.run()
