-- Tables with known fields: an unknown one, a missing one or one of the wrong type is an error that names what is
-- allowed.
local schema <const> = {}

local function names(spec)
  local list <const> = {}
  for name in pairs(spec) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, ", ")
end

local function kind(value)
  if math.type(value) == "integer" then return "integer" end
  return type(value)
end

local function fits(value, wanted)
  local is <const> = kind(value)
  return is == wanted or wanted == "number" and is == "integer" or wanted == "any"
end

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

local function article(noun)
  return (noun:find "^[aeiou]" and "an " or "a ") .. noun
end

-- What a number may be, in words.
local function bounds(rule)
  if not rule.max then return ("expected at least %g"):format(rule.min) end
  if not rule.min then return ("expected at most %g"):format(rule.max) end
  return ("expected %.10g … %.10g"):format(rule.min, rule.max)
end

local function check_list(where, value, rule)
  local n = 0
  for key, item in pairs(value) do
    if math.type(key) ~= "integer" then
      return ("%s: expected a list, got the key %s; write { \"a\", \"b\" }"):format(where, show(key))
    end
    n = n + 1
    if not fits(item, rule.list) then
      return ("%s[%d]: expected %s, got %s"):format(where, key, article(rule.list), show(item))
    end
    if rule.among and not rule.among[item] then
      return ("%s: %s is unknown; allowed are %s"):format(where, show(item), names(rule.among))
    end
    if rule.pattern and not item:find(rule.pattern) then
      return ("%s[%d]: %s has the wrong form; expected %s"):format(where, key, show(item), rule.form)
    end
  end
  if n ~= #value then return ("%s: a list with a hole"):format(where) end
end

local function check_value(where, value, rule)
  if not fits(value, rule.type) then
    return ("%s: expected %s, got %s (%s)"):format(where, article(rule.type), kind(value), show(value))
  end
  if rule.list then return check_list(where, value, rule) end
  if rule.among and not rule.among[value] then
    return ("%s: %s is unknown; allowed are %s"):format(where, show(value), names(rule.among))
  end
  if rule.pattern and not value:find(rule.pattern) then
    return ("%s: %s has the wrong form; expected %s"):format(where, show(value), rule.form)
  end
  if rule.min and value < rule.min or rule.max and value > rule.max then
    return ("%s: %s, got %s"):format(where, bounds(rule), show(value))
  end
  if rule.fields then return schema.check(where, value, rule.fields) end
end

--- Checks `value` against `spec`, a table field name -> { type, optional, default, list, among, pattern, form, min,
--- max, fields }. Returns nil when it fits (defaults filled in), otherwise one line of text.
function schema.check(where, value, spec)
  if type(value) ~= "table" then
    return ("%s: expected a table, got %s"):format(where, type(value))
  end
  for name in pairs(value) do
    if not spec[name] then
      return ("%s: unknown field %s; allowed are %s"):format(where, show(name), names(spec))
    end
  end
  local sorted <const> = {}
  for name in pairs(spec) do sorted[#sorted + 1] = name end
  table.sort(sorted)
  for _, name in ipairs(sorted) do
    local rule <const> = spec[name]
    if value[name] == nil then
      if rule.default == nil and not rule.optional then
        return ("%s: the field %s is missing (%s)"):format(where, name, rule.form or rule.type)
      end
      value[name] = schema.copy(rule.default) -- to each his own
    else
      local wrong <const> = check_value(where .. "." .. name, value[name], rule)
      if wrong then return wrong end
    end
  end
end

--- A value of its own: tables are copied, all the way down.
function schema.copy(value)
  if type(value) ~= "table" then return value end
  local made <const> = {}
  for k, v in next, value do made[k] = schema.copy(v) end
  return made
end

--- A set out of a list.
function schema.set(list)
  local set <const> = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

schema.names = names

return schema
