-- A statistical claim: a bad event that must be rare, shown by repeated trials with a plan that is fixed beforehand.
local control <const> = require "cert.control"
local schema <const> = require "cert.schema"

local claim <const> = {}

local FIXED <const> = {
  event = { type = "string" },
  trials = { type = "integer", min = 1, max = 100000 },
  allowed = { type = "integer", min = 0, default = 0 },
  confidence = { type = "number", min = 0.5, max = 0.9999, default = 0.95 },
  trial = { type = "function" },
}

local SEQUENTIAL <const> = {
  event = { type = "string" },
  good = { type = "number", min = 1e-6, max = 0.5 },
  bad = { type = "number", min = 1e-6, max = 0.9 },
  alpha = { type = "number", min = 1e-6, max = 0.5 },
  beta = { type = "number", min = 1e-6, max = 0.5 },
  trial = { type = "function" },
}

local function bound_of(kind, upper, faults, trials, confidence)
  return { type = kind, confidence = confidence, value = trials > 0 and upper(faults, trials, confidence) or 1 }
end

-- What will be done stands in the record before it is begun.
local function announce(run, text, ...)
  run.emit { type = "note", text = "plan: " .. text:format(...) }
end

local function fixed(run, plan)
  announce(run, "%s: %d trials, at most %d", plan.event, plan.trials, plan.allowed)
  local faults, done = 0, 0
  for i = 1, plan.trials do
    if run.step then run.step(("trial %d of %d"):format(i, plan.trials)) end
    if plan.trial(i) == true then faults = faults + 1 end
    done = i
    if faults > plan.allowed then break end -- nothing that follows can change the verdict
  end
  local failed <const> = faults > plan.allowed
  run.emit {
    type = "claim",
    event = plan.event,
    plan = { kind = "fixed", trials = plan.trials, allowed = plan.allowed, confidence = plan.confidence },
    trials = done,
    faults = faults,
    bound = bound_of("upper, Clopper-Pearson", run.statistics.upper, faults, done, plan.confidence),
    verdict = failed and "fail" or "pass",
    blame = failed and "device" or "none",
    reason = ("%s: %d in %d trials, allowed %d in %d"):format(plan.event, faults, done, plan.allowed, plan.trials),
  }
  return not failed
end

local function sequential(run, plan)
  if plan.good >= plan.bad then
    control.misuse("t:claim: good (%g) is below bad (%g)", plan.good, plan.bad)
  end
  local test <const> = run.statistics.sequential(plan.good, plan.bad, plan.alpha, plan.beta)
  announce(run, "%s: sequential, %g is good, %g is bad, risks %g and %g, at most %d trials", plan.event, plan.good,
    plan.bad, plan.alpha, plan.beta, test.limit)
  local faults, done, state = 0, 0, "continue"
  while state == "continue" do
    done = done + 1
    if run.step then run.step(("trial %d of at most %d"):format(done, test.limit)) end
    if plan.trial(done) == true then faults = faults + 1 end
    state = test.decide(faults, done)
  end
  local verdict <const> = state == "accept" and "pass" or state == "reject" and "fail" or "inconclusive"
  run.emit {
    type = "claim",
    event = plan.event,
    plan = {
      kind = "sequential", good = plan.good, bad = plan.bad, alpha = plan.alpha, beta = plan.beta, limit = test.limit,
    },
    trials = done,
    faults = faults,
    bound = bound_of("upper, ends ordered by stage", test.upper, faults, done, 1 - plan.beta),
    verdict = verdict,
    blame = verdict == "fail" and "device" or verdict == "inconclusive" and "bench" or "none",
    reason = ("%s: %d in %d trials, the sequential test says %s"):format(plan.event, faults, done, state),
  }
  return verdict == "pass"
end

--- t:claim{ event =, trials =, allowed =, trial = function(i) … end } or t:claim{ event =, good =, bad =, alpha =,
--- beta =, trial = }: `trial` gives back true when the bad event happened. Gives back whether the claim holds.
function claim.run(run, fields)
  local is_fixed <const> = type(fields) == "table" and fields.trials ~= nil
  local plan <const> = {}
  for k, v in pairs(type(fields) == "table" and fields or {}) do plan[k] = v end
  local wrong <const> = schema.check("t:claim", plan, is_fixed and FIXED or SEQUENTIAL)
  if wrong then control.misuse("%s", wrong) end
  if is_fixed then return fixed(run, plan) end
  return sequential(run, plan)
end

return claim
