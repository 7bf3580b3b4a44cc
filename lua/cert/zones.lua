-- What a device's radio zone asks of the bench's radios, found before they are opened. The figures are those of
-- bench/sfx/zone.c; a test compares them.
local zones <const> = {}

local BAND_HALF_HZ <const> = 96000 -- round the centres
local TX_OFFSET_HZ <const> = 125000 -- a transmitter's own carrier stays out of the downlinks' way

local function zone(uplink_hz, downlink_hz, slow)
  return { uplink_hz = uplink_hz, downlink_hz = downlink_hz, slow = slow }
end

-- Centres, and whether messages may be sent at 100 bit/s.
local KNOWN <const> = {
  ["RC1"] = zone(868130000, 869525000, true),
  ["RC2"] = zone(902200000, 905200000, false),
  ["RC3-LBT"] = zone(923200000, 922200000, true),
  ["RC3-LDC"] = zone(923200000, 922200000, true),
  ["RC4"] = zone(920800000, 922300000, false),
  ["RC5"] = zone(923300000, 922300000, true),
  ["RC6"] = zone(865200000, 866300000, true),
  ["RC7"] = zone(868800000, 869100000, true),
}

--- The names as a set, for the device file.
function zones.names()
  local set <const> = {}
  for name in pairs(KNOWN) do set[name] = true end
  return set
end

local function outside(where, centre_hz, name, rate_hz, lo_hz, mend)
  local low_hz <const>, high_hz <const> = centre_hz - BAND_HALF_HZ, centre_hz + BAND_HALF_HZ
  if low_hz >= lo_hz - rate_hz / 2 and high_hz <= lo_hz + rate_hz / 2 then return end
  return ("%s: the band %d … %d Hz of zone %s does not fit into %.0f Hz round %.0f Hz; %s"):format(where, low_hz,
    high_hz, name, rate_hz, lo_hz, mend)
end

--- Checks a device and a bench, each right by itself, against each other. Returns nil or what is wrong.
function zones.check(device, bench)
  local of <const> = KNOWN[device.zone]
  if device.bit_rate == 100 and not of.slow then
    return ("device.bit_rate: devices of zone %s send at 600 bit/s, got 100; write 600 or leave it out"):format(
      device.zone)
  end
  for i, radio in ipairs(bench.radios) do
    local where <const> = ("bench.radios[%d]"):format(i)
    local wrong = outside(where, of.uplink_hz, device.zone, radio.rate_hz, radio.lo_hz, "move lo_hz or raise rate_hz")
    if not wrong and i == 1 and radio.transmit then -- downlinks leave from the first; others may send elsewhere
      wrong = outside(where .. ", downlinks", of.downlink_hz, device.zone, radio.rate_hz,
        radio.tx_lo_hz or of.downlink_hz - TX_OFFSET_HZ, "move tx_lo_hz or raise rate_hz")
    end
    if not wrong and radio.downlink_lo_hz then
      wrong = outside(where .. ", listening to downlinks", of.downlink_hz, device.zone, radio.rate_hz,
        radio.downlink_lo_hz, "move downlink_lo_hz or raise rate_hz")
    end
    if wrong then return wrong end
  end
end

return zones
