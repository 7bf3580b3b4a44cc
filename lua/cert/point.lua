-- A measured point of a curve "proportion of bad events against x": one `point` event, which carries no verdict. The
-- report joins the points of a series into a figure.
local control <const> = require "cert.control"
local options <const> = require "cert.options"

local CONFIDENCE <const> = 0.95

local point <const> = {}

local POINT <const> = {
  series = { type = "string", pattern = "^%g.*$", form = "the name of the curve" },
  event = { type = "string", pattern = "^%g.*$", form = "what is counted, such as message lost", optional = true },
  x = { type = "number", min = -1e12, max = 1e12 },
  x_name = { type = "string", pattern = "^%g.*$", form = "the quantity, such as J/S", optional = true },
  x_unit = { type = "string" },
  bad = { type = "integer", min = 0 },
  trials = { type = "integer", min = 1, max = 100000 },
}

--- Books one point; the interval is Clopper and Pearson's, two-sided.
function point.book(emit, statistics, fields)
  local p <const> = options("t:point", fields, POINT)
  if p.x ~= p.x then control.misuse "t:point: x is not a number; leave out a point whose x could not be measured" end
  if p.bad > p.trials then
    control.misuse("t:point: %d bad events in %d trials; bad counts those of the trials that went wrong", p.bad,
      p.trials)
  end
  p.type = "point"
  p.confidence = CONFIDENCE
  p.low, p.high = statistics.interval(p.bad, p.trials, CONFIDENCE)
  emit(p)
end

return point
