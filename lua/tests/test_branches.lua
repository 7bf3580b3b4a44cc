-- The pages of suites/ over a device that is played here: what each makes of a bench that saw too little. Every test
-- takes one thing away from a run that passes, so it fails when the page does not look at that thing.
local harness <const> = require "tests.harness"
local fakes <const> = require "tests.fakes"
local loader <const> = require "cert.loader"
local runner <const> = require "cert.runner"
local traffic <const> = require "cert.traffic"
local test <const>, equal <const>, contains <const> = harness.test, harness.equal, harness.contains

local FRAME_S <const>, GAP_S <const> = 1.44, 0.5
local CONFIRMED_S <const> = 2.0

local function pages()
  local list <const>, pipe <const> = {}, io.popen "find suites -name '*.lua'"
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

local CASES <const> = loader.load {
  pages = pages,
  page = function(path, env) return assert(loadfile(path, "t", env))() end,
}.by_id

-- What lua/bind/bind_image.c makes of a flash chip.
local function image(bytes)
  local made <const> = { bytes = bytes }
  function made.sha256() return "00" end
  function made.changes(_, before)
    for i = 1, #bytes do
      if bytes:byte(i) ~= before.bytes:byte(i) then return { { from = i - 1, len = 1 } }, 1, 1 end
    end
    return {}, 0, 0
  end
  function made.find(_, _, payload, known)
    local at <const> = payload ~= known and bytes:find(payload, 1, true)
    return at and { offset = at - 1, first = 1, form = "as they are" } or nil
  end
  return made
end

