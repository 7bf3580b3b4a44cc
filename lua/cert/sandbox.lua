-- What a suite's page may use: the pure part of the standard library, and no way to swallow the end of its own
-- case. Memory and instructions are bounded by the C side. Pattern functions run in C where no hook reaches: their
-- input is bounded.
local control <const> = require "cert.control"

local sandbox <const> = {}

local SUBJECT_MAX <const> = 65536
local PATTERN_MAX <const> = 256
local REPEAT_MAX <const> = 1 << 24

local function copy(library, names)
  local out <const> = {}
  for name in names:gmatch "%S+" do out[name] = library[name] end
  return out
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
    if type(text) == "string" and type(n) == "number" and (#text + #(separator or "")) * n > REPEAT_MAX then
      control.misuse("string.rep: at most %d bytes", REPEAT_MAX)
    end
    return original(text, n, separator)
  end
  return out
end

-- Protected calls give back what a suite itself raised; the end of a case passes through.
local function passed(ok, e, ...)
  if not ok and (control.is_stop(e) or control.is_fault(e)) then error(e, 0) end
  return ok, e, ...
end

local function sorted_pairs(t)
  if type(t) ~= "table" then control.misuse("pairs: expected a table, got %s", type(t)) end
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

local function safe_setmetatable(t, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    control.misuse("setmetatable: __gc is not available to suites")
  end
  return setmetatable(t, meta)
end

local function safe_getmetatable(value)
  if type(value) ~= "table" then return nil end
  return getmetatable(value)
end

--- A fresh environment; `find(name)` gives what `require` gives.
function sandbox.environment(find)
  local env <const> = copy(_G, "assert error ipairs next rawequal rawget rawlen rawset select tonumber tostring type")
  env.pairs = sorted_pairs
  env.setmetatable, env.getmetatable = safe_setmetatable, safe_getmetatable
  function env.pcall(f, ...) return passed(pcall(f, ...)) end
  function env.xpcall(f, handler, ...)
    return passed(xpcall(f, function(e)
      if control.is_stop(e) or control.is_fault(e) then return e end
      return handler(e)
    end, ...))
  end
  env.string = strings()
  env.table = copy(table, "concat insert move pack remove sort unpack")
  env.math = copy(math, "abs ceil cos exp floor fmod huge log max maxinteger min mininteger modf pi sin sqrt tan"
    .. " tointeger type ult")
  env.utf8 = copy(utf8, "char charpattern codepoint codes len offset")
  env.require = find
  return setmetatable(env, {
    __index = function(_, name)
      control.misuse("unknown name '%s'; suites see what docs/SUITES.md lists", tostring(name))
    end,
    __newindex = function(_, name)
      control.misuse("global variable '%s'; write `local %s = …`", tostring(name), tostring(name))
    end,
    __metatable = "sealed",
  })
end

--- Methods of texts ("x"):rep(9) use the bounded functions too. Once per state, before any page runs.
function sandbox.seal_strings()
  local meta <const> = getmetatable ""
  meta.__index = strings()
end

return sandbox
