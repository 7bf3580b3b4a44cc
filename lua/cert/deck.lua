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

return deck
