-- Two messages under one keystream give away their difference, and one known payload all others. A payload of zeros
-- shows the keystream of a cipher that XORs; any other cipher must not repeat itself either.
local suite <const> = require "suites.encryption"
local observed <const> = require "suites.encryption.observed"

local LENGTH <const> = 12
local ZEROS <const> = ("\0"):rep(LENGTH)

suite:case {
  id         = "ENC-002",
  title      = "keystream differs from message to message",
  threat     = "A two-time pad within one epoch of the counter.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "ENC" },
  safety     = "S0",
  covers     = { "EN18031:SCM-3", "EN18031:CRY-1", "IEC62443:CR 4.3", "WP:A12" },
  faults     = { "MUT-ENC-003", "MUT-ENC-008" },
  deadline_s = 2400,

  run = function(t)
    local messages <const> = t:amount { of = "messages", full = 60, smoke = 16 }
    local seen <const>, captured = {}, false
    t:claim {
      event = "a keystream came back", trials = messages, allowed = 0,
      trial = function(i)
        local label <const> = ("message %d"):format(i)
        local message <const> = observed.message(t, label, ZEROS)
        local now <const> = message.on_air[1].bytes
        local repeated = false
        for k, before in ipairs(seen) do
          local how <const> = t.net:related(now, before.bytes)
          if how then
            repeated = true
            t:note(("%s: the payload of counter %d %s as that of message %d, counter %d"):format(label, message.counter,
              how, k, before.counter))
            break
          end
        end
        seen[i] = { bytes = now, counter = message.counter }
        if repeated and not captured then captured = t.air:capture(message, "repeated") end
        return repeated
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
