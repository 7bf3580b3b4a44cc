-- A receive path that also knows a key which everybody has takes commands from everybody. So downlinks under the
-- library's keys, the plainest ones, the device's own read backwards and another unit's must all be refused.
local suite <const> = require "suites.authentication"
local deck <const> = require "cert.deck"
local shared <const> = require "suites.authentication.shared"

local PAYLOAD <const> = "\x4b\x45\x59\x53\x4f\x46\x4f\x4e"

local KEYS <const> = {
  { "public", "the library's public key" },
  { "test", "the certification's test key" },
  { "zeros", "a key of zeros" },
  { "ones", "a key of ones" },
  { "reversed", "the device's own key, last byte first" },
  { "neighbour", "the key of another unit" },
}

-- A laboratory session may choose the public key; what it chose must end with it, for downlinks as well. In the field
-- the choice is refused, which CNT-UL-009 and AUTH-UL-007 look at; here it must leave nothing behind.
local function choose_public_key(t)
  local switches <const> = t.dut:commands "key_public"
  if #switches == 0 or not t:has_line "reset" or not t.dut:lab_enable(true) then
    t:note "a laboratory session that chooses the public key: not exercised, the bench or the dialect has no means"
    return
  end
  deck.try(t, switches)
  t:require("the device after a laboratory session", t.dut:reset { hold_s = 0.5 }):exists()
  t.dut:lab_enable(false)
  deck.try(t, switches)
  t.dut:lab_enable(true)
end

suite:case {
  id         = "AUTH-DL-007",
  title      = "downlink under public, test, zero and neighbour keys is refused",
  threat     = "A default credential in the receive path.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "radio.tx", "DL" },
  safety     = "S1",
  covers     = { "EN303645:5.1-1", "EN18031:CCK-3", "EN18031:SCM-2", "WP:A6", "WP:A8" },
  faults     = { "MUT-AUTH-014", "MUT-AUTH-023", "MUT-CLN-001" },
  deadline_s = 1800,

  run = function(t)
    local stimuli <const>, left_out <const> = {}, {}
    for _, row in ipairs(KEYS) do
      if t:can_sign(row[1]) then
        stimuli[#stimuli + 1] = { name = "signed under " .. row[2], at = { { key = row[1] } } }
      else
        left_out[#left_out + 1] = row[2]
      end
    end
    if #left_out > 0 then
      t:note(("not exercised: %s; the bench has no such key (it lies in a token, or the device file names no samples)")
        :format(table.concat(left_out, ", ")))
    end
    choose_public_key(t)
    t:refuses { event = "a downlink under another key had an effect", payload = PAYLOAD, stimuli = stimuli }
    local units <const> = shared(t)
    if units then
      t:expect("further units under whose key this device takes downlinks", units):is_empty()
    else
      t:note "keys of further units in use: not exercised, the device file declares no FLEET with known keys"
    end
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
