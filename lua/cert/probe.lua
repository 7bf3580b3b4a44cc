-- t.probe: what somebody with an adapter at the device's pins can read. What was read stays on the C side; suites learn
-- how much came, whether it says anything, and where a known key lies in it.
local absence <const> = require "cert.absence"
local options <const> = require "cert.options"

local Probe <const> = {}
Probe.__index = Probe

local probe <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

local OFF_S <const> = 0.1 -- the relay discharges the supply; a race needs no more

function probe.new(core)
  local made <const> = setmetatable({}, Probe)
  of[made] = core
  return made
end

--- t.probe:flash() -> { size, summary }, or nil and why: the serial flash at the adapter's SPI pins.
function Probe:flash()
  local chip <const>, why <const> = of[self].probe:flash_identify()
  if not chip then return nil, absence.bench("%s", why) end
  return chip
end

--- t.probe:search_flash(size) -> { size, sha256, hits, n_hits, blank }: reads the first `size` bytes of the chip and
--- looks for the device's key in every form. A hit has `name`, `fingerprint`, `form`, `xored_with`, `round` and
--- `offset`; at most 16 of `n_hits` are listed. `blank`: all bytes are alike.
function Probe:search_flash(size)
  return of[self].probe:flash_search(size)
end

--- t.probe:connect() -> outcome, identity: wakes the debug port. "words": it answers, with this DPIDR; "refused",
--- "silent" or "garbled" (a wiring fault).
function Probe:connect()
  return of[self].probe:debug_connect()
end

--- t.probe:read(address, words) -> { outcome, words, constant, n_hits, hits }: what the debug port gives from there.
--- Connects first. `words` came before the `outcome`; `constant`: they are all alike and say nothing.
function Probe:read(address, words)
  local outcome <const> = of[self].probe:debug_connect()
  if outcome ~= "words" then return { outcome = outcome, words = 0, constant = true, n_hits = 0, hits = {} } end
  return of[self].probe:debug_read(address, words)
end

local RACE <const> = {
  address = { type = "integer", min = 0, max = 0xffffffff },
  words = { type = "integer", min = 1, max = 8 },
  delay_s = { type = "number", min = 0, max = 5 },
}

--- t.probe:race{ address =, words =, delay_s = } -> { outcome, words, constant }: switches the device off and on, and
--- reads `delay_s` after the power came, in one go of the adapter. The device is on afterwards.
function Probe:race(given)
  local o <const> = options("t.probe:race", given, RACE)
  local core <const> = of[self]
  core.dut:power(false)
  core.air:wait(OFF_S)
  core.event { type = "power", unit = core.bench.uarts[1].unit, on = true }
  return core.probe:debug_race(o.address, o.words, o.delay_s)
end

--- t.probe:leaks() -> how many lines of the device held four bytes of its key or more since the case began, and where
--- the last of them did.
function Probe:leaks()
  return of[self].probe:leaks()
end

return probe
