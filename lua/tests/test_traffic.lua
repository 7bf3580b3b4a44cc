-- The shape of messages against the protocol vectors, and the matching of messages to requests.
local harness <const> = require "tests.harness"
local traffic <const> = require "cert.traffic"
local test <const>, equal <const> = harness.test, harness.equal

local function read(path)
  local file <const> = assert(io.open(path, "rb"))
  local text <const> = file:read "a"
  file:close()
  return text
end

local CLASS_OF_TYPE <const> = {
  ["006b"] = "A", ["008d"] = "B", ["035f"] = "C", ["0611"] = "D", ["094c"] = "E", ["0f67"] = "control",
}
local NAMES <const> = { empty = "empty", bytes = "bytes", keep_alive = "keep_alive",
  dl_confirmation = "dl_confirmation" }

test("class, length indicator and tag length are those of every encoding vector", function()
  local text <const> = read(arg[1] .. "/fixtures/vectors/uplink.json")
  local encode <const> = text:match '"encode": %[(.-)\n %]'
  local n, seen <const> = 0, {}
  for entry in encode:gmatch '\n  {(.-)\n  }' do
    local kind <const> = entry:match '"message_type": "([%w_]+)"'
    local payload <const> = entry:match '"payload_hex": "(%x*)"'
    local li <const> = tonumber(entry:match '"li": (%d+)')
    local message = NAMES[kind]
    if kind:find "^bit" then message = li == 3 and "bit1" or "bit0" end
    if message then
      local shape <const> = traffic.shape(message, #payload // 2)
      equal(shape.li, li, entry:match '"name": "([^"]+)"' .. " li")
      equal(shape.tag_len, tonumber(entry:match '"auth_len_bytes": (%d+)'), "tag length")
      equal(shape.class, CLASS_OF_TYPE[entry:match '"ft_13bit": "(%x+)"'], "class")
      n, seen[message .. #payload // 2] = n + 1, true
    end
  end
  local kinds = 0
  for _ in pairs(seen) do kinds = kinds + 1 end
  if n < 16 or kinds < 15 then error(("only %d vectors of %d kinds were compared"):format(n, kinds)) end
end)

test("impossible shapes are none", function()
  equal(traffic.shape("bytes", 0), nil)
  equal(traffic.shape("bytes", 13), nil)
  equal(traffic.shape("rc_sync", 4), nil)
end)

test("the sixteen kinds of test mode J", function()
  local kinds <const> = traffic.kinds()
  equal(#kinds, 16)
  equal(kinds[5], { message = "bytes", payload = "\x40\x41\x42" })
end)

local function frame(counter, rank, start, message, payload_hex, more)
  local f <const> = { status = "ok", device_id = "a", counter = counter, rank = rank, start = start, message = message,
    payload_hex = payload_hex or "" }
  for k, v in pairs(more or {}) do f[k] = v end
  return f
end

test("content differs by kind, bytes and downlink flag", function()
  local request <const> = { message = "bytes", payload_hex = "4041", bidirectional = false }
  equal(traffic.content_differs(frame(1, 1, 0, "bytes", "4041"), request), nil)
  harness.contains(traffic.content_differs(frame(1, 1, 0, "bytes", "40410000"), request), "4 bytes 40 41 00 00")
  harness.contains(traffic.content_differs(frame(1, 1, 0, "empty"), request), "on air is empty")
  harness.contains(traffic.content_differs(frame(1, 1, 0, "bytes", "4041", { bf = true }), request), "did not ask for")
end)

test("messages answer the last request made before them; a lost one shifts nothing", function()
  local requests <const> = {
    { message = "bit0", by = "host", t = 10 }, { message = "bit1", by = "host", t = 100 },
    { message = "bytes", payload_hex = "40", by = "host", t = 200 },
  }
  local frames <const> = {
    frame(1, 1, 20, "bit0"), frame(1, 2, 30, "bit0"), frame(1, 3, 40, "bit0"), frame(3, 1, 210, "bytes", "40"),
  }
  local made <const> = traffic.match(traffic.messages(frames), requests)
  equal(#made, 2)
  equal(made[1].request.message, "bit0")
  equal(made[2].request.message, "bytes")
end)

test("a test mode's messages answer its requests in order; what nobody asked for answers none", function()
  local requests <const> = {
    { message = "bit0", by = "test mode J", t = 10 }, { message = "bit1", by = "test mode J", t = 10 },
  }
  local frames <const> = { frame(1, 1, 20, "bit0"), frame(2, 1, 30, "bit1"), frame(3, 1, 40, "bit1") }
  local made <const> = traffic.match(traffic.messages(frames), requests)
  equal(made[1].request.message, "bit0")
  equal(made[2].request.message, "bit1")
  equal(made[3].request, nil)
end)

test("a counter that stands still makes two messages, not one", function()
  local frames <const> = { frame(1, 1, 20, "bit0"), frame(1, 2, 30, "bit0"), frame(1, 1, 60, "bit0") }
  equal(#traffic.messages(frames), 2)
end)

harness.run()
