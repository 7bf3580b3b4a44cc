-- Nothing that a user can do may set the counter back: a value used twice lets old messages be replayed. Each command
-- that resets, erases, saves or changes the zone is tried, and a loss of power behind each of them.
local suite <const> = require "suites.counters"
local deck <const> = require "cert.deck"
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

-- Choices that a laboratory alone may make: refused in the field, then made, and ended by a reset.
local function choose(t, lines)
  for _, high in ipairs { false, true } do
    if not t.dut:lab_enable(high) then return true end
    deck.try(t, lines)
  end
  return t.dut:reset { hold_s = 0.5 }
end

-- Messages of one frame, as a host that saves energy sends them, and a loss of power at once.
local function send_once(t, history)
  local counter <const> = t:require("two messages of one frame", t.dut:spend(2)):exists()
  t:expect("counter of a message of one frame is new", history:book("a message of one frame", counter)):is_true()
  return t.dut:power_off { for_s = 2, discharge = true }
end

local REFUSED_WITHIN <const> = 12 -- messages in the field

-- As many messages as the device sends before it says that its budget is spent.
local function spend_budget(t, history)
  if not t.dut:lab_enable(false) then
    t:note "a spent budget: not exercised, the bench has no lab-enable line"
    return true
  end
  t:require("the device in the field, after a reset", t.dut:reset { hold_s = 0.5 }):exists()
  for i = 1, REFUSED_WITHIN do
    local asked <const>, why <const> = t.dut:send(("\x5a"):rep(12))
    if not asked then
      t:note(("message %d in the field: %s"):format(i, tostring(why)))
      break
    end
    local label <const> = ("message %d in the field"):format(i)
    local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
    t:expect(label .. ": counter is new", history:book(label, message.counter)):is_true()
  end
  t.dut:lab_enable(true)
  return t.dut:is_ready()
end

-- { name, function } of every action that this device offers.
local function actions_of(t, history)
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
  for _, what in ipairs { "key_public", "encryption_off" } do
    local lines <const> = t.dut:commands(what)
    if #lines > 0 then add(lines[1] .. ", and a reset", function() return choose(t, lines) end) end
  end
  add("lines that are no messages", function()
    deck.try(t, deck.mistakes(t))
    return t.dut:is_ready()
  end)
  add("two messages of one frame and a loss of power", function() return send_once(t, history) end)
  add("messages until one is refused", function() return spend_budget(t, history) end)
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
    local history <const> = fresh.history(t)
    local actions <const> = actions_of(t, history)
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
