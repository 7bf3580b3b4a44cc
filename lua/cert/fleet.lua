-- Further units of one make, beside the device under test: the device file says whose label and key each has, the bench
-- file at which serial line each stands. Checked with one line of text when something is wrong.
--
-- Two units with one identifier or one key are what a case must find, so a device file may say so. But one unit entered
-- twice would look the same: a double identifier counts only with a serial number for each of the two.
local schema <const> = require "cert.schema"

local fleet <const> = {}

--- Fewer units than this, the device under test among them, are no sample.
fleet.LEAST = 3
fleet.MOST = 13 -- the pump's PUMP_SAMPLES_MAX and the device

local SAMPLE <const> = {
  id = { type = "string", pattern = "^" .. ("%x"):rep(8) .. "$", form = "8 hexadecimal digits" },
  pac = { type = "string", pattern = "^" .. ("%x"):rep(16) .. "$", form = "16 hexadecimal digits" },
  key = { type = "string", optional = true, pattern = "^%l+%d*:.+$", form = "file:PATH, env:NAME or pkcs11:…" },
  serial = { type = "string", optional = true },
}

local LINES <const> = schema.set { "rts", "dtr" }
local PLACE <const> = {
  uart = { type = "string" },
  power = { type = "string", among = LINES },
  reset = { type = "string", optional = true, among = LINES },
  discharge_s = { type = "number", min = 0, default = 0 },
}

local function unit_name(i)
  return i == 0 and "device" or ("device.samples[%d]"):format(i)
end

-- An identifier that an earlier unit has: that of another unit, or this one entered twice?
local function check_double(device, i)
  local sample <const> = device.samples[i]
  for k = 0, i - 1 do
    local other <const> = k == 0 and device or device.samples[k]
    local apart <const> = sample.serial and other.serial and sample.serial ~= other.serial
    if other.id == sample.id and not apart then
      return ("%s.id: %s is the identifier of %s too. If one unit was entered twice, name another one; if two units"
        .. " really carry it, give each its serial number, serial = …, and CLN-ID-001 judges them"):format(
        unit_name(i), sample.id, unit_name(k))
    end
  end
end

local function check_sample(device, i, known_key)
  local where <const> = unit_name(i)
  local sample <const> = device.samples[i]
  local wrong <const> = schema.check(where, sample, SAMPLE)
  if wrong then return wrong end
  sample.id, sample.pac = sample.id:lower(), sample.pac:lower()
  if known_key and not sample.key then
    return where .. ": the feature KNOWNKEY is declared, but this unit has no key; add key = \"file:PATH\", or drop the"
      .. " feature"
  end
  return check_double(device, i)
end

--- Checks the samples of a device table in place, once its own fields are known to be good. Returns nil or what is
--- wrong.
function fleet.check_device(device)
  local features <const>, n <const> = schema.set(device.features), #device.samples
  if n > 0 and not features.FLEET then
    return "device: samples are named, but the feature FLEET is not declared; add \"FLEET\" to features or drop samples"
  end
  if features.FLEET and (n < fleet.LEAST - 1 or n > fleet.MOST - 1) then
    return ("device: the feature FLEET is declared: expected %d to %d further units of this make in samples = { { id ="
      .. " …, pac = …, key = … }, … }, got %d; add them or drop the feature"):format(fleet.LEAST - 1, fleet.MOST - 1, n)
  end
  for i = 1, n do
    local wrong <const> = check_sample(device, i, features.KNOWNKEY)
    if wrong then return wrong end
  end
end

local function check_double_lines(uarts)
  for i, uart in ipairs(uarts) do
    for k = 1, i - 1 do
      if uarts[k].unit == uart.unit then
        return ("bench.uarts[%d].unit: %s stands twice; each serial line has a name of its own"):format(i, uart.unit)
      end
      if uarts[k].path == uart.path then
        return ("bench.uarts[%d].path: %s and %s are the same port; name the port at which %s stands"):format(i,
          uarts[k].unit, uart.unit, uart.unit)
      end
    end
  end
end

local function check_place(bench, i, taken)
  local where <const> = ("bench.samples[%d]"):format(i)
  local place <const> = bench.samples[i]
  local wrong <const> = schema.check(where, place, PLACE)
  if wrong then return wrong end
  if not taken[place.uart] then
    return ("%s.uart: there is no uart called %q in bench.uarts"):format(where, place.uart)
  end
  if taken[place.uart] ~= "free" then
    return ("%s.uart: at %s stands %s; each unit has a serial line of its own"):format(where, place.uart,
      taken[place.uart])
  end
  if place.power == place.reset then
    return ("%s: power and reset are both on the line %s of %s"):format(where, place.power, place.uart)
  end
  taken[place.uart] = ("samples[%d]"):format(i)
end

--- Checks uarts and samples of a bench table in place; the uarts' own fields are known to be good. The first uart is
--- the device's. Returns nil or what is wrong.
function fleet.check_bench(bench)
  local wrong <const> = check_double_lines(bench.uarts)
  if wrong then return wrong end
  local taken <const> = {}
  for i, uart in ipairs(bench.uarts) do taken[uart.unit] = i == 1 and "the device under test" or "free" end
  for i = 1, #bench.samples do
    local odd <const> = check_place(bench, i, taken)
    if odd then return odd end
  end
  for i, uart in ipairs(bench.uarts) do
    if taken[uart.unit] == "free" then
      return ("bench.uarts[%d]: nothing stands at %s; add samples = { { uart = %q, power = \"rts\" } } or drop it")
        :format(i, uart.unit, uart.unit)
    end
  end
end

--- What of `needs` the bench does not have for the device's samples: a text, or nil.
function fleet.missing(needs, device, bench)
  if not schema.set(needs).FLEET or #bench.samples >= #device.samples then return end
  return ("the device file names %d samples, the bench file has a place for %d; connect the others and add for each a"
    .. " serial line to uarts and { uart = …, power = \"rts\" } to samples, in the order of the device file"):format(
    #device.samples, #bench.samples)
end

return fleet
