-- A device that refuses every downlink would pass all negative tests. So the genuine one must arrive: on the host, byte
-- for byte, and be confirmed in time with a message that verifies.
local suite <const> = require "suites.authentication"
local deck <const> = require "cert.deck"
local judged <const> = require "suites.authentication.judged"
local observed <const> = require "suites.encryption.observed"

local CONFIRMED_S <const> = { 1.4, 4.0 } -- from the end of the downlink
local TOLERANCE_S <const> = 0.1 -- assumed, on both ends

local AFTER_S <const> = { 32, 22, 27, 43.4, 37 } -- behind the end of frame 1: inside the window of every zone
local POWER_BEFORE <const>, RESET_BEFORE <const>, LOW_EVERY <const> = 4, 7, 3 -- exchanges

-- Bytes on which text functions stumble, and now and then a zero with something behind it.
local function payload_of(t, i)
  local bytes <const> = deck.payload(t, 8)
  if i % 2 == 0 then return bytes end
  local at <const> = t:random(7)
  return bytes:sub(1, at - 1) .. "\0" .. string.char(t:random(255)) .. bytes:sub(at + 2)
end

local READABLE <const> = 3 -- bytes in a row that no measured values hold by accident

-- A confirmation says what the device measured. What else it fills its body with is its maker's affair, but a part of
-- the downlink, which only the device may know, is told to everybody that way.
local function leak_of(body_hex, payload)
  local body <const> = body_hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)
  for from = 1, #payload - READABLE + 1 do
    local part <const> = payload:sub(from, from + READABLE - 1)
    if not part:find "\0" and part ~= part:sub(1, 1):rep(READABLE) and body:find(part, 1, true) then
      return "the confirmation carries bytes of the downlink: " .. body_hex
    end
  end
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
  if c.bf or c.rep then add "the confirmation has a flag set, as if it asked for a downlink or were none of a kind" end
  if c.message == "dl_confirmation" then list[#list + 1] = leak_of(c.payload_hex or "", payload) end
  if c.rank ~= 1 then add("the confirmation is a frame of rank %d", c.rank) end
  local step <const> = t.net:step(made.message.counter, c.counter)
  if step ~= 1 then add("the confirmation's counter is %d after the request's, not 1", step) end
  if made.delay_s < CONFIRMED_S[1] - TOLERANCE_S or made.delay_s > CONFIRMED_S[2] + TOLERANCE_S then
    add("the confirmation came %.2f s after the downlink, due is %.1f … %.1f s", made.delay_s, CONFIRMED_S[1],
      CONFIRMED_S[2])
  end
  return list
end

-- What the exchange is made in: supply, lab-enable line, restarts, and the roll-over before the last but one.
local function disturb(t, i, amount)
  t.dut:supply_low(i % LOW_EVERY == 0)
  if i > 1 then t.dut:lab_enable(i % 2 == 1) end -- the first message lifts the budget
  if i == POWER_BEFORE then
    t:require("the device after a loss of power", t.dut:power_off { for_s = 1, discharge = true }):exists()
  elseif i == RESET_BEFORE and t:has_line "reset" then
    t:require("the device after a reset", t.dut:reset { hold_s = 0.5 }):exists()
  elseif i == amount - 1 then
    t.dut:lab_enable(true)
    deck.roll_over(t)
  end
end

local COPY_S <const> = 6 -- behind a confirmation: until another one would have come

-- The first message behind it is as any other, and its counter is the next one.
local function look_after(t, i, made, request)
  local label <const> = ("the message behind exchange %d"):format(i)
  if i == 1 then t:expect("frames behind a confirmation", t.air:strays { after_s = COPY_S }):is_empty() end
  local asked <const> = t:require(label .. " is accepted", t.dut:ask(request)):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
  judged.whole(t, label, message, asked)
  local last <const> = made.confirmation or made.message
  t:expect(label .. ": steps of the counter", t.net:step(last.counter, message.counter)):equals(1)
  if not t:declares "ENC" or request.message ~= "bytes" then return end
  for _, frame in ipairs(observed.frames(message).on_air) do
    t:expect(label .. ": readable on air", observed.readable(frame, request.payload) or "nothing"):equals "nothing"
  end
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
    local draw <const>, draw_plain <const> = deck.new(t, true), deck.new(t, false)
    local amount <const> = t:amount { of = "exchanges", full = 10, smoke = 3 }
    t:claim {
      event = "a genuine downlink not accepted as it was sent", trials = amount, allowed = 0,
      trial = function(i)
        local payload <const>, label <const> = payload_of(t, i), ("exchange %d"):format(i)
        t:step(label)
        disturb(t, i, amount)
        local made <const> = t:exchange {
          label = label, payload = payload, ask = draw(), at = { { after_s = AFTER_S[(i - 1) % #AFTER_S + 1] } },
        }
        local wrong <const> = wrong_with(t, made, payload)
        if #wrong > 0 then
          t:note(("exchange %d: %s"):format(i, table.concat(wrong, "; ")))
          if made.lost then
            t:require("the confirmation", nil, t:doubt("samples were lost: " .. made.lost)):exists()
          end
        end
        if #wrong == 0 then look_after(t, i, made, draw_plain()) end
        return #wrong > 0
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
