-- A downlink answers one request. One that was made for another counter is a replay or a stock of answers made in
-- advance, so the device must refuse it however the counters resemble each other. Each is sent twice in one window: as
-- it would have been recorded, scrambled for its own counter, and scrambled anew for the request, which anybody can do.
local suite <const> = require "suites.authentication"
local climb <const> = require "suites.authentication.climb"

local PAYLOAD <const> = "\x43\x4f\x55\x4e\x54\x45\x52\x53"
local FIRST_S <const>, SECOND_S <const> = 28, 34 -- behind the end of frame 1: inside the window of every zone

local COUNTERS <const> = {
  { "the counter before", { add = -1 } },
  { "the counter after", { add = 1 } },
  { "two counters before", { add = -2 } },
  { "two counters after", { add = 2 } },
  { "sixteen counters before", { add = -16 } },
  { "the counter with bit 11 turned over", { flip = 0x800 } },
  { "the counter with bit 0 turned over", { flip = 0x001 } },
  { "the counter 0", { clear = 0xffff } },
  { "the counter 4095", { clear = 0xffff, flip = 0xfff } },
  { "the high byte of the counter alone", { clear = 0x0ff } },
  { "the low byte of the counter alone", { clear = 0xf00 } },
  { "the counter with its bytes swapped", { swap = true } },
  { "the counter of the round before, as 16 bits", { flip = 0xf000 } },
}

local AHEAD_S <const>, FAR_S <const> = { 22, 25 }, { 36.2, 38 }

local function twice(at, counter, times_s)
  at[#at + 1] = { counter = counter, after_s = times_s[1] }
  at[#at + 1] = { counter = counter, after_s = times_s[2], rewhiten = true }
end

-- Round it, in the same window, answers made in advance: for a counter a little after this one, and for one anywhere.
local function stimulus(t, i, name, counter)
  local at <const> = {}
  twice(at, { add = i + 2 }, AHEAD_S)
  twice(at, counter, { FIRST_S, SECOND_S })
  twice(at, { add = 20 + t:random(4096 - 40) }, FAR_S)
  return { name = "made for " .. name, at = at }
end

suite:case {
  id         = "AUTH-DL-006",
  title      = "downlink bound to another message counter is refused",
  threat     = "A replayed command, or answers made in advance.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "radio.tx", "DL", "KNOWNKEY" },
  safety     = "S1",
  covers     = { "EN18031:SCM-2", "EN18031:SCM-4", "EN303645:5.5-1", "IEC62443:CR 3.8", "WP:A8", "WP:A10" },
  faults     = { "MUT-AUTH-021", "MUT-AUTH-022", "MUT-CNT-019" },
  deadline_s = 2700,

  run = function(t)
    climb(t)
    local accepted <const> = t:require("a downlink that is accepted, for its counter",
      t:exchange { label = "a genuine downlink", payload = PAYLOAD }):exists()
    local stimuli <const> = {}
    for i, row in ipairs(COUNTERS) do stimuli[i] = stimulus(t, i, row[1], row[2]) end
    stimuli[#stimuli + 1] = stimulus(t, #stimuli + 1, "the last request that was answered", {
      clear = 0xffff, flip = accepted.message.counter,
    })
    -- Further back than a list of the last few requests would look, and somewhere at random.
    for _, back in ipairs { 4, 8, 9 + t:random(200) } do
      stimuli[#stimuli + 1] = stimulus(t, #stimuli + 1, ("%d counters before"):format(back), { add = -back })
    end
    t:refuses { event = "a downlink for another counter had an effect", payload = PAYLOAD, stimuli = stimuli }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
