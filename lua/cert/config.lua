-- The device file and the bench file, checked: every field known, every value plausible, one line of text when not.
local case <const> = require "cert.case"
local fleet <const> = require "cert.fleet"
local schema <const> = require "cert.schema"
local zones <const> = require "cert.zones"

local config <const> = {}

-- What native encryption puts into its blocks is not public: the bench knows its own assumption alone.
local ENCRYPTION <const> = {
  profile = { type = "string", among = schema.set { "bench-assumed-1" } },
  rollover = { type = "integer", min = 0, max = 255, default = 0 }, -- of the counter, when the run begins
}

local DATE <const> = { type = "string", pattern = "^%d%d%d%d%-%d%d%-%d%d$", form = "a date, YYYY-MM-DD",
  optional = true }

-- What a formal report says of item, order and laboratory. No test looks at it.
local FIRMWARE <const> = {
  version = { type = "string", optional = true },
  sha256 = { type = "string", optional = true, pattern = "^" .. ("%x"):rep(64) .. "$", form = "64 hexadecimal digits" },
}
local ORDER <const> = {
  customer = { type = "string", optional = true },
  contact = { type = "string", optional = true },
  received = DATE,
  condition = { type = "string", optional = true },
  sampling = { type = "string", optional = true }, -- how the units were chosen, and by whom
}
local LABORATORY <const> = {
  name = { type = "string", optional = true },
  address = { type = "string", optional = true },
  authorises = { type = "string", optional = true }, -- who puts their name under the report
}
local CONDITIONS <const> = {
  temperature_c = { type = "number", min = -60, max = 120, optional = true },
  supply_v = { type = "number", min = 0, max = 60, optional = true },
}

local DEVICE <const> = {
  name = { type = "string", pattern = "^[%w][%w_.-]*$", form = "a name of letters, digits, . _ -" },
  make = { type = "string", default = "" },
  model = { type = "string", default = "" },
  serial = { type = "string", optional = true },
  hardware = { type = "string", optional = true }, -- its revision
  firmware = { type = "table", optional = true, fields = FIRMWARE },
  order = { type = "table", optional = true, fields = ORDER },
  id = { type = "string", pattern = "^" .. ("%x"):rep(8) .. "$", form = "8 hexadecimal digits" },
  pac = { type = "string", optional = true, pattern = "^" .. ("%x"):rep(16) .. "$", form = "16 hexadecimal digits" },
  key = { type = "string", optional = true, pattern = "^%l+%d*:.+$", form = "file:PATH, env:NAME or pkcs11:…" },
  modulus = { type = "integer", default = 4096, among = { [128] = true, [256] = true, [512] = true, [1024] = true,
    [2048] = true, [4096] = true } },
  messages_per_day = { type = "integer", min = 1, max = 140, default = 140 },
  interval_s = { type = "number", min = 1, optional = true }, -- longest pause between two messages
  zone = { type = "string", among = zones.names(), default = "RC1" },
  bit_rate = { type = "integer", among = { [100] = true, [600] = true }, optional = true }, -- of uplinks
  dialect = { type = "string", pattern = "^[%l%d_]+$", form = "the name of a file in lua/dialects" },
  features = { type = "table", list = "string", among = case.FEATURES },
  extensions = { type = "table", list = "string", default = {},
    among = schema.set { "counter_preset", "encryption_key", "factory_reset", "test_mode_j" } },
  encryption = { type = "table", optional = true, fields = ENCRYPTION },
  sensitivity_dbm = { type = "number", min = -160, max = 0, optional = true }, -- of the receiver, declared by the maker
  memory = { type = "table", default = {} }, -- what a debugger would find where
  samples = { type = "table", list = "table", default = {} }, -- further units of this make
  scenario = { type = "string", default = "default", pattern = "^[%w_-]+$",
    form = "the name of a file in fixtures/scenarios" },
  limits = { type = "string", default = "report-only", pattern = "^[%w_-]+$",
    form = "the name of a file in fixtures/limits" },
}

-- What full scale is at the connector, measured with another instrument: when, how well, and how that is known.
local CALIBRATION <const> = {
  full_scale_dbm = { type = "number", min = -120, max = 20 },
  gain_db = { type = "number", min = -10, max = 77, optional = true }, -- at which that was; default: the radio's
  u_db = { type = "number", min = 0.01, max = 20 }, -- standard uncertainty
  date = { type = "string", pattern = "^%d%d%d%d%-%d%d%-%d%d$", form = "a date, YYYY-MM-DD" },
  mark = { type = "string", among = schema.set { "C", "D", "K", "P", "ASSUMED" } },
  source = { type = "string", default = "" },
}

