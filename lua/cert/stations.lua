-- t.stations: several stations that hear the device, and the core network that makes one message of what they hear.
local control <const> = require "cert.control"

local Stations <const> = {}
Stations.__index = Stations

local stations <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

function stations.new(core)
  local made <const> = setmetatable({}, Stations)
  of[made] = core
  return made
end

--- t.stations:name(n) -> the unit of station n in the bench file; 1 is the one that t.air listens with.
function Stations:name(n)
  local radio <const> = of[self].bench.radios[n]
  return radio and radio.unit or control.misuse("t.stations:name(%s): the bench file has no such radio", tostring(n))
end

--- t.stations:heard(n, since_s) -> list of { device_id, counter, rank, start_s, end_s }, oldest first: the frames that
--- decode which station n heard and that began at this sample time or later; at most the last sixteen.
function Stations:heard(n, since_s)
  return of[self].stations:heard(n, since_s)
end

--- t.stations:delivered(counter) -> how often the core network handed over the device's message with this counter,
--- since the case's radios were opened.
function Stations:delivered(counter)
  return of[self].stations:delivered(counter)
end

return stations
