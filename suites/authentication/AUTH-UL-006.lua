-- Flags steer the network: one that is set without need opens a receive window that nobody asked for, and one that the
-- tag does not cover can be set by anybody on the way.
local suite <const> = require "suites.authentication"
local edges <const> = require "cert.deck"
local judged <const> = require "suites.authentication.judged"
local traffic <const> = require "cert.traffic"

local KINDS <const> = traffic.kinds()

-- Every kind that this device can be asked for in this direction, in an order that is drawn, again and again. Each
-- length begins in one direction, and ends in the other, with a byte on which text functions stumble.
local function deck(t, downlink)
  local list <const>, next_one <const> = {}, { at = 0 }
  for _, kind in ipairs(KINDS) do
    if t.dut:can_send(kind.message, downlink) then
      local n <const> = #(kind.payload or "")
      local payload <const> = n > 0 and edges.edged(t, n, (n % 2 == 0) == downlink, n // 2) or nil
      list[#list + 1] = { message = kind.message, payload = payload, downlink = downlink }
    end
  end
  return function()
    if next_one.at % #list == 0 then
      for i = #list, 2, -1 do
        local k <const> = t:random(i)
        list[i], list[k] = list[k], list[i]
      end
    end
    next_one.at = next_one.at + 1
    return list[(next_one.at - 1) % #list + 1]
  end
end

-- A device whose file declares no downlink refuses to ask for one, or asks for none: each frame that does is a finding.
local function undeclared(t)
  local list <const> = {}
  if not t.dut:can_send("bytes", true) then return list end
  local asked <const>, why <const> = t.dut:send("\x55", { downlink = true })
  t:note(("a request for a downlink, which the device file does not declare (DL): %s"):format(asked and "accepted"
    or tostring(why)))
  local message <const>, silence <const> = t.air:message { within_s = asked and 1 or 8 }
  if not message and silence.verdict == "inconclusive" then t:require("the request", nil, silence):exists() end
  for _, frame in ipairs(message and message.frames or {}) do
    if frame.bf then list[#list + 1] = ("rank %d, counter %d"):format(frame.rank, frame.counter) end
  end
  return list
end

suite:case {
  id         = "AUTH-UL-006",
  title      = "reserved and flag bits carry only authenticated, intended values",
  threat     = "A covert channel, a window that nobody asked for, frames that the network drops.",
  severity   = "medium",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "KNOWNKEY" },
  safety     = "S0",
  covers     = { "EN18031:SCM-2", "EN18031:GEC-6", "IEC62443:CR 3.1", "WP:A7", "WP:A9" },
  faults     = { "MUT-AUTH-011", "MUT-AUTH-012" },
  deadline_s = 2700,

  run = function(t)
    local each <const> = t:amount { of = "messages of each direction", full = 20, smoke = 3 }
    local asks <const> = t:declares "DL" and 2 * each or each
    local draw <const> = { [false] = deck(t, false), [true] = deck(t, true) }
    local tally <const>, left <const> = { bad = 0, frames = 0 }, { [false] = each, [true] = asks - each }
    t:claim {
      event = "a flag other than what the host asked for", trials = asks, allowed = 0,
      trial = function(i)
        -- In an order that is drawn, so that no habit of the device can follow it.
        local downlink <const> = left[true] > 0
          and (left[false] == 0 or t:random(left[true] + left[false]) <= left[true])
        left[downlink] = left[downlink] - 1
        local request <const> = draw[downlink]()
        local label <const> = ("message %d (%s%s)"):format(i, traffic.name(request.message, #(request.payload or "")),
          downlink and ", asking for a downlink" or "")
        local asked <const> = t:require(label .. " is accepted", t.dut:ask(request)):exists()
        local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
        judged.message(t, label, message, asked)
        local wrong = false
        for _, frame in ipairs(message.frames) do
          if frame.bf ~= downlink or frame.rep then
            wrong = true
            t:note(("%s, rank %d: BF %s, REP %s"):format(label, frame.rank, tostring(frame.bf), tostring(frame.rep)))
          end
        end
        judged.tags(t, label, message, tally)
        return wrong
      end,
    }
    if asks == each then
      t:expect("frames that ask for a downlink, of a device whose file declares none", undeclared(t)):is_empty()
    end
    -- The network computes tags over the flags as they are on air: a tag made with another flag does not verify.
    t:expect("frames whose tag does not cover the flags on air", tally.bad):equals(0)
    t:expect("frames judged", tally.frames):at_least(1)
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
