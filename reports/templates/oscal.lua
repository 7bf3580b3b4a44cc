-- A run as OSCAL assessment results (NIST, version 1.0.6): one result, an observation for every attempt, a finding for
-- every control that somebody can speak of, a risk for what failed and for what no device can mend.
-- docs/REPORTS.md says which verdict becomes what. A value { uuid5 = NAME } is computed when this has been read.
-- luacheck: read_globals include
local json <const> = include "json.lua"
local outcome <const> = include "outcome.lua"
local risks <const> = include "risks.lua"

local NS <const> = "urn:x-foxbench:oscal"

local line <const> = outcome.line

-- A control's name as OSCAL's tokens allow it: EN303645:5.5-1 is EN303645_5.5-1.
local function token(name)
  local s <const> = tostring(name):gsub(":", "_"):gsub("[^%w._-]", function(c) return ("_%02x"):format(c:byte()) end)
  return s:find "^[%a_]" and s or "_" .. s
end

local function prop(name, value, class)
  return { name = name, ns = NS, value = line(value), class = class }
end

local function uuids(m)
  return function(kind, id) return { uuid5 = ("%s:oscal:%s:%s"):format(m.dir, kind, id or "") } end
end

-- ---- observations

local function measured(event)
  local text = ("%s = %s %s"):format(line(event.name), line(event.value), line(event.unit, ""))
  if event.U then text = text .. ("; U = %s (k = %s)"):format(line(event.U), line(event.k)) end
  if event.limit then text = text .. ("; limit %s [%s]"):format(line(event.limit), line(event.mark)) end
  return text
end

