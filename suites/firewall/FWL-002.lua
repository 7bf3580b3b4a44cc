-- The device is reachable only for a moment after it asked. Downlinks that would be accepted then must find it deaf at
-- any other time and at any other frequency; that it hears them in its window, at both edges, is the proof that they
-- were good.
local suite <const> = require "suites.firewall"

local PAYLOAD <const> = "\x4c\x49\x53\x54\x45\x4e\x3f\x21"
local BURST_S <const> = 224 / 600
local OPEN_S <const>, CLOSE_S <const> = 20, 45 -- of the window, from the end of frame 1 (RC1)
local TOLERANCE_S <const> = 0.1 -- assumed, on both edges
local DOWNLINK_SHIFT_HZ <const> = 1.395e6 -- RC1
local EVERY_S <const> = 0.6 -- one whole frame in any second

local function hex_of(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- A genuine downlink so long after frame 1 is accepted: the window is open there, and the stimulus is good.
local function window_is_open(t, label, after_s)
  t:step(label)
  local made <const> = t:exchange { label = label, payload = PAYLOAD, at = { { after_s = after_s } } }
  local whole <const> = made.payload_hex == hex_of(PAYLOAD) and made.confirmation ~= nil
  t:require(label .. " is accepted", whole or nil,
    t:doubt(("the device did not accept it (%s), so its silence at other times proves nothing"):format(made.reaction or
      "no reaction"))):is_true()
  return made
end

local function nothing_happened(t, label, reaction, lost)
  if not reaction and lost then
    t:require(label, nil, t:doubt("samples were lost: " .. lost)):exists()
  end
  t:expect("reactions to " .. label, reaction and { reaction } or {}):is_empty()
end

-- Around a request: before the window, in the window but at the uplink's frequency, and after the window.
local function around_a_request(t, round, frames)
  local at <const> = {}
  for k = 0, frames - 1 do at[#at + 1] = { after_s = OPEN_S - TOLERANCE_S - BURST_S - 2 * (frames - 1 - k) } end
  for k = 0, frames - 1 do at[#at + 1] = { after_s = OPEN_S + 4 + 3 * k, on_uplink = true } end
  for k = 0, frames - 1 do at[#at + 1] = { after_s = CLOSE_S + TOLERANCE_S + 0.4 + k } end
  local label <const> = ("%d downlinks before, beside and after the window of request %d"):format(#at, round)
  t:step(label)
  local made <const> = t:exchange { label = label, payload = PAYLOAD, at = at }
  nothing_happened(t, label, made.reaction, made.lost)
  return #at
end

suite:case {
  id         = "FWL-002",
  title      = "the device listens only after its own request",
  threat     = "A device that can be reached at any time can be attacked and drained at any time.",
  severity   = "high",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "radio.tx", "DL", "KNOWNKEY" },
  safety     = "S1",
  covers     = { "EN303645:5.6-1", "EN18031:GEC-2", "EN18031:ACM-2", "EN18031:SCM-2", "CRA:I.2(j)", "WP:A4" },
  faults     = { "MUT-FWL-003" },
  deadline_s = 3600,

  run = function(t)
    local rounds <const>, frames <const> = t:amount { of = "requests", full = 4, smoke = 1 }, 5
    local sent = 0
    local first <const> = window_is_open(t, "a downlink at the window's beginning", OPEN_S + TOLERANCE_S)

    local f_hz <const> = first.message.frames[1].f_hz + DOWNLINK_SHIFT_HZ
    local function unasked(label, wait_s, count)
      return t:unasked {
        label = label, payload = PAYLOAD, counter = first.message.counter, f_hz = f_hz,
        from_s = t.air:now_s() + wait_s, every_s = EVERY_S, count = count,
      }
    end
    -- A listener that opens once a minute is met by one of these, whenever it began.
    local idle <const> = math.ceil(61 / EVERY_S)
    t:step "downlinks at idle"
    t:expect("reactions to downlinks at idle", unasked("downlinks at idle", 2, idle)()):is_empty()
    sent = sent + idle

    t:require("the device switched off", t.dut:power_off {}):exists()
    local finish <const> = unasked("downlinks during boot", 2, 6)
    t.air:silence_until(t.air:now_s() + 1.8)
    t:require("the device switched on again", t.dut:power_on()):exists()
    t:expect("reactions to downlinks during boot", finish()):is_empty()
    sent = sent + 6

    for round = 1, rounds do sent = sent + around_a_request(t, round, frames) end
    window_is_open(t, "a downlink at the window's end", CLOSE_S - TOLERANCE_S - BURST_S)
    t:expect("downlinks sent outside the window", sent):at_least(60)
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
