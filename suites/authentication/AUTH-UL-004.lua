-- The three frames of a message must be the same message: a copy without a tag, or with other content, is a message
-- that nobody authenticated.
local suite <const> = require "suites.authentication"
local deck <const> = require "cert.deck"
local judged <const> = require "suites.authentication.judged"

local MESSAGES <const> = 30
local DOWNLINK_EVERY <const> = 4
local FIELD_FROM <const> = 6 -- message: from it on the device is as it is in the field
local MISTAKES_BEFORE <const> = { [11] = true, [21] = true } -- messages

-- What of a frame differs from the first of its message, or nil. Ranks 2 and 3 come here with their code undone.
local function differs(frame, first)
  if frame.class ~= first.class then
    return ("rank %d has the frame type of class %s, rank %d of class %s"):format(frame.rank, frame.class, first.rank,
      first.class)
  end
  if frame.packet_hex ~= first.packet_hex then
    return ("rank %d carries %s, rank %d %s"):format(frame.rank, frame.packet_hex, first.rank, first.packet_hex)
  end
end

suite:case {
  id         = "AUTH-UL-004",
  title      = "the three repetitions are the same message",
  threat     = "One repetition differs: an unauthenticated or plain copy.",
  severity   = "medium",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx" },
  safety     = "S0",
  covers     = { "EN303645:5.5-1", "EN18031:SCM-2", "WP:A7", "WP:A9" },
  faults     = { "MUT-AUTH-009", "MUT-ENC-002" },
  deadline_s = 1200,

  run = function(t)
    local draw <const> = { [false] = deck.new(t, false), [true] = deck.new(t, true) }
    local requests <const> = t:declares "DL"
      and t:amount { of = "messages that ask for a downlink", full = 7, smoke = 1 } or 0
    t:claim {
      event = "a repetition differs from its message", trials = MESSAGES, allowed = 0,
      trial = function(i)
        if i == FIELD_FROM then t.dut:lab_enable(false) end
        if MISTAKES_BEFORE[i] then deck.try(t, deck.mistakes(t)) end
        local request <const> = draw[i % DOWNLINK_EVERY == 0 and i <= requests * DOWNLINK_EVERY]()
        local label <const> = ("message %d%s"):format(i, request.downlink and ", asking for a downlink" or "")
        local asked <const> = t:require(label .. " is accepted", t.dut:ask(request)):exists()
        local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
        judged.whole(t, label, message, asked)
        local found <const> = {}
        for _, frame in ipairs(message.frames) do found[#found + 1] = differs(frame, message.frames[1]) end
        if #found > 0 then
          t:note(label .. ": " .. table.concat(found, "; "))
          t.air:capture(message, "differing-" .. i)
        end
        return #found > 0
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
