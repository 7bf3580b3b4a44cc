-- A device belongs to no station: whichever of three hears it, its message arrives, and once only when all of them do.
-- The station that counts deafens the two others: it sends a carrier over each frame as soon as it begins, and does not
-- hear itself.
local suite <const> = require "suites.resilience"

local STATIONS <const> = 3
local RANKS <const> = "1+2+3"
local JS_DB <const> = 20

-- How many frames station n could read since then, and the counter of the last.
local function heard_by(t, n, since_s)
  local frames <const> = t.stations:heard(n, since_s)
  return #frames, frames[#frames] and frames[#frames].counter
end

-- One message that station `only` alone is to hear; 0: all of them. Gives back its counter and how often it was
-- delivered, or nothing and why.
local function send(t, label, only)
  local since_s <const> = t.air:now_s()
  local jam <close> = only > 0 and t.air:jam { ranks = RANKS, js_db = JS_DB, by = t.stations:name(only) } or nil
  t:require(label .. " is accepted", t.dut:send(("RES%d"):format(t:random(10) - 1))):exists()
  local message <const>, why <const> = t.air:message { within_s = 2 }
  if jam then jam:finish() end
  t.air:wait { s = 1 } -- the last frame at the slowest station
  local counter, counts = message and message.counter, {}
  for n = 1, STATIONS do
    local last
    counts[n], last = heard_by(t, n, since_s)
    counter = counter or last
  end
  return { counter = counter, why = why, heard = counts, jam = jam and #jam:frames(), wrong = jam and jam:unplanned() }
end

-- Why a trial proves nothing, or nil.
local function doubt(made, only)
  if made.wrong then return made.wrong end
  for n = 1, STATIONS do
    if only > 0 and n ~= only and made.heard[n] > 0 then
      return ("station %d read %d frame(s) although it was jammed"):format(n, made.heard[n])
    end
    if (only == 0 or n == only) and made.heard[n] == 0 then
      return ("station %d read nothing although nobody jammed it; check its cable, gain and frequency"):format(n)
    end
  end
end

suite:case {
  id         = "RES-RX3-001",
  title      = "any one of three stations is enough, and a message is delivered exactly once",
  threat     = "A device tied to one station is silenced with that station.",
  severity   = "medium",
  level      = "high",
  needs      = { "serial", "power", "radio.rx", "radio.rx3", "radio.jam" },
  safety     = "S3",
  covers     = { "EN303645:5.9-1", "EN18031:RLM-1", "ISVS:4.1.4", "WP:A2", "WP:A20" },
  faults     = { "MUT-RES-007" },
  deadline_s = 1800,

  run = function(t)
    local twin <const> = send(t, "the message that all stations hear", 0)
    if not twin.counter then t:require("the message that all stations hear", nil, twin.why):exists() end
    t:claim {
      event = "a message not delivered exactly once",
      trials = t:amount { of = "messages", full = 48, smoke = 4 }, allowed = 0,
      trial = function(i)
        local only <const> = i % (STATIONS + 1) -- 0: all three hear it, and the core must see one message
        local label <const> = ("message %d, heard by %s"):format(i, only > 0 and "station " .. only or "all stations")
        t:step(label)
        local made <const> = send(t, label, only)
        if not made.counter and (made.jam or 0) == 0 then -- nothing was on air
          if made.why.blame ~= "device" then t:require(label, nil, made.why):exists() end
          t:note(label .. ": nothing was sent")
          return true
        end
        local why <const> = doubt(made, only)
        if why then t:require(label, nil, t:doubt(why .. "; the trial proves nothing, repeat the case")):exists() end
        local times <const> = t.stations:delivered(made.counter)
        if times ~= 1 then t:note(("%s: delivered %d times"):format(label, times)) end
        return times ~= 1
      end,
    }
  end,
}

return suite
