-- The certification decision: what a run's plan and verdicts amount to at one level. Pure, and tested by a table.
--
-- decide { profile, selected, ended, faults, chaos, substitutes, features, cases, catalogue } gives
--   word      "granted", "refused" or "not granted yet"
--   level     the level or profile that was judged
--   demanded  how many tests of the catalogue it demands
--   reasons   { kind =, case = }, the weightiest first; kind is a key of decision.KINDS
--   missing   tests of the catalogue that the level demands and the plan lacks
local decision <const> = {}

local RANK <const> = { basic = 1, substantial = 2, high = 3 }

-- Profiles demand Substantial everywhere and High in some suites; `required`: a suite that may not be declared away.
local PROFILES <const> = {
  rail = { high = { AUTH = true, CNT = true, FWL = true, RES = true, CLN = true }, optional = "ENC" },
  meter = { high = { ENC = true, KEY = true, CNT = true, CLN = true }, required = "ENC" },
  alarm = { high = { AUTH = true, JAM = true, RES = true } },
}

-- Reasons in the order of their weight, and what each does to the decision.
decision.KINDS = {
  { name = "fail", refuses = true }, -- critical or high
  { name = "waived", refuses = true }, -- of what cannot be waived
  { name = "lesser fail" }, { name = "undecided" }, { name = "not declared" }, { name = "warn" },
  { name = "missing" }, { name = "unfinished" }, { name = "substitutes" }, { name = "chaos" },
  { name = "faults" },
}

local function has(list, word)
  for _, item in ipairs(list or {}) do
    if item == word then return true end
  end
  return false
end

local function suite_of(id)
  return id:match "^%u+"
end

--- The level or profile that a run of this profile is judged at.
function decision.level_of(profile)
  return (RANK[profile] or PROFILES[profile]) and profile or "basic"
end

--- Whether the level (or profile) demands a test of the catalogue from a device with these features.
function decision.demands(level, test, features)
  if RANK[level] then return RANK[test.level] <= RANK[level] end
  local profile <const> = PROFILES[level]
  local suite <const> = suite_of(test.id)
  if suite == profile.optional and not has(features, suite) then return false end
  return RANK[test.level] <= RANK.substantial or profile.high[suite] or has(test.profiles, level)
end

--- Whether nobody can accept the risk of leaving it out.
function decision.is_binding(level, test)
  return has(test.binding, "all") or has(test.binding, level)
end

local function judge_case(case, test, demanded, level, add)
  local verdict <const> = case.verdict
  if verdict == "fail" then
    local grave <const> = case.severity == "critical" or case.severity == "high"
    add(grave and "fail" or "lesser fail", case)
  elseif not demanded then
    return
  elseif verdict == "waived" then
    if decision.is_binding(level, test) then add("waived", case) end
  elseif verdict == "na" then
    local profile <const> = PROFILES[level]
    if profile and profile.required == suite_of(case.id) then add("not declared", case) end
  elseif verdict == "warn" then
    add("warn", case)
  elseif verdict ~= "pass" and verdict ~= "info" then
    add("undecided", case)
  end
end

function decision.decide(run)
  local level <const> = decision.level_of(run.profile)
  local by_kind <const>, planned <const>, missing <const>, tests <const> = {}, {}, {}, {}
  local demanded = 0
  local function add(kind, case)
    by_kind[kind] = by_kind[kind] or {}
    by_kind[kind][#by_kind[kind] + 1] = { kind = kind, case = case }
  end
  for _, case in ipairs(run.cases) do planned[case.id] = true end
  for _, test in ipairs(run.catalogue) do
    if decision.demands(level, test, run.features) then
      demanded = demanded + 1
      tests[test.id] = test
      if not planned[test.id] then missing[#missing + 1] = test end
    end
  end
  for _, case in ipairs(run.cases) do judge_case(case, tests[case.id], tests[case.id] ~= nil, level, add) end
  if #missing > 0 then add "missing" end
  if not run.ended then add "unfinished" end
  if #(run.substitutes or {}) > 0 then add "substitutes" end
  if run.chaos then add "chaos" end
  if #(run.faults or {}) > 0 then add "faults" end

  local word, reasons = "granted", {}
  for _, kind in ipairs(decision.KINDS) do
    for _, reason in ipairs(by_kind[kind.name] or {}) do
      reasons[#reasons + 1] = reason
      if kind.refuses then word = "refused" elseif word == "granted" then word = "not granted yet" end
    end
  end
  return { word = word, level = level, demanded = demanded, reasons = reasons, missing = missing }
end

return decision
