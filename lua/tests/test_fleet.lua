-- Samples: how they are declared, how one takes the device's place, and what CLN-ID-001 makes of what they show.
package.path = package.path .. ";?/init.lua" -- a suite's own page
local harness <const> = require "tests.harness"
local config <const> = require "cert.config"
local fakes <const> = require "tests.fakes"
local runner <const> = require "cert.runner"
local suite <const> = require "suites.cloning.CLN-ID-001"
local test <const>, equal <const>, contains <const> = harness.test, harness.equal, harness.contains

-- ---- the files

local function device(samples, features)
  return {
    name = "d", id = "00F0C5A1", pac = "5E7A1C0D9B3F2468", key = "file:a.key", dialect = "sfm10r",
    features = features or { "KNOWNKEY", "FLEET" }, samples = samples,
  }
end

local function sample(id, more)
  local s <const> = { id = id, pac = "91C4E07A2D5B8F36", key = "file:b.key" }
  for k, v in pairs(more or {}) do s[k] = v or nil end
  return s
end

local function bench(change)
  local b <const> = {
    name = "b", radios = { { unit = "r", uri = "ip:x:1", lo_hz = 868e6, gain_db = 50, path = "conducted" } },
    uarts = { { unit = "dut1", path = "/1" }, { unit = "dut2", path = "/2" }, { unit = "dut3", path = "/3" } },
    samples = { { uart = "dut2", power = "rts", reset = "dtr" }, { uart = "dut3", power = "rts" } },
  }
  change(b)
  return b
end

test("good declarations of samples", function()
  local d <const> = device { sample "00F0C5B2", sample "00F0C5C3" }
  equal(config.check_device(d), nil)
  equal(d.samples[1].id, "00f0c5b2") -- as frames say it
  equal(config.check_bench(bench(function() end)), nil)
end)

local function refuses(name, table, check, fragment)
  test("refused: " .. name, function() contains(check(table), fragment) end)
end

local DOUBLE <const> = "is the identifier of device.samples[1] too. If one unit was entered twice"
for name, wrong in pairs {
  ["samples without the feature"] = { { sample "00F0C5B2", sample "00F0C5C3" }, { "KNOWNKEY" }, 'add "FLEET"' },
  ["one sample"] = { { sample "00F0C5B2" }, nil, "expected 2 to 12 further units of this make" },
  ["no samples"] = { {}, nil, "got 0; add them or drop the feature" },
  ["a double identifier"] = { { sample "00F0C5B2", sample "00f0c5b2" }, nil, DOUBLE },
  ["the device's identifier"] = {
    { sample "00F0C5B2", sample "00F0C5A1" }, nil, "00f0c5a1 is the identifier of device too",
  },
  ["a double with one serial number"] = {
    { sample("00F0C5B2", { serial = "1" }), sample("00F0C5B2", { serial = "1" }) }, nil, DOUBLE,
  },
  ["a double with half a serial number"] = {
    { sample("00F0C5B2", { serial = "1" }), sample "00F0C5B2" }, nil, DOUBLE,
  },
  ["no key"] = {
    { sample "00F0C5B2", sample("00F0C5C3", { key = false }) }, nil, "device.samples[2]: the feature KNOWNKEY",
  },
  ["a short PAC"] = { { sample "00F0C5B2", sample("00F0C5C3", { pac = "91C4" }) }, nil, "samples[2].pac" },
  ["an unknown field"] = { { sample("00F0C5B2", { mac = "x" }), sample "00F0C5C3" }, nil, 'unknown field "mac"' },
} do
  refuses(name, device(wrong[1], wrong[2]), config.check_device, wrong[3])
end

test("two units with one identifier and serial numbers are the case's to judge", function()
  local d <const> = device { sample("00F0C5B2", { serial = "1" }), sample("00F0C5B2", { serial = "2" }) }
  equal(config.check_device(d), nil)
end)