-- A correct device before a bench that hears all. `o` takes something away: takes(n) says whether it takes the n-th
-- downlink, loses(since_s) whether samples were lost, misses(counter, rank) whether a frame was not heard; and more.
local function play(o)
  local core <const> = fakes.core {}
  local now_s, counter, frames, lines, replies, sent, downlinks, on = 0, -1, {}, {}, {}, {}, 0, true
  local flash, requests = ("\xa5"):rep(64), 0
  local drives <const> = o.drives and o.drives()
  local pin = false
  core.profile = o.writes and "basic" or "smoke"
  core.device.features = { "KNOWNKEY", "DL", "ENC", "EXTMEM" }
  core.device.memory = { { name = "flash", address = 0, size = 4096 } }
  core.bench = {
    radios = { { unit = "station1", transmit = true } }, uarts = { { unit = "dut1" } },
    ftdi = { unit = "ftdi1", relay = "AC0", reset = "AC1", discharge_s = 0, wired = { "spi", "swd" },
      watch = drives and { "AC6", "AD4" } or {} },
  }
  local drawn = 0
  function core.random()
    drawn = (drawn + 0.381966) % 1
    return drawn
  end
  core.net = {
    modulus = function() return 4096 end,
    step = function(_, a, b) return (b - a) % 4096 end,
    related = function(_, a, b) return a == b and "is the same" or nil end,
    is_newer = function(_, a, b) return b == nil or (a - b) % 4096 > 0 and (a - b) % 4096 < 420 end,
  }

  local function frame(fields)
    for k, v in pairs { device_id = core.device.id, counter = counter, f_hz = 868.13e6 } do fields[k] = v end
    frames[#frames + 1] = fakes.frame(fields)
    return frames[#frames]
  end
  local function confirm()
    counter = counter + 1
    frame { message = "dl_confirmation", rank = 1, start_s = sent[#sent].end_s + CONFIRMED_S, payload_hex = "09" }
  end
  local function send(message, hex, asks)
    counter = counter + 1
    local start_s = now_s + 0.1
    local state = counter + 1 -- encrypted, in a manner of speaking: another keystream each time
    local sealed <const> = hex:gsub("%x%x", function(two)
      state = state * 1103515245 + 12345 & 0x7fffffff
      return ("%02x"):format(tonumber(two, 16) ~ state >> 16 & 255)
    end)
    local shape <const> = traffic.shape(message, #hex // 2)
    for rank = 1, 3 do
      if not (o.misses and o.misses(counter, rank)) then
        frame {
          rank = rank, start_s = start_s, message = message, payload_hex = sealed, bf = asks,
          class = shape.class, li = shape.li, tag_hex = ("5a"):rep(shape.tag_len), tag_ok = not o.unsigned,
          judge = o.unsigned and "bad_tag" or "accepted",
        }
      end
      start_s = start_s + FRAME_S + GAP_S
    end
    if not asks then
      now_s = start_s
      return
    end
    for i, reply in ipairs(replies) do
      local at_s <const> = now_s + 1.54 + (reply.after_s or 32)
      local altered <const> = reply.tag_flip_hex or reply.tag_swap or reply.payload_flip_hex
      sent[i] = { start_s = at_s, end_s = at_s + 0.373, genuine = not altered }
    end
    downlinks = downlinks + 1
    local genuine <const> = sent[1] and sent[1].genuine
    local in_window <const> = replies[1] and (replies[1].after_s == nil or #replies == 1)
    if genuine and in_window and (not o.takes or o.takes(downlinks)) then
      lines[#lines + 1] = "RX=" .. replies[1].payload_hex:upper()
      confirm()
    end
    requests = requests + 1
    local refused <const> = #replies > 0 and not genuine and replies[#replies]
    if drives then pin = drives(pin, #replies == 0 and "silence" or genuine and "genuine" or "refused", now_s) end
    flash = o.writes and o.writes(flash, requests, refused) or flash
    now_s, replies = start_s + 45, {}
  end

  local dut <const> = core.dut
  function dut.command(_, line, given)
    core.commands[#core.commands + 1] = line
    local hex <const>, asks <const> = line:match "^AT%$SF=(%x+)(,?1?)$"
    local bit <const>, bit_asks <const> = line:match "^AT%$SB=([01])(,?1?)$"
    if not on or o.mute and o.mute(line) then
      now_s = now_s + given.within_s
      return { outcome = "timeout", answer = "", lines = {}, sent_s = now_s, until_s = now_s }
    end
    if hex then send("bytes", hex:lower(), asks ~= "") end
    if bit then send("bit" .. bit, "", bit_asks ~= "") end
    if line == "AT$SO" then send("keep_alive", "00000000000000", false) end
    return { outcome = "ok", answer = "OK", lines = {}, sent_s = now_s, until_s = now_s }
  end
  function dut.next_line(_, given)
    if #lines > 0 then return { text = table.remove(lines, 1) } end
    now_s = now_s + given.within_s
  end
  function dut.power(_, state) on = state or o.stuck == true end
  function dut.reset(_, held)
    on = not held or o.stuck_reset == true
    if held and drives then pin = drives(pin, "restart", now_s) end
  end
  function dut.proven() return o.port_unproven ~= true end
  core.air = {
    now_s = function() return now_s end,
    wait = function(_, s) now_s = now_s + s end,
    proven = function() return true end,
    gap_since = function(_, s) return o.loses and o.loses(s, now_s) and "overflow" or nil end,
    capture = function() return true end,
    next_frame = function(_, until_s)
      if frames[1] and frames[1].end_s <= until_s then
        now_s = math.max(now_s, frames[1].end_s)
        return table.remove(frames, 1)
      end
      now_s = math.max(now_s, until_s)
    end,
  }
  core.tx = {
    forget = function() replies, sent = {}, {} end,
    reply = function(_, list) replies = list end,
    downlink = function(_, d) sent[#sent + 1] = { start_s = d.at_s, end_s = d.at_s + 0.373 } end,
    sent = function() return sent, o.refusal end,
    encrypts = function() return o.no_cipher ~= true end,
    level = function() return 7, 116 end,
  }
  core.probe = {
    levels = function()
      if drives and o.flickers then pin = o.flickers(now_s) end
      return 1 << 15 | (pin and 1 << 4 or 0) -- and one that nobody watches
    end,
    flash_identify = function() return { size = 1024, summary = "a chip" } end,
    flash_search = function() return { size = 1024, sha256 = "00", hits = {}, n_hits = 0, blank = o.blank == true } end,
    flash_image = function()
      if o.unreadable then return nil, "no chip answers" end
      return image(flash)
    end,
    debug_connect = function() return o.port or "refused", "0BC11477" end,
    debug_read = function() return { outcome = "words", words = 256, constant = true, n_hits = 0, hits = {} } end,
    debug_race = function()
      on = true
      return { outcome = "refused", words = 0, constant = true }
    end,
    leaks = function() return 0 end,
  }
  core.statistics.upper = function() return 0.1 end
  return core
end

-- How a case ends on this device: "verdict/blame", and the text of what decided.
local function ending(id, o)
  local core <const> = play(o or {})
  runner.run(core, CASES[id], {})
  if core.faults[1] then return "error/" .. core.faults[1].blame, core.faults[1].text end
  local rank <const> = { info = 0, pass = 1, warn = 2, inconclusive = 3, fail = 4, error = 5 }
  local worst = { verdict = "info", blame = "none" }
  for _, e in ipairs(core.events) do
    if e.verdict and rank[e.verdict] > rank[worst.verdict] then worst = e end
  end
  return worst.verdict .. "/" .. worst.blame, tostring(worst.actual or worst.reason)
end

local function ends(id, o, wanted, fragment)
  local got <const>, why <const> = ending(id, o)
  equal(got, wanted, id .. " (" .. why .. ")")
  if fragment then contains(why, fragment) end
end

local COMPLETE <const> = {
  "AUTH-DL-001", "AUTH-DL-002", "AUTH-DL-004", "CNT-UL-004", "CNT-UL-005", "ENC-001", "ENC-002", "FWL-002",
  "KEY-DBG-002", "KEY-MEM-001",
}

test("the device that is played passes", function()
  for _, id in ipairs(COMPLETE) do ends(id, {}, "pass/none") end
end)

test("a genuine downlink that nobody confirmed is the device's, unless samples were lost", function()
  local function never() return false end
  ends("AUTH-DL-001", { takes = never }, "fail/device")
  ends("AUTH-DL-001", { takes = never, loses = function() return true end }, "inconclusive/bench", "samples were lost")
end)

test("refusals count for nothing when the unmodified downlink is refused, before or after", function()
  ends("AUTH-DL-002", { takes = function(n) return n ~= 1 end }, "inconclusive/bench", "proves nothing")
  ends("AUTH-DL-002", { takes = function(n) return n == 1 end }, "inconclusive/bench", "proves nothing")
end)

test("a refusal during which samples were lost proves nothing", function()
  local function in_second(since_s) return since_s > 105 and since_s < 165 end
  ends("AUTH-DL-002", { loses = in_second }, "inconclusive/bench", "samples were lost")
end)

test("a device that never listens is not a firewall", function()
  ends("FWL-002", { takes = function(n) return n ~= 1 end }, "inconclusive/bench", "its silence at other times")
  ends("FWL-002", { takes = function(n) return n == 1 end }, "inconclusive/bench", "its silence at other times")
end)

test("silence at idle, during boot and around a request proves nothing when samples were lost", function()
  local spans <const> = { idle = { 51, 53 }, boot = { 122, 123 }, request = { 134, 135 } }
  for _, span in pairs(spans) do
    local hit = false
    local function in_span(since_s)
      local is <const> = since_s >= span[1] and since_s <= span[2]
      hit = hit or is
      return is
    end
    ends("FWL-002", { loses = in_span }, "inconclusive/bench", "samples were lost")
    equal(hit, true)
  end
end)

test("a downlink that the bench did not send blames the configuration", function()
  for _, id in ipairs { "AUTH-DL-001", "AUTH-DL-002", "FWL-002" } do
    ends(id, { refusal = "outside the permit" }, "error/config", "outside the permit")
    ends(id, { no_cipher = true }, "error/config", "add encryption")
  end
end)

test("a rank that is missing is the device's, unless samples were lost", function()
  local function third(_, rank) return rank == 3 end
  for _, id in ipairs { "CNT-UL-004", "CNT-UL-005", "ENC-001", "ENC-002" } do
    ends(id, { misses = third }, "fail/device")
    ends(id, { misses = third, loses = function() return true end }, "inconclusive/bench", "samples were lost")
  end
end)

test("a message that does not come is the device's, unless samples were lost", function()
  local function none(counter) return counter > 0 end
  for _, id in ipairs { "CNT-UL-004", "CNT-UL-005", "ENC-001", "ENC-002", "KEY-MEM-001" } do
    ends(id, { misses = none }, "fail/device")
    ends(id, { misses = none, loses = function() return true end }, "inconclusive/bench", "samples were lost")
  end
end)

test("a switch that does not act proves nothing", function()
  ends("CNT-UL-005", { stuck = true }, "inconclusive/bench", "power")
  ends("CNT-UL-004", { stuck_reset = true }, "inconclusive/bench", "reset line")
  ends("KEY-DBG-002", { stuck_reset = true }, "inconclusive/bench", "reset line")
  ends("KEY-MEM-001", { stuck_reset = true }, "inconclusive/bench", "reset line")
end)

test("a port on which nothing ever answered is not proven", function()
  for _, id in ipairs(COMPLETE) do
    ends(id, { mute = function() return true end, port_unproven = true }, "inconclusive/bench", "not proven")
  end
end)

test("a device that signs with another key keeps no secret that is looked for", function()
  ends("KEY-MEM-001", { unsigned = true }, "inconclusive/bench", "it is not this one")
  ends("KEY-DBG-002", { unsigned = true }, "inconclusive/bench", "it is not this one")
end)

-- A flash whose first byte counts.
local function counted(flash)
  return string.char((flash:byte(1) + 1) % 256) .. flash:sub(2)
end

test("what a refused downlink leaves in the flash is the device's", function()
  ends("AUTH-DL-004", { writes = function(flash, _, refused)
    if refused then return counted(flash) end
  end }, "fail/device")
end)

test("a byte that depends on the refused payload is a trace", function()
  ends("AUTH-DL-004", { writes = function(flash, _, refused)
    if not refused then return nil end
    local sum = 0
    for two in refused.payload_flip_hex:gmatch "%x%x" do sum = sum + tonumber(two, 16) end
    return string.char(sum % 25) .. flash:sub(2)
  end }, "fail/device")
end)

test("a payload that was refused in the flash is the device's, also when it writes there anyway", function()
  ends("AUTH-DL-004", { writes = function(flash, _, refused)
    if not refused then return counted(flash) end
    local at, payload = 0, refused.payload_hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)
    payload = payload:gsub(".", function(c)
      at = at + 1
      return string.char(c:byte() ~ tonumber(refused.payload_flip_hex:sub(2 * at - 1, 2 * at), 16))
    end)
    return flash:sub(1, 20) .. payload .. flash:sub(29)
  end }, "fail/device")
end)

test("what a device writes by itself says nothing", function()
  for every = 1, 12 do
    for first = 0, every - 1 do
      local got <const>, why <const> = ending("AUTH-DL-004", { writes = function(flash, n)
        if n % every == first then return counted(flash) end
      end })
      local blamed <const> = got:find "^fail" or got:find "^error"
      equal(blamed, nil, ("every %d, %d: %s, %s"):format(every, first, got, why))
    end
  end
end)

test("a change that comes once is nobody's", function()
  local done = false
  ends("AUTH-DL-004", { writes = function(flash, _, refused)
    if not refused or done then return nil end
    done = true
    return counted(flash)
  end }, "inconclusive/bench", "not when it was sent again")
end)

test("what was found in the flash or on a pin is a trace in AUTH-DL-008, too", function()
  local function judged(found, subject)
    local core <const>, events <const> = play {}, {}
    for i = 1, 12 do
      events[i] = { type = "uplink", case = "AUTH-DL-004", t = i, start = i, status = "ok", counter = i, rank = 1 }
    end
    events[#events + 1] = found
    runner.run(core, CASES["AUTH-DL-008"], {}, events)
    for _, e in ipairs(core.events) do
      if e.type == "expect" and e.subject:find(subject) then return e.verdict, e.actual end
    end
  end
  local verdict, actual = judged({ type = "memory", case = "AUTH-DL-004", changed = 8, trace = "bytes" }, "memory")
  equal(verdict, "fail")
  contains(tostring(actual), "AUTH-DL-004: bytes")
  equal(judged({ type = "memory", case = "AUTH-DL-004", changed = 8 }, "memory"), "pass")
  -- A first reading has nothing to be compared with.
  equal(judged({ type = "memory", case = "AUTH-DL-004" }, "memory"), nil)
  equal(judged(nil, "memory"), nil)
  verdict, actual = judged({ type = "pins", case = "AUTH-DL-002", levels = "AD4=1", trace = "moved" }, "outputs")
  equal(verdict, "fail")
  contains(tostring(actual), "AUTH-DL-002: moved")
  equal(judged({ type = "pins", case = "AUTH-DL-002", levels = "AD4=1" }, "outputs"), "pass")
  equal(judged(nil, "outputs"), nil)
end)

-- An output that the bench watches: each row a device, as a function of its level and what happened.
local function driven(rule)
  return { drives = function() return rule end }
end

local function toggles_on(what)
  return driven(function(pin, came) return pin ~= (came == what) end)
end

test("an output that a refused downlink moves is the device's", function()
  for name, device in pairs {
    ["turned over each time"] = toggles_on "refused",
    ["left on until a restart"] = driven(function(pin, came)
      if came == "restart" then return false end
      return pin or came == "refused"
    end),
    ["left on until a genuine one"] = driven(function(pin, came)
      if came == "genuine" then return false end
      return pin or came == "refused"
    end),
    ["on for less than an exchange"] = driven(function(_, came) return came == "refused" end),
  } do
    for _, id in ipairs { "AUTH-DL-002", "AUTH-DL-004" } do
      local got <const>, actual <const> = ending(id, device)
      equal(got, "fail/device", ("%s, %s: %s"):format(id, name, actual))
    end
  end
end)

test("an output that moves by itself says nothing", function()
  local blamed <const> = function(name, device)
    local got <const>, actual <const> = ending("AUTH-DL-004", device)
    equal(got:find "^fail" or got:find "^error", nil, ("%s: %s, %s"):format(name, got, actual))
    return got
  end
  equal(blamed("steady", driven(function(pin) return pin end)), "pass/none")
  equal(blamed("a genuine downlink's", toggles_on "genuine"), "pass/none")
  equal(blamed("answered or not", driven(function(_, came) return came == "genuine" end)), "pass/none")
  equal(blamed("since the restart", driven(function(_, came) return came ~= "restart" end)), "pass/none")
  equal(blamed("with each message", driven(function(pin) return not pin end)), "pass/none")
  equal(blamed("flickers", {
    drives = function() return function(pin) return pin end end,
    flickers = function(now_s) return math.floor(now_s / 0.7) % 2 == 0 end,
  }), "pass/none")
  for every = 1, 12 do
    for first = 0, every - 1 do
      blamed(("every %d, %d"):format(every, first), { drives = function()
        local n = 0
        return function(pin, came)
          if came ~= "restart" then n = n + 1 end
          return pin ~= (came ~= "restart" and n % every == first)
        end
      end })
    end
  end
end)

test("an output that moves once is nobody's", function()
  local done = false
  ends("AUTH-DL-004", driven(function(pin, came)
    if came ~= "refused" or done then return pin end
    done = true
    return not pin
  end), "inconclusive/bench", "AD4 went high the first time, and not when it was sent again")
end)

test("a flash that cannot be read changes no verdict", function()
  ends("AUTH-DL-004", { unreadable = true }, "pass/none")
end)

test("an empty flash and a garbled debug port prove nothing", function()
  ends("KEY-MEM-001", { blank = true }, "inconclusive/bench", "check the clip")
  ends("KEY-DBG-002", { port = "garbled" }, "inconclusive/bench", "check its wires")
end)

harness.run()
