-- Which cases run: selections, profiles, axes, the cases that passive ones watch, and what does not apply.
local case <const> = require "cert.case"
local schema <const> = require "cert.schema"

local plan <const> = {}

-- A glob as a pattern: * and ? are wild, all else is literal.
local function pattern_of(glob)
  local escaped <const> = glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return "^" .. escaped .. "$"
end

local function nearest(word, cases)
  local best, best_score = nil, 0
  for _, known in ipairs(cases) do
    local score = 0
    for i = 1, math.min(#word, #known.id) do
      if word:sub(i, i):upper() ~= known.id:sub(i, i) then break end
      score = i
    end
    if score > best_score then best, best_score = known.id, score end
  end
  return best
end

-- Marks in `chosen` every full id that a selection names; gives back whether there was one.
local function mark(chosen, library, selection)
  local pattern <const>, any = pattern_of(selection), false
  for _, known in ipairs(library.cases) do
    local folder <const> = known.page and known.page:match "^suites/([^/]+)/" or nil
    local whole <const> = known.id:find(pattern) or selection == known.suite.id or selection == folder
    for _, axes in ipairs(case.combinations(known)) do
      local full <const> = case.full_id(known.id, axes)
      if whole or full:find(pattern) then
        chosen[full], any = true, true
      end
    end
  end
  return any
end

local function select_all(library, select, profile_name)
  local chosen <const> = {}
  if #select == 0 then
    local name <const> = profile_name or "smoke"
    local profile <const> = library.profiles[name]
    if not profile then
      return nil, ("unknown profile '%s'; there are: %s"):format(name, schema.names(library.profiles))
    end
    for _, id in ipairs(profile.cases) do mark(chosen, library, id) end
    return chosen
  end
  for _, selection in ipairs(select) do
    if not mark(chosen, library, selection) then
      local near <const> = nearest(selection, library.cases)
      return nil, ("unknown case '%s'; expected an id, a pattern such as 'CNT-*', or a suite, as `foxbench"
        .. " list` prints them%s")
        :format(selection, near and ("; the nearest is " .. near) or "")
    end
  end
  return chosen
end

-- Watching is judging traffic of other cases: selecting the one adds the others.
local function add_watched(chosen, library)
  for _, known in ipairs(library.cases) do
    for _, axes in ipairs(case.combinations(known)) do
      if chosen[case.full_id(known.id, axes)] then
        for _, id in ipairs(known.watches or {}) do
          for _, watched_axes in ipairs(case.combinations(library.by_id[id])) do
            chosen[case.full_id(id, watched_axes)] = true
          end
        end
      end
    end
  end
end

--- Why a case does not apply to a device with these features (a list), or nil.
function plan.not_applicable(known, features)
  local declared <const> = schema.set(features)
  for _, need in ipairs(known.needs) do
    if case.FEATURES[need] and not declared[need] then
      return ("the device file does not declare the feature %s"):format(need)
    end
  end
end

-- Active cases in the order of their ids, each followed by the passive ones once all they watch are done.
local function ordered(library, chosen)
  local list <const>, done <const>, placed <const> = {}, {}, {}
  local function place(known)
    if placed[known] then return end
    placed[known] = true
    for _, axes in ipairs(case.combinations(known)) do
      if chosen[case.full_id(known.id, axes)] then list[#list + 1] = { case = known, axes = axes } end
    end
    done[known.id] = true
  end
  for _, known in ipairs(library.cases) do
    if not known.watches then place(known) end
    for _, passive in ipairs(library.cases) do
      local ready = passive.watches ~= nil
      for _, id in ipairs(passive.watches or {}) do ready = ready and done[id] end
      if ready then place(passive) end
    end
  end
  return list
end

--- plan.make(library, select, profile, features) -> list of { case, axes, na }, or nil and one line of text.
function plan.make(library, select, profile_name, features)
  local chosen <const>, wrong <const> = select_all(library, select, profile_name)
  if not chosen then return nil, wrong end
  add_watched(chosen, library)
  local list <const> = ordered(library, chosen)
  for _, entry in ipairs(list) do entry.na = plan.not_applicable(entry.case, features) end
  return list
end

return plan
