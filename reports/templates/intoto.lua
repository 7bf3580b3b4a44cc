-- A run as an in-toto statement (v1) with a test-result predicate (v0.1), and what it speaks of: `item`, the item's
-- identification, which becomes a file of its own whose digest is the subject. docs/REPORTS.md says which verdict
-- becomes what: PASSED is for a run that ended, in which something passed and nothing else happened.
-- luacheck: read_globals include
local json <const> = include "json.lua"
local outcome <const> = include "outcome.lua"

local line <const> = outcome.line

local LIST <const> = { pass = "passed", info = "passed", warn = "warned", fail = "failed", error = "failed" }

-- passed, warned, failed, or nil for what does not apply.
local function list_of(m, case)
  if case.verdict == "na" then return nil end
  local list <const> = case.state == "attempted" and LIST[case.verdict]
  if list == "passed" and not outcome.is_honest(m) then return "warned" end
  -- inconclusive, not run, unfinished, waived: open questions
  return list or outcome.is_mandatory(m, case.id) and "failed" or "warned"
end

local function sort(m)
  local lists <const> = { passed = {}, warned = {}, failed = {} }
  local earned = false
  for _, case in ipairs(m.cases) do
    local list <const> = list_of(m, case)
    if list then table.insert(lists[list], outcome.name(case)) end
    earned = earned or list == "passed" and case.verdict == "pass"
  end
  return lists, earned
end

local function result_of(m, lists, earned)
  if #lists.failed > 0 or not m["end"] or not earned then return "FAILED" end
  local doubtful <const> = #lists.warned > 0 or #(m.run.faults or {}) > 0 or m.run.chaos or not outcome.is_honest(m)
  return doubtful and "WARNED" or "PASSED"
end

-- What can be said of the item without a key: names as the maker declared them.
local function item_of(m)
  local device <const>, item <const> = m.plan.device or {}, { version = 1 }
  for _, name in ipairs { "name", "make", "model", "serial", "id", "zone", "dialect", "hardware", "firmware" } do
    local value <const> = device[name]
    if type(value) == "string" then item[name] = line(value) end
    if type(value) == "table" then item[name] = value end
  end
  return item
end

return function(m)
  local lists <const>, earned <const> = sort(m)
  local decided <const>, item <const> = outcome.decide(m), item_of(m)
  local subject <const> = { { name = "item.json", annotations = { device = item.name, id = item.id } } }
  local firmware <const> = type(item.firmware) == "table" and item.firmware.sha256
  if firmware then
    subject[2] = { name = "firmware " .. line(item.firmware.version), digest = { sha256 = firmware } }
  end
  local configuration <const> = {
    { name = "catalogue", uri = "urn:x-foxbench:catalogue:" .. line(m.run.catalogue_version, "unknown") },
    { name = "bench", uri = "pkg:generic/foxbench@" .. line(m.run.foxbench) },
    { name = "profile", uri = "urn:x-foxbench:profile:" .. line(m.run.profile),
      annotations = { level = decided.level, decision = decided.word, report = line(m.dir), ended = m["end"] ~= nil,
        virtual = (m.plan.bench or {}).virtual == true, began = m.wall.first } },
  }
  for _, name in ipairs { "plan.json", "run.json", "events.jsonl" } do
    local digest <const> = m.digests[name]
    if digest then
      configuration[#configuration + 1] = { name = name, digest = { sha256 = digest.sha256 },
        mediaType = name == "events.jsonl" and "application/jsonl" or "application/json" }
    end
  end
  local function names(list) return #list > 0 and list or json.EMPTY end
  return json.text { item = item, statement = {
    _type = "https://in-toto.io/Statement/v1", subject = subject,
    predicateType = "https://in-toto.io/attestation/test-result/v0.1",
    predicate = { result = result_of(m, lists, earned), configuration = configuration,
      passedTests = names(lists.passed), warnedTests = names(lists.warned), failedTests = names(lists.failed) },
  } }
end
