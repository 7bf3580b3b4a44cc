-- The debug port must not give away what the device's memory holds: not while it runs, sleeps or is held in reset, and
-- not in the first instants after power-up, before the firmware can lock anything. That the port refuses counts only
-- when the wires are proven: it names itself, or the reset line of the same adapter is seen to act.
local suite <const> = require "suites.keystorage"
local proof <const> = require "suites.keystorage.proof"

local BLOCK <const> = 1024 -- bytes that are read at once
local RACE_WORDS <const> = 8
local RACE_END_S <const> = 0.2

-- Tries blocks over every declared memory; gives back how the port answered, outcome -> count.
local function sweep(t, state, step, found, answers)
  t:step("reading memory " .. state)
  for _, memory in ipairs(t.device.memory) do
    local came, at, where, fingerprint = 0, nil, 0, nil
    for offset = 0, memory.size - 1, step do
      local block <const> = t.probe:read(memory.address + offset, BLOCK // 4)
      answers[block.outcome] = (answers[block.outcome] or 0) + 1
      where = where + 1
      if block.words > 0 and not block.constant then
        came = came + 1
        at = at or memory.address + offset
        fingerprint = fingerprint or block.hits[1] and block.hits[1].fingerprint
      end
    end
    if came > 0 then
      found[#found + 1] = ("%s %s: %d of %d blocks, the first at 0x%08x%s"):format(memory.name, state, came, where, at,
        fingerprint and ", the key " .. fingerprint .. " among them" or "")
    end
  end
end

suite:case {
  id         = "KEY-DBG-002",
  title      = "flash, EEPROM and option bytes cannot be read out",
  threat     = "The key is read through the debugger.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx", "swd" },
  safety     = "S0",
  covers     = {
    "EN303645:5.4-1", "EN303645:5.6-4A", "EN18031:SSM-1", "EN18031:SSM-3", "EN18031:GEC-2", "IEC62443:EDR 3.11",
    "IEC62443:CR 4.1", "ISTG:MEM-SCRT-001", "WP:A13",
  },
  faults     = { "MUT-KEY-001", "MUT-KEY-002", "MUT-KEY-004" },
  deadline_s = 3600,

  run = function(t)
    proof.signs(t)
    if #t.device.memory == 0 then
      t:require("memories in the device file", nil, t:undeclared(
        "the device file declares no memory to try; add memory = { { name = …, address = …, size = … } }")):exists()
    end
    local outcome <const>, identity <const> = t.probe:connect()
    t:note(outcome == "words" and "the debug port answers: DPIDR " .. identity or "the debug port is " .. outcome)

    local step <const> = BLOCK * t:amount { of = "KiB from one block of 1 KiB to the next", full = 1, smoke = 4 }
    local found <const>, answers <const> = {}, {}
    sweep(t, "of the running device", step, found, answers)
    t.air:wait { s = 5 }
    sweep(t, "of the sleeping device", step, found, answers)
    local acts <const>, why <const> = t.dut:while_reset(function()
      sweep(t, "under reset", step, found, answers)
    end, function()
      sweep(t, "right after reset", step, found, answers)
    end)
    t:require("the reset line at the same adapter", acts, why):exists()
    t:expect("memory that the debug port gave away", found):is_empty()

    local garbled <const> = answers.garbled or 0
    t:expect("blocks whose answers make sense", garbled == 0 or nil, t:doubt(
      ("%d answers of the debug port are garbled; check its wires"):format(garbled))):exists()

    local points <const> = t:amount { of = "times of reading after power-up", full = 400, smoke = 40 }
    local code <const> = t.device.memory[1]
    t:claim {
      event = "memory was read in a race with the firmware", trials = points, allowed = 0,
      trial = function(i)
        local delay_s <const> = RACE_END_S * (i - 1) / points
        local race <const> = t.probe:race { address = code.address, words = RACE_WORDS, delay_s = delay_s }
        answers[race.outcome] = (answers[race.outcome] or 0) + 1
        local open <const> = race.words > 0 and not race.constant
        if open then
          t:note(("%.1f ms after power-up: %d words of the %s"):format(1000 * delay_s, race.words, code.name))
        end
        return open
      end,
    }
    local level <const> = {}
    for _, name in ipairs { "words", "refused", "silent", "garbled" } do
      if answers[name] then level[#level + 1] = ("%d %s"):format(answers[name], name) end
    end
    t:note("how the debug port answered: " .. table.concat(level, ", "))
    t:require("the device after it all", t.dut:is_ready()):exists()
  end,
}

return suite
