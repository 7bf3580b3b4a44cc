-- A device is one identity for life: what it says over its port, what its label says and what it sends must be the
-- same, whatever is done to it.
local suite <const> = require "suites.authentication"

local MESSAGES <const> = 5

local function send_some(t, after, seen)
  for i = 1, MESSAGES do
    local label <const> = ("message %d %s"):format(i, after)
    t:require(label .. " is accepted", t.dut:send(string.char(0x50 + i))):exists()
    local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
    t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
    for _, frame in ipairs(message.frames) do
      seen.frames = seen.frames + 1
      if frame.device_id ~= t.device.id then
        seen.wrong[#seen.wrong + 1] = ("%s rank %d: %s"):format(label, frame.rank, frame.device_id)
      end
    end
    seen.messages = seen.messages + 1
  end
end

local function check_port(t, after)
  local told <const> = t:require("identity told over the port " .. after, t.dut:identity()):exists()
  t:expect("identifier told over the port " .. after, told.id):equals(t.device.id)
  if t.device.pac and told.pac then t:expect("PAC told over the port " .. after, told.pac):equals(t.device.pac) end
end

suite:case {
  id         = "AUTH-UL-005",
  title      = "identifier on air equals the declared identifier and never changes",
  threat     = "Identity confusion, cloning, a rotation that breaks privacy or billing.",
  severity   = "high",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx" },
  safety     = "S0",
  covers     = { "EN303645:5.4-2", "EN18031:GEC-8", "IEC62443:CR 1.2", "NIST8425:Asset Identification", "WP:A7" },
  faults     = { "MUT-AUTH-010" },
  deadline_s = 1200,

  run = function(t)
    local seen <const> = { messages = 0, frames = 0, wrong = {} }
    check_port(t, "at the beginning")
    send_some(t, "at the beginning", seen)
    t:require("the device after a reset", t.dut:reset { hold_s = 1 }):exists()
    send_some(t, "after a reset", seen)
    t:require("the device after a power cycle", t.dut:power_off { for_s = 10, discharge = true }):exists()
    send_some(t, "after a power cycle", seen)
    if t.dut:has "factory_reset" then
      t:require("the device after a factory reset", t.dut:factory_reset()):exists()
      send_some(t, "after a factory reset", seen)
    else
      t:note "factory reset: not exercised, the device file declares none"
    end

    t:expect("frames with another identifier than the declared " .. t.device.id, seen.wrong):is_empty()
    t:expect("messages judged", seen.messages):at_least(3 * MESSAGES)
    check_port(t, "at the end")
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
