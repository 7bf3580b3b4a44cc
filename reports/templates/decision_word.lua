-- The certification decision of a run in a word, as the report has it.
-- luacheck: read_globals include
local decision <const> = include "decision.lua"

return function(m)
  return decision.decide({
    profile = m.run.profile, ended = m["end"] ~= nil, faults = m.run.faults, chaos = m.run.chaos,
    substitutes = m.run.substitutes,
    features = (m.plan.device or {}).features, cases = m.cases, catalogue = m.mappings.catalogue,
  }).word
end
