-- Everybody has the public key: a device that can be made to sign with it in the field lets everybody speak for it. So
-- every command that is known to switch the key is tried as the host, as the host that saves its settings, and in a
-- laboratory session that must end with the reset.
local suite <const> = require "suites.authentication"

local LONG <const>, MESSAGES <const> = 2, 3 -- of a block: more would be over a device's budget in the field

-- Frames that the device's own key does not explain, and what does: once, where the key is known.
local function count_foreign(t, after, messages, named)
  local wrong <const> = {}
  if t:declares "KNOWNKEY" then
    for i, message in ipairs(messages) do
      for _, frame in ipairs(message.frames) do
        if frame.tag_ok ~= true then
          wrong[#wrong + 1] = ("message %d %s, rank %d: %s"):format(i, after, frame.rank, frame.judge)
        end
      end
    end
  end
  local is_explained <const> = t:declares "KNOWNKEY" and (#wrong == 0 or named)
  local search <const> = not is_explained and t:weak_key(messages)
  if search and search.found then
    wrong[#wrong + 1] = ("messages %s: their tags are those of a %s"):format(after, search.family)
  end
  return wrong
end

-- Five bytes have the longest tag: two such messages tell any weak key. The third one is of each kind without bytes of
-- the host's in turn: a switch may act on some alone.
local function request_of(t, i, seen)
  if i <= LONG then return { message = "bytes", payload = string.char(0x60 + i, 0x21, 0x43, 0x65, 0x87) } end
  repeat
    seen.kind = seen.kind % #seen.kinds + 1
  until t.dut:can_send(seen.kinds[seen.kind])
  return { message = seen.kinds[seen.kind] }
end

local function send_some(t, after, seen)
  local messages <const> = {}
  for i = 1, MESSAGES do
    local label <const> = ("message %d %s"):format(i, after)
    t:require(label .. " is accepted", t.dut:ask(request_of(t, i, seen))):exists()
    messages[i] = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
    t:expect(label .. ": identifier", messages[i].device_id):equals(t.device.id)
  end
  local wrong <const> = count_foreign(t, after, messages, seen.foreign)
  seen.foreign = seen.foreign or #wrong > 0
  t:expect("frames under another key than the device's own, " .. after, wrong):is_empty()
end

-- Each command in turn; what the device says to it is recorded, and its refusal is what is hoped for.
local function try(t, commands)
  for _, line in ipairs(commands) do
    local answer <const>, why <const> = t.dut:command(line)
    t:note(("%s: %s"):format(line, answer and "accepted" or tostring(why)))
  end
end

local function restart(t, after)
  t:require("the device after a reset, " .. after, t.dut:reset { hold_s = 0.5 }):exists()
end

suite:case {
  id         = "AUTH-UL-007",
  title      = "no path makes production firmware sign with the public key",
  threat     = "Anyone can forge frames of a device that is left in public-key mode.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx" },
  safety     = "S0",
  covers     = {
    "EN303645:5.1-1", "EN303645:5.6-4A", "EN303645:5.6-4B", "EN18031:ACM-2", "EN18031:CCK-3", "IEC62443:EDR 2.13",
    "ISVS:5.1.7", "WP:A6",
  },
  faults     = { "MUT-AUTH-013" },
  deadline_s = 900,
  lab_enable = false, -- the device as it is in the field

  run = function(t)
    local seen <const> = { foreign = false, kind = 0, kinds = { "keep_alive", "bit0", "empty", "bit1" } }
    local switches <const>, saves <const> = t.dut:commands "key_public", t.dut:commands "saves"
    if #switches == 0 then t:note "the dialect knows no command that selects a key: none was tried" end
    send_some(t, "at the beginning", seen)
    try(t, switches)
    send_some(t, "after the switch was tried", seen)
    try(t, switches)
    try(t, saves)
    restart(t, "in which the host had saved its settings")
    send_some(t, "after the switch was tried, saved, and a reset", seen)
    t:require("the device after a power cycle", t.dut:power_off { for_s = 5, discharge = true }):exists()
    send_some(t, "after a power cycle", seen)

    if t.dut:has "factory_reset" then
      t:require("the device after a factory reset", t.dut:factory_reset()):exists()
      send_some(t, "after a factory reset", seen)
    end

    if t.dut:lab_enable(true) then
      try(t, switches) -- allowed here
      try(t, saves)
      t.dut:lab_enable(false)
      restart(t, "after a laboratory session")
      send_some(t, "after a laboratory session and a reset", seen)
      t:require("the device after a laboratory session and a loss of power",
        t.dut:power_off { for_s = 1, discharge = true }):exists()
      send_some(t, "after a laboratory session and a loss of power", seen)
    else
      t:note "a laboratory session: not exercised, the bench has no lab-enable line"
    end
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
