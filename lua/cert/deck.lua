-- cert.deck: requests in an order that is drawn. Each kind that the device can be asked for comes once before any comes
-- again, its payload of a length and with bytes that are drawn, among them those on which text functions stumble.
local deck <const> = {}

local LENGTHS <const> = { { 1, 1 }, { 2, 4 }, { 5, 8 }, { 9, 12 } } -- one kind for each class of frame
local EDGES <const> = { "\x00", "\xff", "\x0d", "\x80" }

--- deck.payload(t, n) -> n bytes: about every other one is zero, all ones, a line's end or a sign bit alone.
function deck.payload(t, n)
  local bytes <const> = {}
  for i = 1, n do bytes[i] = t:random(2) == 1 and EDGES[t:random(#EDGES)] or string.char(t:random(256) - 1) end
  return table.concat(bytes)
end

--- deck.edged(t, n, last, k) -> the same with the k-th of those bytes at its end (last = true) or at its beginning:
--- what a text function cuts off is the end of a payload, and then its length is wrong.
function deck.edged(t, n, last, k)
  local bytes <const>, edge <const> = deck.payload(t, n), EDGES[k % #EDGES + 1]
  if last then return bytes:sub(1, n - 1) .. edge end
  return edge .. bytes:sub(2)
end

--- deck.mistakes(t) -> command lines that no device should take for a message: with a digit too few, with none, with
--- something else than digits, with more bytes than a message has, and with more than any line has.
function deck.mistakes(t)
  local ask <const> = t.dut.dialect.messages.bytes.ask
  return { ask:format "5", ask:format "", ask:format "5X", ask:format(("5A"):rep(13)), ask:format(("5A"):rep(80)) }
end

--- deck.try(t, lines): sends each command line and records what the device says to it. What a device does after all is
--- waited for and left alone.
function deck.try(t, lines)
  local accepted = false
  for _, line in ipairs(lines) do
    local answer <const>, why <const> = t.dut:command(line)
    accepted = accepted or answer ~= nil
    t:note(("%s: %s"):format(#line > 40 and line:sub(1, 40) .. " …" or line, answer and "accepted" or tostring(why)))
  end
  if not accepted then return end
  t.air:wait { s = 12 }
  t.air:strays {}
end

local function kinds_of(t, downlink)
  local list <const> = {}
  for _, message in ipairs { "bit0", "bit1", "empty", "keep_alive" } do
    if t.dut:can_send(message, downlink) then list[#list + 1] = { message = message } end
  end
  for _, length in ipairs(LENGTHS) do list[#list + 1] = { message = "bytes", from = length[1], to = length[2] } end
  return list
end

--- deck.new(t, downlink) -> a function that draws the next request, for t.dut:ask: one of each kind before any comes
--- again. All of them ask for a downlink, or none does.
function deck.new(t, downlink)
  local kinds <const>, at = kinds_of(t, downlink), 0
  return function()
    if at % #kinds == 0 then
      for i = #kinds, 2, -1 do
        local k <const> = t:random(i)
        kinds[i], kinds[k] = kinds[k], kinds[i]
      end
    end
    at = at + 1
    local kind <const> = kinds[(at - 1) % #kinds + 1]
    local length <const> = kind.from and kind.from + t:random(kind.to - kind.from + 1) - 1
    return { message = kind.message, payload = length and deck.payload(t, length), downlink = downlink }
  end
end

local TRIED <const> = 300 -- counters before a roll-over

--- deck.roll_over(t) -> the counter of the newest message, or nil where none can be preset: brings the device to just
--- before its roll-over, where what is compared with a counter, or made of it, goes wrong. The next message has the
--- highest counter, unless the device leaves out some behind a restart. Of a device that encrypts the network must see
--- each roll-over, so one that leaves out counters stays where it is.
function deck.roll_over(t)
  if not t.dut:has "counter_preset" then return nil end
  local modulus <const> = t.net:modulus()
  local function preset(last)
    t:require(("the counter is preset to %d"):format(last), t.dut:preset_counter(last)):exists()
  end
  if t:declares "ENC" then
    local from <const> = modulus - math.min(TRIED, modulus // 4)
    preset(from)
    t:require("a message before the roll-over is accepted", t.dut:send "\xd0"):exists()
    local message <const> = t:require("that message on air", t.air:message { within_s = 10 }):exists()
    if message.counter ~= from + 1 then
      t:note(("the roll-over: not exercised, the device leaves out %d counters behind a restart"):format(
        t.net:step(from, message.counter) - 1))
      return message.counter
    end
  end
  preset(modulus - 2)
  return modulus - 2
end

return deck
