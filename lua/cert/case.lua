-- One case: its fields, checked, and the combinations of its axes.
local control <const> = require "cert.control"
local schema <const> = require "cert.schema"

local case <const> = {}

--- The catalogue these cases come from; a changed pass criterion raises the minor number, a new mandatory test the
--- major.
case.CATALOGUE_VERSION = "1.0"

case.INSTRUMENTS = schema.set {
  "serial", "power", "reset", "radio.jam", "radio.rx", "radio.rx3", "radio.tx", "spi", "swd",
}
case.FEATURES = schema.set {
  "DL", "ENC", "E2E", "LBT", "GSM", "JDET", "EXTMEM", "SE", "FWUP", "SCA", "TESTMODE", "KNOWNKEY", "FLEET",
}
local NEEDS <const> = {}
for name in pairs(case.INSTRUMENTS) do NEEDS[name] = true end
for name in pairs(case.FEATURES) do NEEDS[name] = true end

local FRAMEWORKS <const> = schema.set { "EN303645", "EN18031", "CRA", "IEC62443", "ISVS", "ISTG", "NIST8425", "WP" }

local FIELDS <const> = {
  id = { type = "string", pattern = "^[A-Z][A-Z0-9]*%-[A-Z0-9-]*%d+$", form = "an id such as CNT-UL-005" },
  title = { type = "string" },
  threat = { type = "string" },
  severity = { type = "string", among = schema.set { "critical", "high", "medium", "low", "info" } },
  level = { type = "string", among = schema.set { "basic", "substantial", "high" } },
  profiles = { type = "table", list = "string", default = {} },
  needs = { type = "table", list = "string", among = NEEDS },
  safety = { type = "string", among = schema.set { "S0", "S1", "S3", "D" } },
  covers = { type = "table", list = "string" },
  faults = { type = "table", list = "string" },
  deadline_s = { type = "number", min = 1, max = 10 * 86400 },
  for_each = { type = "table", optional = true },
  watches = { type = "table", list = "string", optional = true },
  lab_enable = { type = "boolean", default = true },
  minimum = { type = "table", optional = true, fields = { uplinks = { type = "integer", min = 1 } } },
  run = { type = "function" },
}

local function check_axes(made)
  for axis, values in pairs(made.for_each or {}) do
    if type(axis) ~= "string" or not axis:find "^[a-z][a-z0-9_]*$" then
      control.misuse("case %s: for_each: an axis is a lower-case word, got %s", made.id, tostring(axis))
    end
    if type(values) ~= "table" or #values == 0 then
      control.misuse("case %s: for_each.%s: expected a list of values", made.id, axis)
    end
    for _, value in ipairs(values) do
      if not tostring(value):find "^[%w.+_-]+$" then
        control.misuse("case %s: for_each.%s: %s cannot be part of an id; use letters, digits and . + _ -",
          made.id, axis, tostring(value))
      end
    end
  end
end

local function check_references(made)
  for _, reference in ipairs(made.covers) do
    local framework <const> = reference:match "^([%w]+):.+$"
    if not framework or not FRAMEWORKS[framework] then
      control.misuse("case %s: covers: %q; expected FRAMEWORK:REFERENCE with one of %s", made.id, reference,
        schema.names(FRAMEWORKS))
    end
  end
  for _, fault in ipairs(made.faults) do
    if not fault:find "^MUT%-%u+%-%d%d%d$" then
      control.misuse("case %s: faults: %q; expected the form MUT-CNT-007", made.id, fault)
    end
  end
end

--- Makes a case of `fields`; unknown, missing and malformed fields are errors that name what is allowed.
function case.new(suite, fields)
  local where = "case"
  if type(fields) == "table" and type(fields.id) == "string" then where = "case " .. fields.id end
  local wrong <const> = schema.check(where, fields, FIELDS)
  if wrong then control.misuse("%s", wrong) end
  if not fields.id:find("^" .. suite.id .. "%-") then
    control.misuse("case %s: an id of the suite %s begins with %s-", fields.id, suite.id, suite.id)
  end
  if fields.minimum and not fields.watches then
    control.misuse("case %s: minimum is what a watching case must have seen; without watches it means nothing",
      fields.id)
  end
  fields.suite = suite
  check_axes(fields)
  check_references(fields)
  return fields
end

--- Every combination of the axes as tables axis -> text, in the order of the sorted axis names; one empty table
--- without axes.
function case.combinations(made)
  local axes <const> = {}
  for axis in pairs(made.for_each or {}) do axes[#axes + 1] = axis end
  table.sort(axes)
  local list = { {} }
  for _, axis in ipairs(axes) do
    local longer <const> = {}
    for _, known in ipairs(list) do
      for _, value in ipairs(made.for_each[axis]) do
        local one <const> = {}
        for k, v in pairs(known) do one[k] = v end
        one[axis] = tostring(value)
        longer[#longer + 1] = one
      end
    end
    list = longer
  end
  return list
end

--- "ID" or "ID/k=v,k=v", axes sorted.
function case.full_id(id, axes)
  local parts <const> = {}
  for axis, value in pairs(axes) do parts[#parts + 1] = axis .. "=" .. value end
  table.sort(parts)
  if #parts == 0 then return id end
  return id .. "/" .. table.concat(parts, ",")
end

--- The case as plain data: what `foxbench list --json` prints. `list` marks tables that are JSON arrays.
function case.describe(made, list)
  return {
    id = made.id,
    suite = made.suite.id,
    suite_title = made.suite.title,
    title = made.title,
    threat = made.threat,
    severity = made.severity,
    level = made.level,
    profiles = list(made.profiles),
    needs = list(made.needs),
    safety = made.safety,
    covers = list(made.covers),
    faults = list(made.faults),
    deadline_s = made.deadline_s,
    for_each = made.for_each or {},
    watches = list(made.watches or {}),
    minimum = made.minimum or {},
    lab_enable = made.lab_enable,
    catalogue_version = case.CATALOGUE_VERSION,
    page = made.page,
  }
end

return case
