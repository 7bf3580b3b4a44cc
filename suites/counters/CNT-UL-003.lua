-- Where the counter rolls over, arithmetic goes wrong: it sticks, skips zero, or wraps elsewhere than declared. So the
-- device is brought to a few messages before its roll-over and watched across it, and across a loss of power after it.
local suite <const> = require "suites.counters"
local deck <const> = require "cert.deck"
local judged <const> = require "suites.authentication.judged"

local BEFORE <const>, MESSAGES <const> = 5, 10

-- The counter of the next message, which must be the device's, complete, as it was asked for, and signed.
local function next_counter(t, label, signed)
  local asked <const> = t:require(label .. " is accepted", t.dut:ask(signed.draw())):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
  judged.message(t, label, message, asked)
  if t:declares "KNOWNKEY" and not message.tags_ok then signed.missing[#signed.missing + 1] = label end
  return message.counter
end

-- A restart on the last value and on the first ones: a stored 0 looks like a memory that was never written.
local function restart_around(t, signed, how, restart)
  if not t.dut:has "counter_preset" then
    t:note "restarts on the last and the first value: not exercised, the device file declares no counter_preset"
    return
  end
  local last = t.net:modulus() - 2
  t:require(("the counter is preset to %d"):format(last), t.dut:preset_counter(last)):exists()
  for i = 1, 4 do
    local counter <const> = next_counter(t, ("message %d round the roll-over, with restarts"):format(i), signed)
    t:expect(("counter of message %d is ahead of the one before %s"):format(i, how), t.net:is_newer(counter, last))
      :is_true()
    last = counter
    t:require(("the device after %s behind message %d"):format(how, i), restart()):exists()
  end
end

local TRIED <const>, LEFT_OUT_MAX <const> = 40, 80 -- a counter to preset, and how many a device may leave out

-- How many counters the device leaves out behind a restart, which a preset is: it may do so, as long as the network
-- still takes the next one.
local function left_out(t, signed)
  if not t.dut:has "counter_preset" then return 0 end
  t:require(("the counter is preset to %d"):format(TRIED), t.dut:preset_counter(TRIED)):exists()
  local left <const> = t.net:step(TRIED, next_counter(t, "message behind a first preset", signed)) - 1
  if left < 1 or left > LEFT_OUT_MAX then return 0 end
  t:note(("the device leaves out %d counters behind a restart; each preset allows for them"):format(left))
  return left
end

-- The newest counter is brought to `target`.
local function climb(t, from, target, left)
  if t.dut:has "counter_preset" then
    local preset <const> = (target - left) % t.net:modulus()
    t:require(("the counter is preset to %d"):format(preset), t.dut:preset_counter(preset)):exists()
    return
  end
  local missing <const> = (target - from) % t.net:modulus()
  t:note(("%d short messages bring the counter from %d to %d"):format(missing, from, target))
  if missing == 0 then return end
  local reached <const> = t:require("the counter on its way to the roll-over", t.dut:spend(missing)):exists()
  t:require("counter before the roll-over", reached):equals(target)
end

suite:case {
  id         = "CNT-UL-003",
  title      = "roll-over is clean",
  threat     = "A stuck counter, a skipped zero, a value that is cut off wrongly.",
  severity   = "high",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx" },
  safety     = "S0",
  covers     = { "EN18031:SCM-4", "IEC62443:CR 3.8", "WP:A10" },
  faults     = { "MUT-CNT-003", "MUT-CNT-004", "MUT-CNT-005" },
  deadline_s = 4 * 3600,

  run = function(t)
    local signed <const>, modulus <const> = { missing = {}, draw = deck.new(t, false) }, t.net:modulus()
    t:note(("the device file declares a roll-over at %d"):format(modulus))
    local last = next_counter(t, "message at the beginning", signed)
    last = (last + 1) % modulus
    t:expect("counter of the second message", next_counter(t, "second message", signed)):equals(last)
    local left <const> = left_out(t, signed)
    -- Where a smaller roll-over than the declared one would be: none may show.
    for _, smaller in ipairs { 128, 256, 512, 1024, 2048 } do
      if smaller < modulus and t.dut:has "counter_preset" then
        climb(t, last, smaller - 2, left)
        for i = 1, 3 do
          local due <const> = smaller - 2 + i
          t:expect(("counter beside %d"):format(smaller), next_counter(t, ("message %d beside %d"):format(i, smaller),
            signed)):equals(due)
          last = due
        end
      end
    end

    climb(t, last, (modulus - BEFORE - 1) % modulus, left)
    last = modulus - BEFORE - 1
    t:claim {
      event = "the counter did not go on to the value that is due", trials = MESSAGES, allowed = 0,
      trial = function(i)
        local label <const> = ("message %d of %d across the roll-over"):format(i, MESSAGES)
        local due <const> = (last + 1) % modulus
        local counter <const> = next_counter(t, label, signed)
        if counter ~= due then t:note(("%s: counter %d, due is %d"):format(label, counter, due)) end
        last = due
        return counter ~= due
      end,
    }
    t:require("the device after a loss of power", t.dut:power_off { for_s = 5, discharge = true }):exists()
    local after <const> = next_counter(t, "message after a loss of power", signed)
    t:expect("counter is ahead after a loss of power", t.net:is_newer(after, last)):is_true()
    restart_around(t, signed, "a loss of power", function() return t.dut:power_off { for_s = 2, discharge = true } end)
    if t:has_line "reset" then
      restart_around(t, signed, "a reset", function() return t.dut:reset { hold_s = 0.5 } end)
    end
    t:expect("messages whose tag does not verify", signed.missing):is_empty()
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
