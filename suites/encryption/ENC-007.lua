-- Encryption that can be lost is encryption that an attacker takes away: by a command, or by a key that is missing.
-- What the device then sends must be encrypted, or not sent at all.
local suite <const> = require "suites.encryption"
local observed <const> = require "suites.encryption.observed"

local MESSAGES <const>, REQUEST <const> = 5, 3 -- the third asks for a downlink
local PLAIN <const> = "\x61\xd3\x1e\x8a\x47\x05\xbc\x72\xf9\x20\x9d\x54" -- no two neighbours differ alike

-- What can be read of one message, or nil; `stats` counts what was sent and what was not.
local function watch_one(t, label, plain, downlink, stats)
  local asked <const>, refused <const> = t.dut:send(plain, { downlink = downlink })
  local message <const>, why <const> = t.air:message { within_s = asked and 12 or 8 }
  if not message then
    if why.verdict == "inconclusive" then t:require(label, nil, why):exists() end
    t:note(("%s: not sent (%s)"):format(label, asked and "accepted, but nothing on air" or tostring(refused)))
    return nil
  end
  stats.sent = stats.sent + 1
  for _, frame in ipairs(observed.frames(message).on_air) do
    local how <const> = observed.readable(frame, plain)
    if how then
      if stats.captured == 0 then t.air:capture(message, "readable") end
      stats.captured = stats.captured + 1
      return ("%s: %s"):format(label, how)
    end
  end
end

-- Each length that can be judged, in an order that is drawn: an error may depend on it. Two times five messages of one
-- kind have them all.
local function next_length(t, stats)
  local list <const> = stats.lengths
  if #list == 0 then
    for length = 3, 12 do table.insert(list, t:random(#list + 1), length) end
  end
  return table.remove(list)
end

local function watch_some(t, after, stats)
  local readable <const> = {}
  for i = 1, MESSAGES do
    local plain <const> = PLAIN:sub(1, next_length(t, stats))
    local downlink <const> = i == REQUEST and t:declares "DL"
    readable[#readable + 1] = watch_one(t, ("message %d %s"):format(i, after), plain, downlink, stats)
  end
  t:expect("payloads that can be read " .. after, readable):is_empty()
end

-- One byte and two, which a cipher gives by accident once in 2^24 times: only as a pair they say something.
local function watch_short(t, after, stats)
  local alike = 0
  for n = 1, 2 do
    local plain <const> = PLAIN:sub(n, 2 * n - 1)
    local asked <const> = t.dut:send(plain)
    local message <const> = t.air:message { within_s = asked and 12 or 8 }
    if message then
      stats.sent = stats.sent + 1
      if observed.frames(message).on_air[1].bytes == plain then alike = alike + 1 end
    end
  end
  t:expect("payloads of one byte and of two that are as they were given, " .. after, alike):within(0, 1)
end

-- The encrypted message that the device must be able to send: else its silence proves nothing.
local function twin(t, where)
  local message <const> = observed.message(t, "message " .. where, PLAIN)
  local readable <const> = {}
  for _, frame in ipairs(message.on_air) do readable[#readable + 1] = observed.readable(frame, PLAIN) end
  t:expect("frames that can be read " .. where, readable):is_empty()
end

local function try(t, commands)
  for _, line in ipairs(commands) do
    local answer <const>, why <const> = t.dut:command(line)
    t:note(("%s: %s"):format(line, answer and "accepted" or tostring(why)))
  end
end

-- Takes the encryption key away; closing gives it back.
local function without_key(t)
  t.dut:lab_enable(true)
  t:require("the encryption key is taken away", t.dut:encryption_key(false)):exists()
  t.dut:lab_enable(false)
  return setmetatable({}, { __close = function()
    t.dut:lab_enable(true)
    t.dut:encryption_key(true)
    t.dut:lab_enable(false)
  end })
end

suite:case {
  id         = "ENC-007",
  title      = "no silent fall-back to clear text",
  threat     = "A downgrade by a missing key, an error or a command that nobody authenticated.",
  severity   = "high",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx", "ENC" },
  safety     = "S0",
  covers     = { "EN303645:5.5-1", "EN303645:5.1-1", "EN18031:SCM-3", "EN18031:ACM-2", "CRA:I.2(b)", "WP:A12" },
  faults     = { "MUT-ENC-009", "MUT-ENC-010" },
  deadline_s = 1200,
  lab_enable = false, -- the device as it is in the field

  run = function(t)
    local stats <const> = { sent = 0, captured = 0, lengths = {} }
    twin(t, "at the beginning")
    local switches <const> = t.dut:commands "encryption_off"
    if #switches == 0 then t:note "the dialect knows no command that switches encryption: none was tried" end
    try(t, switches)
    watch_some(t, "after the switch was tried", stats)
    try(t, switches)
    try(t, t.dut:commands "saves")
    t:require("the device after a reset", t.dut:reset { hold_s = 0.5 }):exists()
    watch_some(t, "after the switch was tried, saved, and a reset", stats)
    if t.dut:has "factory_reset" then
      t:require("the device after a factory reset", t.dut:factory_reset()):exists()
      watch_some(t, "after a factory reset", stats)
    end
    if #switches > 0 and t.dut:lab_enable(true) then
      try(t, switches) -- allowed here
      try(t, t.dut:commands "saves")
      t.dut:lab_enable(false)
      t:require("the device after a reset that ends a laboratory session", t.dut:reset { hold_s = 0.5 }):exists()
      watch_some(t, "after a laboratory session and a reset", stats)
      t:require("the device after a loss of power", t.dut:power_off { for_s = 2, discharge = true }):exists()
      watch_some(t, "after a laboratory session and a loss of power", stats)
    else
      t:note "a laboratory session: not exercised, no lab-enable line is wired or no command switches encryption"
    end

    if t.dut:has "encryption_key" and t.dut:lab_enable(false) then
      do
        local _ <close> = without_key(t)
        stats.lengths = {}
        watch_some(t, "without a key", stats)
        t:require("the device after a reset without a key", t.dut:reset { hold_s = 0.5 }):exists()
        watch_some(t, "without a key, after a reset", stats)
        watch_short(t, "without a key", stats)
      end
      t:require("the device with its key again", t.dut:reset { hold_s = 0.5 }):exists()
    else
      t:note "a missing key: not exercised, the device file declares no encryption_key or no lab-enable line is wired"
    end
    twin(t, "at the end")
    t:note(("%d messages were sent meanwhile"):format(stats.sent))
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
