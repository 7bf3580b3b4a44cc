-- What the C side calls: the list of cases, a plan, one attempt. `host` gives pages and marks JSON arrays.
local case <const> = require "cert.case"
local config <const> = require "cert.config"
local loader <const> = require "cert.loader"
local plan <const> = require "cert.plan"
local runner <const> = require "cert.runner"
local schema <const> = require "cert.schema"

local worker <const> = {}

--- Every case with all its fields, as plain data, in the order of the ids.
function worker.list(host)
  local out <const> = {}
  for i, known in ipairs(loader.load(host).cases) do out[i] = case.describe(known, host.array) end
  return host.array(out)
end

local ARMED_BY <const> = { S3 = "interference", D = "destructive" }

-- A case that disturbs or destroys, named itself (not by a pattern, a suite or a profile), and not armed: a text.
local function unarmed(known, request)
  local needed <const> = ARMED_BY[known.safety]
  if not needed or schema.set(request.arm or {})[needed] then return end
  for _, selection in ipairs(request.select or {}) do
    if selection:match "^[^/]+" == known.id then
      return ("%s must be armed by the operator; when nothing but this bench can be harmed, add --arm %s"):format(
        known.id, needed)
    end
  end
end

--- The plan as plain data, or nil and one line of text. device, bench and limits come checked and completed out of
--- it.
function worker.plan(host, request, device, bench, limits)
  local wrong <const> = worker.check(device, bench, limits)
  if wrong then return nil, wrong end
  local library <const> = loader.load(host)
  local entries <const>, why <const> = plan.make(library, request.select or {}, request.profile, device.features,
    request)
  if not entries then return nil, why end
  local cases <const>, wrong_arm = {}, nil
  for i, entry in ipairs(entries) do
    local told <const> = case.describe(entry.case, host.array)
    told.axes = entry.axes
    wrong_arm = wrong_arm or unarmed(entry.case, request)
    told.na = entry.na or config.missing_station(entry.case.needs, bench)
    cases[i] = told
  end
  if wrong_arm then return nil, wrong_arm end
  return { cases = host.array(cases), device = device, bench = bench, limits = host.array(limits) }
end

--- Checks a device and a bench before they are opened. Gives back nil or one line of text.
function worker.check(device, bench, limits)
  return config.check_device(device) or config.check_bench(bench) or config.check_zone(device, bench)
    or config.check_limits(limits)
end

--- Runs one attempt. Gives back the fault that ended it, or nil.
function worker.run(host, core, id, axes, watched)
  local known <const> = loader.load(host).by_id[id]
  if not known then
    core.fault("NOTFOUND", "bench", ("the case %s of the plan is not in the suites any more"):format(id))
    return nil
  end
  return runner.run(core, known, axes, watched)
end

return worker
