-- What was declared of device and bench: any table of names and values as a list of facts.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local words <const> = include "words.lua"

local declared <const> = {}

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

--- Every value as { name, html }, nested names joined by dots, in the order of the names; items of a list are numbered
--- and take one line each.
function declared.facts(value, prefix, out)
  out = out or {}
  for key, inner in pairs(value) do
    local name <const> = (prefix and prefix .. "." or "") .. tostring(key)
    if type(inner) ~= "table" then
      out[#out + 1] = { name, html.text(inner) }
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
