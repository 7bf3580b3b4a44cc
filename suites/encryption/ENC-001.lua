-- A payload that the device declares encrypted must not be readable on air: not as it was given, not in another order
-- or writing, and not in one of the three frames alone. Three bytes in place count: the chance that a cipher gives
-- them by accident is below one in a thousand over the whole case.
local suite <const> = require "suites.encryption"
local observed <const> = require "suites.encryption.observed"

local PATTERN <const> = "\x52\xe1\x0b\x9c\x37\x68\xd4\x1f\xa5\x7e\x83\xc6" -- no two neighbours differ alike
local RESET_BEFORE <const> = { [4] = true, [17] = true, [22] = true, [25] = true } -- messages of the second pattern
local SHORT <const> = 5 -- messages of one byte, and of two
-- Contents that a device may know from somewhere else: all alike, text, counting, an empty register.
local CONTENTS <const> = {
  ("\xff"):rep(12), "21.5 C; 40 %", ("\x55"):rep(8), "\1\2\3\4\5\6\7\8\9\10\11", ("\x80"):rep(5), ("\xaa"):rep(3),
}
local KEEP_ALIVES <const> = 2

-- A control message is sent in clear, and says nothing of the payloads before it.
local function look_at_keep_alive(t, i, plain)
  if not t.dut:can_send "keep_alive" then return nil end
  local label <const> = ("keep-alive %d"):format(i)
  t:require(label .. " is accepted", t.dut:ask { message = "keep_alive" }):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 12 }):exists()
  for _, frame in ipairs(observed.frames(message).on_air) do
    local how <const> = observed.readable(frame, plain)
    if how then return ("%s: %s"):format(label, how) end
  end
end

suite:case {
  id         = "ENC-001",
  title      = "a payload declared encrypted is not readable on air",
  threat     = "Eavesdropping: meter readings, the state of an alarm.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "ENC" },
  safety     = "S0",
  covers     = {
    "EN303645:5.5-1", "EN303645:5.5-6", "EN303645:5.8-1", "EN303645:5.8-2", "EN18031:SCM-3", "CRA:I.2(e)",
    "IEC62443:CR 4.1", "ISVS:4.2.1", "WP:A12",
  },
  faults     = { "MUT-ENC-001", "MUT-ENC-002" },
  deadline_s = 2400,

  run = function(t)
    local each <const> = t:amount { of = "messages of each pattern", full = 30, smoke = 8 }
    local unsigned <const>, tally <const>, captured = {}, observed.tally(), false
    local function look(label, message, plain)
      local found <const> = {}
      for _, frame in ipairs(message.on_air) do
        found[#found + 1] = observed.readable(frame, plain)
        if frame.tag_ok ~= true then unsigned[#unsigned + 1] = ("%s, rank %d"):format(label, frame.rank) end
      end
      tally:add(message.on_air[1], plain)
      return found
    end
    t:claim {
      event = "a payload declared encrypted was readable", trials = 2 * each, allowed = 0,
      trial = function(i)
        local n <const> = i - each -- of the second pattern, which comes in every length that can be judged
        local plain <const> = n < 1 and PATTERN
          or (("\0"):rep(10) .. string.char(n >> 8, n & 255)):sub(n <= each // 2 and 1 or -(3 + n % 10))
        local label <const> = ("message %d"):format(i)
        if i == each // 2 then
          t:require("the device after a loss of power", t.dut:power_off { for_s = 2, discharge = true }):exists()
        end
        if RESET_BEFORE[n] and t:has_line "reset" then
          t:require(("the device after a reset, before message %d"):format(i), t.dut:reset { hold_s = 0.5 }):exists()
        end
        t.dut:supply_low(n > 0 and n % 4 == 0)
        local message <const> = observed.message(t, label, plain, t:declares "DL" and n > 0 and n % 14 == 13)
        local found <const> = look(label, message, plain)
        if #found == 0 then return false end
        t:note(label .. ": " .. table.concat(found, "; "))
        if not captured then captured = t.air:capture(message, "readable") end
        return true
      end,
    }
    t.dut:supply_low(false)
    -- One byte and two are too few to be read in one message.
    for i = 1, 2 * SHORT do
      local label <const> = ("short message %d"):format(i)
      local plain <const> = string.char(t:random(256) - 1, t:random(256) - 1):sub(1, 1 + i % 2)
      look(label, observed.message(t, label, plain), plain)
    end
    local others <const> = {}
    for i = 1, t:amount { of = "other contents", full = #CONTENTS, smoke = 2 } do
      local plain <const> = CONTENTS[i]
      local label <const> = ("message of other content %d"):format(i)
      for _, how in ipairs(look(label, observed.message(t, label, plain), plain)) do
        others[#others + 1] = ("%s: %s"):format(label, how)
      end
    end
    for i = 1, t:amount { of = "keep-alives", full = KEEP_ALIVES, smoke = 1 } do
      observed.message(t, ("message before keep-alive %d"):format(i), PATTERN)
      others[#others + 1] = look_at_keep_alive(t, i, PATTERN)
    end
    t:expect("payloads of other content, and keep-alives, in which one can be read", others):is_empty()
    t:expect("parts of the payload that are alike in clear and on air in all messages", tally:findings()):is_empty()
    if t:declares "KNOWNKEY" then
      t:expect("frames whose tag does not verify over what is on air", unsigned):is_empty()
    end
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
