-- Every message takes exactly one step of the counter. A value used twice lets a recording be replayed; a jump
-- locks the device out of the network.
local suite <const> = require "suites.counters"
local traffic <const> = require "cert.traffic"

local MESSAGES <const> = 100
local DOWNLINK_EVERY <const> = 20 -- five of a hundred ask for a downlink
local KINDS <const> = traffic.kinds()

local function request_of(t, i)
  local kind
  repeat kind = KINDS[t:random(#KINDS)] until t.dut:can_send(kind.message)
  if i % DOWNLINK_EVERY ~= 0 then return kind end
  return { message = "bytes", payload = string.char(i), downlink = true }
end

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
    local last
    local function next_counter(i)
      local request <const> = request_of(t, i)
      local label <const> = ("message %d (%s%s)"):format(i, traffic.name(request.message, #(request.payload or "")),
        request.downlink and ", asking for a downlink" or "")
      local asked <const> = t:require(label .. " is accepted", t.dut:ask(request)):exists()
      local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
      t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
      t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
      if t:declares "KNOWNKEY" and not message.tags_ok then
        t:expect(label .. ": tags verify", false):is_true()
      end
      t:expect(label .. ": asks for a downlink", message.bf):equals(asked.bidirectional)
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