for name, wrong in pairs {
  ["a sample at no uart"] = { function(b) b.samples[1].uart = "dut9" end, 'no uart called "dut9"' },
  ["two samples at one uart"] = { function(b) b.samples[2].uart = "dut2" end, "at dut2 stands samples[1]" },
  ["a sample at the device's uart"] = { function(b) b.samples[1].uart = "dut1" end, "stands the device under test" },
  ["a uart for nobody"] = { function(b) b.samples[2] = nil end, "bench.uarts[3]: nothing stands at dut3" },
  ["a double name"] = { function(b) b.uarts[3].unit = "dut2" end, "dut2 stands twice" },
  ["a double port"] = { function(b) b.uarts[3].path = "/2" end, "dut2 and dut3 are the same port" },
  ["one line for both"] = { function(b) b.samples[1].reset = "rts" end, "power and reset are both on the line rts" },
  ["no power"] = { function(b) b.samples[1].power = nil end, "bench.samples[1]: the field power is missing" },
  ["no pin to watch"] = {
    function(b) b.ftdi = { serial = "F", relay = "AC0", watch = { "AD4", "AE1" } } end,
    'bench.ftdi.watch[2]: "AE1" has the wrong form; expected a pin, AC0 … AC7',
  },
  ["a watched pin that is driven"] = {
    function(b) b.ftdi = { serial = "F", relay = "AC0", supply_low = "AC7", watch = { "AD4", "AC7" } } end,
    "bench.ftdi.watch[2]: AC7 belongs to supply_low; wire the device's output to a free pin",
  },
  ["a watched pin of the buses"] = {
    function(b) b.ftdi = { serial = "F", relay = "AC0", watch = { "AD3" } } end,
    "bench.ftdi.watch[1]: AD3 belongs to the flash and the debug port",
  },
  ["a pin that is watched twice"] = {
    function(b) b.ftdi = { serial = "F", relay = "AC0", watch = { "AD5", "AD5" } } end, "AD5 belongs to watch[1]",
  },
  ["the device's power elsewhere"] = {
    function(b) b.power = { uart = "dut2", line = "rts" } end, "expected the device's own serial line, dut1",
  },
} do
  refuses(name, bench(wrong[1]), config.check_bench, wrong[2])
end

-- ---- three units in one world

local IDS <const> = { "00f0c5a1", "00f0c5b2", "00f0c5c3" }

