-- Nothing that a user can do may set the counter back: a value used twice lets old messages be replayed. Each command
-- that resets, erases, saves or changes the zone is tried, and a loss of power behind each of them.
local suite <const> = require "suites.counters"
local fresh <const> = require "suites.counters.fresh"

-- Every setting that can be asked for is written again, with the value that it has.
local function write_settings(t)
  for _, question in ipairs(t.dut:questions()) do
    local name <const> = question:match "^(.-)=?%?$"
    local answer <const> = name and t.dut:command(question, { answer = "line" })
    local value <const> = answer and answer.text:match "^%s*(%w+)%s*$"
    if value then
      local line <const> = name .. "=" .. value
      local came <const>, why <const> = t.dut:command(line, { within_s = 3 })
      t:note(("%s: %s"):format(line, came and "accepted" or tostring(why)))
    end
  end
  return t.dut:is_ready()
end

-- { name, function } of every action that this device offers.
local function actions_of(t)
  local list <const> = {}
  local function add(name, act) list[#list + 1] = { name = name, act = act } end
  for _, what in ipairs { "resets", "saves", "erases" } do
    for _, line in ipairs(t.dut:commands(what)) do
      add(line, function()
        local answer <const>, why <const> = t.dut:command(line, { restarts = true })
        t:note(("%s: %s"):format(line, answer and "accepted" or tostring(why)))
        return t.dut:is_ready()
      end)
    end
  end
  local zones <const> = t.dut:commands "zones"
  if #zones > 0 then
    add("to other zones and back", function()
      for _, line in ipairs(zones) do
        local answer <const>, why <const> = t.dut:command(line)
        t:note(("%s: %s"):format(line, answer and "accepted" or tostring(why)))
      end
      return t.dut:is_ready()
    end)
  end
  add("its settings written again", function() return write_settings(t) end)
  if t.dut:has "factory_reset" then add("a factory reset", function() return t.dut:factory_reset() end) end
  add("a reset by its line", function() return t.dut:reset { hold_s = 0.5 } end)
  add("a loss of power", function() return t.dut:power_off { for_s = 5, discharge = true } end)
  return list
end

suite:case {
  id         = "CNT-UL-009",
  title      = "no user action resets the counter",
  threat     = "A factory reset, a change of zone or a command re-opens the replay window.",
  severity   = "high",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx" },
  safety     = "S0",
  covers     = { "EN18031:SCM-4", "EN18031:ACM-2", "EN303645:5.11-1", "WP:A10" },
  faults     = { "MUT-CNT-013", "MUT-CNT-014" },
  deadline_s = 1800,

  run = function(t)
    local history <const>, actions <const> = fresh.history(t), actions_of(t)
    local function is_fresh(label) return history:message(label) end
    -- A counter that starts again near where it stands would look as if it went on.
    for i = 1, 8 do is_fresh(("message %d before any action"):format(i)) end
    t:claim {
      event = "counter repeated or decreased", trials = #actions, allowed = 0,
      trial = function(i)
        local action <const> = actions[i]
        t:step(action.name)
        local before <const> = is_fresh("message before " .. action.name)
        t:require("the device after " .. action.name, action.act()):exists()
        local after <const> = is_fresh("message after " .. action.name)
        t:require("the device after " .. action.name .. " and a loss of power",
          t.dut:power_off { for_s = 5, discharge = true }):exists()
        return not (is_fresh(("message after %s and a loss of power"):format(action.name)) and before and after)
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
