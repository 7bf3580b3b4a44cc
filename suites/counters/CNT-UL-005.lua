-- The counter must survive a power cut: a value used twice lets old messages be replayed. The supply is seen to act
-- each time: a device that goes on answering was not cut off, and proves nothing.
local suite <const> = require "suites.counters"
local fresh <const> = require "suites.counters.fresh"

local OFF_S <const> = 10

suite:case {
  id         = "CNT-UL-005",
  title      = "counter survives loss of power",
  threat     = "A battery swap restarts the counter and re-opens the replay window.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx" },
  safety     = "S0",
  covers     = { "EN18031:SCM-4", "EN18031:SSM-2", "EN303645:5.9-1", "EN303645:5.9-2", "WP:A10" },
  faults     = { "MUT-CNT-006" },
  deadline_s = 3600,

  run = function(t)
    local is_fresh <const> = fresh.watch(t, "\xca")

    t:claim {
      event = "counter repeated or decreased", good = 0.01, bad = 0.10, alpha = 0.05, beta = 0.05,
      trial = function(i)
        local before <const> = is_fresh(("message before cut %d"):format(i))
        t:require(("the device after cut %d"):format(i), t.dut:power_off { for_s = OFF_S, discharge = true }):exists()
        return not (is_fresh(("message after cut %d"):format(i)) and before)
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
