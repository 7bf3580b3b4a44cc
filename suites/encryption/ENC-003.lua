-- A keystream that depends on the counter alone comes back with each roll-over, and one known payload then reads
-- another. So the same counter values are watched in three rounds, with a loss of power and a reset in each: what
-- extends the counter must advance by itself and survive.
local suite <const> = require "suites.encryption"
local observed <const> = require "suites.encryption.observed"

local LENGTH <const> = 12
local ZEROS <const> = ("\0"):rep(LENGTH)
local VALUES <const>, ROUNDS <const> = 8, 3
-- Of the eight messages of a round: power is lost behind the roll-over itself, too, where a device that stores its
-- roll-over counter late has not done so yet; in the last round before it, on the highest counter; and in the second
-- round the device gets a factory reset. The restarts come at the same places in each round, since a device may leave
-- out counters there.
local CUT_AFTER <const>, RESET_AFTER <const> = { [1] = true, [4] = true }, 6
local FACTORY_AFTER <const>, FACTORY_ROUND <const> = 3, 2

-- Brings the device over its roll-over: the next message has counter 0, or little more.
local function roll_over(t, last)
  local modulus <const> = t.net:modulus()
  local target <const> = modulus - 3
  if t.dut:has "counter_preset" then
    t:require(("the counter is preset to %d"):format(target), t.dut:preset_counter(target)):exists()
  else
    local missing <const> = (target - last) % modulus
    t:note(("%d short messages bring the counter from %d to %d"):format(missing, last, target))
    if missing > 0 then t:require("the counter on its way to the roll-over", t.dut:spend(missing)):exists() end
  end
  for i = 1, 2 do observed.message(t, ("message %d before the roll-over"):format(i), ZEROS) end
end

-- What happens before message `place` of a round.
local function disturb(t, round, place)
  if CUT_AFTER[place - 1] or round == ROUNDS and place == 1 then
    t:require(("the device after a loss of power before message %d of round %d"):format(place, round),
      t.dut:power_off { for_s = 2, discharge = true }):exists()
  end
  if place == RESET_AFTER + 1 and t:has_line "reset" then
    t:require(("the device after a reset in round %d"):format(round), t.dut:reset { hold_s = 0.5 }):exists()
  end
  if round == FACTORY_ROUND and place == FACTORY_AFTER + 1 and t.dut:has "factory_reset" then
    t:require("the device after a factory reset", t.dut:factory_reset()):exists()
  end
end

suite:case {
  id         = "ENC-003",
  title      = "keystream differs across counter roll-over",
  threat     = "After a round of the counter the same keystream comes back.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "ENC" },
  safety     = "S0",
  covers     = { "EN18031:SCM-3", "EN18031:CRY-1", "WP:A12" },
  faults     = { "MUT-ENC-004", "MUT-ENC-005", "MUT-ENC-012" },
  deadline_s = 8 * 3600,

  run = function(t)
    local seen <const>, pairs_seen = {}, 0
    local last = observed.message(t, "message at the beginning", ZEROS).counter
    t:claim {
      event = "a keystream came back in another round of the counter", trials = ROUNDS * VALUES, allowed = 0,
      trial = function(i)
        local round <const>, place <const> = (i - 1) // VALUES + 1, (i - 1) % VALUES + 1
        if place == 1 then roll_over(t, last) end
        disturb(t, round, place)
        local label <const> = ("message %d of round %d"):format(place, round)
        local message <const> = observed.message(t, label, ZEROS)
        local now <const>, repeated = message.on_air[1].bytes, false
        for _, before in ipairs(seen) do
          if before.counter == message.counter then pairs_seen = pairs_seen + 1 end
          local how <const> = t.net:related(now, before.bytes)
          if how and not repeated then
            repeated = true
            t:note(("%s: the payload of counter %d %s as that of counter %d in round %d"):format(label,
              message.counter, how, before.counter, before.round))
          end
        end
        seen[#seen + 1] = { bytes = now, counter = message.counter, round = round }
        last = message.counter
        return repeated
      end,
    }
    t:note(("%d pairs of messages had the same counter in different rounds"):format(pairs_seen))
    if pairs_seen < VALUES then
      t:expect("messages with the same counter in different rounds", nil, t:doubt(("%d pairs were seen, %d are needed;"
        .. " the counter did not come back to the same values"):format(pairs_seen, VALUES))):exists()
    end
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
