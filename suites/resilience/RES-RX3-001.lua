-- A device belongs to no station: whichever of three hears it, its message arrives, and once only when all of them do.
-- The stations that must not count are blinded in the core network, so nobody else's radio is disturbed.
local suite <const> = require "suites.resilience"

local STATIONS <const> = 3

suite:case {
  id         = "RES-RX3-001",
  title      = "any one of three stations is enough, and a message is delivered exactly once",
  threat     = "A device tied to one station is silenced with that station.",
  severity   = "medium",
  level      = "high",
  needs      = { "serial", "power", "radio.rx", "radio.rx3" },
  safety     = "S0",
  covers     = { "EN303645:5.9-1", "EN18031:RLM-1", "ISVS:4.1.4", "WP:A2", "WP:A20" },
  faults     = { "MUT-RES-007" },
  deadline_s = 1800,

  run = function(t)
    t:claim {
      event = "a message not delivered exactly once",
      trials = t:amount { of = "messages", full = 48, smoke = 4 }, allowed = 0,
      trial = function(i)
        local only <const> = i % (STATIONS + 1) -- 0: all three hear it, and the core must see one message
        t.stations:only(only > 0 and only or nil)
        local label <const> = ("message %d, heard by %s"):format(i, only > 0 and "station " .. only or "all stations")
        t:step(label)
        t:require(label .. " is accepted", t.dut:send(("RES%d"):format(i % 10))):exists()
        local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
        t.air:wait { s = 1 } -- the last frame at the slowest station
        local times <const> = t.stations:delivered(message.counter)
        for n = 1, STATIONS do
          if times == 0 and #t.stations:heard(n, 0) == 0 then
            t:require(label, nil, t:doubt(("station %d never heard anything in this run, so its silence proves nothing;"
              .. " check its cable, gain and frequency"):format(n))):exists()
          end
        end
        if times ~= 1 then t:note(("%s: delivered %d times"):format(label, times)) end
        return times ~= 1
      end,
    }
    t.stations:only()
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
