-- AT dialects: what a page in lua/dialects may hold, and how a downlink reads in one.
local schema <const> = require "cert.schema"

local dialect <const> = {}

local MESSAGE <const> = { ask = { type = "string" }, downlink = { type = "string", optional = true } }

local MESSAGES <const> = {}
for _, kind in ipairs { "bit0", "bit1", "bytes", "empty", "keep_alive" } do
  MESSAGES[kind] = { type = "table", optional = true, fields = MESSAGE }
end

-- A %d in a command goes for a number.
local EXTENSIONS <const> = {
  counter_preset = { type = "table", optional = true, fields = { -- makes it the counter of the newest message
    ask = { type = "string" }, within_s = { type = "number", min = 0.1 },
  } },
  encryption_key = { type = "table", optional = true, fields = { -- as if it had never been written, and back
    erase = { type = "string" }, write = { type = "string" }, within_s = { type = "number", min = 0.1 },
  } },
  test_mode_j = { type = "table", optional = true, fields = {
    ask = { type = "string" }, within_s = { type = "number", min = 1 }, period_s = { type = "number", min = 1 },
  } },
  factory_reset = { type = "table", optional = true, fields = {
    ask = { type = "string" }, within_s = { type = "number", min = 0.1 },
  } },
}

local ONCE <const> = {
  before = { type = "string", optional = true },
  ask = { type = "string" },
  after = { type = "string", optional = true },
}

local COMMANDS <const> = {}
for _, what in ipairs { "resets", "erases", "saves", "key_public", "encryption_off", "zones" } do
  COMMANDS[what] = { type = "table", list = "string", optional = true }
end

local DIALECT <const> = {
  name = { type = "string", pattern = "^[%l%d_]+$", form = "the name of its file" },
  baud = { type = "integer", min = 300, max = 3000000 },
  line_end = { type = "string", pattern = "^[\r\n]+$", form = "CR, LF or both" },
  echo = { type = "boolean" },
  ok = { type = "string", pattern = "^[^\r\n]+$", form = "the line that ends a command well" },
  errors = { type = "table", list = "string" }, -- how lines begin that end a command badly
  downlink = { type = "string" }, -- how the line begins that carries a downlink; a plus at its front may be missing
  downlink_pattern = { type = "string", optional = true }, -- captures the payload, where it is not all that follows
  downlink_raw = { type = "integer", min = 1, max = 8, optional = true }, -- bytes that may come as they are
  downlink_at = { type = "string", among = schema.set { "before", "after" }, default = "after" }, -- the ok
  no_downlink = { type = "string", optional = true }, -- how the line begins that says that none came
  pause_s = { type = "number", min = 0.01, default = 0.1 }, -- what a line's bytes may pause in all; see cert/line.lua
  boot_s = { type = "number", min = 0.1 },
  within_s = { type = "number", min = 0.1 },
  send_within_s = { type = "number", min = 0.1 },
  downlink_within_s = { type = "number", min = 0.1 },
  ping = { type = "string" },
  identity = { type = "table", fields = {
    id = { type = "string" }, pac = { type = "string", optional = true },
    firmware = { type = "string", optional = true },
  } },
  identity_answer = { type = "string", among = schema.set { "line", "end" }, default = "line" },
  soft_reset = { type = "string", optional = true },
  questions = { type = "table", list = "string" },
  measurements = { type = "table", list = "string", default = {} }, -- those of them that ask for a voltage or the like
  acting = { type = "table", list = "string" },
  messages = { type = "table", fields = MESSAGES },
  once = { type = "table", optional = true, fields = ONCE }, -- a bit in one frame; before and after a row of them
  commands = { type = "table", optional = true, fields = COMMANDS }, -- what t.dut:commands gives
  extensions = { type = "table", fields = EXTENSIONS },
}

local MOST_ERRORS <const> = 15 -- what the C side keeps

--- Checks a dialect in place. Returns nil or what is wrong.
function dialect.check(value)
  local wrong <const> = schema.check("dialect", value, DIALECT)
  if wrong then return wrong end
  if #value.errors < 1 or #value.errors > MOST_ERRORS then
    return ("dialect.errors: expected one to %d beginnings of lines, got %d"):format(MOST_ERRORS, #value.errors)
  end
  for _, way in ipairs { "ask", "downlink" } do
    local template <const> = value.messages.bytes and value.messages.bytes[way]
    if template and select(2, template:gsub("%%s", "")) ~= 1 then
      return ("dialect.messages.bytes.%s: expected one %%s, where the payload's digits go, got %q"):format(way,
        template)
    end
  end
end

--- The dialect of lua/dialects with this name, checked; an error says what is wrong with it.
function dialect.load(name)
  local value <const> = require("dialects." .. name)
  local wrong <const> = dialect.check(value)
  if wrong then error(wrong, 0) end
  if value.name ~= name then error(("dialect.name: expected %q, got %q"):format(name, value.name), 0) end
  return value
end

-- Bytes outside printable ASCII reach Lua as \xHH.
local function bytes_of(text)
  return (text:gsub("\\x(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local PAYLOAD_BYTES <const> = 8

-- Firmwares write the eight bytes in digits, in digits with spaces, or as they are.
local function payload_of(text, raw)
  local digits <const> = text:gsub("%s", "")
  if #digits == 2 * PAYLOAD_BYTES and not digits:find "%X" then return digits:lower() end
  local bytes <const> = bytes_of(text)
  if raw and #bytes >= raw then
    return (bytes:sub(1, raw):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end
  return digits:lower() -- cut off or garbled, as it is
end

local function begins(text, start)
  return start ~= nil and text:sub(1, #start) == start
end

--- The payload in a line that carries a downlink, in hexadecimal digits; nil for any other line.
function dialect.downlink(of, text)
  local start = of.downlink
  if not begins(text, start) then
    start = start:match "^%+(.+)$"
    if not begins(text, start) then return nil end
  end
  if not of.downlink_pattern then return payload_of(text:sub(#start + 1), of.downlink_raw) end
  local payload <const> = text:match(of.downlink_pattern)
  return payload and payload_of(payload, of.downlink_raw)
end

--- Whether a line says that no downlink came.
function dialect.is_without(of, text)
  return begins(text, of.no_downlink)
end

--- The line among `lines` that carries a downlink, or nil.
function dialect.find_downlink(of, lines)
  for _, text in ipairs(lines) do
    if dialect.downlink(of, text) then return text end
  end
end

return dialect
