-- What a suite's page may use: the pure part of the standard library, nothing that it could change for other pages, and
-- no way to swallow the end of its own case. Memory and instructions are bounded by the C side, which counts the steps
-- of a pattern and the bytes of new texts, too. Functions that loop over a table in C, where no hook reaches, are
-- charged for here.
local control <const> = require "cert.control"

local sandbox <const> = {}

local SUBJECT_MAX <const> = 65536
local PATTERN_MAX <const> = 256
local REPEAT_MAX <const> = 1 << 24
local MOVE_MAX <const> = 1 << 20

-- Proxy -> what it shows; and the metatables that pages made themselves.
local shown <const> = setmetatable({}, { __mode = "k" })
local own <const> = setmetatable({}, { __mode = "k" })

local function copy(library, names)
  local out <const> = {}
  for name in names:gmatch "%S+" do out[name] = library[name] end
  return out
end

--- A table that shows `t` and cannot be changed; `missing` may answer for names that are not there.
function sandbox.seal(t, what, missing)
  if missing then setmetatable(t, { __index = missing }) end
  local proxy <const> = setmetatable({}, {
    __index = t,
    __len = function() return #t end,
    __newindex = function(_, name)
      control.misuse("%s '%s'; write `local %s = …`", what, tostring(name), tostring(name))
    end,
    __metatable = "sealed",
  })
  shown[proxy] = t
  return proxy
end

local function bounded(name, original)
  return function(subject, pattern, ...)
    if type(subject) == "string" and #subject > SUBJECT_MAX or type(pattern) == "string" and #pattern > PATTERN_MAX then
      control.misuse("string.%s: at most %d bytes of text and %d of pattern", name, SUBJECT_MAX, PATTERN_MAX)
    end
    return original(subject, pattern, ...)
  end
end

local function strings()
  local out <const> = copy(string, "byte char format len lower upper reverse sub pack unpack packsize")
  for _, name in ipairs { "find", "match", "gmatch", "gsub" } do out[name] = bounded(name, string[name]) end
  local original <const> = string.rep
  function out.rep(text, n, separator)
    local one <const> = #tostring(text) + #tostring(separator or "")
    local times <const> = tonumber(n)
    if times and one > 0 and times > REPEAT_MAX // one then
      control.misuse("string.rep: at most %d bytes", REPEAT_MAX)
    end
    return original(text, n, separator)
  end
  return out
end

-- With a length of its own making, a table keeps these busy for ever.
local function plain(name, t)
  local meta <const> = type(t) == "table" and getmetatable(t)
  if type(meta) == "table" and rawget(meta, "__len") ~= nil then
    control.misuse("table.%s: expected a table without __len", name)
  end
end

-- Counts as so many instructions of the page; plain Lua, which runs the tests of the language, counts nothing.
local charge <const> = debug.getregistry()["fox.charge"] or function() end

-- What one value costs, in instructions; insert and remove move half of them, but nothing at the end.
local COST <const> = { concat = 1, insert = 0.5, remove = 0.5, sort = 16 }
local MOVES_NOTHING <const> = { insert = 1, remove = 0 } -- with so many arguments behind the table

local function tables()
  local out <const> = copy(table, "pack unpack")
  for name, cost in pairs(COST) do
    local original <const>, at_end <const> = table[name], MOVES_NOTHING[name]
    out[name] = function(t, ...)
      plain(name, t)
      if type(t) == "table" and select("#", ...) ~= at_end then charge(math.ceil(#t * cost)) end
      return original(t, ...)
    end
  end
  function out.move(from, first, last, at, to)
    plain("move", from)
    plain("move", to)
    -- 1e9 and "1000000000" are whole numbers, too
    local low <const>, high <const> = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
    if low and high and high >= low then
      if not math.ult(high - low, MOVE_MAX) then control.misuse("table.move: at most %d values", MOVE_MAX) end
      charge(high - low)
    end
    return table.move(from, first, last, at, to or from)
  end
  return out
end

-- Protected calls give back what a suite itself raised. The end of a case passes through, even when a __close on its
-- way raised something else.
local function passed(...)
  local ending <const> = control.ending()
  if ending then error(ending, 0) end
  return ...
end

local function sorted_pairs(t)
  if type(t) ~= "table" then control.misuse("pairs: expected a table, got %s", type(t)) end
  t = shown[t] or t
  local keys <const> = {}
  for k in next, t do
    if type(k) ~= "string" and type(k) ~= "number" then
      control.misuse("pairs: keys are texts or numbers here, so that their order is the same in every run; got"
        .. " a %s", type(k))
    end
    keys[#keys + 1] = k
  end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    return a < b
  end)
  local i = 0
  return function()
    i = i + 1
    return keys[i], t[keys[i]]
  end
end

-- The bench's objects keep the metatables that they have, and do not show them.
local function foreign(t)
  local meta <const> = getmetatable(t)
  return meta ~= nil and not own[meta]
end

local function safe_setmetatable(t, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    control.misuse("setmetatable: __gc is not available to suites")
  end
  if type(t) == "table" and foreign(t) then control.misuse("setmetatable: this table is protected") end
  setmetatable(t, meta)
  if meta ~= nil then own[meta] = true end
  return t
end

local function safe_getmetatable(value)
  if type(value) ~= "table" then return nil end
  local meta <const> = getmetatable(value)
  if type(meta) == "table" and not own[meta] then return nil end
  return meta
end

local function safe_rawset(t, name, value)
  if type(t) == "table" and foreign(t) then control.misuse("rawset: this table is protected") end
  return rawset(t, name, value)
end

--- A fresh environment; `find(name)` gives what `require` gives.
function sandbox.environment(find)
  local env <const> = copy(_G, "assert error ipairs next rawequal rawget rawlen select tonumber tostring type")
  env.pairs, env.rawset = sorted_pairs, safe_rawset
  env.setmetatable, env.getmetatable = safe_setmetatable, safe_getmetatable
  function env.pcall(f, ...) return passed(pcall(f, ...)) end
  -- The handler runs after the error: one that ran where the error was raised would have no budget when the error is
  -- that the budget is spent.
  function env.xpcall(f, handler, ...)
    local function handled(ok, e, ...)
      if ok then return ok, e, ... end
      return ok, handler(e)
    end
    return handled(passed(pcall(f, ...)))
  end
  local libraries <const> = {
    string = strings(),
    table = tables(),
    math = copy(math, "abs ceil cos exp floor fmod huge log max maxinteger min mininteger modf pi sin sqrt tan"
      .. " tointeger type ult"),
    utf8 = copy(utf8, "char charpattern codepoint codes len offset"),
  }
  for name, library in pairs(libraries) do env[name] = sandbox.seal(library, name .. " cannot be changed:") end
  env.require = find
  return sandbox.seal(env, "global variable", function(_, name)
    control.misuse("unknown name '%s'; suites see what docs/SUITES.md lists", tostring(name))
  end)
end

--- Methods of texts ("x"):rep(9) use the bounded functions too. Once per state, before any page runs.
function sandbox.seal_strings()
  getmetatable("").__index = strings()
end

return sandbox
