-- A jammer that reacts to one frame has to react to all three: each copy of a message is enough to deliver it. Every
-- jammed frame is measured, so that a message counts only when its jamming is proven; the message without jamming is
-- the positive twin.
local suite <const> = require "suites.jamming"

local PAYLOAD <const> = "\xca\xfe"
local JS_DB <const>, LEAST_DB <const>, MOST_DB <const> = 20, 19, 23
local RANGING <const> = 3 -- messages to find the level with, at most
local SWEEP_DB <const> = { -6, -3, -1.5, 0, 3, 12 }
-- Where a short sweep begins and goes on in steps of three: between them the six patterns jam each rank once at each
-- level, so that their points together are the whole curve.
local SHORT <const> = { ["1"] = 1, ["2"] = 2, ["3"] = 3, ["1+2"] = 3, ["1+3"] = 2, ["2+3"] = 1 }

-- The levels that this pattern measures, one entry a message.
local function sweep(t)
  local short <const> = t:amount { of = "levels of the sweep, a message each", full = 2 * #SWEEP_DB, smoke = 2 } == 2
  local list <const> = {}
  for i, js_db in ipairs(SWEEP_DB) do
    if not short then
      list[#list + 1] = { js_db = js_db, messages = 2 }
    elseif (i - SHORT[t.each.ranks]) % 3 == 0 then
      list[#list + 1] = { js_db = js_db, messages = 1 }
    end
  end
  return list
end

-- One message under the jammer: what of it was delivered, the jammed frames, and what did not go as planned.
local function send_jammed(t, label, js_db)
  local jam <close> = t.air:jam { shape = "cw", ranks = t.each.ranks, js_db = js_db }
  t:step(label)
  t:require(label .. " is accepted", t.dut:send(PAYLOAD)):exists()
  local message <const>, why <const> = t.air:message { within_s = 10 }
  jam:finish()
  local made <const> = { message = message, why = why, frames = jam:frames(), unplanned = jam:unplanned() }
  made.off_level = not made.unplanned and jam:unplanned(LEAST_DB, MOST_DB) or nil
  return made
end

suite:case {
  id         = "JAM-UL-002",
  title      = "one jammed frame of three does not lose the message",
  threat     = "A single-shot reactive jammer.",
  severity   = "high",
  level      = "substantial",
  profiles   = { "alarm" },
  needs      = { "serial", "power", "radio.rx", "radio.jam" },
  safety     = "S3",
  covers     = { "EN303645:5.9-1", "EN18031:RLM-1", "WP:A21" },
  faults     = { "MUT-JAM-010" },
  deadline_s = 3600,
  for_each   = { ranks = { "1", "2", "3", "1+2", "1+3", "2+3" } },

  run = function(t)
    local function doubt(label, text)
      t:require(label, nil, t:doubt(text .. "; the message proves nothing, repeat the case")):exists()
    end
    t:require("the message without jamming is accepted", t.dut:send(PAYLOAD)):exists()
    local twin <const> = t:require("the message without jamming", t.air:message { within_s = 10 }):exists()
    t:expect("its copies", t.air:ranks_of(twin)):equals "1+2+3"
    for i = 1, RANGING do
      if not send_jammed(t, "ranging " .. i, JS_DB).off_level then break end
    end

    local least_db, most_db = math.huge, -math.huge
    local holds <const> = t:claim {
      event = ("a message lost, or a clear copy not read, while ranks %s are jammed"):format(t.each.ranks),
      trials = t:amount { of = "messages a pattern", full = 12, smoke = 2 }, allowed = 0,
      trial = function(i)
        local label <const> = ("message %d"):format(i)
        local made <const> = send_jammed(t, label, JS_DB)
        if not made.message and (#made.frames == 0 or made.why.blame ~= "device") then
          t:require(label .. " on air", nil, made.why):exists()
        end
        local unplanned <const> = made.unplanned or made.off_level
        if unplanned then doubt(label, unplanned) end
        local lost <const> = {}
        for rank = 1, 3 do
          local copy <const>, jammed = made.message and made.message.by_rank[rank], false
          for _, frame in ipairs(made.frames) do jammed = jammed or frame.rank == rank end
          if copy and jammed then doubt(label, ("rank %d was read although it was jammed"):format(rank)) end
          if not copy and not jammed then lost[#lost + 1] = rank end
        end
        for _, frame in ipairs(made.frames) do
          least_db, most_db = math.min(least_db, frame.js_db), math.max(most_db, frame.js_db)
        end
        if #lost == 0 then return false end
        if made.message and made.message.lost then
          t:require(label .. ", its clear copies", t.air:ranks_of(made.message)):exists()
        end
        t:note(("%s: %s; not read though nobody jammed it: rank %s"):format(label,
          made.message and "delivered" or "lost", table.concat(lost, "+")))
        return true
      end,
    }
    if not holds then return end
    if least_db <= most_db then
      t:measure("least J/S of a jammed frame", least_db):within(LEAST_DB, MOST_DB, "dB")
      t:measure("greatest J/S of a jammed frame", most_db):within(LEAST_DB, MOST_DB, "dB")
    end

    for _, level in ipairs(sweep(t)) do
      local js_db <const> = level.js_db
      local bad, trials = 0, 0
      for i = 1, level.messages do
        local made <const> = send_jammed(t, ("%+g dB, message %d"):format(js_db, i), js_db)
        for _, frame in ipairs(made.unplanned and {} or made.frames) do
          trials = trials + 1
          if not (made.message and made.message.by_rank[frame.rank]) then bad = bad + 1 end
        end
      end
      if trials > 0 then
        t:point {
          series = "loss of jammed frames against J/S", event = "jammed frame not read", x = js_db, x_name = "J/S",
          x_unit = "dB", bad = bad, trials = trials,
        }
      end
    end
  end,
}

return suite
