-- A tag that does not cover a byte of the payload leaves that byte to anybody on the way. So each byte is changed alone
-- under the tag of the genuine frame, with CRC and parity made anew, as an attacker would.
local suite <const> = require "suites.authentication"

local PAYLOAD <const> = "\x50\x41\x59\x4c\x4f\x41\x44\x53"
local BYTES <const> = #PAYLOAD

local FIRST_S <const>, STEP_S <const> = 24, 0.9 -- behind the end of frame 1

local function flip(byte, bits)
  return ("00"):rep(byte - 1) .. ("%02x"):format(bits) .. ("00"):rep(BYTES - byte)
end

-- What turns the payload into `other`.
local function into(other)
  local hex = ""
  for i = 1, BYTES do hex = hex .. ("%02x"):format(PAYLOAD:byte(i) ~ other:byte(i)) end
  return hex
end

-- The same bytes in another order, which a sum of them would not show, and contents that are special.
local OTHERS <const> = {
  PAYLOAD:reverse(), PAYLOAD:sub(2) .. PAYLOAD:sub(1, 1), ("\0"):rep(BYTES), ("\xff"):rep(BYTES),
  PAYLOAD:sub(5) .. PAYLOAD:sub(1, 4), PAYLOAD:sub(-1) .. PAYLOAD:sub(1, -2), (PAYLOAD:gsub("(.)(.)", "%2%1")),
  PAYLOAD:sub(1, 1):rep(BYTES),
}
local SWAPPED_S <const>, OTHER_S <const> = 33.6, 36.5

-- With this byte and the next one exchanged.
local function swapped(byte)
  local k <const> = byte % BYTES + 1
  local bytes <const> = { PAYLOAD:byte(1, BYTES) }
  bytes[byte], bytes[k] = bytes[k], bytes[byte]
  return string.char(table.unpack(bytes))
end

-- One byte of eight changed, in any bits that are drawn; and in the same window each of its bits alone.
local function changes(t, byte)
  local at <const> = { { payload_flip_hex = flip(byte, t:random(255)) } }
  for bit = 0, 7 do
    at[#at + 1] = { payload_flip_hex = flip(byte, 1 << bit), after_s = FIRST_S + STEP_S * bit }
  end
  at[#at + 1] = { payload_flip_hex = into(swapped(byte)), after_s = SWAPPED_S }
  at[#at + 1] = { payload_flip_hex = into(OTHERS[byte]), after_s = OTHER_S }
  return at
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
  deadline_s = 1800,

  run = function(t)
    local stimuli <const> = {}
    for byte = 1, BYTES do
      stimuli[byte] = {
        name = ("byte %d of the payload changed"):format(byte),
        at = changes(t, byte),
      }
    end
    t:refuses {
      event = "a downlink with an altered payload had an effect", payload = PAYLOAD, stimuli = stimuli, memory = true,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
