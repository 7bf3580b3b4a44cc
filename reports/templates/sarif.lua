-- A run as SARIF 2.1.0: the planned tests are the rules, and every case has one result. docs/REPORTS.md says which
-- verdict becomes what. A result that is no "fail" has level "none": the standard allows no other (3.27.10).
-- luacheck: read_globals include
local json <const> = include "json.lua"
local outcome <const> = include "outcome.lua"

local line <const> = outcome.line

local KIND <const> = {
  pass = { "pass", "none" }, fail = { "fail", "error" }, warn = { "fail", "warning" },
  info = { "informational", "none" }, inconclusive = { "open", "none" }, notrun = { "open", "none" },
  na = { "notApplicable", "none" }, error = { "review", "none" }, waived = { "review", "none" },
}

local function place(path)
  return { uri = path, uriBaseId = "RUN" }
end

local function rule(case)
  return {
    id = case.id, name = line(case.id), shortDescription = { text = line(case.title) },
    fullDescription = { text = line(case.threat) },
    help = { text = ("foxbench list --json tells all of %s, foxbench run %s repeats it."):format(case.id, case.id) },
    defaultConfiguration = { level = "error" },
    properties = { tags = #(case.covers or {}) > 0 and case.covers or json.EMPTY, severity = line(case.severity),
      level = line(case.level) },
  }
end

local function kind_of(m, case)
  local verdict = case.state == "unfinished" and "notrun" or case.verdict
  if verdict == "pass" and not outcome.is_honest(m) then verdict = "error" end -- of what nobody can vouch for
  return KIND[verdict] or KIND.error
end

local function result(m, case, index)
  local name <const>, kind <const> = outcome.name(case), kind_of(m, case)
  local files <const> = {}
  for _, attempt in ipairs(case.attempts) do
    for _, file in ipairs((attempt["end"] or {}).files or {}) do
      files[#files + 1] = { description = { text = line(file.note, line(file.path)) },
        artifactLocation = place(outcome.folder(case, attempt) .. "/" .. file.path) }
    end
  end
  return {
    ruleId = case.id, ruleIndex = index, kind = kind[1], level = kind[2], guid = { uuid5 = m.dir .. ":sarif:" .. name },
    message = { text = ("%s: %s. %s"):format(line(case.title), line(case.verdict),
      case.verdict == "pass" and line(case.reason, "every demand met") or outcome.why(case)) },
    locations = { {
      physicalLocation = { artifactLocation = place "events.jsonl" },
      logicalLocations = { { fullyQualifiedName = line(m.run.device) .. "/" .. name, kind = "resource" } },
    } },
    fingerprints = { ["foxbenchCase/v1"] = line(m.run.device) .. "/" .. name },
    attachments = #files > 0 and files or nil,
    properties = { verdict = line(case.verdict), blame = line(case.blame), attempts = #case.attempts },
  }
end

local function artifacts(m)
  local list <const> = {}
  for name, digest in pairs(m.digests) do
    if name ~= "junit.xml" then
      list[#list + 1] = { location = place(name), length = digest.size, hashes = { ["sha-256"] = digest.sha256 } }
    end
  end
  for _, case in ipairs(m.cases) do
    for _, attempt in ipairs(case.attempts) do
      for _, file in ipairs((attempt["end"] or {}).files or {}) do
        list[#list + 1] = { location = place(outcome.folder(case, attempt) .. "/" .. file.path), length = file.size,
          hashes = { ["sha-256"] = file.sha256 } }
      end
    end
  end
  return #list > 0 and list or nil
end

local function notifications(m)
  local list <const> = {}
  for _, case in ipairs(m.cases) do
    if case.verdict == "error" or case.state == "unfinished" or case.verdict == "notrun" then
      list[#list + 1] = { level = "error", associatedRule = { id = case.id },
        message = { text = ("%s: %s: %s"):format(outcome.name(case), line(case.verdict), outcome.why(case)) } }
    end
  end
  return #list > 0 and list or nil
end

return function(m)
  local rules <const>, index_of <const>, results <const> = {}, {}, {}
  for _, case in ipairs(m.cases) do
    if not index_of[case.id] then
      rules[#rules + 1] = rule(case)
      index_of[case.id] = #rules - 1
    end
    results[#results + 1] = result(m, case, index_of[case.id])
  end
  local decided <const> = outcome.decide(m)
  local broken <const> = notifications(m)
  return json.text {
    ["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json", version = "2.1.0",
    runs = { {
      tool = { driver = { name = "foxbench", version = line(m.run.foxbench), semanticVersion = line(m.run.foxbench),
        rules = #rules > 0 and rules or json.EMPTY } },
      automationDetails = { id = ("%s/%s/"):format(line(m.run.device), line(m.run.profile)),
        guid = { uuid5 = m.dir .. ":sarif:run" } },
      invocations = { {
        executionSuccessful = m["end"] ~= nil and broken == nil, startTimeUtc = m.wall.first,
        endTimeUtc = m["end"] and m.wall.last or nil, exitCode = m["end"] and m["end"].exit or nil,
        toolExecutionNotifications = broken,
      } },
      originalUriBaseIds = { RUN = { description = { text = "the run directory " .. line(m.dir) } } },
      artifacts = artifacts(m), results = #results > 0 and results or json.EMPTY,
      properties = { report = line(m.dir), decision = decided.word, level = decided.level,
        profile = line(m.run.profile), complete = m["end"] ~= nil, honest = outcome.is_honest(m),
        seededFaults = #(m.run.faults or {}) > 0 and m.run.faults or json.EMPTY },
    } },
  }
end
