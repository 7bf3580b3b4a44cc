-- Tests of the catalogue that a level (or profile) demands and that are not among `known`, one id a line; `foxbench
-- plan` asks. A profile that is neither (smoke) is measured by level basic, as in the decision.
-- luacheck: read_globals include
local decision <const> = include "decision.lua"

return function(m)
  local level <const>, known <const>, out <const> = decision.level_of(m.profile), {}, {}
  for _, id in ipairs(m.known) do known[id] = true end
  for _, test in ipairs(m.catalogue) do
    if not known[test.id] and decision.demands(level, test, m.features) then out[#out + 1] = test.id .. "\n" end
  end
  return level .. "\n" .. table.concat(out)
end