local RADIO <const> = {
  unit = { type = "string" },
  uri = { type = "string", pattern = "^%l+:.+$", form = "ip:ADDRESS:PORT, usb:BUS.DEVICE or file:PATH" },
  serial = { type = "string", optional = true },
  rate_hz = { type = "number", min = 200e3, max = 2.5e6, default = 520834 },
  lo_hz = { type = "number", min = 70e6, max = 6e9 },
  gain_db = { type = "number", min = -10, max = 77 },
  path = { type = "string", among = schema.set { "conducted", "shielded", "antenna" } },
  attenuation_db = { type = "number", min = 0, optional = true },
  transmit = { type = "boolean", default = false },
  tx_lo_hz = { type = "number", min = 70e6, max = 6e9, optional = true },
  downlink_lo_hz = { type = "number", min = 70e6, max = 6e9, optional = true }, -- where it listens to the bench itself
  downlink_dbm = { type = "number", min = -80, max = 10, default = 0 },
  calibration = { type = "table", optional = true, fields = CALIBRATION },
}

local PATH <const> = {
  from = { type = "string" },
  to = { type = "string" },
  kind = { type = "string", among = schema.set { "conducted", "shielded", "antenna" } },
  attenuation_db = { type = "number", min = 0 },
  tolerance_db = { type = "number", min = 0.5, max = 40, optional = true }, -- of what is heard over it
}

local BAND <const> = {
  low_hz = { type = "number", min = 70e6, max = 6e9 },
  high_hz = { type = "number", min = 70e6, max = 6e9 },
  max_dbm = { type = "number", min = -100, max = 30 },
}

local UART <const> = {
  unit = { type = "string" },
  path = { type = "string" },
  baud = { type = "integer", min = 300, max = 3000000, optional = true },
}

local SWITCH <const> = {
  uart = { type = "string" },
  line = { type = "string", among = schema.set { "rts", "dtr" } },
  discharge_s = { type = "number", min = 0, default = 0 },
}

local FTDI <const> = {
  unit = { type = "string", default = "ftdi1" },
  serial = { type = "string" },
  relay = { type = "string", pattern = "^A[CD][0-7]$", form = "a pin, AC0 … AC7" },
  reset = { type = "string", optional = true, pattern = "^A[CD][0-7]$", form = "a pin, AC0 … AC7" },
  lab_enable = { type = "string", optional = true, pattern = "^A[CD][0-7]$", form = "a pin, AC0 … AC7" },
  supply_low = { type = "string", optional = true, pattern = "^A[CD][0-7]$", form = "a pin, AC0 … AC7" },
  discharge_s = { type = "number", min = 0, default = 0 },
  watch = { type = "table", list = "string", default = {}, pattern = "^A[CD][0-7]$", form = "a pin, AC0 … AC7" },
  wired = { type = "table", list = "string", default = {}, among = schema.set { "spi", "swd", "jtag" } },
}

local BENCH <const> = {
  name = { type = "string", pattern = "^[%w][%w_.-]*$", form = "a name of letters, digits, . _ -" },
  virtual = { type = "boolean", default = false },
  operator = { type = "string", optional = true }, -- the person who tests
  laboratory = { type = "table", optional = true, fields = LABORATORY },
  conditions = { type = "table", optional = true, fields = CONDITIONS },
  reference = { type = "string", optional = true }, -- the frequency reference
  radios = { type = "table" },
  uarts = { type = "table" },
  samples = { type = "table", list = "table", default = {} },
  rf = { type = "table", default = {} },
  permit = { type = "table", optional = true, fields = { bands = { type = "table" } } },
  power = { type = "table", optional = true, fields = SWITCH },
  reset = { type = "table", optional = true, fields = SWITCH },
  ftdi = { type = "table", optional = true, fields = FTDI },
}

local MEMORY <const> = {
  name = { type = "string" },
  address = { type = "integer", min = 0, max = 0xffffffff },
  size = { type = "integer", min = 1024, max = 16 * 1024 * 1024 },
}

