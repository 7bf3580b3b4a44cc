-- A value as JSON text. Tables with [1] are arrays, others objects; an empty array is json.EMPTY. Keys are sorted, so
-- equal values give equal bytes. nil members do not exist; a number that JSON cannot write is null.
local json <const> = {}

json.EMPTY = {}

local ESCAPE <const> = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n",
  ["\r"] = "\\r", ["\t"] = "\\t" }

local function quoted(s)
  return '"' .. s:gsub('[%c"\\\127]', function(c) return ESCAPE[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number(n)
  if math.type(n) == "integer" then return ("%d"):format(n) end
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
  return ("%.17g"):format(n)
end

local put -- forward: values hold values

local function put_array(out, list)
  out[#out + 1] = "["
  for i, item in ipairs(list) do
    if i > 1 then out[#out + 1] = "," end
    put(out, item)
  end
  out[#out + 1] = "]"
end

local function put_object(out, object)
  local first = true
  out[#out + 1] = "{"
  for key, value in pairs(object) do -- sorted, in templates
    out[#out + 1] = (first and "" or ",") .. quoted(key) .. ":"
    put(out, value)
    first = false
  end
  out[#out + 1] = "}"
end

function put(out, value)
  if value == json.EMPTY or type(value) == "table" and value[1] ~= nil then
    put_array(out, value)
  elseif type(value) == "table" then
    put_object(out, value)
  elseif type(value) == "string" then
    out[#out + 1] = quoted(value)
  elseif type(value) == "number" then
    out[#out + 1] = number(value)
  else
    out[#out + 1] = tostring(value) -- true, false
  end
end

function json.text(value)
  local out <const> = {}
  put(out, value)
  return table.concat(out)
end

return json
