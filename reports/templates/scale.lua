-- Round numbers along an axis.
local scale <const> = {}

--- Round steps (1, 2, 5 times a power of ten) so that about `wanted` ticks fit: the ticks, and the step.
function scale.ticks(low, high, wanted)
  local rough <const> = (high - low) / wanted
  local power <const> = 10.0 ^ math.floor(math.log(rough, 10))
  local step = 10 * power
  for _, factor in ipairs { 1, 2, 5 } do
    if factor * power >= rough then
      step = factor * power
      break
    end
  end
  local list <const> = {}
  for i = math.ceil(low / step), math.floor(high / step) do list[#list + 1] = i * step end
  return list, step
end

--- Digits after the point that a step needs.
function scale.decimals(step)
  return math.max(0, -math.floor(math.log(step, 10) + 1e-9))
end

return scale