--- Checks a device table in place. Returns nil or what is wrong.
function config.check_device(device)
  local wrong <const> = schema.check("device", device, DEVICE)
  if wrong then return wrong end
  for i, memory in ipairs(device.memory) do
    local odd <const> = schema.check(("device.memory[%d]"):format(i), memory, MEMORY)
    if odd then return odd end
  end
  if device.encryption and not schema.set(device.features).ENC then
    return "device: encryption is described, but the feature ENC is not declared; add \"ENC\" to features or drop"
      .. " encryption = …"
  end
  device.id = device.id:lower()
  device.pac = device.pac and device.pac:lower()
  for _, feature in ipairs(device.features) do
    if feature == "KNOWNKEY" and not device.key then
      return "device: the feature KNOWNKEY is declared, but no key; add key = \"file:PATH\" or drop the feature"
    end
  end
  return fleet.check_device(device)
end

local function check_units(list, name, fields, most)
  if most and (#list < 1 or #list > most) then
    return ("bench.%s: expected one to %d entries, got %d"):format(name, most, #list)
  end
  if not most and #list ~= 1 then return ("bench.%s: expected exactly one entry, got %d"):format(name, #list) end
  for i, unit in ipairs(list) do
    local wrong <const> = schema.check(("bench.%s[%d]"):format(name, i), unit, fields)
    if wrong then return wrong end
  end
end

-- A Pluto's; a recording has what was recorded.
local RATE_MIN_HZ <const>, LO_MIN_HZ <const>, LO_MAX_HZ <const> = 520833, 325e6, 3.8e9

-- What a radio cannot do, found before it is opened.
local function check_radio(i, radio)
  local where <const> = ("bench.radios[%d]"):format(i)
  if radio.uri:find "^file:" then return end
  if radio.rate_hz < RATE_MIN_HZ then
    return ("%s.rate_hz: expected at least %d, which is the slowest that a Pluto can do, got %.10g"):format(where,
      RATE_MIN_HZ, radio.rate_hz)
  end
  for _, name in ipairs { "lo_hz", "tx_lo_hz", "downlink_lo_hz" } do
    local hz <const> = radio[name]
    if hz and (hz < LO_MIN_HZ or hz > LO_MAX_HZ) then
      return ("%s.%s: expected %.10g … %.10g, which a Pluto can tune to, got %.10g"):format(where, name, LO_MIN_HZ,
        LO_MAX_HZ, hz)
    end
  end
  if radio.gain_db < 1 then
    return ("%s.gain_db: expected 1 … 77, which a Pluto has below 1.3 GHz, got %.10g"):format(where, radio.gain_db)
  end
end

local function check_radios(radios)
  for i, radio in ipairs(radios) do
    local wrong <const> = check_radio(i, radio)
    if wrong then return wrong end
  end
end

local function check_list(list, name, fields)
  for i, entry in ipairs(list) do
    local wrong <const> = schema.check(("bench.%s[%d]"):format(name, i), entry, fields)
    if wrong then return wrong end
  end
end

local function check_switch(bench, name)
  local switch <const> = bench[name]
  if not switch or switch.uart == bench.uarts[1].unit then return end
  for _, uart in ipairs(bench.uarts) do
    if uart.unit == switch.uart then
      return ("bench.%s.uart: expected the device's own serial line, %s, the first of uarts; got %s"):format(name,
        bench.uarts[1].unit, switch.uart)
    end
  end
  return ("bench.%s.uart: there is no uart called %q in bench.uarts"):format(name, switch.uart)
end

local BUS_PINS <const> = schema.set { "AD0", "AD1", "AD2", "AD3", "AC3" }

-- A watched pin is the device's to drive, and nobody else's.
local function check_watch(ftdi)
  local taken <const> = {}
  for _, name in ipairs { "relay", "reset", "lab_enable", "supply_low" } do
    if ftdi[name] then taken[ftdi[name]] = name end
  end
  for i, pin in ipairs(ftdi.watch) do
    local by <const> = BUS_PINS[pin] and "the flash and the debug port" or taken[pin]
    if by then
      return ("bench.ftdi.watch[%d]: %s belongs to %s; wire the device's output to a free pin, such as AD4"):format(i,
        pin, by)
    end
    taken[pin] = ("watch[%d]"):format(i)
  end
end

--- Checks a bench table in place. Returns nil or what is wrong.
function config.check_bench(bench)
  local wrong <const> = schema.check("bench", bench, BENCH)
    or check_units(bench.radios, "radios", RADIO, 4)
    or check_radios(bench.radios)
    or check_units(bench.uarts, "uarts", UART, fleet.MOST)
    or check_list(bench.rf, "rf", PATH)
    or bench.permit and check_list(bench.permit.bands, "permit.bands", BAND)
    or check_switch(bench, "power")
    or check_switch(bench, "reset")
    or bench.ftdi and check_watch(bench.ftdi)
    or fleet.check_bench(bench)
  if wrong then return wrong end
  if bench.ftdi and (bench.power or bench.reset) then
    return "bench: power and reset go through the adapter (ftdi); drop power = … and reset = …"
  end
  if bench.power and bench.reset and bench.power.line == bench.reset.line then
    return ("bench: power and reset are both on the line %s of %s"):format(bench.power.line, bench.power.uart)
  end
end

local LIMIT <const> = {
  name = { type = "string", pattern = "^[%l%d_.]+$", form = "a name such as rf.frequency_error_ppm" },
  min = { type = "number", optional = true },
  max = { type = "number", optional = true },
  unit = { type = "string" },
  source = { type = "string" },
  mark = { type = "string", among = schema.set { "C", "D", "K", "P", "ASSUMED" } },
}

--- Checks whether the bench can hear and answer a device of this zone. Returns nil or what is wrong.
config.check_zone = zones.check

--- Checks a list of limits. Returns nil or what is wrong.
function config.check_limits(limits)
  if type(limits) ~= "table" then return "limits: expected a list" end
  local seen <const> = {}
  for i, limit in ipairs(limits) do
    local wrong <const> = schema.check(("limits[%d]"):format(i), limit, LIMIT)
    if wrong then return wrong end
    if seen[limit.name] then return ("limits[%d]: %s stands twice"):format(i, limit.name) end
    seen[limit.name] = true
  end
end

--- How the bench switches the device's "power" or "reset": a table with discharge_s, or nil when it cannot.
function config.switch(bench, name)
  local ftdi <const> = bench.ftdi
  if not ftdi then return bench[name] end
  if name == "power" or ftdi.reset then return { discharge_s = ftdi.discharge_s } end
end

local function transmits(bench)
  for _, radio in ipairs(bench.radios) do
    if radio.transmit then return true end
  end
  return false
end

local WIRED <const> = { spi = "the pins of the device's flash", swd = "the device's debug port" }

local STATIONS <const> = 3

-- The first radio beside the one that listens which may send; nil when there is none.
local function jammer(bench)
  for i = 2, #bench.radios do
    if bench.radios[i].transmit then return i end
  end
end

--- What of `needs` only a bench for several stations has: a text, or nil.
function config.missing_station(needs, bench)
  local needed <const> = schema.set(needs)
  if needed["radio.rx3"] and #bench.radios < STATIONS then
    return ("the case needs %d radios, the bench file declares %d"):format(STATIONS, #bench.radios)
  end
  if needed["radio.jam"] and not jammer(bench) then
    return "the case needs a second radio that may send, the bench file declares none"
  end
end

--- The radios that a case with these `needs` uses beside the first: a list of their places in the bench file, and a
--- list with the one that listens to the bench's own downlinks meanwhile, where one is free to do so.
function config.further_radios(needs, bench)
  local needed <const>, list <const>, monitors <const> = schema.set(needs), {}, {}
  for i = 2, #(bench.radios or {}) do
    if needed["radio.rx3"] and i <= STATIONS or needed["radio.jam"] and i == jammer(bench) then
      list[#list + 1] = i
    elseif needed["radio.tx"] and bench.radios[i].downlink_lo_hz and #monitors == 0 then
      monitors[1] = i
    end
  end
  return list, monitors
end

--- What of `needs` the bench does not have: a text, or nil.
function config.missing_instrument(needs, bench)
  for _, need in ipairs(needs) do
    if (need == "power" or need == "reset") and not config.switch(bench, need) then
      return ("the case needs a %s line and the bench file declares none; "
        .. "add %s = { uart = …, line = … } or an adapter, ftdi = { serial = …, relay = …, reset = … }"):format(need,
        need)
    end
    if need == "radio.tx" and not transmits(bench) then
      return "the case needs a radio that may send and the bench file declares none; add transmit = true to the radio,"
        .. " where it is cabled to, rf = { { from = …, to = …, kind = \"conducted\", attenuation_db = … } }, and what"
        .. " it may send, permit = { bands = { { low_hz = …, high_hz = …, max_dbm = … } } }"
    end
    if WIRED[need] and not (bench.ftdi and schema.set(bench.ftdi.wired)[need]) then
      return ("the case needs an adapter at %s and the bench file declares none; "
        .. "add ftdi = { serial = …, relay = …, wired = { %q } }"):format(WIRED[need], need)
    end
  end
end

return config
