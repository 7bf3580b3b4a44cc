-- What a message must look like on air, from what the host asked for. Pure; the numbers are those of the radio
-- protocol's table of message classes, lengths and tags.
local traffic <const> = {}

--- The sixteen kinds of message in the order of test mode J: { message =, payload = } with bytes 0x40, 0x41, …
function traffic.kinds()
  local list <const> = { { message = "bit0" }, { message = "bit1" } }
  for n = 1, 12 do
    local bytes <const> = {}
    for i = 1, n do bytes[i] = string.char(0x3f + i) end
    list[#list + 1] = { message = "bytes", payload = table.concat(bytes) }
  end
  list[#list + 1] = { message = "empty" }
  list[#list + 1] = { message = "keep_alive" }
  return list
end

--- "bit0", "5 bytes", "keep_alive": how a request or a message is called in a sentence.
function traffic.name(message, length)
  if message == "bytes" then return length == 1 and "1 byte" or length .. " bytes" end
  return (message:gsub("_", "-"))
end

local CLASSES <const> = { -- upper bound of the length, class
  { 1, "B" }, { 4, "C" }, { 8, "D" }, { 12, "E" },
}

--- { class, li, tag_len } that a message of this kind and payload length must have; nil for an unknown kind.
function traffic.shape(message, length)
  if message == "empty" then return { class = "A", li = 0, tag_len = 2 } end
  if message == "bit0" then return { class = "A", li = 2, tag_len = 2 } end
  if message == "bit1" then return { class = "A", li = 3, tag_len = 2 } end
  if message == "keep_alive" then return { class = "control", li = 1, tag_len = 3 } end
  if message == "dl_confirmation" then return { class = "control", li = 0, tag_len = 2 } end
  if message ~= "bytes" or length < 1 or length > 12 then return nil end
  for _, row in ipairs(CLASSES) do
    if length <= row[1] then
      local li <const> = length == 1 and 0 or 3 - (length - 1) % 4
      return { class = row[2], li = li, tag_len = 2 + li }
    end
  end
end

--- "40 41 42" out of hexadecimal digits.
function traffic.spaced(hex)
  if hex == nil or hex == "" then return "no payload" end
  return (hex:gsub("(%x%x)", "%1 "):sub(1, -2))
end

local function told(message, payload_hex)
  local text = traffic.name(message, #(payload_hex or "") // 2)
  if message == "bytes" then text = text .. " " .. traffic.spaced(payload_hex) end
  return text
end

traffic.told = told

--- What differs between a decoded frame and what the host asked for: a text, or nil when the content is the same. Of
--- an `encrypted` payload only the length can be compared.
function traffic.content_differs(frame, request, encrypted)
  if frame.message ~= request.message then
    return ("asked for %s, on air is %s"):format(told(request.message, request.payload_hex),
      told(frame.message, frame.payload_hex))
  end
  -- A keep-alive carries the device's own measurements; all others carry what the host gave.
  local same = frame.payload_hex == request.payload_hex
  if encrypted then same = #(frame.payload_hex or "") == #(request.payload_hex or "") end
  if frame.message == "bytes" and not same then
    -- Other content of the right length under a tag that verifies is what encryption looks like from here.
    local sealed <const> = frame.tag_ok and #(frame.payload_hex or "") == #(request.payload_hex or "")
    return ("asked for %s, on air is %s%s"):format(told(request.message, request.payload_hex),
      told(frame.message, frame.payload_hex),
      sealed and " under a good tag (a device that encrypts must declare the feature ENC)" or "")
  end
  if (frame.bf == true) ~= (request.bidirectional == true) then
    return request.bidirectional and "a downlink was asked for, the frame does not ask the network"
      or "the frame asks the network for a downlink that the host did not ask for"
  end
end

--- What is wrong with the frame's announced and real tag length for what the host asked: a text, or nil.
function traffic.shape_differs(frame, request)
  local wanted <const> = traffic.shape(request.message, #(request.payload_hex or "") // 2)
  if not wanted then return "no shape is known for " .. request.message end
  local tag_len <const> = #(frame.tag_hex or "") // 2
  if frame.class ~= wanted.class then
    return ("frame class %s, expected %s"):format(tostring(frame.class), wanted.class)
  end
  if frame.li ~= wanted.li then return ("length indicator %s, expected %d"):format(tostring(frame.li), wanted.li) end
  if tag_len ~= wanted.tag_len then return ("%d tag bytes, expected %d"):format(tag_len, wanted.tag_len) end
end


--- A frame that does not decode and is at least this strong was sent so; a weaker one may be noise.
traffic.STRONG_DB = 12

--- The strong frames among these events that do not decode, each as one line of text.
function traffic.broken(frames)
  local list <const> = {}
  for _, frame in ipairs(frames) do
    if frame.status ~= "ok" and frame.ebn0_db >= traffic.STRONG_DB then
      list[#list + 1] = ("rank %d of class %s: %s"):format(frame.rank, frame.class, frame.status)
    end
  end
  return list
end

local function joins(message, frame)
  return message and message.device_id == frame.device_id and message.counter == frame.counter
    and not message.by_rank[frame.rank]
end

--- Groups decoded frames, in the order heard, into messages { device_id, counter, frames, by_rank }.
function traffic.messages(frames)
  local list <const> = {}
  for _, frame in ipairs(frames) do
    if frame.status == "ok" then
      local last = list[#list]
      if not joins(last, frame) then
        last = { device_id = frame.device_id, counter = frame.counter, frames = {}, by_rank = {}, start = frame.start }
        list[#list + 1] = last
      end
      last.frames[#last.frames + 1] = frame
      last.by_rank[frame.rank] = frame
    end
  end
  return list
end

--- Which request each message answers: a list of { message, request or nil }. That is the last one made before the
--- message began that no earlier message has answered; a test mode asks for many at once, and its messages come in
--- their order.
function traffic.match(messages, requests)
  local answered <const>, pairs_made <const> = {}, {}
  for i, message in ipairs(messages) do
    local chosen
    for k, request in ipairs(requests) do
      if not answered[k] and request.t <= message.start then
        chosen = k
        if request.by ~= "host" then break end
      end
    end
    if chosen then answered[chosen] = true end
    pairs_made[i] = { message = message, request = chosen and requests[chosen] }
  end
  return pairs_made
end

return traffic
