-- What a device does with a downlink before it knows whose it is can be provoked by anybody. So every refused downlink
-- of the cases beside this one must leave no trace: not on the host's line, not on air, not in the next message, not in
-- memory where the bench can read it, not on outputs that it watches. What a device refuses that takes no genuine
-- downlink either proves nothing.
local suite <const> = require "suites.authentication"

local READABLE <const> = 6 -- hexadecimal digits of the payload in a row that no line holds by accident

-- The traffic as a list of exchanges, each a request and all that followed it until the next one.
local function exchanges_of(events)
  local list <const> = {}
  for _, e in ipairs(events) do
    if e.type == "request" then
      list[#list + 1] = { case = e.case, request = e, downlinks = {}, lines = {}, uplinks = {}, ended = math.huge }
    end
    local now <const> = list[#list]
    if now then
      if e.type == "downlink" then now.downlinks[#now.downlinks + 1] = e end
      if e.type == "line" then now.lines[#now.lines + 1] = e end
      if e.type == "command" then
        for _, text in ipairs(e.lines or { e.answer }) do
          now.lines[#now.lines + 1] = { t = e["until"], text = text }
        end
      end
      if e.type == "uplink" then now.uplinks[#now.uplinks + 1] = e end
      if e.type == "power" or e.type == "reset" or e.type == "gap" then now.ended = math.min(now.ended, e.t) end
    end
  end
  return list
end

-- Whether it was answered with genuine downlinks alone, and whether the device took them.
local function is_twin(exchange)
  for _, burst in ipairs(exchange.downlinks) do
    if not burst.genuine then return false end
  end
  return #exchange.downlinks > 0
end

local function is_accepted(exchange)
  for _, frame in ipairs(exchange.uplinks) do
    local behind <const> = frame.start > exchange.downlinks[1].start and frame.start < exchange.ended
    if behind and frame.status == "ok" and frame.message == "dl_confirmation" then return true end
  end
  return false
end

-- A refusal proves something between two genuine downlinks of its case that the device took: the nearest ones.
local function is_proven(exchanges, i)
  for step = -1, 1, 2 do
    local k = i + step
    while exchanges[k] and not is_twin(exchanges[k]) do k = k + step end
    local twin <const> = exchanges[k]
    if not twin or twin.case ~= exchanges[i].case or not is_accepted(twin) then return false end
  end
  return true
end

local function is_refusal(exchange)
  for _, burst in ipairs(exchange.downlinks) do
    if burst.genuine or burst["end"] > exchange.ended then return false end
  end
  return #exchange.downlinks > 0
end

local function told_of(exchange)
  for _, line in ipairs(exchange.lines) do
    local digits <const> = line.text:lower():gsub("%X", "")
    for _, burst in ipairs(exchange.downlinks) do
      for _, hex in ipairs { burst.payload_hex, burst.clear_hex or burst.payload_hex } do
        for from = 1, #hex - READABLE + 1, 2 do
          local part <const> = hex:sub(from, from + READABLE - 1)
          local is_uniform <const> = part == part:sub(1, 2):rep(READABLE // 2) -- as any figure may be
          if line.t >= burst.start and not is_uniform and digits:find(part, 1, true) then return line.text end
        end
      end
    end
  end
end

-- Frames of other messages than the request's own that came behind the first burst.
local function unasked_of(exchange, counter)
  for _, frame in ipairs(exchange.uplinks) do
    local behind <const> = frame.start > exchange.downlinks[1].start and frame.start < exchange.ended
    if behind and frame.status == "ok" and frame.counter ~= counter then
      return ("%s, counter %d"):format(frame.message, frame.counter)
    end
  end
end

local function first_frame(exchange)
  for _, frame in ipairs(exchange.uplinks) do
    if frame.status == "ok" then return frame end
  end
end

local function ranks_of(exchange, counter)
  local seen <const> = {}
  for _, frame in ipairs(exchange.uplinks) do
    if frame.status == "ok" and frame.counter == counter then seen[frame.rank] = true end
  end
  return seen[1] and seen[2] and seen[3]
end

-- What was found in memory or on pins, and whether that was looked at: a first reading of memory has nothing to be
-- compared with; of pins only levels that are new are told.
local function traces_of(events, kind)
  local traces <const> = {}
  local looked = false
  for _, e in ipairs(events) do
    if e.type == kind then
      looked = looked or kind == "pins" or e.changed ~= nil
      if e.trace then traces[#traces + 1] = ("%s: %s"):format(e.case or "?", e.trace) end
    end
  end
  return traces, looked
end

suite:case {
  id         = "AUTH-DL-008",
  title      = "a refused downlink leaves no trace",
  threat     = "An oracle, or processing of data that nobody authenticated.",
  severity   = "high",
  level      = "basic",
  needs      = { "radio.rx", "radio.tx", "DL" },
  safety     = "S1",
  covers     = { "EN18031:SCM-2", "EN18031:GEC-6", "IEC62443:CR 3.7", "CRA:I.2(j)", "WP:A8" },
  faults     = { "MUT-AUTH-024", "MUT-AUTH-025" },
  deadline_s = 60,
  watches    = { "AUTH-DL-002", "AUTH-DL-004", "AUTH-DL-006", "AUTH-DL-007" },
  minimum    = { uplinks = 12 },

  run = function(t)
    local told <const>, sent <const>, steps <const>, short <const>, proven = {}, {}, {}, {}, 0
    local exchanges <const> = exchanges_of(t.watched.events)
    for i, exchange in ipairs(exchanges) do
      local first <const> = first_frame(exchange)
      if is_refusal(exchange) and first then
        if is_proven(exchanges, i) then proven = proven + 1 end
        local where <const> = ("%s, counter %d"):format(exchange.case or "?", first.counter)
        local line <const>, frame <const> = told_of(exchange), unasked_of(exchange, first.counter)
        if line then told[#told + 1] = where .. ": " .. line end
        if frame then sent[#sent + 1] = where .. ": " .. frame end
        local after <const> = exchanges[i + 1]
        local follower <const> = after and after.case == exchange.case and exchange.ended == math.huge
          and first_frame(after)
        if follower then
          local step <const> = t.net:step(first.counter, follower.counter)
          if step ~= 1 then steps[#steps + 1] = ("%s: the next message is %d ahead"):format(where, step) end
          if after.ended == math.huge and not ranks_of(after, follower.counter) then
            short[#short + 1] = ("%s: the next message lacks a frame"):format(where)
          end
        end
      end
    end
    local traces <const>, looked <const> = traces_of(t.watched.events, "memory")
    local moved <const>, watched <const> = traces_of(t.watched.events, "pins")
    local least <const> = t:amount { of = "refused downlinks to judge by", full = 42, smoke = 24 }
    if proven < least and #told + #sent + #steps + #short + #traces + #moved == 0 then
      t:expect("refused downlinks to judge by", nil, t:doubt(("%d refusals were seen between genuine downlinks that the"
        .. " device took, %d are needed"):format(proven, least))):exists()
    end
    t:expect("lines to the host with bytes of a refused payload", told):is_empty()
    if looked then
      t:expect("traces of a refused downlink in the device's memory", traces):is_empty()
    else
      t:note "no case that was watched could read the device's memory"
    end
    if watched then
      t:expect("outputs of the device that a refused downlink moved", moved):is_empty()
    else
      t:note "no output of the device is wired to a pin that the bench watches (ftdi.watch)"
    end
    t:expect("frames sent after a refused downlink", sent):is_empty()
    t:expect("counters after a refused downlink that do not step by one", steps):is_empty()
    if #t.watched.gaps == 0 then
      t:expect("messages after a refused downlink with a frame missing", short):is_empty()
    end
  end,
}

return suite
