-- What JAM-UL-002 and RES-RX3-001 make of jamming that works, that does not, and of devices that are wrong. The pages
-- run as they are; below them a fake plays device, stations and jammer, message by message.
local fakes <const> = require "tests.fakes"
local harness <const> = require "tests.harness"
local runner <const> = require "cert.runner"
local test <const>, equal <const>, contains <const> = harness.test, harness.equal, harness.contains

local jamming <const> = require "suites.jamming.JAM-UL-002"
local resilience <const> = require "suites.resilience.RES-RX3-001"

local function jammed_frame(rank, start_s)
  return {
    rank = rank, start_s = start_s, onset_s = start_s + 0.37, end_s = start_s + 1.7, f_hz = 868.13e6, level_dbm = 2,
    js_db = 20, u_db = 0.01, done = true,
  }
end

-- core whose device sends a message for each request. `change(n, m)` alters what becomes of message n: m.read[k] are
-- the ranks that station k reads, m.jams the jammer's list, m.delivered, m.silent, m.gap.
local function world(change)
  local frames <const> = {}
  local options <const> = { frames = frames, air_proven = true, port_proven = true }
  local core <const> = fakes.core(options)
  local n, request, jams, heard, delivered, gap_s = 0, nil, {}, { {}, {}, {} }, {}, nil
  core.bench.radios = {}
  for k = 1, 3 do core.bench.radios[k] = { unit = "station" .. k, transmit = true } end
  core.jam = {
    start = function(_, given)
      request, jams = given, {}
      return { stop = function() request = nil end }
    end,
    list = function() return jams end,
  }
  core.stations = {
    using = function() return false end,
    use = function(_, list) core.used = list end,
    heard = function(_, k, since_s)
      local list <const> = {}
      for _, f in ipairs(heard[k]) do
        if f.start_s >= since_s then list[#list + 1] = f end
      end
      return list
    end,
    delivered = function(_, counter) return delivered[counter] or 0 end,
  }
  core.air.gap_since = function(_, s) return gap_s and gap_s >= s and "overflow" or nil end
  local points <const> = {}
  core.points = points

  local function message()
    n = n + 1
    local now_s <const> = core.air:now_s()
    local m <const> = { read = { {}, {}, {} }, jams = {} }
    for rank = 1, 3 do
      local hit <const> = request and request.ranks & 1 << rank - 1 ~= 0
      for k = 1, 3 do
        if not hit or request.by == k then table.insert(m.read[k], rank) end
      end
      if hit then m.jams[#m.jams + 1] = jammed_frame(rank, now_s + 0.1 + (rank - 1) * 1.94) end
    end
    m.delivered = 1
    if change then change(n, m, request) end
    if m.silent then return end
    jams, delivered[n] = m.jams, m.delivered
    if m.gap then gap_s = now_s + 1 end
    for k = 1, 3 do
      for _, rank in ipairs(m.read[k]) do
        local f <const> = fakes.frame { counter = n, rank = rank, start_s = now_s + 0.1 + (rank - 1) * 1.94 }
        table.insert(heard[k], f)
        if k == 1 then frames[#frames + 1] = f end
      end
    end
  end
  local command <const> = core.dut.command
  function core.dut.command(dut, line, given)
    if line:find "SF=" then
      message()
      core.air:wait(6) -- it answers when its message is over
    end
    return command(dut, line, given)
  end
  return core
end

local function run(suite, axes, change, profile)
  local core <const> = world(change)
  core.profile = profile or "smoke"
  runner.run(core, suite.cases[1], axes)
  local worst <const>, order <const> = {}, { pass = 1, inconclusive = 2, fail = 3, error = 4 }
  for _, e in ipairs(core.events) do
    if (order[e.verdict] or 0) > (order[worst.verdict] or 0) then
      worst.verdict, worst.blame, worst.text = e.verdict, e.blame, e.actual or e.reason
    end
  end
  for _, f in ipairs(core.faults) do worst.verdict, worst.blame, worst.text = "error", f.blame, f.text end
  return ("%s/%s"):format(worst.verdict, worst.blame), worst.text, core
end

local function of_type(core, kind)
  local list <const> = {}
  for _, e in ipairs(core.events) do
    if e.type == kind then list[#list + 1] = e end
  end
  return list
end

local JUDGED <const> = 3 -- the first message that counts: after the twin and one to find the level

test("JAM-UL-002 passes when the clear copies are read and the jammed ones are not", function()
  for _, ranks in ipairs(jamming.cases[1].for_each.ranks) do
    local verdict <const>, _, core = run(jamming, { ranks = ranks })
    equal(verdict, "pass/none", ranks)
    equal(core.used, { 2 })
    equal(#of_type(core, "point"), 2)
    local claim <const> = of_type(core, "claim")[1]
    equal({ claim.trials, claim.faults }, { 2, 0 })
  end
end)

test("JAM-UL-002 jams each rank once at each level in smoke's six patterns together", function()
  local count <const>, levels = {}, 0
  for _, ranks in ipairs(jamming.cases[1].for_each.ranks) do
    local _, _, core = run(jamming, { ranks = ranks })
    for _, p in ipairs(of_type(core, "point")) do
      if not count[p.x] then levels = levels + 1 end
      count[p.x] = count[p.x] or {}
      for rank in ranks:gmatch "%d" do count[p.x][rank] = (count[p.x][rank] or 0) + 1 end
      equal(p.trials, (#ranks + 1) // 2)
      equal(p.bad, p.trials)
    end
  end
  equal(levels, 6)
  for _, each in pairs(count) do equal(each, { ["1"] = 1, ["2"] = 1, ["3"] = 1 }) end
end)

test("JAM-UL-002 fails a device whose message is lost though one copy was clear", function()
  local verdict <const>, _, core = run(jamming, { ranks = "1+2" }, function(n, m)
    if n >= JUDGED then m.read[1], m.read[2] = {}, { 1, 2 } end
  end)
  equal(verdict, "fail/device")
  equal(of_type(core, "claim")[1].faults, 1)
  equal(#of_type(core, "point"), 0)
end)

test("JAM-UL-002 fails a device with a clear copy that cannot be read, delivered or not", function()
  local verdict <const> = run(jamming, { ranks = "1" }, function(n, m)
    if n >= JUDGED then m.read[1] = { 2 } end
  end)
  equal(verdict, "fail/device")
end)

test("JAM-UL-002 fails a device that shows two copies without jamming", function()
  local verdict <const>, text <const> = run(jamming, { ranks = "3" }, function(_, m)
    for i = #m.read[1], 1, -1 do
      if m.read[1][i] == 3 then table.remove(m.read[1], i) end
    end
  end)
  equal(verdict, "fail/device")
  equal(text, "1+2")
end)

test("JAM-UL-002 fails a device that falls silent", function()
  equal(run(jamming, { ranks = "1" }, function(n, m) m.silent = n >= JUDGED end), "fail/device")
end)

test("JAM-UL-002 fails a device that sends nothing at all", function()
  equal(run(jamming, { ranks = "1" }, function(_, m) m.silent = true end), "fail/device")
end)

local doubts <const> = {
  { "too much J/S", function(m) m.jams[1].js_db = 23.5 end, "J/S is 23.5 dB" },
  { "too little J/S", function(m) m.jams[1].js_db = 18.9 end, "J/S is 18.9 dB" },
  { "a J/S that was not measured", function(m) m.jams[1].js_db = nil end, "could not be measured" },
  { "an order that came too late", function(m) m.jams[1].why = "too late" end, "too late" },
  { "jamming that has not ended", function(m) m.jams[1].done = false end, "has not ended" },
  { "a frame that nobody jammed", function(m) table.remove(m.jams) end, "expected 1" },
  { "a wrong rank", function(m) m.jams[1].rank = 2 end, "rank 2 was jammed instead of rank 1" },
  { "a rank taken for another", function(m) m.jams[1].heard = 3 end, "taken for rank 1" },
  { "a jammed frame that was read", function(m) table.insert(m.read[1], 1, 1) end, "was read although it was jammed" },
}
for _, case in ipairs(doubts) do
  test("JAM-UL-002 doubts " .. case[1], function()
    local verdict <const>, text <const> = run(jamming, { ranks = "1" }, function(n, m)
      if n >= JUDGED and #m.jams > 0 then case[2](m) end
    end)
    equal(verdict, "inconclusive/bench")
    contains(text, case[3])
  end)
end

test("JAM-UL-002 decides nothing on a message that is lost together with samples", function()
  local verdict <const> = run(jamming, { ranks = "1+2" }, function(n, m)
    if n >= JUDGED then m.read[1], m.gap = {}, true end
  end)
  equal(verdict, "inconclusive/bench")
end)

test("JAM-UL-002 decides nothing on a clear copy that is lost together with samples", function()
  local verdict <const> = run(jamming, { ranks = "1" }, function(n, m)
    if n >= JUDGED then m.read[1], m.gap = { 3 }, true end
  end)
  equal(verdict, "inconclusive/bench")
end)

test("JAM-UL-002 sends the catalogue's number outside of smoke", function()
  local verdict <const>, _, core = run(jamming, { ranks = "2" }, nil, "substantial")
  equal(verdict, "pass/none")
  equal(of_type(core, "claim")[1].trials, 12)
  local points <const> = of_type(core, "point")
  equal(#points, 6)
  for _, p in ipairs(points) do equal(p.trials, 2) end
end)

-- A case with one call of t.air:jam, after a message: what reaches the C side, or what the suite is told.
local function asked(given)
  local core <const> = world()
  local start <const>, seen = core.jam.start, nil
  core.jam.start = function(self, o)
    seen = o
    return start(self, o)
  end
  core.profile = "smoke"
  local case <const> = {}
  for k, v in pairs(jamming.cases[1]) do case[k] = v end
  case.for_each = nil
  case.run = function(t)
    local jam <close> = t.air:jam(given)
    t:expect("the shape", jam.shape):equals(given.shape or "cw")
  end
  runner.run(core, case, {})
  return seen, core.faults[1] and core.faults[1].text
end

test("t.air:jam hands the numbers of its shape down", function()
  equal(asked { ranks = "1+3", js_db = 20 }, { by = 2, ranks = 5, js_db = 20, shape = "cw" })
  equal(asked { ranks = "2", js_db = 3, shape = "noise", band_hz = 600 },
    { by = 2, ranks = 2, js_db = 3, shape = "noise", band_hz = 600 })
  equal(asked { ranks = "2", js_db = 3, shape = "pulse", on_s = 0.01, period_s = 0.02 },
    { by = 2, ranks = 2, js_db = 3, shape = "pulse", on_s = 0.01, period_s = 0.02 })
end)

local misuses <const> = {
  { { shape = "laser" }, '"laser" is unknown; allowed are bpsk, cw, flood, noise, pulse, steps, sweep' },
  { { shape = "noise" }, 'shape "noise" needs band_hz' },
  { { shape = "noise", band_hz = 20 }, "band_hz: expected 50 … 160000, got 20" },
  { { shape = "cw", band_hz = 600 }, 'shape "cw" takes no numbers of its own, not band_hz' },
  { { shape = "sweep", step_hz = 600 }, 'shape "sweep" takes band_hz, period_s, not step_hz' },
  { { shape = "pulse", on_s = 0.06 }, "a pulse of 0.06 s is longer than its period of 0.05 s" },
  { { shape = "steps", step_hz = 900, band_hz = 800 }, "a step of 900 Hz is wider than the band of 800 Hz" },
  { { shape = "cw", width = 1 }, 'unknown field "width"' },
}
for _, case in ipairs(misuses) do
  test("t.air:jam refuses: " .. case[2], function()
    case[1].ranks, case[1].js_db = "1", 20
    local seen <const>, text <const> = asked(case[1])
    equal(seen, nil)
    contains(text or "nothing", case[2])
  end)
end

test("RES-RX3-001 passes when each station alone delivers each message once", function()
  local verdict <const>, _, core = run(resilience, {})
  equal(verdict, "pass/none")
  equal(core.used, { 2, 3 })
end)

test("RES-RX3-001 fails a message that is delivered twice, or not", function()
  for _, times in ipairs { 0, 2 } do
    equal(run(resilience, {}, function(n, m) if n == 4 then m.delivered = times end end), "fail/device")
  end
end)

test("RES-RX3-001 fails a device that falls silent when its station does", function()
  equal(run(resilience, {}, function(n, m) m.silent = n >= 3 end), "fail/device")
end)

test("RES-RX3-001 doubts a jammed station that read a frame", function()
  local verdict <const>, text <const> = run(resilience, {}, function(n, m)
    if n == 2 then m.read[3] = { 1 } end
  end)
  equal(verdict, "inconclusive/bench")
  contains(text, "station 3 read 1 frame(s) although it was jammed")
end)

test("RES-RX3-001 doubts a station that reads nothing though nobody jams it", function()
  local verdict <const>, text <const> = run(resilience, {}, function(n, m)
    if n == 3 then m.read[2], m.delivered = {}, 0 end
  end)
  equal(verdict, "inconclusive/bench")
  contains(text, "station 2 read nothing")
end)

test("RES-RX3-001 doubts jamming that did not go as planned", function()
  local verdict <const>, text <const> = run(resilience, {}, function(n, m)
    if n == 3 then table.remove(m.jams) end
  end)
  equal(verdict, "inconclusive/bench")
  contains(text, "2 frame(s) heard in time to be jammed, expected 3")
end)

harness.run()
