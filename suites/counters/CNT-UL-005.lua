-- The counter must survive a power cut: a value used twice lets old messages be replayed. The supply is seen to act
-- each time: a device that goes on answering was not cut off, and proves nothing.
local suite <const> = require "suites.counters"
local fresh <const> = require "suites.counters.fresh"

local OFF_S <const>, LONG_OFF_S <const> = 10, 120
local BELOW_MIDDLE <const> = 12
local REQUEST_EVERY <const>, TWICE_EVERY <const>, LOW_EVERY <const>, LONG_AT <const> = 8, 5, 3, 4 -- trials
local OFTEN_AT <const>, OFTEN <const> = 3, 4 -- trial; further cuts: as a battery that has no good contact gives

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
    fresh.climb(t, BELOW_MIDDLE)
    local history <const> = fresh.history(t)
    local requests <const> = t:declares "DL"
      and t:amount { of = "requests for a downlink before a cut", full = 3, smoke = 1 } or 0

    t:claim {
      event = "counter repeated or decreased", good = 0.01, bad = 0.10, alpha = 0.05, beta = 0.05,
      trial = function(i)
        local label <const> = ("message before cut %d"):format(i)
        t.dut:supply_low(i % LOW_EVERY == 0) -- before, meanwhile and behind
        local before <const> = history:before(label, i, REQUEST_EVERY, requests)
        t:require(("the device after cut %d"):format(i), t.dut:power_off {
          for_s = i == LONG_AT and LONG_OFF_S or OFF_S, discharge = true,
        }):exists()
        for _ = 1, i == OFTEN_AT and OFTEN or i % TWICE_EVERY == 0 and 1 or 0 do
          t:require(("the device after cut %d, once more"):format(i), t.dut:power_off { for_s = 2, discharge = true })
            :exists()
        end
        return not (history:message(("message after cut %d"):format(i)) and before)
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
