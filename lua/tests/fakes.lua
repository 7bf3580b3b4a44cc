-- A fake of the C side below lua/cert: a device that answers from a table and a receiver that hears a list of frames.
local fakes <const> = {}

--- A decoded frame of message `counter`, rank `rank`, beginning at start_s.
function fakes.frame(fields)
  local f <const> = {
    type = "uplink", status = "ok", device_id = "00f0c5a1", counter = 7, rank = 1, message = "bytes",
    payload_hex = "cafe",
    class = "C", li = 2, tag_hex = "01020304", tag_ok = true, judge = "accepted", bf = false, ebn0_db = 30.0,
    packet_hex = "8007a1c5f000cafe01020304ffff", start_s = 1.0,
  }
  for k, v in pairs(fields or {}) do f[k] = v end
  f.end_s = f.end_s or f.start_s + 1.44
  return f
end

--- Three frames of one message.
function fakes.message(fields)
  local list <const> = {}
  for rank = 1, 3 do
    local f <const> = { rank = rank }
    for k, v in pairs(fields or {}) do f[k] = v end
    f.start_s = (fields and fields.start_s or 1.0) + (rank - 1) * 1.94
    list[rank] = fakes.frame(f)
  end
  return list
end

--- core with `events` (what was emitted).
--- options: frames, answers (line -> {outcome, answer}), gap, air_proven, port_proven.
function fakes.core(options)
  local o <const> = options or {}
  local core <const> = { events = {}, commands = {}, faults = {} }
  local now_s = o.now_s or 0.0
  local frames <const> = o.frames or {}
  for _, f in ipairs(o.late_frames or {}) do -- after the runner has brought the device up
    f.start_s, f.end_s = f.start_s + 20, f.end_s + 20
    frames[#frames + 1] = f
  end
  function core.event(e) core.events[#core.events + 1] = e end
  function core.fault(code, blame, text) core.faults[#core.faults + 1] = { code = code, blame = blame, text = text } end
  function core.step() end
  function core.random() return 0.5 end
  function core.evidence(name) core.kept = name end
  core.statistics = {
    upper = function(faults, trials) return (faults + 3) / trials end,
    interval = function(faults, trials, confidence) return faults / trials / 2, (faults / trials + confidence) / 2 end,
    sequential = function() return {
      limit = 4,
      decide = function(x, n) return x > 0 and "reject" or n == 4 and "accept" or "continue" end,
      upper = function(x, n) return (x + 4) / n end,
    } end,
  }
  core.device = {
    id = "00f0c5a1", pac = "5e7a1c0d9b3f2468", features = { "TESTMODE" }, extensions = { "factory_reset" },
    messages_per_day = 140,
  }
  core.bench = { power = { line = "rts", discharge_s = 0 }, reset = { line = "dtr" } }
  core.limits = { { name = "rf.x", max = 5.0, unit = "Hz", source = "here", mark = "P" } }
  core.dialect = require "dialects.sfm10r"
  core.net = {}
  core.stations = { using = function() return true end, use = function() end }

  local on = true
  core.dut = {
    command = function(_, line, given)
      core.commands[#core.commands + 1] = line
      local answer = o.answers and (o.answers[line] or o.answers["*"]) or { "ok", "OK" }
      if not on and not o.stuck then answer = { "timeout", "" } end
      if answer[1] == "timeout" then now_s = now_s + given.within_s end
      local lines <const> = answer[1] == "timeout" and { answer[3] } or { answer[2] }
      return { outcome = answer[1], answer = answer[2], lines = lines, sent_s = now_s, until_s = now_s }
    end,
    next_line = function(_, given) now_s = now_s + given.within_s end,
    power = function(_, state) on = state end,
    reset = function(_, held) on = not held end,
    proven = function() return o.port_proven == true end,
    lab_enable = function() return false end,
    supply_low = function() return false end,
    unasked = function() return o.unasked or 0 end,
    line_state = function()
      return { spoiled = o.spoiled or 0, in_pieces = o.in_pieces or 0, unfinished = o.unfinished or 0, text = "?" }
    end,
  }
  core.air = {
    now_s = function() return now_s end,
    wait = function(_, s) now_s = now_s + s end,
    proven = function() return o.air_proven == true end,
    gap_since = function(_, s) return o.gap_s and o.gap_s >= s and "overflow" or nil end,
    capture = function() return true end,
    next_frame = function(_, until_s)
      if frames[1] and frames[1].end_s <= until_s then
        now_s = math.max(now_s, frames[1].end_s)
        return table.remove(frames, 1)
      end
      now_s = math.max(now_s, until_s)
    end,
  }
  return core
end

return fakes
