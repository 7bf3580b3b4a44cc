-- A device that signs with a public, patterned or computable key authenticates anybody. Two messages with long tags
-- are enough to recognise such a key among 2^24 and more; the search names the family, never a key.
local suite <const> = require "suites.authentication"
local judged <const> = require "suites.authentication.judged"

local PAYLOADS <const> = { "\x10\x32\x54\x76\x98", "\xef\xcd\xab\x89\x67" } -- five bytes: the longest tag, 5 bytes each

suite:case {
  id         = "AUTH-UL-003",
  title      = "weak-key dictionary does not explain the captured tags",
  threat     = "The device runs on the public key, the test key or one that can be guessed.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx" },
  safety     = "S0",
  covers     = {
    "EN303645:5.1-1", "EN303645:5.4-4", "EN18031:CCK-1", "EN18031:CCK-3", "CRA:I.2(b)", "IEC62443:CR 1.5",
    "IEC62443:CR 1.14", "ISTG:FW-SCRT-003", "WP:A6",
  },
  faults     = { "MUT-AUTH-006", "MUT-AUTH-007", "MUT-AUTH-008", "MUT-CLN-002" },
  deadline_s = 300,
  lab_enable = false, -- the device as it is in the field

  run = function(t)
    local messages <const> = {}
    for i, payload in ipairs(PAYLOADS) do
      local label <const> = ("message %d"):format(i)
      local asked <const> = t:require(label .. " is accepted", t.dut:send(payload)):exists()
      messages[i] = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
      judged.message(t, label, messages[i], asked)
    end
    t:require("bits of tag to compare with", 8 * (#messages[1].frames[1].tag_hex + #messages[2].frames[1].tag_hex) // 2)
      :at_least(48, "bit")

    t:step "trying weak keys"
    local search <const> = t:weak_key(messages)
    t:note(("%d candidate keys tried against %d bits of tag"):format(search.candidates, search.tag_bits))
    t:expect("family of weak keys that explains the tags", search.found and search.family or "none"):equals "none"
    t:measure("chance that some candidate fits by accident", search.false_alarm):within(0, 1e-6, "1")
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
