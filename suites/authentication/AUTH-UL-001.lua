-- Every kind of message must carry the tag that the device's key gives, in each of its three frames, and say what
-- the host asked for: one kind that does not is a way to forge or to corrupt. The kinds come in an order that is drawn,
-- and a reset, a loss of power and a low supply fall among them: none of these may matter.
local suite <const> = require "suites.authentication"
local judged <const> = require "suites.authentication.judged"
local traffic <const> = require "cert.traffic"

-- Asks for one kind and judges what came. A single bad tag may be a bit error that the CRC did not see, so it is
-- asked for once more; seen in a second frame, of this message or of another, it is the device's.
local function exercise(t, request, tally)
  local label <const> = traffic.name(request.message, request.payload and #request.payload or 0)
  t:step("asking for " .. label)
  local asked <const> = t:require(label .. " is accepted", t.dut:ask(request)):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
  judged.message(t, label, message, asked)
  judged.tags(t, label, message, tally)
  if tally.bad == 1 and not tally.repeated then
    tally.repeated = true
    t:note(("%s: one frame with a wrong tag; asking once more to rule out a bit error"):format(label))
    t:require(label .. " is accepted again", t.dut:ask(request)):exists()
    local again <const> = t:require(label .. " on air again", t.air:message { within_s = 10 }):exists()
    judged.tags(t, label .. ", once more", again, tally)
  end
  return message
end

local function exercise_test_mode(t, tally)
  t:step "test mode J: one message of every kind"
  local requests <const> = t:require("test mode J is accepted", t.dut:test_mode_j()):exists()
  for _, request in ipairs(requests) do
    local label <const> = "test mode J: " .. traffic.name(request.message, #(request.payload_hex or "") // 2)
    local message <const> = t:require(label .. " on air", t.air:message { within_s = 20 }):exists()
    judged.message(t, label, message, request)
    judged.tags(t, label, message, tally)
  end
  -- What the mode set for itself must not outlive it.
  exercise(t, { message = "bytes", payload = "\x31\x41\x59\x26\x53" }, tally)
  exercise(t, { message = "bit1" }, tally)
end

-- What happens before the k-th message of all; the drawn order decides which kind that is.
local function disturb(t, k)
  if k == 5 then
    t:require("the device after a reset", t.dut:reset { hold_s = 0.5 }):exists()
  elseif k == 9 then
    if not t.dut:supply_low(true) then t:note "a low supply: not exercised, the bench file names no supply_low" end
  elseif k == 13 then
    t.dut:supply_low(false)
    t:require("the device after a loss of power", t.dut:power_off { for_s = 2, discharge = true }):exists()
  end
end

-- In a drawn order, but for the keep-alive, which stays the last: one that cannot be decoded ends the case, and the
-- traffic of all other kinds is to be there for those that watch it.
local function shuffled(t, list)
  for i = #list - 1, 2, -1 do
    local k <const> = t:random(i)
    list[i], list[k] = list[k], list[i]
  end
  return list
end

suite:case {
  id         = "AUTH-UL-001",
  title      = "uplink tag verifies for every message type and length",
  threat     = "Sender spoofing, or corrupted data accepted as genuine.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "KNOWNKEY" },
  safety     = "S0",
  covers     = {
    "EN303645:5.5-1", "EN18031:SCM-2", "EN18031:CRY-1", "CRA:I.2(f)", "IEC62443:CR 3.1", "IEC62443:CR 1.14",
    "ISVS:4.1.1", "NIST8425:Data Protection", "WP:A7", "WP:A9",
  },
  faults     = {
    "MUT-AUTH-001", "MUT-AUTH-002", "MUT-AUTH-003", "MUT-AUTH-004", "MUT-AUTH-006", "MUT-AUTH-009",
  },
  deadline_s = 1800,

  run = function(t)
    local tally <const> = { bad = 0, frames = 0, repeated = false, weakest_db = nil }
    local missing <const> = {}
    for k, request in ipairs(shuffled(t, traffic.kinds())) do
      local can <const>, why <const> = t.dut:can_send(request.message)
      disturb(t, k)
      if can then
        local message <const> = exercise(t, request, tally)
        if not tally.captured then tally.captured = t.air:capture(message, "first-message") end
      else
        missing[#missing + 1] = ("%s (%s)"):format(traffic.name(request.message, 0), why)
      end
    end
    if #missing > 0 and t.dut:has "test_mode_j" then
      exercise_test_mode(t, tally)
    elseif #missing > 0 then
      t:note("not exercised: " .. table.concat(missing, ", ")
        .. "; the device file declares no test mode that would send them")
    end

    judged.verdict_on_tags(t, tally)
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
    t:measure("Eb/N0 of the weakest frame", tally.weakest_db):against(t:limit "reception.ebn0_db")
  end,
}

return suite
