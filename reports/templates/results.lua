-- The table of all planned cases, worst news readable at a glance. The variants of one case (its axes) stand together
-- under one line for the case.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local words <const> = include "words.lua"

local results <const> = {}

--- Cases with equal id, in order of first appearance: { id, title, severity, level, cases, worst }.
function results.groups(cases)
  local list <const>, by_id <const> = {}, {}
  for _, case in ipairs(cases) do
    local group = by_id[case.id]
    if not group then
      group = {
        id = case.id, title = case.title, severity = case.severity, level = case.level, cases = {}, worst = case,
      }
      by_id[case.id] = group
      list[#list + 1] = group
    end
    group.cases[#group.cases + 1] = case
    if words.is_worse(case.verdict, group.worst.verdict) then group.worst = case end
  end
  return list
end

--- "5 pass, 1 fail".
function results.tally(cases)
  local order <const>, count <const> = {}, {}
  for _, case in ipairs(cases) do
    if not count[case.verdict] then order[#order + 1] = case.verdict end
    count[case.verdict] = (count[case.verdict] or 0) + 1
  end
  table.sort(order, words.is_worse)
  for i, name in ipairs(order) do order[i] = ("%d %s"):format(count[name], words.verdict(name)) end
  return table.concat(order, ", ")
end

local function link(case)
  local id <const> = words.full_id(case)
  return ('<a href="#%s">%s</a>'):format(html.id(id), html.text(id))
end

-- Axes break between each other, never within.
local function axes_link(case)
  local parts <const> = {}
  for axis in case.axes:gmatch "[^,]+" do parts[#parts + 1] = '<span class="id">' .. html.text(axis) .. "</span>" end
  return ('<a class="variant" href="#%s">%s</a>'):format(html.id(words.full_id(case)), table.concat(parts, ", "))
end

local function reason(case)
  if case.verdict == "pass" then return "" end
  local text <const> = html.text(case.reason)
  return case.blame == "none" and text or ('%s <span class="blame">(%s)</span>'):format(text, html.text(case.blame))
end

local COLUMNS <const> = {
  { "Case", cell = function(r) return r.name end, class = "code" },
  { "What it asks", cell = function(r) return r.title and html.text(r.title) or "" end },
  { "Verdict", cell = function(r) return words.badge(r.verdict) end, class = "tight" },
  { "Reason (on account of)", cell = function(r) return r.reason end },
  { "Severity", cell = function(r) return r.severity and html.text(r.severity) or "" end, class = "tight" },
  { "Level", cell = function(r) return r.level and html.text(r.level) or "" end, class = "tight" },
}

function results.section(m)
  local rows <const> = {}
  for _, group in ipairs(results.groups(m.cases)) do
    local several <const> = #group.cases > 1
    local whole <const> = group.worst
    rows[#rows + 1] = {
      name = several and '<span class="id">' .. html.text(group.id) .. "</span>"
        or '<span class="id">' .. link(whole) .. "</span>",
      title = group.title, verdict = whole.verdict, severity = group.severity, level = group.level,
      reason = several and ("%d variants: %s"):format(#group.cases, results.tally(group.cases)) or reason(whole),
    }
    for _, case in ipairs(several and group.cases or {}) do
      rows[#rows + 1] = {
        name = axes_link(case), verdict = case.verdict, reason = reason(case),
      }
    end
  end
  return html.table(COLUMNS, rows, "results")
end

return results
