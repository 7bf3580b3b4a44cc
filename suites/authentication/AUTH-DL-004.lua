-- A tag that does not cover a byte of the payload leaves that byte to anybody on the way. So each byte is changed alone
-- under the tag of the genuine frame, with CRC and parity made anew, as an attacker would.
local suite <const> = require "suites.authentication"

local PAYLOAD <const> = "\x50\x41\x59\x4c\x4f\x41\x44\x53"
local BYTES <const> = #PAYLOAD

-- One byte of eight changed: in one bit, in all of them, or in any that are drawn.
local function flip(t, byte)
  local bits <const> = ({ 0x01, 0x80, 0xff })[t:random(4)] or t:random(255)
  return ("00"):rep(byte - 1) .. ("%02x"):format(bits) .. ("00"):rep(BYTES - byte)
end

suite:case {
  id         = "AUTH-DL-004",
  title      = "altered payload with stale tag is refused",
  threat     = "Somebody between network and device changes a command.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "radio.tx", "DL", "KNOWNKEY" },
  safety     = "S1",
  covers     = { "EN303645:5.5-1", "EN18031:SCM-2", "CRA:I.2(f)", "WP:A8" },
  faults     = { "MUT-AUTH-014", "MUT-AUTH-019" },
  deadline_s = 1200,

  run = function(t)
    local stimuli <const> = {}
    for byte = 1, BYTES do
      stimuli[byte] = {
        name = ("byte %d of the payload changed"):format(byte),
        at = { { payload_flip_hex = flip(t, byte) } },
      }
    end
    t:refuses { event = "a downlink with an altered payload had an effect", payload = PAYLOAD, stimuli = stimuli }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
