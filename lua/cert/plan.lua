-- Which cases run: selections, profiles, axes, the cases that passive ones watch, and what does not apply.
local case <const> = require "cert.case"
local nearest <const> = require "cert.nearest"
local schema <const> = require "cert.schema"
local selection <const> = require "cert.selection"
local shard <const> = require "cert.shard"

local plan <const> = {}

-- ": the nearest is …", or nothing.
local function hint(word, words)
  local near <const> = nearest(word, words)
  return near and ("; the nearest is " .. near) or ""
end

local function words_of(library)
  local words <const>, seen <const> = {}, {}
  for _, known in ipairs(library.cases) do
    if not seen[known.suite.id] then words[#words + 1] = known.suite.id end
    seen[known.suite.id] = true
    words[#words + 1] = known.id
  end
  return words
end

-- Marks in `chosen` every full id that a selection names; gives back whether there was one.
local function mark(chosen, library, wanted)
  local pattern <const>, any = selection.pattern_of(wanted), false
  for _, known in ipairs(library.cases) do
    local folder <const> = known.page and known.page:match "^suites/([^/]+)/" or nil
    local whole <const> = known.id:find(pattern) or wanted == known.suite.id or wanted == folder
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
      local names <const> = schema.names(library.profiles)
      local list <const> = {}
      for word in names:gmatch "[^, ]+" do list[#list + 1] = word end
      return nil, ("unknown profile '%s'; there are: %s%s"):format(name, names, hint(name, list))
    end
    for _, id in ipairs(profile.cases) do mark(chosen, library, id) end
    return chosen
  end
  for _, wanted in ipairs(select) do
    if not mark(chosen, library, wanted) then
      return nil, ("unknown case '%s'; expected an id, a pattern such as 'CNT-*', or a suite, as `foxbench"
        .. " list` prints them%s"):format(wanted, hint(wanted, words_of(library)))
    end
  end
  return chosen
end

-- Takes out of `chosen` what the expression says: those that do not match (keep) or those that do.
local function filter(chosen, library, option, text, keep)
  if not text then return true end
  local matches <const>, wrong <const> = selection.compile(text, library)
  if not matches then return nil, ("%s %s"):format(option, wrong) end
  for _, known in ipairs(library.cases) do
    if matches(known) ~= keep then
      for _, axes in ipairs(case.combinations(known)) do chosen[case.full_id(known.id, axes)] = nil end
    end
  end
  return true
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

-- Active cases in the order of their ids, each followed by the passive ones once all they watch are done; what cannot
-- be undone (D) comes when everything else is over.
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
  local function place_all(destructive)
    for _, known in ipairs(library.cases) do
      if not known.watches and (known.safety == "D") == destructive then place(known) end
      for _, passive in ipairs(library.cases) do
        local ready = passive.watches ~= nil
        for _, id in ipairs(passive.watches or {}) do ready = ready and done[id] end
        if ready then place(passive) end
      end
    end
  end
  place_all(false)
  place_all(true)
  return list
end

--- plan.make(library, select, profile, features [, limits]) -> list of { case, axes, na }, or nil and one line of text.
--- limits: `include` and `exclude` are expressions (cert.selection), `shard` = { i, n } (cert.shard). A passive case
--- takes the cases that it watches along, unless `exclude` names them.
function plan.make(library, select, profile_name, features, limits)
  local given <const> = limits or {}
  local chosen <const>, wrong = select_all(library, select, profile_name)
  if not chosen then return nil, wrong end
  local ok
  ok, wrong = filter(chosen, library, "-i", given.include, true)
  if not ok then return nil, wrong end
  add_watched(chosen, library)
  ok, wrong = filter(chosen, library, "-e", given.exclude, false)
  if not ok then return nil, wrong end
  local list = ordered(library, chosen)
  if given.shard then list = shard.take(list, given.shard[1], given.shard[2]) end
  for _, entry in ipairs(list) do entry.na = plan.not_applicable(entry.case, features) end
  return list
end

return plan
