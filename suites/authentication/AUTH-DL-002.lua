-- A comparison that looks at part of the tag lets through what random guesses would take hundreds of trials to find. So
-- each bit is turned over alone, in a frame that is otherwise perfect, and none may be overlooked.
local suite <const> = require "suites.authentication"

local PAYLOAD <const> = "\x57\x41\x4c\x4b\x42\x49\x54\x53"
local BITS <const> = 16
-- In smoke: the highest and lowest bit of each byte, so that a byte or a top bit that is left out is found.
local CORNERS <const> = { 15, 7, 8, 0 }

-- What a comparison of the bytes' sum or exclusive or overlooks, and contents that look like none: one more frame in
-- each window.
local OTHERS <const> = {
  { name = "the top bits of both", tag_flip_hex = "8080" },
  { name = "its bytes swapped", tag_swap = true },
  { name = "all of its bits", tag_flip_hex = "ffff" },
  { name = "the lowest bits of both bytes", tag_flip_hex = "0101" },
  { name = "one under a payload of zeros", tag_flip_hex = "0001", payload = ("\0"):rep(8) },
  { name = "one under a payload of ones", tag_flip_hex = "0100", payload = ("\xff"):rep(8) },
}
local OTHER_S <const> = 27 -- behind the end of frame 1
local BESIDE <const> = 3 -- stimulus: sent before the window and behind it, too
local BESIDE_S <const> = { 13, 18.5, 46.5, 49 }

local function stimulus(i, bit)
  local byte <const>, other <const> = bit >= 8 and 1 or 2, OTHERS[(i - 1) % #OTHERS + 1]
  local at <const> = {
    { tag_flip_hex = ("%04x"):format(1 << bit) },
    { tag_flip_hex = other.tag_flip_hex, tag_swap = other.tag_swap, payload = other.payload, after_s = OTHER_S },
  }
  for _, after_s in ipairs(i == BESIDE and BESIDE_S or {}) do
    at[#at + 1] = { tag_flip_hex = ("%04x"):format(1 << bit), after_s = after_s }
  end
  return { name = ("bit %d of byte %d of the tag turned over; %s"):format(bit % 8, byte, other.name), at = at }
end

suite:case {
  id         = "AUTH-DL-002",
  title      = "every one of the 16 bits of a downlink's tag is checked",
  threat     = "A truncated or masked comparison makes a downlink's tag cheap to guess.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "radio.tx", "DL", "KNOWNKEY" },
  safety     = "S1",
  covers     = { "EN303645:5.5-1", "EN18031:SCM-2", "EN18031:CRY-1", "IEC62443:CR 3.1", "ISVS:4.1.1", "WP:A8" },
  faults     = { "MUT-AUTH-014", "MUT-AUTH-015", "MUT-AUTH-016" },
  deadline_s = 1800,

  run = function(t)
    local amount <const>, stimuli <const> = t:amount { of = "tag bits", full = BITS, smoke = #CORNERS }, {}
    for i = 1, amount do stimuli[i] = stimulus(i, amount == BITS and BITS - i or CORNERS[i]) end
    t:refuses {
      event = "a downlink with a wrong tag had an effect", payload = PAYLOAD, stimuli = stimuli, wraps = true,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
