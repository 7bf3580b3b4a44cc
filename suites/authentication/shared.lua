-- Which further units of the make have this device's key: a downlink for one of them is then one for this device.
local MESSAGES <const> = 2 -- of five bytes each: the longest tag

local function observe(t, n)
  local unit <const> = t:require("unit " .. n, t.samples:use(n)):exists()
  local closer <close> = unit -- luacheck: ignore 211
  local messages <const> = {}
  for i = 1, MESSAGES do
    local label <const> = ("%s, message %d"):format(unit.name, i)
    t:require(label .. " is accepted", t.dut:send(string.char(0x70 + i, 0x12, 0x34, 0x56, 0x78))):exists()
    messages[i] = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
  end
  return messages
end

--- A list of sentences, empty when no unit shares a key with the device under test; nil without further units.
return function(t)
  if not t:declares "FLEET" or not t:declares "KNOWNKEY" or t.samples:count() == 0 then return nil end
  local list <const>, found <const> = {}, {}
  for n = 0, t.samples:count() do list[n + 1] = observe(t, n) end
  for _, finding in ipairs(t.samples:relations(list).findings) do
    if finding.kind == "shared key" and (finding.unit == 0 or finding.other == 0) then
      found[#found + 1] = ("unit %d signs with this device's key"):format(math.max(finding.unit, finding.other))
    end
  end
  return found
end
