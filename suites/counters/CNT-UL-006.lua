-- A counter that is stored after it was used is used twice when power fails between: the same value then signs, or
-- encrypts, two contents. So power is cut at sixty points of a transmission, and something else is sent afterwards.
local suite <const> = require "suites.counters"

local HEAD_BITS <const> = 48 -- preamble, frame type, flags and counter: with them the value is out
local TAIL_S <const> = 0.2 -- after the last frame
local EXCHANGE_S <const> = { 3, 13, 21, 30, 40 } -- after frame 3 of a request for a downlink: until its window ends

-- Where a frame begins and ends, in seconds after the request: of one message that nobody cuts off.
local function times_of(t, history)
  local at_s <const> = t:require("a message that is not cut off", t.dut:send "\xaa\x00"):exists().at_s
  local message <const> = t:require("a message that is not cut off, on air", t.air:message { within_s = 10 }):exists()
  t:require("its frames", t.air:ranks_of(message)):equals "1+2+3"
  local times <const> = { head_s = HEAD_BITS / message.frames[1].bit_rate }
  for rank, frame in ipairs(message.frames) do
    times[rank] = { from_s = frame.start_s - at_s, to_s = frame.end_s - at_s }
  end
  history.last, history[message.counter] = message.counter, "aa00"
  return times
end

local function spread(list, n, where, from_s, to_s)
  for i = 1, n do list[#list + 1] = { where = where, s = from_s + (to_s - from_s) * (i - 0.5) / n } end
end

-- The sixty points of the test catalogue, and a few while the device waits for a downlink, in an order that is drawn.
local function points_of(t, times)
  local list <const> = {}
  spread(list, 20, "inside frame 1", times[1].from_s, times[1].to_s)
  spread(list, 10, "between frames 1 and 2", times[1].to_s, times[2].from_s)
  spread(list, 10, "between frames 2 and 3", times[2].to_s, times[3].from_s)
  spread(list, 5, "inside frame 2", times[2].from_s, times[2].to_s)
  spread(list, 5, "inside frame 3", times[3].from_s, times[3].to_s)
  spread(list, 10, "just after frame 3", times[3].to_s, times[3].to_s + TAIL_S)
  for _, s in ipairs(t:declares "DL" and EXCHANGE_S or {}) do
    list[#list + 1] = { where = ("%d s after a request for a downlink"):format(s), s = times[3].to_s + s, asks = true }
  end
  for i = #list, 2, -1 do
    local k <const> = t:random(i)
    list[i], list[k] = list[k], list[i]
  end
  return list
end

-- Books which contents each counter was heard with.
local function hear(t, history, content)
  local uplinks = 0
  while true do
    local frame <const> = t.air:uplink { within_s = 0.3 }
    if not frame then return uplinks end
    if frame.device_id == t.device.id then
      history[frame.counter] = history[frame.counter] or content
      history.last, uplinks = frame.counter, uplinks + 1
    end
  end
end

-- What was used twice by this cut, in words, or nil.
local function cut(t, history, times, point, i)
  local first <const>, second <const> = string.char(0xb0, i), string.char(0xc0, i)
  local label <const> = ("cut %d, %s"):format(i, point.where)
  local due <const> = (history.last + 1) % t.net:modulus()
  local began_s <const> = point.asks and t.air:now_s() or t.dut:start(first)
  if point.asks then t.dut:send(first, { downlink = true, within_s = 0.01 }) end -- what it answers comes too late
  local rest_s <const> = began_s + point.s - t.air:now_s()
  if rest_s > 0 then t.air:wait { s = rest_s } end
  t:require("the device after " .. label, t.dut:power_off { for_s = 1, discharge = true }):exists()
  local heard <const> = hear(t, history, first)
  -- A frame that was cut off does not decode, but its beginning was there for anybody to hear.
  if heard == 0 and point.s >= times[1].from_s + times.head_s and not history[due] then
    history[due], history.last = first, due
  end
  t:require("a message after " .. label .. " is accepted", t.dut:send(second)):exists()
  local after <const> = t:require("a message after " .. label .. " on air", t.air:message { within_s = 10 }):exists()
  t:expect("a message after " .. label .. ": identifier", after.device_id):equals(t.device.id)
  local used <const> = history[after.counter]
  history.last, history[after.counter] = after.counter, used or second
  if used then return ("%s: counter %d was on air before with another content"):format(label, after.counter) end
end

suite:case {
  id         = "CNT-UL-006",
  title      = "power cut inside a transmission never leads to counter reuse",
  threat     = "The same counter signs, or encrypts, another payload later.",
  severity   = "high",
  level      = "substantial",
  needs      = { "serial", "power", "radio.rx" },
  safety     = "S0",
  covers     = {
    "EN18031:SCM-4", "EN18031:SSM-2", "EN303645:5.9-2", "CRA:I.2(f)", "IEC62443:CR 7.4", "WP:A10",
  },
  faults     = { "MUT-CNT-008", "MUT-CNT-009", "MUT-ENC-006" },
  deadline_s = 3600,

  run = function(t)
    local history <const> = {}
    local times <const> = times_of(t, history)
    local points <const>, reuses = points_of(t, times), 0
    local tolerated <const> = t:tolerates "substantial"
    t:claim {
      event = "a counter came again with another content", trials = #points, allowed = tolerated and #points or 0,
      trial = function(i)
        local reused <const> = cut(t, history, times, points[i], i)
        if reused then
          reuses = reuses + 1
          t:note(reused)
        end
        return reused ~= nil
      end,
    }
    if tolerated and reuses > 0 then
      t:expect("counters that came again", nil, t:shortcoming(("%d of %d cuts led to a counter that came again, which"
        .. " level substantial does not allow"):format(reuses, #points))):exists()
    end
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
