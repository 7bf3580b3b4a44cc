-- The counter must survive a reset: a value used twice lets old messages be replayed. The reset line is seen to act
-- each time, so that a wire that hangs loose proves nothing.
local suite <const> = require "suites.counters"
local fresh <const> = require "suites.counters.fresh"

local TRIALS <const> = 20
local BELOW_MIDDLE <const> = 12
local REQUEST_EVERY <const>, TWICE_EVERY <const>, LOW_EVERY <const> = 7, 6, 3 -- trials
local OFTEN_AT <const>, OFTEN <const> = 3, 4 -- trial; further resets: as a worn button or a watchdog gives
local PHASE_MAX_S <const> = 4 -- a reset falls anywhere in the first seconds after a message …
local MESSAGE_S <const> = 6 -- … or, every other time, anywhere in the next one

suite:case {
  id         = "CNT-UL-004",
  title      = "counter survives reset",
  threat     = "A reset re-opens the replay window.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx" },
  safety     = "S0",
  covers     = {
    "EN18031:SCM-4", "EN18031:SSM-2", "EN303645:5.4-1", "EN303645:5.9-2", "ISVS:4.6.5", "WP:A10",
  },
  faults     = { "MUT-CNT-006", "MUT-CNT-007" },
  deadline_s = 1800,

  run = function(t)
    fresh.climb(t, BELOW_MIDDLE)
    local history <const> = fresh.history(t)
    local requests <const> = t:declares "DL"
      and t:amount { of = "requests for a downlink before a reset", full = 2, smoke = 1 } or 0

    t:claim {
      event = "counter repeated or decreased", trials = TRIALS, allowed = 0,
      trial = function(i)
        local label <const> = ("message before reset %d"):format(i)
        t.dut:supply_low(i % LOW_EVERY == 0) -- before, meanwhile and behind
        local before <const> = history:before(label, i, REQUEST_EVERY, requests)
        if i % 2 == 1 then
          t.air:wait { s = PHASE_MAX_S * t:random() }
        else
          history:start(string.char(0xb0, i), MESSAGE_S * t:random())
        end
        t:require(("the device after reset %d"):format(i), t.dut:reset { hold_s = 0.5 }):exists()
        for _ = 1, i == OFTEN_AT and OFTEN or i % TWICE_EVERY == 0 and 1 or 0 do
          t:require(("the device after reset %d, once more"):format(i), t.dut:reset { hold_s = 0.5 }):exists()
        end
        history:hear()
        return not (history:message(("message after reset %d"):format(i)) and before)
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
