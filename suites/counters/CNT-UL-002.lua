-- The three frames of a message carry one counter value: with one for each frame the counter would be spent three times
-- as fast, and the network's window would drift away. Judges the traffic of AUTH-UL-004.
local suite <const> = require "suites.counters"

-- Decoded frames of the device that came between one request and the next.
local function by_request(requests, uplinks, id)
  local list <const> = {}
  for i = 1, #requests do list[i] = { frames = {} } end
  local at = 0
  for _, frame in ipairs(uplinks) do
    while requests[at + 1] and requests[at + 1].t <= frame.start do at = at + 1 end
    if at > 0 and frame.status == "ok" and frame.device_id == id then
      local frames <const> = list[at].frames
      frames[#frames + 1] = frame
    end
  end
  return list
end

suite:case {
  id         = "CNT-UL-002",
  title      = "repetitions share one counter value",
  threat     = "The counter is spent three times as fast, or the network's window drifts away.",
  severity   = "high",
  level      = "basic",
  needs      = { "radio.rx" },
  safety     = "S0",
  covers     = { "EN18031:SCM-4", "WP:A10" },
  faults     = { "MUT-CNT-002" },
  deadline_s = 60,
  watches    = { "AUTH-UL-004" },
  minimum    = { uplinks = 60 }, -- of the 90 frames of thirty messages

  run = function(t)
    local differing <const>, messages = {}, 0
    for i, one in ipairs(by_request(t.watched.requests, t.watched.uplinks, t.device.id)) do
      local first <const> = one.frames[1]
      if #one.frames > 1 then messages = messages + 1 end
      for _, frame in ipairs(one.frames) do
        if frame.counter ~= first.counter then
          differing[#differing + 1] = ("message %d: rank %d has counter %d, rank %d counter %d"):format(i, frame.rank,
            frame.counter, first.rank, first.counter)
        end
      end
    end
    t:expect("repetitions with another counter than their message", differing):is_empty()
    if #differing == 0 and messages < 30 then
      t:expect("messages to judge by", nil, t:doubt(("%d messages came in more than one frame, 30 are needed"):format(
        messages))):exists()
    else
      t:expect("messages judged", messages):at_least(1)
    end
  end,
}

return suite
