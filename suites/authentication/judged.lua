-- What the authentication cases demand of a message: that it is the device's, complete, and what the host asked for.
local traffic <const> = require "cert.traffic"

local judged <const> = {}

local function describe(frame)
  return ("rank %d: tag %s, the network says %s"):format(frame.rank, frame.tag_hex, frame.judge)
end

--- Whose it is, that all ranks came, and that each of them says what was asked for.
function judged.message(t, label, message, request)
  t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
  t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
  local differing <const> = {}
  for _, frame in ipairs(message.frames) do
    local what <const> = traffic.content_differs(frame, request, t:declares "ENC")
      or traffic.shape_differs(frame, request)
    if what then differing[#differing + 1] = ("rank %d: %s"):format(frame.rank, what) end
    if frame.rep then differing[#differing + 1] = ("rank %d: the reserved bit is set"):format(frame.rank) end
  end
  for _, frame in ipairs(message.malformed) do
    differing[#differing + 1] = ("rank %d does not decode: %s"):format(frame.rank, frame.status)
  end
  t:expect(label .. ": frames that differ from what the host asked", differing):is_empty()
end

--- The same, and that every tag verifies where the key is known.
function judged.whole(t, label, message, request)
  judged.message(t, label, message, request)
  if t:declares "KNOWNKEY" and not message.tags_ok then t:expect(label .. ": tags verify", false):is_true() end
end

--- Counts wrong tags into `tally` { frames, bad, weakest_db } and records each as a note; the verdict falls at the
--- end.
function judged.tags(t, label, message, tally)
  for _, frame in ipairs(message.frames) do
    tally.frames = tally.frames + 1
    tally.weakest_db = math.min(tally.weakest_db or math.huge, frame.ebn0_db)
    if frame.tag_ok ~= true then
      tally.bad = tally.bad + 1
      tally.first = tally.first or label .. ", " .. describe(frame)
      t:note(label .. ", " .. describe(frame))
      if tally.bad <= 2 then t.air:capture(message, "wrong-tag-" .. tally.bad) end
    end
  end
end

--- One wrong tag that did not come back is no proof: the evidence allows no decision.
function judged.verdict_on_tags(t, tally)
  t:expect("frames judged", tally.frames):at_least(1)
  if tally.bad == 1 then
    t:expect("the one wrong tag", nil, t:doubt(
      ("%s; it did not come back, so it may have been a bit error; repeat the case"):format(tally.first))):exists()
  else
    t:expect("frames whose tag does not verify", tally.bad):equals(0)
  end
end

return judged
