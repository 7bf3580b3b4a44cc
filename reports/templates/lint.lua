-- What a formal report after ISO/IEC 17025:2017, 7.8 still lacks of a run: a list of { section, lacks, mend }, in the
-- order of such a report. Sections are those of the test catalogue, E.1.
-- luacheck: read_globals include
local json <const> = include "json.lua"
local outcome <const> = include "outcome.lua"

local function has(value)
  return value ~= nil and value ~= "" and value ~= false
end

-- "make" of { make = … }, "firmware.version" of { firmware = { version = … } }.
local function at(object, path)
  for name in path:gmatch "[^.]+" do
    if type(object) ~= "table" then return nil end
    object = object[name]
  end
  return object
end

-- What stands in a file of declarations: section, file, field, what it is, an example.
local DECLARED <const> = {
  { "title page", "bench", "laboratory.name", "name of the laboratory", 'laboratory = { name = "…", address = "…" }' },
  { "title page", "bench", "laboratory.address", "address of the laboratory", 'laboratory = { address = "…" }' },
  { "title page", "bench", "laboratory.authorises", "person who authorises the report",
    'laboratory = { authorises = "…" }' },
  { "title page", "device", "order.customer", "customer", 'order = { customer = "…", contact = "…" }' },
  { "title page", "device", "order.contact", "the customer's contact", 'order = { contact = "…" }' },
  { "item", "device", "make", "maker of the device", 'make = "…"' },
  { "item", "device", "model", "model of the device", 'model = "…"' },
  { "item", "device", "hardware", "revision of the hardware", 'hardware = "…"' },
  { "item", "device", "serial", "serial number of the device", 'serial = "…"' },
  { "item", "device", "firmware.version", "version of the firmware", 'firmware = { version = "…" }' },
  { "item", "device", "firmware.sha256", "SHA-256 of the firmware", 'firmware = { sha256 = "64 digits" }' },
  { "item", "device", "order.received", "date of receipt", 'order = { received = "YYYY-MM-DD" }' },
  { "item", "device", "order.condition", "condition on receipt", 'order = { condition = "…" }' },
  { "item", "device", "order.sampling", "how the samples were chosen, and by whom", 'order = { sampling = "…" }' },
  { "bench", "bench", "reference", "reference oscillator", 'reference = "…"' },
  { "conditions", "bench", "conditions.temperature_c", "temperature", "conditions = { temperature_c = 21 }" },
  { "conditions", "bench", "conditions.supply_v", "supply voltage of the device", "conditions = { supply_v = 3.3 }" },
  { "conditions", "bench", "operator", "person who tested", 'operator = "…"' },
}

local function check_declared(m, add)
  for _, field in ipairs(DECLARED) do
    local section <const>, file <const>, path <const>, what <const>, example <const> = table.unpack(field)
    if not has(at(m.plan[file], path)) then
      add(section, what, ("add %s to the %s file and run again"):format(example, file))
    end
  end
end

local function check_bench(m, add)
  local bench <const> = m.plan.bench or {}
  if bench.virtual then
    add("title page", "a real device: this run was made in the virtual laboratory", "run with --bench and --device")
  end
  for _, radio in ipairs(bench.radios or {}) do
    if not radio.calibration then
      add("bench", ("calibration of radio %s"):format(outcome.line(radio.unit)),
        "measure it, then add calibration = { full_scale_dbm = …, u_db = …, date = …, mark = … } to the radio")
    end
  end
  for i, path in ipairs(bench.rf or {}) do
    if not path.tolerance_db then
      add("bench", ("uncertainty of RF path %d (%s to %s)"):format(i, outcome.line(path.from), outcome.line(path.to)),
        "add tolerance_db = … to the entry of rf in the bench file")
    end
  end
end

-- Every one of `names`, or how many they are when a line would not hold them.
local function listed(names)
  local most <const> = 12
  if #names <= most then return table.concat(names, ", ") end
  return ("%s and %d more"):format(table.concat(names, ", ", 1, most), #names - most)
end

local function check_scope(m, add)
  local decided <const>, ids <const> = outcome.decide(m), {}
  for i, test in ipairs(decided.missing) do ids[i] = test.id end
  if #ids > 0 then
    add("scope and profile", ("%d of the %d tests that level %s demands: %s"):format(#ids, decided.demanded,
      decided.level, listed(ids)), "run the whole profile, --profile " .. decided.level
      .. "; foxbench plan names those that no case covers")
  end
  local names <const> = {}
  for _, limit in ipairs(m.plan.limits or {}) do
    if limit.mark == "ASSUMED" or limit.mark == "P" then
      names[#names + 1] = ("%s [%s]"):format(outcome.line(limit.name), limit.mark)
    end
  end
  if #names > 0 then
    add("method", "a published source of these limits: " .. listed(names),
      "give a limits file their figures and sources, and foxbench rejudge --limits it")
  end
end

local function check_results(m, add)
  if not m["end"] then
    add("conditions", "the end: the run did not finish", "foxbench resume " .. outcome.line(m.dir))
  end
  for _, case in ipairs(m.cases) do
    local open <const> = case.state ~= "na" and case.verdict ~= "na"
      and (case.state ~= "attempted" or case.verdict == "error" or case.verdict == "inconclusive")
    if open then
      add("results", ("a decision on %s: %s"):format(outcome.name(case), outcome.why(case)),
        case.blame == "device" and "see the reason; more evidence is needed"
          or "mend the cause, then foxbench resume or rerun")
    end
  end
end

local function check_files(m, add)
  if not m.has.pdf then
    add("title page", "pages with numbers: there is no report.pdf", "foxbench report RUN --format pdf")
  end
  if not m.has.signature then
    add("machine-readable results", "a signature", "foxbench sign RUN --key signer.key, when all else is there")
  end
end

local function check_honesty(m, add)
  if #(m.run.faults or {}) > 0 then add("item", "a device without seeded faults", "run without --fault") end
  if m.run.chaos then add("bench", "a laboratory without drawn faults", "run without --chaos") end
  if not outcome.is_honest(m) then
    add("bench", "the bench's own parts: some were replaced", "run without FOXBENCH_WORKER and FOXBENCH_LAB")
  end
end

return function(m)
  local list <const> = {}
  local function add(section, lacks, mend)
    list[#list + 1] = { section = section, lacks = lacks, mend = mend }
  end
  check_declared(m, add)
  check_bench(m, add)
  check_scope(m, add)
  check_results(m, add)
  check_honesty(m, add)
  check_files(m, add)
  return json.text(#list > 0 and list or json.EMPTY)
end