local function attempt_props(case, attempt)
  local props <const> = {
    prop("test", outcome.name(case)), prop("verdict", attempt.verdict), prop("blame", attempt.blame),
    prop("severity", case.severity), prop("attempt", attempt.attempt),
  }
  if attempt.superseded then props[#props + 1] = prop("superseded", "yes") end
  local ended <const> = attempt["end"] or {}
  if ended.trials_done then
    props[#props + 1] = prop("trials", ended.trials_done)
    props[#props + 1] = prop("faults", ended.faults)
  end
  local bound <const> = ended.bound
  if bound then
    props[#props + 1] = prop("bound", ("%s, %s %%: %s"):format(line(bound.type), line((bound.confidence or 0) * 100),
      line(bound.value)))
  end
  for _, event in ipairs(attempt.events) do
    if event.type == "measure" then props[#props + 1] = prop("measurement", measured(event), token(event.verdict)) end
  end
  return props
end

local function evidence(case, attempt)
  local list <const> = {}
  for i, file in ipairs((attempt["end"] or {}).files or {}) do
    list[i] = {
      href = "../" .. outcome.folder(case, attempt) .. "/" .. file.path,
      description = line(file.note, line(file.path)),
      props = { prop("sha256", file.sha256), prop("size", file.size), prop("media-type", file.media_type) },
    }
  end
  return #list > 0 and list or nil
end

local function observation(m, uuid, case, attempt)
  local id <const> = outcome.name(case) .. ":" .. attempt.attempt
  return {
    uuid = uuid("observation", id),
    title = line(outcome.name(case) .. ": " .. line(case.title)),
    description = ("%s: %s. %s"):format(line(case.title), attempt.verdict, outcome.why(attempt)),
    methods = { #(case.watches or {}) > 0 and "EXAMINE" or "TEST" },
    props = attempt_props(case, attempt),
    origins = { { actors = { { type = "tool", ["actor-uuid"] = uuid "bench" } } } },
    subjects = { { ["subject-uuid"] = uuid "item", type = "inventory-item" } },
    ["relevant-evidence"] = evidence(case, attempt),
    collected = attempt.ended_wall or m.wall.last,
    remarks = "threat: " .. line(case.threat),
  }
end

-- The observations of a case's attempts that count.
local function related(uuid, case)
  local list <const> = {}
  for _, attempt in ipairs(case.attempts) do
    if not attempt.superseded then
      list[#list + 1] = { ["observation-uuid"] = uuid("observation", outcome.name(case) .. ":" .. attempt.attempt) }
    end
  end
  return list
end

local function all_related(uuid, cases)
  local list <const> = {}
  for _, case in ipairs(cases) do
    for _, entry in ipairs(related(uuid, case)) do list[#list + 1] = entry end
  end
  return #list > 0 and list or nil
end

-- ---- risks

local RISKY <const> = { fail = true, warn = true, info = true }

local function case_risk(uuid, case)
  local observations <const> = related(uuid, case)
  return {
    uuid = uuid("risk", outcome.name(case)), title = line(outcome.name(case) .. ": " .. line(case.title)),
    description = outcome.why(case), statement = line(case.threat), status = "open",
    props = { prop("verdict", case.verdict), prop("severity", case.severity) },
    ["related-observations"] = #observations > 0 and observations or nil,
  }
end

local function all_risks(m, uuid)
  local list <const> = {}
  for _, case in ipairs(m.cases) do
    if case.state == "attempted" and RISKY[case.verdict] then list[#list + 1] = case_risk(uuid, case) end
  end
  for i, risk in ipairs(risks) do
    list[#list + 1] = {
      uuid = uuid("residual", i), title = line(risk[1]), description = line(risk[2]), status = "open",
      statement = "A property of the protocol that no device can mend. It is held against no device.",
      props = { prop("residual", "protocol") },
    }
  end
  return list
end

-- ---- controls

local function controls_of(m)
  local by_name <const>, names <const> = {}, {}
  for _, case in ipairs(m.cases) do
    for _, name in ipairs(case.covers or {}) do
      if not by_name[name] then
        by_name[name] = {}
        names[#names + 1] = name
      end
      table.insert(by_name[name], case)
    end
  end
  table.sort(names)
  return names, by_name
end

local function finding(m, uuid, name, cases, said)
  local tests <const>, open <const> = {}, {}
  for i, case in ipairs(cases) do tests[i] = ("%s: %s"):format(outcome.name(case), line(case.verdict)) end
  for _, case in ipairs(cases) do
    if case.state == "attempted" and RISKY[case.verdict] then
      open[#open + 1] = { ["risk-uuid"] = uuid("risk", outcome.name(case)) }
    end
  end
  return {
    uuid = uuid("finding", name), title = line(name),
    description = "By the tests of this run: " .. line(table.concat(tests, ", ")) .. ".",
    target = {
      type = "objective-id", ["target-id"] = token(name), title = line(name),
      status = {
        state = said.state, reason = said.reason,
        remarks = said.state ~= "satisfied" and ("%s: %s: %s"):format(outcome.name(said.case), line(said.case.verdict),
          outcome.why(said.case)) or nil,
      },
    },
    props = { prop("reference", name), prop("profile", m.run.profile) },
    ["related-observations"] = all_related(uuid, cases), ["related-risks"] = #open > 0 and open or nil,
  }
end

-- ---- what the findings leave out

local function log_entries(m, uuid)
  local entries <const> = { {
    uuid = uuid("log", "run"), title = "The run", start = m.wall.first, ["end"] = m["end"] and m.wall.last or nil,
    description = m["end"] and "ended, exit " .. line(m["end"].exit) or "did not end",
  } }
  for _, case in ipairs(m.cases) do
    if case.state ~= "attempted" and case.state ~= "na" or case.verdict == "error" or case.verdict == "waived" then
      local last <const> = case.attempts[#case.attempts] or {}
      entries[#entries + 1] = {
        uuid = uuid("log", outcome.name(case)), start = last.begun_wall or m.wall.last, ["end"] = last.ended_wall,
        title = line(outcome.name(case) .. ": " .. line(case.verdict)), description = outcome.why(case),
        props = { prop("verdict", case.verdict), prop("blame", case.blame) },
      }
    end
  end
  return entries
end

local function remarks(m, silent)
  local notes <const> = { "The results relate only to the items tested." }
  local na <const> = {}
  for _, case in ipairs(m.cases) do
    if case.verdict == "na" then na[#na + 1] = outcome.name(case) .. " (" .. line(case.reason) .. ")" end
  end
  if not m["end"] then notes[#notes + 1] = "The run did not end." end
  if (m.plan.bench or {}).virtual then notes[#notes + 1] = "Virtual laboratory: no real device was tested." end
  if #(m.run.faults or {}) > 0 then
    notes[#notes + 1] = "Seeded faults: " .. line(table.concat(m.run.faults, ", ")) .. "."
  end
  if m.run.chaos then notes[#notes + 1] = "Drawn faults of the laboratory: " .. line(m.run.chaos) .. "." end
  if not outcome.is_honest(m) then
    notes[#notes + 1] = "Parts of the bench were replaced (" .. line(table.concat(m.run.substitutes, ", "))
      .. "): nothing is satisfied by this run."
  end
  if #na > 0 then notes[#notes + 1] = "Not applicable: " .. table.concat(na, "; ") .. "." end
  if #silent > 0 then notes[#notes + 1] = "Not assessed: " .. line(table.concat(silent, ", ")) .. "." end
  return table.concat(notes, " ")
end

local function item(m, uuid)
  local device <const> = m.plan.device or {}
  local props <const> = {}
  for _, name in ipairs { "make", "model", "serial", "id", "zone" } do
    if type(device[name]) == "string" and device[name] ~= "" then props[#props + 1] = prop(name, device[name]) end
  end
  return { uuid = uuid "item", description = "Device under test: " .. line(device.name),
    props = #props > 0 and props or nil }
end

local function resource(m, uuid, name, title)
  local digest <const> = m.digests[name]
  return digest and {
    uuid = uuid("file", name), title = title,
    rlinks = { { href = "../" .. name, ["media-type"] = name:find "json$" and "application/json" or "text/plain",
      hashes = { { algorithm = "SHA-256", value = digest.sha256 } } } },
  }
end

local function assets(m, uuid)
  return {
    components = { { uuid = uuid "bench", type = "software", title = "foxbench " .. line(m.run.foxbench),
      description = "Test bench " .. line(m.run.bench), status = { state = "operational" } } },
    ["assessment-platforms"] = { { uuid = uuid "platform", title = "Bench " .. line(m.run.bench),
      ["uses-components"] = { { ["component-uuid"] = uuid "bench" } } } },
  }
end

return function(m)
  local uuid <const> = uuids(m)
  local names <const>, by_name <const> = controls_of(m)
  local decided <const> = outcome.decide(m)
  local observations <const>, findings <const>, silent <const>, included <const> = {}, {}, {}, {}
  for _, case in ipairs(m.cases) do
    for _, attempt in ipairs(case.attempts) do
      observations[#observations + 1] = observation(m, uuid, case, attempt)
    end
  end
  for i, name in ipairs(names) do
    local said <const> = outcome.control(by_name[name], outcome.is_honest(m))
    included[i] = { ["control-id"] = token(name) }
    if said.state then
      findings[#findings + 1] = finding(m, uuid, name, by_name[name], said)
    else
      silent[#silent + 1] = name
    end
  end
  local resources <const> = {}
  for _, file in ipairs { { "plan.json", "The plan: every test with its fields, device, bench, limits" },
    { "run.json", "What was asked for" }, { "events.jsonl", "The ledger of the run" },
    { "wall.jsonl", "Wall times of the ledger" } } do
    resources[#resources + 1] = resource(m, uuid, file[1], file[2])
  end
  return json.text { ["assessment-results"] = {
    uuid = uuid "document",
    metadata = {
      title = "Security assessment of " .. line((m.plan.device or {}).name, line(m.run.device)),
      ["last-modified"] = m.wall.last, version = "1", ["oscal-version"] = "1.0.6",
      ["document-ids"] = { { scheme = "urn:x-foxbench:report", identifier = line(m.dir) } },
      props = { prop("decision", decided.word), prop("level", decided.level), prop("profile", m.run.profile),
        prop("catalogue", m.run.catalogue_version), prop("seed", m.run.seed) },
    },
    ["import-ap"] = { href = { uuid5 = uuid("file", "plan.json").uuid5, before = "#" } },
    results = { {
      uuid = uuid "result", title = "Report " .. line(m.dir),
      description = ("%d tests at level %s: %s."):format(#m.cases, decided.level, decided.word),
      start = m.wall.first, ["end"] = m["end"] and m.wall.last or nil,
      ["local-definitions"] = { ["inventory-items"] = { item(m, uuid) }, ["assessment-assets"] = assets(m, uuid) },
      ["reviewed-controls"] = { ["control-selections"] = { #included > 0 and { ["include-controls"] = included }
        or { description = "The tests of this run name no control." } } },
      ["assessment-log"] = { entries = log_entries(m, uuid) },
      observations = #observations > 0 and observations or nil, risks = all_risks(m, uuid),
      findings = #findings > 0 and findings or nil, remarks = remarks(m, silent),
    } },
    ["back-matter"] = { resources = resources },
  } }
end
