-- What was declared of device and bench: any table of names and values as a list of facts.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local words <const> = include "words.lua"

local declared <const> = {}

-- What a name's ending says of its value, the longest first: { ending, unit, factor }.
local UNITS <const> = {
  { "_hz_s", "Hz/s" }, { "_hz", "Hz" }, { "_dbm", "dBm" }, { "_dbc", "dBc" }, { "_dbfs", "dBFS" }, { "_db", "dB" },
  { "_ppm", "ppm" }, { "_ms", "ms" }, { "_s", "s" },
}

-- 868226000, "Hz" -> 868.226 MHz
local function quantity(value, unit)
  if unit == "Hz" and math.abs(value) >= 1e6 then return ("%.9g MHz"):format(value / 1e6) end
  if unit == "Hz" and math.abs(value) >= 1e4 then return ("%.9g kHz"):format(value / 1e3) end
  return ("%.9g %s"):format(value, unit)
end

-- A name as people say it, and its value with its unit.
local function spoken(name, value)
  if type(value) == "boolean" then return name, value and "yes" or "no" end
  if type(value) ~= "number" then return name, html.text(value) end
  for _, u in ipairs(UNITS) do
    if #name > #u[1] and name:sub(-#u[1]) == u[1] then return name:sub(1, -#u[1] - 1), quantity(value, u[2]) end
  end
  if name == "address" or name:sub(-8) == "_address" then return name, ("0x%08x"):format(math.tointeger(value) or 0) end
  if name == "size" then return name, words.thousands(math.tointeger(value)) .. " bytes" end
  return name, html.text(value)
end

local function is_plain_list(value)
  for _, item in ipairs(value) do
    if type(item) == "table" then return false end
  end
  return #value > 0
end

-- "name code flash · size 262144": one item of a list on one line.
local function one_line(value)
  local parts <const> = {}
  for _, fact in ipairs(declared.facts(value)) do parts[#parts + 1] = html.text(fact[1]) .. " " .. fact[2] end
  return table.concat(parts, " · ")
end

--- Every value as { name, html } in people's words, nested names joined by commas, in the order of the names; items of
--- a list are numbered and take one line each.
function declared.facts(value, prefix, out)
  out = out or {}
  for key, inner in pairs(value) do
    local own, text = spoken(tostring(key), inner)
    local name <const> = (prefix and prefix .. ", " or "") .. own:gsub("_", " ")
    if type(inner) ~= "table" then
      out[#out + 1] = { name, text }
    elseif is_plain_list(inner) then
      out[#out + 1] = { name, words.list(inner) }
    elseif #inner > 0 then
      for i, item in ipairs(inner) do
        out[#out + 1] = { #inner > 1 and ("%s %d"):format(name, i) or name,
          type(item) == "table" and one_line(item) or html.text(item), true }
      end
    else
      declared.facts(inner, name, out)
    end
  end
  return out
end

--- The list as HTML: short facts side by side, then those that need a line of their own.
function declared.list(value)
  local short <const> = {}
  if type(value) ~= "table" then return "<p>Nothing declared.</p>" end
  local long <const> = {}
  for _, fact in ipairs(declared.facts(value)) do
    local list <const> = fact[3] and long or short
    list[#list + 1] = fact
  end
  for _, fact in ipairs(long) do short[#short + 1] = fact end
  return #short > 0 and html.facts(short) or "<p>Nothing declared.</p>"
end

return declared
