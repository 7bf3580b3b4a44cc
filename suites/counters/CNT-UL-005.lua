-- The counter must survive a power cut: a value used twice lets old messages be replayed. The supply is seen to act
-- each time: a device that goes on answering was not cut off, and proves nothing.
local suite <const> = require "suites.counters"

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
    local used <const>, last = {}, nil

    -- Sends one message; gives back whether its counter is new and ahead of the last one.
    local function is_fresh(label)
      t:require(label .. " is accepted", t.dut:send "\xca"):exists()
      local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
      t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
      t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
      local fresh <const> = not used[message.counter] and t.net:is_newer(message.counter, last)
      if not fresh then
        t:note(("%s: counter %d after %d%s"):format(label, message.counter, last,
          used[message.counter] and ", used before" or ""))
      end
      used[message.counter], last = true, message.counter
      return fresh
    end

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
