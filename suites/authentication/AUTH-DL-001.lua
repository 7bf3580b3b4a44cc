-- A device that refuses every downlink would pass all negative tests. So the genuine one must arrive: on the host, byte
-- for byte, and be confirmed in time with a message that verifies.
local suite <const> = require "suites.authentication"
local deck <const> = require "cert.deck"

local CONFIRMED_S <const> = { 1.4, 4.0 } -- from the end of the downlink
local TOLERANCE_S <const> = 0.1 -- assumed, on both ends

local function random_payload(t)
  local bytes <const> = {}
  for i = 1, 8 do bytes[i] = string.char(t:random(256) - 1) end
  return table.concat(bytes)
end

local function hex_of(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- What is wrong with an exchange: a list of sentences, empty when nothing is.
local function wrong_with(t, made, payload)
  local list <const> = {}
  local function add(...) list[#list + 1] = string.format(...) end
  local c <const> = made.confirmation
  if not made.payload_hex then
    add "the host got nothing"
  elseif made.payload_hex ~= hex_of(payload) then
    add("the host got %s, sent was %s", made.payload_hex, hex_of(payload))
  elseif #made.payloads > 1 then
    add("the host got it %d times", #made.payloads)
  end
  if #list > 0 and made.doubt then
    t:require("what the host got", nil, t:doubt(("%s, but %s; the raw bytes are in uart.log"):format(list[1],
      made.doubt))):exists()
  end
  if not c then
    add "no confirmation was sent"
    return list
  end
  if c.message ~= "dl_confirmation" then add("on air came %s, not the confirmation", c.message) end
  if c.tag_ok ~= true then add("the confirmation's tag does not verify (%s)", c.judge) end
  if c.device_id ~= t.device.id then add("the confirmation comes from %s", c.device_id) end
  if c.rank ~= 1 then add("the confirmation is a frame of rank %d", c.rank) end
  local step <const> = t.net:step(made.message.counter, c.counter)
  if step ~= 1 then add("the confirmation's counter is %d after the request's, not 1", step) end
  if made.delay_s < CONFIRMED_S[1] - TOLERANCE_S or made.delay_s > CONFIRMED_S[2] + TOLERANCE_S then
    add("the confirmation came %.2f s after the downlink, due is %.1f … %.1f s", made.delay_s, CONFIRMED_S[1],
      CONFIRMED_S[2])
  end
  return list
end

suite:case {
  id         = "AUTH-DL-001",
  title      = "genuine downlink is accepted and confirmed",
  threat     = "A device that rejects everything would pass all negative tests.",
  severity   = "high",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "radio.tx", "DL", "KNOWNKEY" },
  safety     = "S1",
  covers     = { "EN303645:5.5-1", "EN18031:SCM-2", "EN18031:AUM-1-1", "WP:A8" },
  faults     = { "MUT-RF-010" },
  deadline_s = 900,

  run = function(t)
    local draw <const> = deck.new(t, true)
    t:claim {
      event = "a genuine downlink not accepted as it was sent",
      trials = t:amount { of = "exchanges", full = 10, smoke = 3 }, allowed = 0,
      trial = function(i)
        local payload <const> = random_payload(t)
        t:step(("exchange %d"):format(i))
        local made <const> = t:exchange { label = ("exchange %d"):format(i), payload = payload, ask = draw() }
        local wrong <const> = wrong_with(t, made, payload)
        if #wrong > 0 then
          t:note(("exchange %d: %s"):format(i, table.concat(wrong, "; ")))
          if made.lost then
            t:require("the confirmation", nil, t:doubt("samples were lost: " .. made.lost)):exists()
          end
        end
        return #wrong > 0
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
