-- A recorded downlink is worth something only if it can be played again. So genuine ones are recorded, played twice
-- more in their own window, and in each of the next five windows: as they were recorded, and scrambled anew for the
-- request, which anybody can do.
local suite <const> = require "suites.counters"

local fresh <const> = require "suites.counters.fresh"

local RECORDINGS <const>, REPLAYS <const> = 5, 5
local OWN_S <const> = { 22, 31, 37 } -- behind the end of frame 1: inside the window, clear of the confirmation
local LATER_S <const>, OLDER_S <const> = { 25, 32 }, { 28, 35, 38, 40 }
local CUT_SHORT <const> = { [3] = true, [4] = true } -- recording: sent once, and the restart follows its confirmation
-- Recording: played behind the restart before the device asks for anything, where a device that knows of no request
-- would listen.
local UNASKED <const> = { [1] = true, [2] = true }
local NOMINAL_HZ <const> = 869525000 -- RC1
local UNASKED_EVERY_S <const>, UNASKED_TIMES <const> = 0.5, 16
-- Replay: the first window after the restart is one for the recording. The last recording has none: what the device
-- knows of its requests must not help either.
local RESTART_BEFORE <const> = { [1] = true, [3] = true }
local RESTARTS_UP_TO <const> = 4 -- recording

local function hex_of(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function random_payload(t)
  local bytes <const> = {}
  for i = 1, 8 do bytes[i] = string.char(t:random(256) - 1) end
  return table.concat(bytes)
end

-- What was on air must not come again: neither a request's counter nor that of a confirmation.
local function book(t, history, label, made)
  local fresh_ones = history:book(label, made.message.counter)
  if made.confirmation then
    fresh_ones = history:book(label .. ", its confirmation", made.confirmation.counter) and fresh_ones
  end
  t:expect(label .. ": counters are new", fresh_ones):is_true()
end

-- The recording's first window behind a loss of power, or behind a reset where the bench can: what the device knew of
-- it may be gone.
local function restart(t, k, n)
  if (k + n // 2) % 2 == 0 and t:has_line "reset" then
    t:require(("the device after a reset, before replay %d of recording %d"):format(n, k),
      t.dut:reset { hold_s = 0.5 }):exists()
  else
    t:require(("the device after a loss of power, before replay %d of recording %d"):format(n, k),
      t.dut:power_off { for_s = 2, discharge = true }):exists()
  end
end

-- Played though the device has asked for nothing since it was started. What the device did, or nil.
local function play_unasked(t, recording, k)
  local label <const> = ("recording %d behind a restart, unasked"):format(k)
  local reactions <const> = t:require(label, t:unasked {
    label = label, payload = recording.payload, counter = recording.counter, f_hz = NOMINAL_HZ,
    from_s = t.air:now_s() + 0.5, every_s = UNASKED_EVERY_S, count = UNASKED_TIMES,
  }()):exists()
  return reactions[1] and ("%s: %s"):format(label, reactions[1])
end

-- A genuine downlink and two copies in one window: { payload, counter }, and what is wrong about it or nil. What the
-- device does not take once proves nothing.
local function record(t, history, k)
  local payload <const>, at <const> = random_payload(t), {}
  for i, after_s in ipairs(CUT_SHORT[k] and { OWN_S[1] } or OWN_S) do at[i] = { after_s = after_s } end
  local label <const> = ("recording %d, sent %s in its window"):format(k, #at == 1 and "once" or "three times")
  local made <const> = t:exchange { label = label, payload = payload, at = at }
  book(t, history, label, made)
  if made.more > 0 or #made.payloads > 1 and not made.doubt then
    return nil, ("%s: the host got it %d times, %d messages were sent behind the confirmation"):format(label,
      #made.payloads, made.more)
  end
  local took <const> = made.payload_hex == hex_of(payload)
  t:expect(label .. " (positive twin)", took or nil, not took and t:doubt(("the device did not accept it once (%s), so"
    .. " refusing it later proves nothing; see AUTH-DL-001"):format(made.reaction or "no reaction")) or nil):is_true()
  return { payload = payload, counter = made.message.counter }
end

-- Plays a recording in one window, and in the last one every recording before it. What the device did, or nil.
local function replay(t, history, recordings, k, n)
  local recording <const> = recordings[k]
  local label <const> = ("recording %d, %d windows later"):format(k, n)
  local counter <const>, at <const> = { clear = 0xffff, flip = recording.counter }, {}
  for i, after_s in ipairs(LATER_S) do at[i] = { after_s = after_s, counter = counter, rewhiten = i > 1 } end
  for i = 1, n == REPLAYS and k - 1 or 0 do
    at[#at + 1] = {
      payload = recordings[i].payload, after_s = OLDER_S[i], counter = { clear = 0xffff, flip = recordings[i].counter },
    }
  end
  table.sort(at, function(a, b) return a.after_s < b.after_s end)
  local made <const> = t:exchange { label = label, payload = recording.payload, at = at }
  book(t, history, label, made)
  if not made.reaction and made.lost then
    t:require(label, nil, t:doubt(("no reaction was heard, but samples were lost (%s): repeat the case"):format(
      made.lost))):exists()
  end
  if made.reaction and not made.on_air and made.doubt then
    t:require(label, nil, t:doubt(("%s, but %s; the raw bytes are in uart.log"):format(made.reaction, made.doubt)))
      :exists()
  end
  return made.reaction and ("%s: %s"):format(label, made.reaction)
end

suite:case {
  id         = "CNT-DL-001",
  title      = "recorded downlinks are useless later",
  threat     = "A recorded command is played again.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "radio.tx", "DL", "KNOWNKEY" },
  safety     = "S1",
  covers     = { "EN18031:SCM-4", "EN303645:5.5-1", "ISVS:4.1.1", "IEC62443:CR 3.8", "WP:A8", "WP:A10" },
  faults     = { "MUT-AUTH-022", "MUT-CNT-018", "MUT-CNT-019" },
  deadline_s = 3600,

  run = function(t)
    local history <const>, recordings, k = fresh.history(t), {}, nil
    t:claim {
      event = "a recorded downlink had an effect", trials = RECORDINGS * REPLAYS, allowed = 0,
      trial = function(i)
        local n <const>, wrong = (i - 1) % REPLAYS + 1, nil
        if n == 1 then
          k = (i - 1) // REPLAYS + 1
          recordings[k], wrong = record(t, history, k)
        end
        if not wrong and k <= RESTARTS_UP_TO and RESTART_BEFORE[n] then restart(t, k, n) end
        if not wrong and n == 1 and UNASKED[k] then wrong = play_unasked(t, recordings[k], k) end
        wrong = wrong or replay(t, history, recordings, k, n)
        if wrong then t:note(wrong) end
        return wrong ~= nil
      end,
    }
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
