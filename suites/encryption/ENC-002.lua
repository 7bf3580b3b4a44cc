-- Two messages under one keystream give away their difference, and one known payload all others. A payload of zeros
-- shows the keystream of a cipher that XORs; any other cipher must not repeat itself either.
local suite <const> = require "suites.encryption"
local observed <const> = require "suites.encryption.observed"

local LENGTH <const> = 12
local ZEROS <const> = ("\0"):rep(LENGTH)
local SHORTER <const> = { [1] = 8, [3] = 4 } -- of four messages: a keystream may differ with the length
local REQUEST_EVERY <const> = 20 -- messages: it asks for a downlink
local LOW_EVERY <const> = 8 -- messages: then as many with the supply lowered, where the bench can
local START <const>, FIRST_BIT <const> = 0, 6 -- counters that the sixty messages pass differ below this bit

-- The counters that differ from the first message's in one bit above those.
local function far_apart(t, first)
  local list <const> = {}
  local bit = FIRST_BIT
  while first + (1 << bit) < t.net:modulus() do
    list[#list + 1] = first + (1 << bit)
    bit = bit + 1
  end
  return list
end

-- Two short payloads are alike by accident in too many ways: of those their beginnings are compared.
local function related(t, a, b)
  if #a == LENGTH and #b == LENGTH then return t.net:related(a, b) end
  local n <const> = math.min(#a, #b)
  return a:sub(1, n) == b:sub(1, n) and ("begins with the same %d bytes"):format(n) or nil
end

suite:case {
  id         = "ENC-002",
  title      = "keystream differs from message to message",
  threat     = "A two-time pad within one epoch of the counter.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "ENC" },
  safety     = "S0",
  covers     = { "EN18031:SCM-3", "EN18031:CRY-1", "IEC62443:CR 4.3", "WP:A12" },
  faults     = { "MUT-ENC-003", "MUT-ENC-008" },
  deadline_s = 2400,

  run = function(t)
    local messages <const> = t:amount { of = "messages", full = 60, smoke = 16 }
    local seen <const>, captured, last = {}, false, nil
    local presets <const> = t.dut:has "counter_preset"
    if presets then t:require("the counter is preset", t.dut:preset_counter(START)):exists() end
    -- Whether this message's keystream was on air before.
    local function comes_again(label, downlink, length)
      local message <const> = observed.message(t, label, ZEROS:sub(1, length), downlink)
      local now <const>, repeated = message.on_air[1].bytes, false
      for k, before in ipairs(seen) do
        local how <const> = related(t, now, before.bytes)
        if how then
          repeated = true
          t:note(("%s: the payload of counter %d %s as that of message %d, counter %d"):format(label, message.counter,
            how, k, before.counter))
          break
        end
      end
      seen[#seen + 1], last = { bytes = now, counter = message.counter }, message
      if repeated and not captured then captured = t.air:capture(message, "repeated") end
      return repeated
    end
    t:claim {
      event = "a keystream came back", trials = messages, allowed = 0,
      trial = function(i)
        t.dut:supply_low((i // LOW_EVERY) % 2 == 1)
        return comes_again(("message %d"):format(i), t:declares "DL" and i % REQUEST_EVERY == 0, SHORTER[i % 4])
      end,
    }
    t.dut:supply_low(false)
    local again <const> = {}
    local counters <const> = presets and far_apart(t, seen[1].counter) or {}
    if not presets then t:note "counters far apart: not exercised, the device file declares no counter_preset" end
    for i = 1, math.min(#counters, t:amount { of = "counters far apart", full = 12, smoke = 2 }) do
      local label <const> = ("message with counter %d"):format(counters[i])
      t:require(label .. ": the counter is preset", t.dut:preset_counter(counters[i] - 1)):exists()
      if comes_again(label, false) then again[#again + 1] = label end
      t:expect(label .. ": counter", last.counter):equals(counters[i])
    end
    t:expect("keystreams that came back at a counter that differs in one bit", again):is_empty()
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
