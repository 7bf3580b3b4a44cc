-- The tag must be as long as the frame announces, and the frame must announce what the host asked for: a shortened
-- tag, or a payload padded so that a short one fits, makes guessing cheap. Judges the traffic of AUTH-UL-001.
local suite <const> = require "suites.authentication"
local traffic <const> = require "cert.traffic"

local function where(frame)
  return ("counter %d rank %d"):format(frame.counter, frame.rank)
end

suite:case {
  id         = "AUTH-UL-002",
  title      = "uplink tag has the length the frame announces",
  threat     = "A shortened tag makes guessing cheap: 2 bytes instead of 5.",
  severity   = "high",
  level      = "basic",
  needs      = { "radio.rx", "KNOWNKEY" },
  safety     = "S0",
  covers     = { "EN303645:5.5-1", "EN18031:SCM-2", "EN18031:CRY-1", "IEC62443:CR 4.3", "WP:A7" },
  faults     = { "MUT-AUTH-005" },
  deadline_s = 60,
  watches    = { "AUTH-UL-001" },
  minimum    = { uplinks = 45 }, -- fifteen kinds of message can be asked for in every dialect, each in three frames

  run = function(t)
    local shapes <const>, contents <const>, unasked <const>, frames = {}, {}, {}, 0
    for _, pair in ipairs(traffic.match(traffic.messages(t.watched.uplinks), t.watched.requests)) do
      for _, frame in ipairs(pair.message.frames) do
        frames = frames + 1
        if not pair.request then
          unasked[#unasked + 1] = where(frame)
        else
          local shape <const> = traffic.shape_differs(frame, pair.request)
          local content <const> = traffic.content_differs(frame, pair.request, t:declares "ENC")
          if shape then
            shapes[#shapes + 1] = ("%s, asked for %s: %s"):format(where(frame),
              traffic.told(pair.request.message, pair.request.payload_hex), shape)
          end
          if content then contents[#contents + 1] = ("%s: %s"):format(where(frame), content) end
        end
      end
    end
    t:expect("frames whose length indicator or tag length does not fit", shapes):is_empty()
    t:expect("frames whose content is not what was asked for", contents):is_empty()
    t:expect("frames that nobody asked for", unasked):is_empty()
    t:expect("frames that do not decode", traffic.broken(t.watched.uplinks)):is_empty()
    if frames == 0 then t:expect("frames judged", nil, t:doubt "none of the watched messages decoded"):exists() end
  end,
}

return suite
