-- Numbers, times and verdicts as a reader expects them.
-- luacheck: read_globals include
local html <const> = include "html.lua"

local words <const> = {}

local SYMBOL <const> = {
  pass = "✓", fail = "✗", warn = "!", info = "i", inconclusive = "?", error = "⚠", notrun = "○", na = "–", waived = "–",
}

local SPOKEN <const> = { notrun = "not run", na = "not applicable" }

function words.verdict(name)
  return SPOKEN[name] or name
end

--- A verdict as a badge: colour, symbol and word, so that none of the three is needed alone.
function words.badge(name)
  local known <const> = SYMBOL[name] and name or "error"
  return ('<span class="badge %s"><span aria-hidden="true">%s</span> %s</span>'):format(known, SYMBOL[known],
    html.text(words.verdict(name)))
end

-- Worst first, as the certification sees it.
local WORST <const> = { "fail", "error", "inconclusive", "notrun", "warn", "pass", "info", "waived", "na" }
local RANK <const> = {}
for i, name in ipairs(WORST) do RANK[name] = i end

--- Whether verdict `a` is worse news than `b`; an unknown word is as bad as an error.
function words.is_worse(a, b)
  return (RANK[a] or RANK.error) < (RANK[b] or RANK.error)
end

function words.count(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many or one .. "s")
end

--- Seconds: 12.345 s, or 3 min 07 s from two minutes on.
function words.seconds(s)
  if type(s) ~= "number" then return "–" end
  if s < 120 then return ("%.1f s"):format(s) end
  s = math.tointeger(s // 1) or 0
  if s < 7200 then return ("%d min %02d s"):format(s // 60, s % 60) end
  return ("%d h %02d min"):format(s // 3600, s % 3600 // 60)
end

function words.mhz(hz)
  return type(hz) == "number" and ("%.6f"):format(hz / 1e6) or "–"
end

function words.number(value, format)
  return type(value) == "number" and format:format(value) or "–"
end

--- Bytes as 12 345.
function words.thousands(n)
  if math.type(n) ~= "integer" then return "–" end
  local s = ("%d"):format(n)
  local k
  repeat s, k = s:gsub("^(%-?%d+)(%d%d%d)", "%1\u{202f}%2") until k == 0
  return s
end

function words.list(items)
  local out <const> = {}
  for i, item in ipairs(items or {}) do out[i] = html.text(item) end
  return #out > 0 and table.concat(out, ", ") or "–"
end

--- "ID" or "ID/axes": how a case is named on the command line.
function words.full_id(case)
  return case.axes == "_" and case.id or case.id .. "/" .. case.axes
end

-- Shown as one word in a shell: quoted unless plain.
local function shell(word)
  word = tostring(word)
  if word:find "^[%w@%%_+=:,./-]+$" then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- The command that repeats the case or test of that name (all of the run's selection when `name` is nil).
function words.command(run, name)
  local parts <const> = { "foxbench run" }
  if run.bench and run.bench ~= "virtual" then parts[#parts + 1] = "--bench " .. shell(run.bench .. ".lua") end
  if run.device and run.device ~= "foxdut" then parts[#parts + 1] = "--device " .. shell(run.device .. ".lua") end
  if run.profile and run.profile ~= "smoke" then parts[#parts + 1] = "--profile " .. shell(run.profile) end
  parts[#parts + 1] = "--seed " .. shell(html.text(run.seed))
  for _, fault in ipairs(run.faults or {}) do parts[#parts + 1] = "--fault " .. shell(fault) end
  if run.chaos then parts[#parts + 1] = "--chaos " .. shell(run.chaos) end
  for _, what in ipairs(run.bench ~= "virtual" and run.arm or {}) do parts[#parts + 1] = "--arm " .. shell(what) end
  if name then
    parts[#parts + 1] = shell(name)
  else
    for _, pattern in ipairs(run.select or {}) do parts[#parts + 1] = shell(pattern) end
  end
  return table.concat(parts, " ")
end

return words
