-- Parts of the page that are computed: curves drawn, seconds on the air, the variants of a test, declarations.
package.path = (arg[1] or ".") .. "/lua/tests/?.lua;" .. package.path
local h <const> = require "harness"
local root <const> = arg[1] or "."

-- A template as the report loads it.
local function template(name)
  if name:find "%.css$" then return "" end
  local env <const> = setmetatable({}, { __index = _G })
  env.include = template
  return assert(loadfile(root .. "/reports/templates/" .. name, "t", env))()
end

local chart <const> = template "chart.lua"
local declared <const> = template "declared.lua"
local results <const> = template "results.lua"
local transmit <const> = template "transmit.lua"
local words <const> = template "words.lua"

local function point(x, bad, trials, low, high)
  return { x = x, bad = bad, trials = trials, low = low, high = high }
end

local function curve(series, points)
  return {
    series = series, event = "frame lost", x_name = "J/S", x_unit = "dB", confidence = 0.95, cases = { "JAM-UL-002" },
    points = points,
  }
end

-- Every number in a drawing is a number, and every place lies in the drawing.
local function check_drawing(svg)
  h.equal(svg:find "nan" or svg:find "inf", nil, "not a number")
  local width <const>, height <const> = svg:match 'viewBox="0 0 (%d+) (%d+)"'
  for x, y in svg:gmatch 'translate%((%S+) (%S+)%)' do
    h.equal(tonumber(x) >= 0 and tonumber(x) <= tonumber(width), true, "x " .. x)
    h.equal(tonumber(y) >= 0 and tonumber(y) <= tonumber(height), true, "y " .. y)
  end
end

local function markers(svg)
  local _, n = svg:gsub('<path fill="#', "")
  return n
end

h.test("one point, all lost, none lost: each can be drawn", function()
  for _, p in ipairs { point(6, 3, 10, 0.0667, 0.6525), point(0, 10, 10, 0.6915, 1), point(-6.5, 0, 1, 0, 0.975) } do
    local svg <const> = chart.svg { curve("CW", { p }) }
    check_drawing(svg)
    h.equal(markers(svg), 2, "the point, and the sign of its row")
    h.equal(svg:find 'stroke%-opacity="0.6"', nil, "a line through one point")
  end
end)