-- A core with three units, the active one of which answers and sends. `o`: told, air (unit -> identifier), relations,
-- stuck (a unit that its switch does not turn off), dead (a unit that never answers), places.
local function world(o)
  local core <const> = fakes.core { air_proven = true, port_proven = true }
  local active, counter <const>, on <const> = 0, { 0, 0, 0 }, { true, false, false }
  local frames <const>, used <const>, now = {}, {}, 0.0
  core.device = {
    id = IDS[1], pac = "5e7a1c0d9b3f2468", features = { "KNOWNKEY", "FLEET" }, extensions = {},
    messages_per_day = 140,
    samples = { { id = IDS[2], pac = "91c4e07a2d5b8f36" }, { id = IDS[3], pac = "c83d1f6e40a297b5" } },
  }
  core.bench.samples = o.places or { { uart = "dut2", discharge_s = 0 }, { uart = "dut3", discharge_s = 0 } }
  local function send()
    counter[active + 1] = counter[active + 1] + 1
    for _, frame in ipairs(fakes.message {
      device_id = (o.air or IDS)[active + 1], counter = counter[active + 1], tag_hex = o.tag or "0102030405",
      payload_hex = "1032547698", class = "D", li = 3, start_s = now + 0.5,
    }) do frames[#frames + 1] = frame end
    now = now + 7
  end
  core.dut.command = function(_, line, given)
    if not (on[active + 1] or o.stuck == active) or o.dead == active then
      now = now + given.within_s
      return { outcome = "timeout", answer = "", lines = {}, sent_s = now, until_s = now }
    end
    if line:find "^AT%$SF" then send() end
    local answer = line == core.dialect.identity.id and (o.told or IDS)[active + 1] or "OK"
    if line == core.dialect.identity.pac then
      answer = (active == 0 and core.device or core.device.samples[active]).pac
    end
    return { outcome = "ok", answer = answer, lines = { answer }, sent_s = now, until_s = now }
  end
  core.dut.power = function(_, state) on[active + 1] = state end
  core.dut.proven = function() return o.dead ~= active end
  core.air.now_s = function() return now end
  core.air.wait = function(_, s) now = now + s end
  core.air.next_frame = function(_, until_s)
    if frames[1] and frames[1].end_s <= math.max(until_s, now) then return table.remove(frames, 1) end
    now = math.max(now, until_s)
  end
  core.samples = {
    count = function() return 2 end,
    unit = function(_, n) return "dut" .. n + 1 end,
    use = function(_, n)
      active = n
      used[#used + 1] = n
    end,
    relations = function(_, packets)
      for i = 1, 3 do equal(#packets[i], 3) end
      local seen <const> = {}
      for i = 1, 3 do seen[i] = { messages = 3, verified = 3, tag_bits = 120, explained = false } end
      local result <const> = { seen = seen, findings = {}, candidates = 9000, false_alarm = 1e-30 }
      if o.relations then o.relations(result) end
      return result
    end,
  }
  return core, { used = used, on = on, active = function() return active end }
end

local function worst(core)
  local order <const> = { info = 1, pass = 2, warn = 3, inconclusive = 4, fail = 5, error = 6 }
  local found
  for _, e in ipairs(core.events) do
    if e.verdict and (not found or order[e.verdict] > order[found.verdict]) then found = e end
  end
  return found
end

local function judge(o)
  local core <const>, state <const> = world(o or {})
  runner.run(core, suite.cases[1], {})
  local found <const> = worst(core) or {}
  for _, fault in ipairs(core.faults) do found.fault = fault end
  equal(state.active(), 0, "the unit in use at the end")
  equal({ state.on[2], state.on[3] }, { false, false }, "power of the samples at the end")
  return found, core, state
end

local function claims(core)
  local n = 0
  for _, e in ipairs(core.events) do n = n + (e.type == "claim" and 1 or 0) end
  return n
end

test("three units that are their own pass, with the plan and one claim", function()
  local found <const>, core <const>, state <const> = judge()
  equal(found.verdict, "pass")
  equal(state.used, { 1, 0, 2, 0 })
  equal(claims(core), 1)
  local plan
  for _, e in ipairs(core.events) do if e.type == "note" then plan = plan or e.text end end
  contains(plan, "3 units, none may be bad")
  contains(plan, "63.2 %")
  contains(plan, "13 units would exclude more than 20.6 %")
end)

local function blames(name, o, verdict, blame, fragment)
  test(name, function()
    local found <const>, core <const> = judge(o)
    equal(found.verdict .. "/" .. found.blame, verdict .. "/" .. blame, found.subject .. ": " .. found.actual)
    contains(found.actual, fragment)
    equal(claims(core), verdict == "fail" and 1 or 0, "claims")
  end)
end

local function finding(kind, recipe)
  return function(r)
    r.findings[1] = {
      kind = kind, unit = 2, other = 0, recipe = recipe, fingerprint = "0123456789abcdef", tag_bits = 120,
      false_alarm = 1e-30,
    }
    r.seen[3].verified, r.seen[3].explained = 0, true
  end
end

blames("one key for two fails the device", { relations = finding("shared key", "K'") }, "fail", "device",
  "dut1 and dut3 have one key")
blames("a key made out of another fails the device", { relations = finding("derived key", "K' XOR ID") }, "fail",
  "device", "the key of dut3 is made out of that of dut1: K = K' XOR ID (' marks dut1)")
blames("related keys fail the device", { relations = finding("related keys", "half of it") }, "fail", "device",
  "the keys of dut1 and dut3: half of it")
blames("one identifier for two fails the device",
  { told = { IDS[1], IDS[2], IDS[2] }, air = { IDS[1], IDS[2], IDS[2] } }, "fail", "device",
  "dut2 and dut3: " .. IDS[2])
blames("another identifier on air than on the port fails the device", { air = { IDS[1], IDS[2], "00f0c5dd" } }, "fail",
  "device", "dut3 says " .. IDS[3] .. ", its message 1 comes from 00f0c5dd")
blames("a unit that is another than declared is the configuration's",
  { told = { IDS[1], IDS[2], "00f0c5dd" }, air = { IDS[1], IDS[2], "00f0c5dd" } }, "inconclusive", "config",
  "declared is 00f0c5c3, the unit says 00f0c5dd")
blames("a key that is not the unit's is the configuration's", { relations = function(r) r.seen[2].verified = 0 end },
  "inconclusive", "config", "the declared key is not this unit's")
blames("keys in each other's place are the configuration's",
  { relations = function(r) r.seen[2].verified, r.seen[2].owner = 0, 2 end }, "inconclusive", "config",
  "they verify under the key declared for dut3")
blames("some wrong tags allow no decision", { relations = function(r) r.seen[2].verified = 2 end }, "inconclusive",
  "bench", "2 of 3 do")
blames("a sample that cannot be switched off allows no decision", { stuck = 1 }, "inconclusive", "bench",
  "dut2 answers although its power is off")
blames("a sample that never answers allows no decision", { dead = 2 }, "inconclusive", "bench",
  "nothing at dut3 answered")
blames("a device that cannot be switched off allows no decision", { stuck = 0 }, "inconclusive", "bench",
  "the device went on answering")

test("samples without a place on the bench are the configuration's error", function()
  local found <const> = judge { places = { { uart = "dut2", discharge_s = 0 } } }
  equal(found.fault.code .. "/" .. found.fault.blame, "UNSUPPORTED/config")
  contains(found.fault.text, "names 2 samples, the bench file has a place for 1")
end)

test("a unit in use is held once, and left on every way out", function()
  local core <const>, state <const> = world {}
  local fault <const> = runner.run(core, { id = "X-1", needs = {}, run = function(t)
    local unit <close> = t.samples:use(2)
    equal(unit.name .. unit.id, "dut3" .. IDS[3])
    local _ <close> = t.samples:use(1)
  end }, {})
  equal(fault, nil)
  contains(core.faults[1].text, "the unit before is still in use")
  equal(state.active(), 0)
  equal(state.on, { true, false, false })
  runner.run(core, { id = "X-1", needs = {}, run = function(t) t.samples:use(3) end }, {})
  contains(core.faults[2].text, "expected a unit from 0 to 2, got 3")
end)

harness.run()
