-- What the encryption cases have in common: a message as it stands on air, and how two texts of bytes can be related.
local observed <const> = {}

local function bytes_of(hex)
  return (hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

--- Asks for `payload` and gives back the message; its `on_air` lists { rank, bytes, tag_ok } of each frame. It must be
--- the device's and complete, and its payload as long as what was asked for.
function observed.message(t, label, payload)
  t:require(label .. " is accepted", t.dut:send(payload)):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 12 }):exists()
  t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
  t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
  message.on_air = {}
  for i, frame in ipairs(message.frames) do
    message.on_air[i] = { rank = frame.rank, bytes = bytes_of(frame.payload_hex), tag_ok = frame.tag_ok }
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

return observed