h.test("the share decides the height, x the place", function()
  local svg <const> = chart.svg { curve("CW", { point(-6, 0, 20, 0, 0.17), point(0, 10, 20, 0.27, 0.73),
    point(6, 20, 20, 0.83, 1) }) }
  check_drawing(svg)
  local x <const>, y <const> = {}, {}
  for px, py in svg:gmatch 'fill="#1f78b4" transform="translate%((%S+) (%S+)%)"' do
    x[#x + 1], y[#y + 1] = tonumber(px), tonumber(py)
  end
  local top, height = svg:match 'class="frame" [^/]- y="(%d+)"[^/]- height="(%d+)"'
  top, height = top + 0.0, height + 0.0
  h.equal(#x, 4)
  h.equal(y[2], top + height, "none lost: at the bottom")
  h.equal(y[3], top + height / 2, "half: in the middle")
  h.equal(y[4], top, "all lost: at the top")
  h.equal(math.abs((x[3] - x[2]) - (x[4] - x[3])) < 0.11, true, "equal steps")
  h.equal(x[2] < x[3], true, "to the right")
end)

local function case(id, axes, verdict, events)
  return {
    id = id, axes = axes, verdict = verdict, blame = "none", title = "a title", reason = "", severity = "high",
    level = "basic", state = "attempted", attempts = { { attempt = 1, events = events or {}, superseded = false } },
  }
end

local function jam(rank, start_s, end_s, f_hz, level_dbm)
  return { type = "jam", unit = "jammer1", rank = rank, start_s = start_s, end_s = end_s, f_hz = f_hz,
    level_dbm = level_dbm, js_db = 10, u_db = 1 }
end

h.test("series with the same axes share a figure, others have their own", function()
  local far <const> = curve("far", { point(100, 1, 2, 0.01, 0.99) })
  far.x_name, far.x_unit = "distance", "m"
  local bursts <const> = { jam(1, 0, 2, 868.1e6, 0), jam(3, 4, 6, 868.1e6, 0) }
  local m <const> = { cases = { case("JAM-UL-002", "_", "pass", bursts) },
    curves = { curve("CW", { point(0, 1, 4, 0, 1) }), far, curve("noise <b>", { point(0, 2, 4, 0, 1) }) } }
  local page <const> = chart.figures(m)
  local _, figures <const> = page:gsub("<figure", "")
  h.equal(figures, 2)
  h.contains(page, "distance in m")
  h.contains(page, "noise &lt;b&gt;")
  h.contains(page, "8 trials in all")
  h.contains(page, "Jammed by jammer1 with 2 bursts: 1 on rank 1, 1 on rank 3.")
  h.equal(chart.figures { cases = {}, curves = {} }, "")
end)

local PERMIT <const> = { permit = { bands = { { low_hz = 867850000, high_hz = 868400000, max_dbm = 7 },
  { low_hz = 869300000, high_hz = 869750000, max_dbm = 14 } } } }

h.test("bursts are counted in the band they were in, superseded attempts too", function()
  local spoilt <const> = case("JAM-UL-002", "_", "pass", { jam(1, 10, 12.5, 868.1e6, -3) })
  spoilt.attempts[1].superseded = true
  local m <const> = { plan = { bench = PERMIT }, outside = { jam(2, 0, 1, 869.5e6, 5) }, cases = { spoilt,
    case("AUTH-DL-001", "_", "pass", { { type = "downlink", f_hz = 869.5e6, start_s = 1, end_s = 1.5, level_dbm = 7 },
      { type = "uplink", f_hz = 868.1e6, start_s = 0, end_s = 9 } }) } }
  local rows <const> = transmit.rows(m)
  h.equal(rows[1].jam, { n = 1, s = 2.5 })
  h.equal(rows[1].level_dbm, -3)
  h.equal(rows[1].downlink, { n = 0, s = 0 })
  h.equal(rows[2].downlink, { n = 1, s = 0.5 })
  h.equal(rows[2].jam, { n = 1, s = 1 })
  h.equal(rows[2].level_dbm, 7)
  h.contains(transmit.section(m), "3 bursts in all, 4.0 s")
  h.equal(transmit.section(m):find "in no permitted band", nil)
end)

h.test("a burst in no permitted band is shown, silence is said", function()
  local m <const> = { plan = { bench = PERMIT }, outside = {}, cases = {
    case("X-1", "_", "pass", { jam(1, 0, 1, 867.8e6, 0), jam(1, 0, 1, 868400000, 0) }) } }
  h.equal(transmit.rows(m).outside.jam.n, 1)
  h.contains(transmit.section(m), "in no permitted band")
  h.contains(transmit.section { plan = {}, outside = {}, cases = {} }, "transmitted nothing")
end)

h.test("variants of a test stand together, the worst speaks for them", function()
  local cases <const> = { case("JAM-UL-002", "ranks=1", "pass"), case("A-1", "_", "na"),
    case("JAM-UL-002", "ranks=1+3", "fail"), case("JAM-UL-002", "ranks=2", "pass") }
  local groups <const> = results.groups(cases)
  h.equal(#groups, 2)
  h.equal(#groups[1].cases, 3)
  h.equal(groups[1].worst.axes, "ranks=1+3")
  h.equal(results.tally(groups[1].cases), "1 fail, 2 pass")
  local page <const> = results.section { cases = cases }
  h.contains(page, 'href="#JAM-UL-002_2franks_3d1_2b3"><span class="id">ranks=1+3</span></a>')
  h.contains(page, "3 variants: 1 fail, 2 pass")
  h.contains(page, ">A-1</a>")
end)

h.test("a bench that breaks is better news than a device that fails, an unknown word is never good", function()
  h.equal(words.is_worse("fail", "error"), true)
  h.equal(words.is_worse("error", "pass"), true)
  h.equal(words.is_worse("pass", "na"), true)
  h.equal(words.is_worse("surprise", "pass"), true)
  h.equal(words.is_worse("pass", "pass"), false)
end)

h.test("declarations: nested names, units in words, items of a list on one line", function()
  h.equal(declared.facts { ftdi = { relay = "AC0" } }, { { "ftdi, relay", "AC0" } })
  h.equal(declared.facts { tx_lo_hz = 868015000.0 }, { { "tx lo", "868.015 MHz" } })
  h.equal(declared.facts { rate_hz = 520834 }, { { "rate", "520.834 kHz" } })
  h.equal(declared.facts { discharge_s = 0.5 }, { { "discharge", "0.5 s" } })
  h.equal(declared.facts { memory = { { address = 134217728 } } }, { { "memory", "address 0x08000000", true } })
  h.equal(declared.facts { swd = true }, { { "swd", "yes" } })
  h.equal(declared.facts { features = { "DL", "ENC" } }, { { "features", "DL, ENC" } })
  h.equal(declared.facts { rf = { { to = "dut1" } } }, { { "rf", "to dut1", true } })
  h.equal(declared.facts { uarts = { { unit = "a<b" }, { unit = "dut2" } } },
    { { "uarts 1", "unit a&lt;b", true }, { "uarts 2", "unit dut2", true } })
  h.equal(declared.list(nil), "<p>Nothing declared.</p>")
  h.equal(declared.list {}, "<p>Nothing declared.</p>")
end)

-- A result of foxbench validate: one fault killed, one that lives, the controls as given.
local function kills(controls)
  local function outcome(verdict, is) return { verdict = verdict, blame = "device", reason = "<why>", is = is } end
  return {
    faults = { "MUT-A-001", "MUT-A-002" }, killed = { "MUT-A-001" }, ratio = 0.5,
    survivors = { { fault = "MUT-A-002", text = "sends <b>", reason = "A-001 lets it pass" } },
    matrix = {
      ["MUT-A-001"] = { ["A-001"] = outcome("fail", "killed"), ["A-002"] = outcome("pass", "clean") },
      ["MUT-A-002"] = { ["A-001"] = outcome("pass", "missed"), ["A-002"] = outcome("fail", "stray") },
    },
    reference = { sound = controls ~= "reference", cases = { ["A-001"] = outcome "pass" } },
    canary = { fault = "MUT-C", case = "A-001", killed = controls ~= "canary", outcome = outcome "fail",
      broken_bench = { no_kill = controls ~= "bench", outcome = outcome "error" } },
  }
end

-- html.text keeps what a fault's text says from becoming markup; a control that fails is above every count.
h.test("the kill matrix: who killed what, who lives, and nothing when a control fails", function()
  local render <const> = template "matrix.lua"
  local page <const> = render(kills())
  h.contains(page, "<h2>1 survivor</h2><p>1 of 2 faults killed, 50.0 %")
  h.contains(page, '<span class="id code">A-001</span> <span class="badge pass">killed it</span>')
  h.contains(page, '<span class="badge fail">let it pass</span>')
  h.contains(page, '<span class="badge warn">fails without naming it</span>')
  h.contains(page, "1 case untouched by it")
  h.contains(page, "sends &lt;b&gt;")
  h.equal(page:find("<why>", 1, true), nil)
  for _, control in ipairs { "reference", "canary", "bench" } do
    h.contains(render(kills(control)), "<h2>Proves nothing</h2>")
  end
  local none <const> = kills()
  none.faults, none.killed, none.survivors, none.matrix, none.ratio = {}, {}, {}, {}, nil
  h.contains(render(none), "<h2>Nothing to try</h2>")
end)

h.run()
