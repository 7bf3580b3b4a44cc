-- Every message takes exactly one step of the counter. A value used twice lets a recording be replayed; a jump
-- locks the device out of the network.
local suite <const> = require "suites.counters"
local deck <const> = require "cert.deck"
local judged <const> = require "suites.authentication.judged"
local traffic <const> = require "cert.traffic"

local MESSAGES <const> = 100
local DOWNLINK_EVERY <const> = 20 -- five of a hundred ask for a downlink
local LOW_EVERY <const> = 8 -- messages: then as many with the supply lowered, where the bench can
local FIELD_EVERY <const> = 16 -- messages: then as many as in the field; the first ones have lifted the budget
local REST_BEFORE <const>, REST_S <const> = 60, 300 -- message: long enough to fall asleep before it

suite:case {
  id         = "CNT-UL-001",
  title      = "counter steps by exactly one per message",
  threat     = "Replay detection goes blind, or the device is locked out.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx" },
  safety     = "S0",
  covers     = { "EN18031:SCM-4", "EN303645:5.5-1", "IEC62443:CR 3.8", "ISVS:4.6.5", "WP:A10" },
  faults     = { "MUT-CNT-001", "MUT-CNT-002" },
  deadline_s = 3600,

  run = function(t)
    local rest_s <const> = t:amount { of = "seconds of rest", full = REST_S, smoke = 10 }
    local draw <const> = { [false] = deck.new(t, false), [true] = deck.new(t, true) }
    local last
    local function next_counter(i)
      local request <const> = draw[i % DOWNLINK_EVERY == 0 and t:declares "DL"]()
      local label <const> = ("message %d (%s%s)"):format(i, traffic.name(request.message, #(request.payload or "")),
        request.downlink and ", asking for a downlink" or "")
      t.dut:supply_low((i // LOW_EVERY) % 2 == 1)
      t.dut:lab_enable((i // FIELD_EVERY) % 2 == 0)
      if i == REST_BEFORE then t.air:wait { s = rest_s } end
      local asked <const> = t:require(label .. " is accepted", t.dut:ask(request)):exists()
      local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
      judged.whole(t, label, message, asked)
      return message.counter, label
    end

    last = next_counter(1)
    t:claim {
      event = "the counter did not step by one", trials = MESSAGES - 1, allowed = 0,
      trial = function(i)
        local counter <const>, label <const> = next_counter(i + 1)
        local step <const> = t.net:step(last, counter)
        if step ~= 1 then t:note(("%s: counter %d after %d, a step of %d"):format(label, counter, last, step)) end
        last = counter
        return step ~= 1
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
