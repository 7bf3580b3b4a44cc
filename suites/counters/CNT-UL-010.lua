-- A device that jumps further than the network looks ahead locks itself out. Every step of the counter that the cases
-- of resets and power cuts saw is judged.
local suite <const> = require "suites.counters"

suite:case {
  id         = "CNT-UL-010",
  title      = "counter jumps stay inside the network's window",
  threat     = "The device locks itself out.",
  severity   = "medium",
  level      = "basic",
  needs      = { "radio.rx" },
  safety     = "S0",
  covers     = { "EN18031:SCM-4", "EN18031:RLM-1", "EN303645:5.9-1", "WP:A10" },
  faults     = { "MUT-CNT-011" },
  deadline_s = 60,
  watches    = { "CNT-UL-001", "CNT-UL-004", "CNT-UL-005", "CNT-UL-009" },
  minimum    = { uplinks = 100 },

  run = function(t)
    local window <const>, far <const>, largest, steps = t.net:window(), {}, 0, 0
    local last, case
    for _, frame in ipairs(t.watched.uplinks) do
      if frame.status == "ok" and frame.device_id == t.device.id then
        if frame.case ~= case then last, case = nil, frame.case end -- other cases came between
        local step <const> = last and t.net:step(last, frame.counter) or 0
        -- More than half of the way round is a step back, which is the business of the cases themselves.
        if step > 0 and 2 * step < t.net:modulus() then
          steps, largest = steps + 1, math.max(largest, step)
          if step > window then
            far[#far + 1] = ("%s: counter %d after %d, %d ahead"):format(case, frame.counter, last, step)
          end
        end
        last = frame.counter
      end
    end
    t:expect(("jumps beyond the network's window of %d"):format(window), far):is_empty()
    if steps == 0 then
      t:expect("steps judged", nil, t:doubt "the watched cases heard no two messages of this device"):exists()
    end
    t:measure("largest step of the counter", largest):report "1"
  end,
}

return suite
