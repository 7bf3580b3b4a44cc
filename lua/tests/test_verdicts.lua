-- What demands, claims, absences and endings become in the record.
local harness <const> = require "tests.harness"
local air <const> = require "cert.air"
local device <const> = require "cert.device"
local fakes <const> = require "tests.fakes"
local runner <const> = require "cert.runner"
local test <const>, equal <const>, raises <const> = harness.test, harness.equal, harness.raises
local contains <const> = harness.contains

local function run(body, options, changes)
  local core <const> = fakes.core(options)
  local case <const> = { id = "X-1", needs = {}, run = body }
  for k, v in pairs(changes or {}) do case[k] = v end
  local fault <const> = runner.run(core, case, {}, options and options.watched)
  return core, fault
end

local function verdicts(core)
  local list <const> = {}
  for _, e in ipairs(core.events) do
    if e.verdict then list[#list + 1] = e.verdict .. "/" .. e.blame end
  end
  return list
end

local function last(core) return core.events[#core.events] end

test("a demand that is met passes, one that is not fails the device", function()
  local core <const> = run(function(t)
    t:expect("a number", 3):equals(3)
    t:expect("a number", 3):equals(4)
    t:expect("a number", 3):within(1, 2, "V")
    t:expect("a text", "x"):one_of { "y", "x" }
    t:expect("a list", { "a", "b" }):is_empty()
    t:expect("a flag", true):is_true()
    t:expect("a number", 3):at_least(3)
    t:expect("a number", 3):at_most(2)
  end)
  equal(verdicts(core), { "pass/none", "pass/none", "fail/device", "fail/device", "pass/none", "fail/device",
    "pass/none", "pass/none", "fail/device" })
  equal(last(core).expected, "at most 2")
end)

test("require ends the case, expect does not", function()
  local core <const> = run(function(t)
    t:expect("one", 1):equals(2)
    t:require("two", 1):equals(2)
    t:expect("never", 1):equals(1)
  end)
  equal(last(core).subject, "two")
  equal(last(core).fatal, true)
  equal(core.faults, {})
end)

test("pcall of the runner's own state cannot turn a required failure into success", function()
  local core <const> = run(function(t) pcall(function() t:require("x", false):exists() end) end)
  equal(verdicts(core), { "pass/none", "fail/device" })
end)

test("a misused demand is the suite's fault and names the line", function()
  local core <const> = run(function(t) t:expect("x", {}):within(1, 2) end)
  equal(core.faults[1].blame, "suite")
  harness.contains(core.faults[1].text, "test_verdicts.lua:")
  local other <const> = run(function(t) t:expect(5, 1) end)
  harness.contains(other.faults[1].text, "subject")
end)

test("an error in a case is a fault of the suite", function()
  local core <const> = run(function() error("boom") end)
  equal(core.faults[1].blame, "suite")
  harness.contains(core.faults[1].text, "boom")
end)

test("a claim counts, stops when it is lost, and books its bound", function()
  local calls = 0
  local core <const> = run(function(t)
    t:claim { event = "lost", trials = 5, allowed = 1, trial = function(i) calls = i return i >= 2 end }
  end)
  equal(calls, 3)
  equal(last(core).verdict, "fail")
  equal(last(core).faults, 2)
  equal(last(core).plan.trials, 5)
  local good <const> = run(function(t) t:claim { event = "lost", trials = 5, trial = function() return false end } end)
  equal(last(good).verdict, "pass")
  equal(last(good).trials, 5)
end)

test("a sequential claim follows its plan", function()
  local core <const> = run(function(t)
    t:claim { event = "lost", good = 0.01, bad = 0.1, alpha = 0.05, beta = 0.05, trial = function() return false end }
  end)
  equal(last(core).verdict, "pass")
  equal(last(core).trials, 4)
  equal(last(core).bound, { type = "upper, ends ordered by stage", confidence = 0.95, value = 1.0 })
  harness.contains(core.events[#core.events - 1].text, "plan: lost: sequential, 0.01 is good")
  local wrong <const> = run(function(t) t:claim { event = "lost", trials = 3, trails = 4, trial = print } end)
  harness.contains(wrong.faults[1].text, '"trails"')
end)

test("a point is booked with its interval and carries no verdict", function()
  local core <const> = run(function(t)
    t:expect("a number", 3):equals(3)
    t:point { series = "CW", event = "message lost", x = 6, x_name = "J/S", x_unit = "dB", bad = 1, trials = 4 }
  end)
  equal(last(core), { type = "point", series = "CW", event = "message lost", x = 6, x_name = "J/S", x_unit = "dB",
    bad = 1, trials = 4, confidence = 0.95, low = 0.125, high = 0.6 })
  equal(core.faults, {})
  equal(verdicts(core), { "pass/none", "pass/none" })
end)

test("a case with nothing but points has demanded nothing", function()
  local core <const> = run(function(t) t:point { series = "CW", x = 6, x_unit = "dB", bad = 0, trials = 4 } end)
  equal(last(core).subject, "demands of the case")
  equal(last(core).verdict .. "/" .. last(core).blame, "inconclusive/suite")
end)

test("misused points are the suite's and say what is wrong", function()
  local function wrong(fields)
    local core <const> = run(function(t) t:point(fields) end)
    equal(core.faults[1].blame, "suite")
    equal(last(core).type, "expect")
    return core.faults[1].text
  end
  local fine <const> = { series = "CW", x = 6, x_unit = "dB", bad = 1, trials = 4 }
  local function with(name, value)
    local changed <const> = {}
    for k, v in pairs(fine) do changed[k] = v end
    changed[name] = value
    return changed
  end
  harness.contains(wrong(with("bad", 5)), "5 bad events in 4 trials")
  harness.contains(wrong(with("trials", 0)), "t:point.trials: expected 1")
  harness.contains(wrong(with("x", 0 / 0)), "x is not a number")
  harness.contains(wrong(with("x", math.huge)), "t:point.x: expected")
  harness.contains(wrong(with("x_name", "")), "such as J/S")
  harness.contains(wrong(with("trails", 4)), "trails")
  harness.contains(wrong { series = "CW" }, "missing")
end)

test("measurements are judged against limits with their source; a limit without a number only reports", function()
  local core <const> = run(function(t)
    t:measure("x", 6.0):against(t:limit "rf.x")
    t:measure("x", 1.0):against { name = "y", unit = "Hz", source = "s", mark = "P" }
  end)
  local one <const> = core.events[#core.events - 1]
  equal(one.verdict, "fail")
  equal(one.limit_source, "here")
  equal(one.mark, "P")
  equal(last(core).verdict, "info")
  local unknown <const> = run(function(t) t:limit "rf.y" end)
  equal(unknown.faults[1].blame, "config")
end)

test("an uncertainty guards the limit on either side", function()
  local function q(value, u) return { value = value, u = u, unit = "Hz" } end
  local core <const> = run(function(t)
    t:measure("inside", q(4.5, 0.2)):against(t:limit "rf.x")
    t:measure("close below", q(4.7, 0.2)):against(t:limit "rf.x")
    t:measure("close above", q(5.3, 0.2)):against(t:limit "rf.x")
    t:measure("outside", q(5.5, 0.2)):against(t:limit "rf.x")
    t:measure("without", q(4.9)):against(t:limit "rf.x")
    t:measure("void", { void = "no noise beside it", unit = "Hz" }):against(t:limit "rf.x")
    t:measure("both limits", q(1.1, 0.01)):within(1, 2, "Hz")
    t:measure("both limits, close", q(1.99, 0.01)):within(1, 2, "Hz")
  end)
  local said <const>, measured <const> = {}, {}
  for _, event in ipairs(core.events) do
    if event.type == "measure" then
      said[#said + 1], measured[#measured + 1] = event.verdict .. "/" .. event.blame, event
    end
  end
  equal(said, { "pass/none", "inconclusive/bench", "inconclusive/bench", "fail/device", "pass/none",
    "inconclusive/bench", "pass/none", "inconclusive/bench" })
  equal({ measured[1].U, measured[1].k, measured[1].guard }, { 0.4, 2, 0.4 })
  equal(measured[5].U, nil)
  harness.contains(measured[2].reason, "closer to the limit (<= 5) than it is known, to +- 0.4")
  harness.contains(measured[6].reason, "no noise beside it")
end)

-- ---- who is to blame for silence

local function heard(options)
  local core <const> = fakes.core(options)
  local a <const> = air.new(core)
  return a, core
end

test("a message is complete with its ranks", function()
  local a <const> = heard { frames = fakes.message() }
  local m <const> = a:message { within_s = 10 }
  equal(m.ranks, "1+2+3")
  equal(m.missing, {})
  equal(m.tags_ok, true)
  equal(m.counter, 7)
  equal(a:strays {}, {})
end)

test("silence of a receiver that never heard the device proves nothing", function()
  local a <const> = heard {}
  local m <const>, why <const> = a:message { within_s = 10 }
  equal(m, nil)
  equal(why.verdict, "inconclusive")
  equal(why.blame, "bench")
  harness.contains(why, "not proven")
end)

test("silence of a proven receiver is the device's, unless samples were lost", function()
  local _, why = heard({ air_proven = true }):message { within_s = 10 }
  equal(why.verdict, "fail")
  equal(why.blame, "device")
  _, why = heard({ air_proven = true, gap_s = 3 }):message { within_s = 10 }
  equal(why.verdict, "inconclusive")
  equal(why.blame, "bench")
  harness.contains(why, "samples were lost")
end)

test("strong frames that do not decode are the device's", function()
  local _, why = heard({ frames = { fakes.frame { status = "bad_crc" } } }):message { within_s = 10 }
  equal(why.verdict, "fail")
  harness.contains(why, "bad_crc")
  _, why = heard({ frames = { fakes.frame { status = "bad_crc", ebn0_db = 4.0 } } }):message { within_s = 10 }
  equal(why.verdict, "inconclusive")
end)

test("a rank that is missing is named, and excused only by lost samples", function()
  local frames <const> = fakes.message()
  table.remove(frames, 2)
  local a <const> = heard { frames = frames }
  local m <const> = a:message { within_s = 10 }
  equal(m.missing, { 2 })
  equal((a:ranks_of(m)), "1+3")
  local again <const> = fakes.message()
  table.remove(again, 2)
  local b <const> = heard { frames = again, gap_s = 2 }
  local ranks <const>, why <const> = b:ranks_of(b:message { within_s = 10 })
  equal(ranks, nil)
  equal(why.verdict, "inconclusive")
end)

test("a frame of another message ends a message and is not lost", function()
  local frames <const> = { fakes.frame(), fakes.frame { counter = 8, start_s = 4.0 } }
  local a <const> = heard { frames = frames }
  equal(a:message({ within_s = 10 }).ranks, "1")
  equal(a:message({ within_s = 10 }).counter, 8)
end)

test("a repetition beyond three, and frames nobody asked for, are strays", function()
  local frames <const> = fakes.message()
  frames[4] = fakes.frame { rank = 3, start_s = 7.0 }
  local a <const> = heard { frames = frames }
  a:message { within_s = 10 }
  local strays <const> = a:strays { after_s = 10 }
  equal(#strays, 1)
  harness.contains(strays[1], "rank 3, counter 7 of 00f0c5a1")
end)

test("no strays means nothing when samples were lost", function()
  local a <const> = heard { air_proven = true, gap_s = 3 }
  local strays <const>, why <const> = a:strays { after_s = 5 }
  equal(strays, nil)
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
end)

-- ---- the device's port

local function dut(options)
  local core <const> = fakes.core(options)
  return device.new(core, core.device, core.dialect, air.new(core)), core
end

test("a device that never answered is not proven to be wired; one that did and stops is to blame", function()
  local _, why = dut({ answers = { ["*"] = { "timeout", "" } } }):send "\x01"
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
  _, why = dut({ answers = { ["*"] = { "timeout", "" } }, port_proven = true }):send "\x01"
  equal(why.verdict .. "/" .. why.blame, "fail/device")
  _, why = dut({ answers = { ["AT$SF=01"] = { "error", "ERROR: parse error" } } }):send "\x01"
  equal(why.verdict .. "/" .. why.blame, "fail/device")
  harness.contains(why, "ERROR: parse error")
end)

-- What comes in place of an answer, and what becomes of it: { options of the fake, words of the reason }.
local SPOILED <const> = {
  { { ["AT$SF=01"] = { "timeout", "", "OJ" } }, "it said 'OJ', and answers 'AT' now: it may have restarted" },
  { { ["*"] = { "timeout", "", "OJ" } }, "it said 'OJ', which is neither 'OK'" },
  { { ["*"] = { "error", "ERROR: parse error" } }, "does not answer 'AT' three times in a row" },
  { { ["AT$SF=01"] = { "error", "ERR\\xcfR" } }, "1 line(s) came garbled or cut off", spoiled = 1 },
  { { ["AT$SF=01"] = { "error", "ERROR" } }, "3 lines came in pieces", in_pieces = 3 },
  { { ["AT$SF=01"] = { "error", "ERROR" } }, "lines in 0 s that nobody asked for", unasked = 30 },
}

test("an answer that came broken is held against nobody", function()
  for i, row in ipairs(SPOILED) do
    local d <const>, core <const> = dut {
      answers = row[1], port_proven = true, spoiled = row.spoiled, in_pieces = row.in_pieces, unasked = row.unasked,
    }
    core.dialect.pause_s = 0.1
    local _, why <const> = d:send "\x01"
    equal(why.verdict .. "/" .. why.blame, "inconclusive/bench", "row " .. i)
    contains(why, row[2])
  end
end)

test("a command that was echoed as another one was garbled on its way", function()
  local core <const> = fakes.core { port_proven = true }
  core.dialect = require "dialects.at_slave"
  local echo = "AT$SF=01"
  core.dut.command = function(_, text)
    local answer <const> = text == "AT$ID" and "OK" or "AT_PARAM_ERROR"
    return {
      outcome = answer == "OK" and "ok" or "error", answer = answer, lines = { echo, answer }, sent_s = 0, until_s = 0,
    }
  end
  local _, why = device.new(core, core.device, core.dialect, air.new(core)):send "\x01"
  equal(why.verdict .. "/" .. why.blame, "fail/device")
  echo = "AT$SF=0"
  _, why = device.new(core, core.device, core.dialect, air.new(core)):send "\x01"
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
  contains(why, "1 command(s) were echoed as something else, the last one as 'AT$SF=0'")
end)

-- A device that has sent `n` messages of three frames, 4.32 s each, one a minute, and then refuses one.
local function refuses_behind(n, o)
  local options <const> = o or {}
  local frames <const> = {}
  for i = 1, n do
    for _, f in ipairs(fakes.message { counter = i, start_s = 60.0 * i }) do frames[#frames + 1] = f end
  end
  local core <const> = fakes.core {
    frames = frames, air_proven = true, port_proven = true, answers = { ["AT$SF=01"] = { "error", "ERROR" } },
  }
  core.device.messages_per_day = options.per_day or 140
  core.dut.lab_enable = function() return options.wired == true end
  local a <const> = air.new(core)
  local d <const> = device.new(core, core.device, core.dialect, a)
  d:lab_enable(true)
  for _ = 1, n do a:message { within_s = 100 } end
  if options.later_s then a:silence_until(a:now_s() + options.later_s) end
  return select(2, d:send "\x01")
end

test("a device that has sent for as long as a duty cycle allows may refuse to send more", function()
  equal(refuses_behind(6).verdict, "fail")
  local why <const> = refuses_behind(7)
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
  contains(why, "refused 'AT$SF=01': ERROR; it was heard for 30 s within the last hour and may lawfully stop at 36 s")
  contains(why, "ftdi.lab_enable")
  equal(refuses_behind(7, { later_s = 3600 }).verdict, "fail")
  equal(refuses_behind(7, { wired = true }).verdict, "fail")
  contains(refuses_behind(3, { per_day = 3 }), "3 of its messages were heard within the last day")
  equal(refuses_behind(3, { per_day = 4 }).verdict, "fail")
end)

test("what belongs to a laboratory may be refused where the bench has no lab-enable line", function()
  local function refused(wired, act)
    local answers <const> = { ["*"] = { "error", "ERROR" }, AT = { "ok", "OK" } }
    local d <const>, core <const> = dut { answers = answers, port_proven = true }
    core.device.extensions = { "counter_preset", "encryption_key", "test_mode_j" }
    core.dut.lab_enable = function() return wired end
    d:lab_enable(true)
    local _, why <const> = act(d)
    contains(why, "ERROR")
    return why.verdict .. "/" .. why.blame
  end
  for _, act in ipairs {
    function(d) return d:preset_counter(7) end, function(d) return d:encryption_key(false) end,
    function(d) return d:test_mode_j() end,
  } do
    equal(refused(true, act), "fail/device")
    equal(refused(false, act), "inconclusive/bench")
  end
end)

test("an adapter that stumbles once is no device that splits its lines", function()
  local _, why = dut({ answers = { ["AT$SF=01"] = { "error", "ERROR" } }, in_pieces = 2 }):send "\x01"
  equal(why.verdict, "fail")
  contains(why, "ERROR")
end)

test("a command that is refused once and then obeyed was garbled on its way, or not: nobody can tell", function()
  local core <const>, said = fakes.core { port_proven = true }, 0
  local command <const> = core.dut.command
  core.dut.command = function(port, line, given)
    local answer <const> = command(port, line, given)
    if line ~= "AT" then said = said + 1 end
    if said == 1 and line ~= "AT" then answer.outcome, answer.answer = "error", "ERROR: parse error" end
    return answer
  end
  local _, why <const> = device.new(core, core.device, core.dialect, air.new(core)):send "\x01"
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
  contains(why, "obeyed when it was said once more")
  equal(core.commands, { "AT$SF=01", "AT", "AT", "AT", "AT$SF=01" })
end)

test("an identity is one when its digits are whole, and counts against a device that says it three times", function()
  local function told(...)
    local answers <const>, at = { ... }, 0
    local core <const> = fakes.core { port_proven = true }
    core.dut.command = function(_, line)
      at = line == "AT$I=10" and at % #answers + 1 or at
      local text <const> = line == "AT$I=10" and answers[at] or core.device.pac
      return { outcome = "ok", answer = text, lines = { text }, sent_s = 0, until_s = 0 }
    end
    return device.new(core, core.device, core.dialect, air.new(core)):identity()
  end
  equal(told("00F0C5A1").id, "00f0c5a1")
  equal(told("00 F0 C5 A1").id, "00f0c5a1")
  equal(told("00F0C5A2").id, "00f0c5a2")
  for _, row in ipairs { { "00F0", "not the 8 digits" }, { "00F0C5G1", "not the 8" }, { "boot", "of its id" } } do
    local id <const>, why <const> = told(row[1])
    equal(id, nil)
    equal(why.verdict, "inconclusive")
    contains(why, row[2])
  end
  local id <const>, why <const> = told("00F0C5A2", "00F0C5A1")
  equal(id, nil)
  contains(why, "said 00f0c5a2 and then 00f0c5a1")
end)

test("one lost answer of a device that answers the next ping allows no decision", function()
  local answers <const> = { ["AT$SF=01"] = { "timeout", "" } }
  local d <const>, core <const> = dut { answers = answers, port_proven = true }
  local command <const> = core.dut.command
  core.dut.command = function(port, line, given)
    local answer <const> = command(port, line, given)
    if line ~= "AT" then answers[line] = nil end -- the second time it is answered
    return answer
  end
  local _, why = d:send "\x01"
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
  harness.contains(why, "may have been lost")
  equal(core.commands, { "AT$SF=01", "AT", "AT", "AT", "AT", "AT$SF=01" })
end)

test("a command that is never answered, between pings that are, is what the device hangs on", function()
  local d <const> = dut { answers = { ["AT$SF=01"] = { "timeout", "" } }, port_proven = true }
  local _, why = d:send "\x01"
  equal(why.verdict .. "/" .. why.blame, "fail/device")
  harness.contains(why, "it hangs or restarts on this command")
end)

test("a request is recorded before the command goes out", function()
  local d <const>, core <const> = dut()
  local request <const> = d:send "\xca\xfe"
  equal(core.commands, { "AT$SF=CAFE" })
  equal(core.events[1], { type = "request", message = "bytes", payload_hex = "cafe",
    bidirectional = false, by = "host" })
  equal(request.payload_hex, "cafe")
end)

test("a window without a downlink is not a refusal", function()
  local d <const> = dut { answers = { ["AT$SF=01,1"] = { "error", "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT" } } }
  equal(d:send("\x01", { downlink = true }).bidirectional, true)
end)

test("misused requests are errors that name what is allowed", function()
  local d <const> = dut()
  raises(function() d:send(("x"):rep(13)) end, "1 to 12 bytes, got 13")
  raises(function() d:ask { message = "bytez" } end, "bytez", "keep_alive")
  raises(function() d:ask { message = "bit0", payload = "x" } end, "payload")
  raises(function() d:ask { message = "empty" } end, "sfm10r cannot ask for empty")
  raises(function() d:send("x", { withn_s = 3 }) end, "withn_s", "within_s")
  raises(function() d:reset { hold = 1 } end, "hold_s")
end)

test("a reset line that does not silence the device proves nothing", function()
  equal(dut():reset {}, true)
  local _, why = dut({ stuck = true }):reset {}
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
  harness.contains(why, "reset line")
  _, why = dut({ stuck = true }):power_off { for_s = 1 }
  equal(why.verdict .. "/" .. why.blame, "inconclusive/bench")
end)

test("the test mode needs the feature and the extension", function()
  local d <const>, core <const> = dut()
  equal(d:has "test_mode_j", false)
  core.device.extensions = { "test_mode_j" }
  equal(d:has "test_mode_j", true)
  core.device.features = {}
  equal(d:has "test_mode_j", false)
  raises(function() d:has "teleport" end, "factory_reset, test_mode_j")
end)

-- ---- wrong tags

local function judge_tags(bad_ranks)
  local judged <const> = require "suites.authentication.judged"
  local frames <const> = fakes.message()
  for _, rank in ipairs(bad_ranks) do frames[rank].tag_ok, frames[rank].judge = false, "bad_tag" end
  return run(function(t)
    local tally <const> = { frames = 0, bad = 0 }
    judged.tags(t, "x", t.air:message { within_s = 60 }, tally)
    judged.verdict_on_tags(t, tally)
  end, { frames = {}, now_s = 0, late_frames = frames })
end

test("one wrong tag that does not come back allows no decision, two are the device's, none passes", function()
  equal(last(judge_tags {}).verdict, "pass")
  local one <const> = last(judge_tags { 3 })
  equal(one.verdict .. "/" .. one.blame, "inconclusive/bench")
  harness.contains(one.actual, "rank 3")
  local two <const> = last(judge_tags { 2, 3 })
  equal(two.verdict .. "/" .. two.blame, "fail/device")
  equal(two.actual, "2")
end)

-- ---- passive cases

test("a passive case below its minimum is inconclusive and does not run", function()
  local ran = false
  local core <const> = run(function() ran = true end, { watched = { fakes.frame() } },
    { watches = { "Y-1" }, minimum = { uplinks = 2 } })
  equal(ran, false)
  equal(verdicts(core), { "inconclusive/device" })
end)

test("too little to judge is blamed on what ended the watched case", function()
  local passive <const> = { watches = { "Y-1" }, minimum = { uplinks = 2 } }
  local core <const> = run(function() end, { watched = { { type = "fault", blame = "bench" } } }, passive)
  equal(verdicts(core), { "inconclusive/bench" })
  local other <const> = run(function() end,
    { watched = { { type = "expect", fatal = true, verdict = "fail", blame = "device" } } }, passive)
  equal(verdicts(other), { "inconclusive/device" })
end)

test("a passive case sees requests, uplinks and gaps", function()
  local core <const> = run(function(t)
    t:expect("uplinks", #t.watched.uplinks):equals(1)
    t:expect("requests", #t.watched.requests):equals(1)
    t:expect("gaps", #t.watched.gaps):equals(1)
  end, { watched = { fakes.frame(), { type = "request" }, { type = "gap" }, { type = "line" } } },
    { watches = { "Y-1" } })
  equal(verdicts(core), { "pass/none", "pass/none", "pass/none", "pass/none" })
end)

test("an instrument that the bench lacks is a fault of the configuration", function()
  local core <const> = fakes.core()
  core.bench.reset = nil
  runner.run(core, { id = "X-1", needs = { "reset" }, run = function() end }, {})
  equal(core.faults[1].blame, "config")
  harness.contains(core.faults[1].text, "reset line")
end)

test("a flash chip that does not answer blames nobody but the bench", function()
  local core <const> = fakes.core()
  core.probe = { flash_identify = function() return nil, "expected a JEDEC id, got all ones" end }
  runner.run(core, { id = "X-1", needs = {}, watches = nil, run = function(t)
    t:require("flash chip", t.probe:flash()):exists()
  end }, {})
  equal(last(core).verdict .. "/" .. last(core).blame, "inconclusive/bench")
  harness.contains(last(core).actual, "all ones")
end)

-- ---- a case that does not want to end

local sandbox <const> = require "cert.sandbox"

-- A case whose body is a page's text, as a page sees the language.
local function page_run(text, options)
  local env <const> = sandbox.environment(function() return {} end)
  local core <const> = fakes.core(options)
  runner.run(core, { id = "X-1", needs = {}, run = load("local t = ... " .. text, "@suites/page.lua", "t", env) }, {})
  return core
end

test("nothing that a page does with the end of its case lets it go on", function()
  for _, text in ipairs {
    "pcall(function() t:require('x', false):exists() end) t:expect('after', 1):equals(1)",
    "xpcall(function() t:require('x', false):exists() end, function() end) t:expect('after', 1):equals(1)",
    "pcall(function() local _ <close> = setmetatable({}, { __close = function() error 'other' end })"
      .. " t:require('x', false):exists() end) t:expect('after', 1):equals(1)",
    "pcall(function() for _ in function() return 1 end, nil, nil, setmetatable({}, { __close = function()"
      .. " error 'other' end }) do t:require('x', false):exists() end end) t:expect('after', 1):equals(1)",
  } do
    equal(verdicts(page_run(text)), { "pass/none", "fail/device" }, text)
  end
end)

test("a fault of the bench stays one, whatever the page raises over it", function()
  for _, text in ipairs {
    "t:limit 'rf.y'",
    "pcall(t.limit, t, 'rf.y') t:expect('after', 1):equals(1)",
    "local _ <close> = setmetatable({}, { __close = function() error 'other' end }) t:limit 'rf.y'",
    "pcall(function() local _ <close> = setmetatable({}, { __close = function() error 'o' end }) t:limit 'rf.y' end)"
      .. " t:expect('after', 1):equals(1)",
  } do
    local core <const> = page_run(text)
    equal({ #core.faults, core.faults[1].blame }, { 1, "config" }, text)
    equal(verdicts(core), { "pass/none" }, text)
  end
end)

test("a page cannot blame the bench or end its case with an error of its own making", function()
  for _, text in ipairs {
    "error(setmetatable({ code = 'GONE', blame = 'bench', text = 'x' }, { __name = 'fox.fault' }))",
    "error(setmetatable({ text = 'x' }, { __name = 'cert.stop' }))",
    "error(setmetatable({}, { __tostring = function() error 'again' end }))",
    "error(setmetatable({}, { __tostring = function() return 7 end }))",
    "error()",
    "local e <const> = select(2, pcall(error, {})) error(e)",
  } do
    local core <const> = page_run(text)
    equal({ #core.faults, core.faults[1].blame }, { 1, "suite" }, text)
  end
end)

test("a page cannot reach what its objects stand on", function()
  for _, text in ipairs {
    "getmetatable(t).expect = nil",
    "setmetatable(t, {})",
    "rawset(t, 'require', function() end)",
    "setmetatable(t.dut, {})",
    "getmetatable(t.air).__index = nil",
    "getmetatable(t:expect('x', 1)).equals = nil",
  } do
    local core <const> = page_run(text)
    equal({ #core.faults, core.faults[1].blame }, { 1, "suite" }, text)
  end
  local core <const> = page_run "t.device.id = 'ffffffff' t.device.features[1] = nil t:expect('x', 1):equals(1)"
  equal({ core.device.id, #core.device.features }, { "00f0c5a1", 1 })
end)

harness.run()
