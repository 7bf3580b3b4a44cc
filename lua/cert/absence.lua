-- Why something did not come: a text for people, and what its absence proves. It travels as the second value of
-- `nil, why`; t:require and t:expect read verdict and blame from it.
--
--   fail          the device is at fault: the bench heard everything and its path is proven
--   inconclusive  silence that means nothing: samples were lost, or the path was never seen to work
local absence <const> = {}

local META <const> = { __name = "cert.absence", __tostring = function(why) return why.text end }
META.__index = META

function absence.new(verdict, blame, format, ...)
  return setmetatable({ verdict = verdict, blame = blame, text = format:format(...) }, META)
end

--- The device is to blame.
function absence.device(format, ...)
  return absence.new("fail", "device", format, ...)
end

--- Nobody can be blamed for sure: the bench could not observe.
function absence.bench(format, ...)
  return absence.new("inconclusive", "bench", format, ...)
end

function absence.is(value)
  return getmetatable(value) == META
end

return absence
