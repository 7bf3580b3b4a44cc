-- What the encryption cases have in common: a message as it stands on air, and how two texts of bytes can be related.
local observed <const> = {}

local function bytes_of(hex)
  return (hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

--- Gives `message` a list `on_air` of { rank, bytes, tag_ok }, one for each frame.
function observed.frames(message)
  message.on_air = {}
  for i, frame in ipairs(message.frames) do
    message.on_air[i] = { rank = frame.rank, bytes = bytes_of(frame.payload_hex), tag_ok = frame.tag_ok }
  end
  return message
end

--- Asks for `payload` and gives back the message with its `on_air`. It must be the device's and complete, and its
--- payload as long as what was asked for. With downlink = true it asks for one, which nobody sends.
function observed.message(t, label, payload, downlink)
  t:require(label .. " is accepted", t.dut:send(payload, { downlink = downlink == true })):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 12 }):exists()
  t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
  t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
  observed.frames(message)
  for i, frame in ipairs(message.frames) do
    t:expect(("%s: length of the payload in rank %d"):format(label, frame.rank), #message.on_air[i].bytes):equals(
      #payload)
  end
  return message
end

--- a XOR b, as long as the shorter one.
function observed.difference(a, b)
  local out <const> = {}
  for i = 1, math.min(#a, #b) do out[i] = string.char(a:byte(i) ~ b:byte(i)) end
  return table.concat(out)
end

--- Each byte XOR the one after it: the same for all texts that differ by a constant alone.
function observed.neighbours(bytes)
  return observed.difference(bytes, bytes:sub(2))
end

function observed.hex_text(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local DIGITS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- Of a length that three divides.
function observed.base64_text(bytes)
  return (bytes:gsub("...", function(three)
    local a <const>, b <const>, c <const> = three:byte(1, 3)
    local n <const> = a << 16 | b << 8 | c
    local out = ""
    for shift = 18, 0, -6 do
      local digit <const> = (n >> shift & 63) + 1
      out = out .. DIGITS:sub(digit, digit)
    end
    return out
  end))
end

local RUN <const> = 3
local RUN_ELSEWHERE <const> = 4 -- bytes in a row, wherever they stand

-- The forms in which a payload could still be read, as they would stand in a frame.
local function forms_of(plain)
  return {
    { name = "as it was given", text = plain },
    { name = "last byte first", text = plain:reverse() },
    { name = "with swapped pairs of bytes", text = (plain:gsub("(.)(.)", "%2%1")) },
    { name = "as hexadecimal text", text = observed.hex_text(plain):sub(1, #plain) },
    { name = "as base64 text", text = observed.base64_text(plain):sub(1, #plain) },
    { name = "masked with a constant", text = observed.neighbours(plain), neighbours = true },
  }
end

-- The longest run of bytes that two texts share in place.
local function shared(a, b)
  local longest, run = 0, 0
  for i = 1, math.min(#a, #b) do
    run = a:byte(i) == b:byte(i) and run + 1 or 0
    longest = math.max(longest, run)
  end
  return longest
end

--- What of the payload `plain` can be read in this frame of observed.message: a text, or nil. Three bytes in place
--- count, and four in a row anywhere.
function observed.readable(frame, plain)
  for _, form in ipairs(forms_of(plain)) do
    local seen <const> = form.neighbours and observed.neighbours(frame.bytes) or frame.bytes
    local n <const> = shared(seen, form.text)
    if n >= RUN then
      return ("rank %d carries %d bytes of the payload in place, %s"):format(frame.rank, n, form.name)
    end
  end
  for from = 1, #plain - RUN_ELSEWHERE + 1 do
    if frame.bytes:find(plain:sub(from, from + RUN_ELSEWHERE - 1), 1, true) then
      return ("rank %d carries %d bytes of the payload at another place"):format(frame.rank, RUN_ELSEWHERE)
    end
  end
end

-- Enough messages that bytes, or single bits, are not alike in all of them by accident: 2^-40, 2^-30.
local BYTES_OF <const>, BITS_OF <const> = 5, 30

local Tally <const> = {}
Tally.__index = Tally

--- Counts over many messages which bytes and bits of the payload go out as they came: what three bytes in place do not
--- show in one message shows in all of them.
function observed.tally()
  return setmetatable({ bytes = {}, bits = {} }, Tally)
end

local function count(list, key, alike)
  local entry <const> = list[key] or { n = 0, alike = 0, key = key }
  list[key] = entry
  entry.n, entry.alike = entry.n + 1, entry.alike + (alike and 1 or 0)
end

--- One frame of observed.message and the payload that it was asked for.
function Tally:add(frame, plain)
  for i = 1, math.min(#plain, #frame.bytes) do
    local change <const> = frame.bytes:byte(i) ~ plain:byte(i)
    count(self.bytes, ("byte %d of %d"):format(i, #plain), change == 0)
    for bit = 0, 7 do count(self.bits, ("bit %d of byte %d"):format(bit, i), change & 1 << bit == 0) end
  end
end

--- A list of sentences, empty when nothing of the payloads can be read.
function Tally:findings()
  local found <const> = {}
  for key, entry in pairs(self.bytes) do
    if entry.n >= BYTES_OF and entry.alike == entry.n then
      found[#found + 1] = ("%s is sent as it was given, in all of %d messages"):format(key, entry.n)
    end
  end
  for key, entry in pairs(self.bits) do
    local is_fixed <const> = entry.alike == entry.n or entry.alike == 0
    if entry.n >= BITS_OF and is_fixed then
      found[#found + 1] = ("%s is %s in all of %d messages"):format(key, entry.alike == 0 and "turned over"
        or "sent as it was given", entry.n)
    end
  end
  table.sort(found)
  return found
end

return observed
