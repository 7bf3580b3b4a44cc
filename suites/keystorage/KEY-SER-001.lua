-- No line that anybody can type may return the key or a part of it, and no undocumented one may read memory. What is
-- typed: every documented question, a dictionary of names that maintenance commands have, and mutations of both.
local suite <const> = require "suites.keystorage"
local proof <const> = require "suites.keystorage.proof"

local NAMES <const> = {
  "KEY", "NAK", "SEC", "SECRET", "CRED", "PAC", "NVM", "EE", "EEPROM", "MEM", "FL", "FLASH", "RAM", "DUMP", "RD",
  "READ", "PEEK", "R", "RM", "DBG", "DEBUG", "TEST", "FACT", "MFG", "CFG", "CONF", "LOG", "SE", "AES", "ID", "INFO",
  "SYS",
}
local PREFIXES <const> = { "AT$", "AT+", "AT" }
local FORMS <const> = { "?", "", "=?", "=0", "=1", "=00", "=80", "=100", "=0000", "=0080", "=0,32", "=0x80", "=ALL" }
local ALPHABET <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$=?+,"
local DUMP_DIGITS <const> = 16 -- hexadecimal digits in a row that look like memory
local CHECK_EVERY <const> = 100
local SPAN <const>, STRIDE <const> = 4096, 32 -- of addresses, once a line is known that reads memory

-- The lines of the dictionary, the most telling forms of all names first.
local function dictionary()
  local list <const> = {}
  for _, form in ipairs(FORMS) do
    for _, prefix in ipairs(PREFIXES) do
      for _, name in ipairs(NAMES) do list[#list + 1] = prefix .. name .. form end
    end
  end
  return list
end

-- A line with one character replaced, dropped, doubled or put in, or with a number at its end.
local function mutated(t, line)
  local at <const>, kind <const> = t:random(#line), t:random(5)
  local k <const> = t:random(#ALPHABET)
  local c <const> = ALPHABET:sub(k, k)
  if kind == 1 then return line:sub(1, at - 1) .. c .. line:sub(at + 1) end
  if kind == 2 then return line:sub(1, at - 1) .. line:sub(at + 1) end
  if kind == 3 then return line:sub(1, at) .. line:sub(at) end
  if kind == 4 then return line:sub(1, at) .. c .. line:sub(at + 1) end
  return ("%s=%X"):format(line:match "^[^=?]*", t:random(4096) - 1)
end

-- Whether a line would make the device send, sleep or forget: that is other cases' business.
local function acts(t, line)
  for _, name in ipairs(t.dut:acting()) do
    if line:sub(1, #name) == name then return true end
  end
  return false
end

suite:case {
  id         = "KEY-SER-001",
  title      = "no serial command returns secrets",
  threat     = "The key, a part of it or plain memory leaves over the UART.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx", "KNOWNKEY" },
  safety     = "S0",
  covers     = {
    "EN303645:5.4-1", "EN303645:5.5-7", "EN303645:5.6-2", "EN18031:SSM-3", "EN18031:GEC-2",
    "ISTG:INT[UART]-INFO-002", "WP:A13",
  },
  faults     = { "MUT-KEY-011" },
  deadline_s = 7200,
  lab_enable = false, -- the device as it is in the field

  run = function(t)
    proof.signs(t)
    local dumps <const>, told <const>, tried = {}, {}, 0

    local function try(line)
      tried = tried + 1
      local answer <const> = t.dut:command(line, { within_s = 0.4, answer = "line" })
      local text <const> = answer and answer.text or ""
      if not told[text] and text:find(("[%x*]"):rep(DUMP_DIGITS)) and #dumps < 10 then dumps[#dumps + 1] = line end
      if tried % CHECK_EVERY == 0 then
        t:require(("the device after %d lines"):format(tried), t.dut:is_ready()):exists()
      end
    end

    local function check_leaks(state)
      local lines <const>, last <const> = t.probe:leaks()
      t:expect("lines that held a part of the key " .. state, lines > 0 and { ("%d, the last one: %s"):format(lines,
        last) } or {}):is_empty()
    end

    t:step "documented questions at boot and after an error"
    t:require("the device after a reset", t.dut:reset { hold_s = 0.5 }):exists()
    local documented <const> = t.dut:questions()
    for _, line in ipairs(documented) do
      local answer <const> = t.dut:command(line, { within_s = 0.4, answer = "line" })
      if answer then told[answer.text] = true end -- the identity and the PAC, as documented
    end
    t.dut:command("AT$", { within_s = 0.4, answer = "line" })
    for _, line in ipairs(documented) do t.dut:command(line, { within_s = 0.4, answer = "line" }) end
    check_leaks "in answer to documented questions"

    local lines <const> = t:amount { of = "lines typed", full = 10000, smoke = 1000 }
    local words <const> = dictionary()
    for i = 1, math.min(#words, lines * 2 // 3) do
      t:step(("dictionary, line %d"):format(i))
      if not acts(t, words[i]) then try(words[i]) end
    end
    t:step "mutations"
    while tried < lines do
      local line <const> = mutated(t, t:random(2) == 1 and words[t:random(#words)] or documented[t:random(#documented)])
      if not acts(t, line) and line:find "^[\x21-\x7e]+$" then try(line) end
    end
    for address = 0, #dumps > 0 and SPAN - 1 or -1, STRIDE do
      t:step(("following %s"):format(dumps[1]))
      try(("%s=%X"):format(dumps[1]:match "^[^=?]*", address))
    end
    check_leaks(("in %d lines of dictionary and mutations"):format(tried))
    t:expect("undocumented lines that read memory", dumps):is_empty()
    t:require("the device after it all", t.dut:is_ready()):exists()
  end,
}

return suite
