-- The three AT dialects under t.dut: what is sent, and how each answer is understood, as the makers' documents and
-- published sources list them.
local harness <const> = require "tests.harness"
local air <const> = require "cert.air"
local device <const> = require "cert.device"
local dialect <const> = require "cert.dialect"
local fakes <const> = require "tests.fakes"
local test <const>, equal <const>, raises <const> = harness.test, harness.equal, harness.raises

local NAMES <const> = { "sfm10r", "at_slave", "nucleo" }

-- t.dut in a dialect, over a port that answers from a script: command -> { lines of the answer, after = later lines }.
local function dut(name, script)
  local core <const> = fakes.core()
  local language <const> = dialect.load(name)
  core.dialect = language
  local later, sent <const> = {}, {}
  local function is_error(line)
    for _, start in ipairs(language.errors) do
      if line:sub(1, #start) == start then return true end
    end
  end
  core.dut.command = function(_, line, given)
    sent[#sent + 1] = line
    local answer <const> = script[line]
    local now_s <const> = core.air:now_s()
    local told <const> = { outcome = "timeout", answer = "", lines = {}, sent_s = now_s, until_s = now_s }
    if not answer then return told end
    later = answer.after or {}
    for _, text in ipairs(answer) do
      told.lines[#told.lines + 1] = text
      if text == language.ok or is_error(text) then
        told.outcome = text == language.ok and "ok" or "error"
        if told.outcome == "error" or told.answer == "" then told.answer = text end
        return told
      end
      told.answer = text
      if given.answer == "line" then
        told.outcome = "ok"
        return told
      end
    end
    return told
  end
  core.dut.next_line = function()
    local text <const> = table.remove(later, 1)
    return text and { text = text }
  end
  return device.new(core, core.device, language, air.new(core)), sent
end

test("every dialect is complete and knows no field that nobody reads", function()
  for _, name in ipairs(NAMES) do
    equal(dialect.load(name).name, name)
  end
end)

test("a dialect with a mistake is an error that names it", function()
  local function changed(changes)
    local copy <const> = {}
    for k, v in pairs(require "dialects.sfm10r") do copy[k] = v end
    for k, v in pairs(changes) do copy[k] = v end
    return dialect.check(copy)
  end
  equal(changed {}, nil)
  harness.contains(changed { bauds = 1 }, 'unknown field "bauds"; allowed are acting, baud')
  harness.contains(changed { ok = 1 }, "dialect.ok: expected a string")
  harness.contains(changed { errors = {} }, "one to 15 beginnings")
  harness.contains(changed { line_end = "X" }, "CR, LF or both")
  harness.contains(changed { messages = { bytes = { ask = "AT$SF" } } }, "expected one %s")
  harness.contains(changed { messages = { sms = { ask = "AT" } } }, 'unknown field "sms"')
  harness.contains(changed { identity = {} }, "the field id is missing")
  raises(function() dialect.load "klingon" end, "klingon")
end)

-- { dialect, what to ask for, what must be sent }
local SENT <const> = {
  { "sfm10r", { message = "bit0" }, "AT$SB=0" },
  { "sfm10r", { message = "bit1", downlink = true }, "AT$SB=1,1" },
  { "sfm10r", { message = "bytes", payload = "\xca\xfe" }, "AT$SF=CAFE" },
  { "sfm10r", { message = "bytes", payload = ("\0"):rep(12), downlink = true }, "AT$SF=" .. ("00"):rep(12) .. ",1" },
  { "sfm10r", { message = "keep_alive" }, "AT$SO" },
  { "at_slave", { message = "bit0" }, "AT$SB=0" },
  { "at_slave", { message = "bit1", downlink = true }, "AT$SB=1,1" },
  { "at_slave", { message = "bytes", payload = "\x01\xab" }, "AT$SF=01AB" },
  { "at_slave", { message = "bytes", payload = "\x01", downlink = true }, "AT$SF=01,1" },
  { "at_slave", { message = "keep_alive" }, "ATS300" },
  { "nucleo", { message = "bit0" }, "AT$MSG=0,0" },
  { "nucleo", { message = "bit1", downlink = true }, "AT$MSG=1,1" },
  { "nucleo", { message = "empty" }, "AT$MSG=NULL,0" },
  { "nucleo", { message = "bytes", payload = "\x01\xab" }, "AT$MSG=01AB,0" },
  { "nucleo", { message = "bytes", payload = "\x01\xab", downlink = true }, "AT$MSG=01AB,1" },
}

test("what is asked for becomes the command of the dialect", function()
  for _, row in ipairs(SENT) do
    local answers <const> = {}
    answers[row[3]] = { "OK", after = { "RX=00 00 00 00 00 00 00 00" } }
    local d <const>, sent <const> = dut(row[1], answers)
    local request <const>, why <const> = d:ask(row[2])
    if not request then error(row[1] .. ": " .. row[3] .. ": " .. why.text) end
    equal(sent, { row[3] })
  end
end)

test("a kind that a dialect has no command for is told beforehand", function()
  local d <const> = dut("sfm10r", {})
  equal({ d:can_send "empty" }, { false, "the dialect sfm10r has no command for it" })
  equal((dut("nucleo", {}):can_send "keep_alive"), false)
  equal((dut("at_slave", {}):can_send "keep_alive"), true)
  raises(function() d:ask { message = "empty" } end, "cannot ask for empty")
end)

-- { dialect, command, answer that ends it badly }
local ERRORS <const> = {
  { "sfm10r", "ERROR: parse error" }, { "sfm10r", "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT" },
  { "at_slave", "AT_ERROR" }, { "at_slave", "AT_PARAM_ERROR" }, { "at_slave", "AT_BUSY_ERROR" },
  { "at_slave", "AT_TEST_PARAM_OVERFLOW" }, { "at_slave", "AT_LIB_ERROR" }, { "at_slave", "AT_TX_TIMEOUT" },
  { "at_slave", "AT_RX_TIMEOUT" }, { "at_slave", "AT_RX_ERROR" }, { "at_slave", "AT_RECONF_ERROR" },
  { "nucleo", "ERROR:COMMAND_PARSING" }, { "nucleo", "ERROR:COMMAND_NOT_FOUND" },
  { "nucleo", "ERROR:COMMAND_MARKER_NOT_DEFINED" }, { "nucleo", "ERROR:COMMAND_EXECUTION_NOT_DEFINED" },
  { "nucleo", "ERROR:COMMAND_WRITE_NOT_DEFINED" }, { "nucleo", "ERROR:COMMAND_READ_NOT_DEFINED" },
  { "nucleo", "ERROR:COMMAND_BAD_PARAMETER_NUMBER:2" }, { "nucleo", "ERROR:COMMAND_BAD_PARAMETER_PARSING:0" },
  { "nucleo", "ERROR:COMMAND_BAD_PARAMETER_VALUE:1" }, { "nucleo", "ERROR:COMMAND_CORE_ERROR:SIGFOX_EP_API" },
}

test("every documented error is the device's refusal, in its own words", function()
  for _, row in ipairs(ERRORS) do
    local d <const> = dut(row[1], { ["AT$X"] = { row[2] } })
    local answer <const>, why <const> = d:command "AT$X"
    equal(answer, nil, row[2])
    harness.contains(why.text, "refused 'AT$X': " .. row[2])
  end
end)

test("a refused message is no request, and a channel that is busy is a refusal", function()
  local d <const> = dut("at_slave", { ["AT$SB=1"] = { "AT_TX_TIMEOUT" } })
  local request <const>, why <const> = d:ask { message = "bit1" }
  equal(request, nil)
  harness.contains(why.text, "AT_TX_TIMEOUT")
end)

-- { dialect, command, its answer, the downlink's payload or nil }
local DOWNLINKS <const> = {
  { "sfm10r", "AT$SB=1,1", { "OK", after = { "RX=30 31 32 33 34 35 36 3F" } }, "303132333435363f" },
  { "sfm10r", "AT$SB=1,1", { "OK", after = { "boot", "RX=3031323334353637" } }, "3031323334353637" },
  { "sfm10r", "AT$SB=1,1", { "OK", after = { "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT" } } },
  { "sfm10r", "AT$SB=1,1", { "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT" } },
  { "at_slave", "AT$SB=1,1", { "+RX=3031323334353637", "OK" }, "3031323334353637" },
  { "at_slave", "AT$SB=1,1", { "+RX=30 31 32 33 34 35 36 37", "OK" }, "3031323334353637" },
  { "at_slave", "AT$SB=1,1", { "RX=3031323334353637", "OK" }, "3031323334353637" },
  { "at_slave", "AT$SB=1,1", { "+RX=01234567", "OK" }, "3031323334353637" }, -- raw, all digits
  { "at_slave", "AT$SB=1,1", { "+RX=\\x00\\x0d\\x0aA\\x5c\\xff\\x80z", "OK" }, "000d0a415cff807a" },
  { "at_slave", "AT$SB=1,1", { "+RX=ABCDEFGHjunk\\x00\\x01\\x02\\x03", "OK" }, "4142434445464748" },
  { "at_slave", "AT$SB=1,1", { "AT_RX_TIMEOUT" } },
  { "nucleo", "AT$MSG=1,1", { "$MSG:1,1,1,1,1,0,0,3031323334353637,-97", "OK" }, "3031323334353637" },
  { "nucleo", "AT$MSG=1,1", { "$MSG:1,1,1,0,0,1,0", "OK" } },
}

test("a downlink reads in every form that firmwares print, and its absence too", function()
  for i, row in ipairs(DOWNLINKS) do
    local d <const> = dut(row[1], { [row[2]] = row[3] })
    local request <const>, why <const> = d:ask { message = "bit1", downlink = true }
    if not request then error(("row %d: %s"):format(i, why.text)) end
    local line <const> = request.downlink_line
    equal(line and dialect.downlink(d.dialect, line), row[4], "row " .. i)
  end
end)

test("no answer at all is not a downlink that did not come", function()
  for _, name in ipairs(NAMES) do
    local request <const>, why <const> = dut(name, {}):ask { message = "bit1", downlink = true }
    equal(request, nil)
    harness.contains(why.text, "nothing answered")
  end
end)

test("a result without a downlink is an ordinary line", function()
  equal(dialect.downlink(dialect.load "nucleo", "$MSG:1,1,1,0,0,0,0"), nil)
  equal(dialect.downlink(dialect.load "nucleo", "$RFP:0,50"), nil)
  equal(dialect.downlink(dialect.load "sfm10r", "RXD=1"), nil)
  equal(dialect.downlink(dialect.load "at_slave", "OK"), nil)
end)

test("the identity is asked for and read in each dialect", function()
  local script <const> = {
    ["AT$I=10"] = { "00F0C5A1" }, ["AT$I=11"] = { "5E7A1C0D9B3F2468" }, -- no OK follows
    ["AT$ID"] = { "00F0C5A1", "OK" }, ["AT$PAC"] = { "5E7A1C0D9B3F2468", "OK" },
    ["ATI=3"] = { "00F0C5A1", "OK" },
  }
  for _, name in ipairs(NAMES) do
    local told <const>, why <const> = dut(name, script):identity()
    if not told then error(name .. ": " .. why.text) end
    equal(told.id, "00f0c5a1", name)
    equal(told.pac, name ~= "nucleo" and "5e7a1c0d9b3f2468" or nil, name)
  end
end)

test("a device is ready when its dialect's ping is answered", function()
  equal((dut("sfm10r", { AT = { "OK" } }):is_ready()), true)
  equal((dut("at_slave", { ["AT$ID"] = { "00F0C5A1", "OK" } }):is_ready()), true)
  equal((dut("nucleo", { ["ATI=3"] = { "00F0C5A1", "OK" } }):is_ready()), true)
end)

test("what only asks does not act", function()
  for _, name in ipairs(NAMES) do
    local language <const> = dialect.load(name)
    for _, question in ipairs(language.questions) do
      for _, start in ipairs(language.acting) do
        if question:sub(1, #start) == start and not question:find("?", 1, true) then
          error(("%s: %s begins like %s, which acts"):format(name, question, start))
        end
      end
    end
  end
end)

harness.run()
