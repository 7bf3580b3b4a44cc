-- What a page of a suite cannot reach, and cannot swallow.
local harness <const> = require "tests.harness"
local control <const> = require "cert.control"
local sandbox <const> = require "cert.sandbox"
local test <const>, equal <const>, raises <const> = harness.test, harness.equal, harness.raises

local function page(text, env)
  return assert(load(text, "@suites/page.lua", "t", env or sandbox.environment(function(name) return name end)))
end

test("files, processes, code loading and debugging are out of reach", function()
  for _, name in ipairs { "io", "os", "load", "loadstring", "loadfile", "dofile", "debug", "package", "coroutine",
    "collectgarbage", "print", "_G", "rawlen_" } do
    raises(page("return " .. name), "unknown name '" .. name .. "'")
  end
end)

test("globals cannot be made, and the environment cannot be opened", function()
  raises(page "x = 1", "global variable 'x'", "local x")
  raises(page "setmetatable(_ENV, nil)", "protected")
  equal(page("return getmetatable(_ENV)")(), "sealed")
  equal(page("return getmetatable('x')")(), nil)
end)

test("pcall and xpcall give back errors but let the end of a case pass", function()
  equal(page("return (pcall(error, 'x'))")(), false)
  equal(page("return (select(2, xpcall(error, function(e) return e .. '!' end, 'x')))")(), "x!")
  local env <const> = sandbox.environment(function() return control end)
  raises(page("local c = require 'c'; pcall(c.stop, 'the end'); return 1", env), "the end")
  raises(page("local c = require 'c'; xpcall(c.fault, print, 'GONE', 'bench', 'radio gone')", sandbox.environment(
    function() return control end)), "print")
  raises(page("local c = require 'c'; xpcall(c.fault, tostring, 'GONE', 'bench', 'radio gone'); return 1",
    sandbox.environment(function() return control end)), "radio gone")
end)

test("finalisers, bytecode and huge texts are refused", function()
  raises(page "setmetatable({}, { __gc = function() end })", "__gc")
  equal(page("return string.dump == nil and 1")  == nil, false)
  raises(page "return string.rep('x', 1 << 30)", "at most")
  raises(page "return string.find(string.rep('x', 70000), 'x*y')", "65536")
  raises(page "return string.find('x', string.rep('x?', 200))", "256")
end)

test("pairs has one order", function()
  local list <const> = "local k = {} for n in pairs { b = 1, a = 2, [2] = 3, [1] = 4 } do k[#k + 1] = n end return k"
  equal(page(list)(), { 1, 2, "a", "b" })
  raises(page "for _ in pairs { [{}] = 1 } do end", "order")
end)

harness.run()
