-- t:refuses: altered downlinks that the device must refuse without a trace, between genuine ones that it must take.
local absence <const> = require "cert.absence"
local control <const> = require "cert.control"
local deck <const> = require "cert.deck"
local device <const> = require "cert.device"
local downlink <const> = require "cert.downlink"
local line <const> = require "cert.line"
local memory <const> = require "cert.memory"
local options <const> = require "cert.options"
local pins <const> = require "cert.pins"

local refusal <const> = {}

local EVERY <const> = 8 -- refusals between two positive twins
local LOW_EVERY <const> = 3 -- stimuli: with the supply as low as the bench can make it, where it can
local DRAINED_S <const> = 2.5 -- without a line behind a restart
local POWER_BEFORE <const>, RESET_BEFORE <const>, WRAP_BEFORE <const> = 2, 4, 7 -- stimuli
-- Behind the end of frame 1, inside the window of every zone: near its beginning, in the middle, near its end. Every
-- fourth stimulus is sent near the end, which takes longer.
local EARLY_S <const>, MIDDLE_S <const>, LATE_S <const>, LATE_EVERY <const> = 22, 32, 43.4, 4
local READABLE <const> = 3 -- bytes of a payload in a row that no line holds by accident

local function hex_of(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local REFUSES <const> = {
  event = { type = "string" },
  payload = { type = "string" },
  ask = { type = "any", optional = true },
  stimuli = { type = "table" },
  wraps = { type = "boolean", default = false },
  memory = { type = "boolean", default = false },
}

local STIMULUS <const> = {
  name = { type = "string" },
  at = { type = "table" },
}

-- The kinds of lines that the device says in an exchange: figures are masked, which may be times or levels, and how
-- often one comes is nobody's business, since some devices chatter.
local function kinds_of(lines)
  local kinds <const> = {}
  for _, text in ipairs(lines) do kinds[text:gsub("%d", "#")] = text end
  return kinds
end

-- A line of `kinds` whose kind `others` does not know, or nil.
local function missing(kinds, others)
  local list <const> = {}
  for kind, text in pairs(kinds) do
    if not others[kind] then list[#list + 1] = text end
  end
  table.sort(list)
  return list[1]
end

-- A line that holds three bytes of the payload in a row, or nil.
local function line_with(lines, payload_hex)
  for _, text in ipairs(lines) do
    local digits <const> = text:lower():gsub("%X", "")
    for from = 1, #payload_hex - 2 * READABLE + 1, 2 do
      local part <const> = payload_hex:sub(from, from + 2 * READABLE - 1)
      local is_uniform <const> = part == part:sub(1, 2):rep(READABLE) -- as any figure may be
      if not is_uniform and digits:find(part, 1, true) then return text end
    end
  end
end

local function answer_to(t, question)
  local answer <const> = t.dut:command(question, { answer = "line" })
  return answer and answer.text or "no answer"
end

-- Answers to the questions that the dialect knows to be harmless.
local function answers_of(t)
  local answers <const> = {}
  for _, question in ipairs(t.dut:settings()) do answers[question] = answer_to(t, question) end
  return answers
end

-- Settings, which a refused downlink must not change: what is answered alike before and after a request that nobody
-- answered. The rest, such as a temperature, says nothing.
local function steady(before, after)
  for question, text in pairs(before) do
    if after[question] ~= text then before[question] = nil end
  end
  return before
end

local Block <const> = {}
Block.__index = Block

-- Counters, frames and lines of each exchange: what would give a refused downlink away.
function Block:look(label, made)
  local last <const> = self.last
  if last and self.restarted then
    -- A device may leave out values behind a restart; CNT-UL-010 judges how many.
    if not self.t.net:is_newer(made.message.counter, (last.confirmation or last.message).counter) then
      self.steps[#self.steps + 1] = label .. ", behind a restart: no new counter"
    end
  elseif last then
    -- The confirmation of an accepted downlink takes a counter value of its own; a refused one must leave none.
    local due <const> = last.confirmation and 2 or 1
    local step <const> = self.t.net:step(last.message.counter, made.message.counter)
    if step ~= due then self.steps[#self.steps + 1] = ("%s: %d instead of %d"):format(label, step, due) end
  end
  self.last, self.restarted = made, false
  local ranks <const> = self.t.air:ranks_of(made.message)
  if ranks and ranks ~= "1+2+3" then self.short[#self.short + 1] = ("%s: %s"):format(label, ranks) end
end

-- The unmodified stimulus, which the same device must accept: else its refusals prove nothing. They are tried all the
-- same, since an altered one that is accepted proves enough.
function Block:twin(where)
  self.stale = true
  local label <const> = "genuine downlink " .. where
  local made <const> = downlink.exchange(self.t, self.core, {
    label = label, payload = self.payload, ask = self:ask(), at = { { after_s = EARLY_S } },
  })
  local took <const> = made.payload_hex == hex_of(self.payload) and #made.payloads == 1
    and made.confirmation ~= nil and made.confirmation.message == "dl_confirmation"
  self:look(label, made)
  if took then
    self.t:expect(label .. " (positive twin)", true):is_true()
  else
    self.unproven = self.unproven or absence.bench("the device did not accept the unmodified downlink %s (%s), so"
      .. " refusing the others proves nothing; see AUTH-DL-001", where, made.reaction or "no reaction")
    self.t:note(label .. ": " .. self.unproven.text)
  end
end

-- The next request: of each kind in turn.
function Block:ask()
  return self.asks or self.draw()
end

-- The next request's counter, when nothing else is sent before it.
function Block:due()
  local last <const> = self.last
  return (last.message.counter + (last.confirmation and 2 or 1)) % self.t.net:modulus()
end

local function differs(frame, counter)
  local change <const> = frame.counter or {}
  if frame.tag_swap or frame.tag_flip_hex or frame.payload_flip_hex or frame.id then return true end
  if frame.key and frame.key ~= "own" or frame.payload_differs then return true end
  return downlink.counter_of({
    swap = change.swap or false, clear = change.clear or 0, flip = change.flip or 0, add = change.add or 0,
  }, counter) ~= counter
end

-- Some changes leave some counters as they are: then a message in between moves it on. False: that does not help.
function Block:is_altered(stimulus)
  for _ = 1, 3 do
    local all = true
    for _, frame in ipairs(stimulus.at) do all = all and differs(frame, self:due()) end
    if all then return true end
    local label <const> = "a message that moves the counter on"
    self.t:require(label, self.t.dut:send "\xd0"):exists()
    local message <const> = self.t:require(label .. " on air", self.t.air:message { within_s = 10 }):exists()
    self:look(label, { message = message })
  end
  return false
end

-- A frame without a time of its own is sent near the beginning and in the middle of the window, in turn strong and as
-- weak as the device still hears it, and every fourth time near the end: a device may look less closely at what comes
-- late, weak or again.
function Block:spread(i, at)
  local list <const> = {}
  local function add(frame, after_s, below_db)
    local copy <const> = {}
    for k, v in pairs(frame) do copy[k] = v end
    copy.after_s, copy.below_db = after_s, frame.below_db or below_db
    list[#list + 1] = copy
  end
  local weaker_db <const> = self.t:weaker_db()
  for _, frame in ipairs(at) do
    if frame.after_s then
      add(frame, frame.after_s)
    else
      add(frame, EARLY_S, i % 2 == 0 and weaker_db or nil)
      add(frame, MIDDLE_S, i % 2 == 1 and weaker_db or nil)
      if i % LATE_EVERY == 1 then add(frame, LATE_S) end
    end
  end
  table.sort(list, function(a, b) return a.after_s < b.after_s end)
  return list
end

-- What a stimulus did, in words, or nil; and whether that is beyond doubt: the radio shows it, or the host was told
-- bytes that stand nowhere else. That the host was told something else than when nobody answers is not.
function Block:effect_of(stimulus, made)
  for _, frame in ipairs(stimulus.at) do
    local text <const> = line_with(made.lines, hex_of(frame.payload or self.payload))
    if text then return "the host was told of the payload: " .. text, true end
  end
  if made.reaction then return made.reaction, made.on_air end
  local kinds <const> = kinds_of(made.lines)
  local more <const>, less <const> = missing(kinds, self.silence), missing(self.silence, kinds)
  if more then return ("the host was told '%s', which it is not without a downlink"):format(more), false end
  if less then return ("the host was not told '%s', as it is without a downlink"):format(less), false end
end

-- A slow device answers the pings of its start one by one: none of that belongs to the exchange that follows.
local function drain(core)
  local line_left
  repeat line_left = core.dut:next_line { within_s = DRAINED_S } until not line_left
end

function Block:reset(label)
  local t <const> = self.t
  t:require("the device after a reset" .. label, t.dut:reset { hold_s = 0.5 }):exists()
  self.restarted, self.stale = true, true
  drain(self.core)
end

-- The request behind this has the highest counter: what is compared with a counter meets the roll-over.
function Block:wrap()
  self:reset ", before the roll-over" -- so that AUTH-DL-008 expects no next counter
  self.last = { message = { counter = deck.roll_over(self.t) } }
  drain(self.core)
end

-- From POWER_BEFORE to RESET_BEFORE the device is as it is in the field, its first window one behind power-up; then it
-- is reset, and the next window is the first one behind that. From then on it is as in the field for every other one;
-- a bench's line that was high for one message has lifted its budget.
function Block:restart(i)
  local t <const> = self.t
  if i > RESET_BEFORE then t.dut:lab_enable(i % 2 == 1) end
  if i == POWER_BEFORE and t:has_line "power" then
    t.dut:lab_enable(false)
    t:require("the device after a loss of power", t.dut:power_off { for_s = 1, discharge = true }):exists()
    self.restarted, self.stale = true, true
    drain(self.core)
  elseif i == RESET_BEFORE then
    t.dut:lab_enable(true)
    if not t:has_line "reset" then return end
    self:reset ""
  elseif i == WRAP_BEFORE and self.wraps and t.dut:has "counter_preset" and t:has_line "reset" then
    self:wrap()
  end
end

-- A request that nobody answers, and what the device does.
function Block:silent_exchange()
  local label <const> = "a request that nobody answers"
  local made <const> = downlink.exchange(self.t, self.core, {
    label = label, payload = self.payload, at = {}, ask = self:ask(),
  })
  self:look(label, made)
  return made
end

-- The flash as it is now: what happened before is no refused downlink's doing.
function Block:remember(i)
  if self.memory and self.stale and i <= self.reads then self.memory:look "before the refused downlinks" end
  self.stale = false
end

-- What the i-th stimulus left in the flash, in words, or nil; and whether that is beyond doubt. To see it again,
-- another stimulus goes first: a device that keeps something of each would keep the same of the same one.
function Block:trace_of(i, stimulus)
  if not self.memory or i > self.reads or self.stale then return nil end
  local k <const> = i % self.total + 1
  local other <const> = { name = self.stimuli[k].name, at = self:spread(k, self.stimuli[k].at) }
  return self.memory:trace_of(stimulus, self.payload, {
    stimuli = { other, stimulus },
    silent = function() self:silent_exchange() end,
    again = function(one)
      if not self:is_altered(one) then return false end
      return true, self:exchange(one)
    end,
  })
end

-- Which pin the stimulus moved, in words, or nil; and whether that is beyond doubt. What else was sent to find out may
-- have left something in the flash, which is then no longer the stimulus' doing.
function Block:moved_by(stimulus)
  if not self.pins then return nil end
  local t <const> = self.t
  local function restart() self:reset ", to move its pins back" end
  return self.pins:trace_of(stimulus, {
    silent = function()
      self:silent_exchange()
      self.stale = true
    end,
    twin = function() self:twin "to move the pins back" end,
    restart = t:has_line "reset" and restart or nil,
    again = function()
      if not self:is_altered(stimulus) then return false end
      self.pins:remember("before: " .. stimulus.name)
      return true, self:exchange(stimulus)
    end,
  })
end

function Block:exchange(stimulus)
  local t <const> = self.t
  local made <const> = downlink.exchange(t, self.core, {
    label = stimulus.name, payload = self.payload, at = stimulus.at, ask = self:ask(),
  })
  self:look(stimulus.name, made)
  local effect <const>, sure <const> = self:effect_of(stimulus, made)
  if made.genuine > 0 then
    t:require(stimulus.name, nil, absence.bench("the altered downlink came to the same as the genuine one for counter"
      .. " %d", made.message.counter)):exists()
  elseif not effect and made.lost then
    t:require(stimulus.name, nil, absence.bench("no reaction was heard, but samples were lost (%s): repeat the"
      .. " case", made.lost)):exists()
  end
  if effect and not sure and made.doubt then
    t:require(stimulus.name, nil, line.inconclusive("%s, but %s", effect, made.doubt)):exists()
  end
  return effect, sure
end

-- Whether the stimulus had an effect. One that the serial line alone shows must come again.
function Block:try(i, given)
  local t <const> = self.t
  local stimulus <const> = { name = given.name, at = self:spread(i, given.at) }
  self:restart(i)
  self:remember(i)
  local low <const> = i % LOW_EVERY == 0
  t.dut:supply_low(low)
  if not self:is_altered(stimulus) then
    t:note(("%s: not exercised, it leaves the counter %d as it is"):format(stimulus.name, self:due()))
    return false
  end
  if self.pins then self.pins:remember("before: " .. stimulus.name) end
  local effect, sure = self:exchange(stimulus)
  if not effect then effect, sure = self:moved_by(stimulus) end
  -- What drives the chip's pins knows one voltage only.
  if low then t.dut:supply_low(false) end
  if not effect then effect, sure = self:trace_of(i, stimulus) end
  if effect then t:note(("%s: %s"):format(stimulus.name, effect)) end
  if effect and not sure then
    t.dut:supply_low(low)
    if not self:is_altered(stimulus) or not self:exchange(stimulus) then
      t:require(stimulus.name .. ", sent once more", nil, line.inconclusive("%s the first time, and nothing the second"
        .. " time", effect)):exists()
    end
  end
  if not effect and i % EVERY == 0 and i < self.total then self:twin("after " .. i) end
  return effect ~= nil
end

function Block:compare_settings(before)
  local t <const>, changed <const> = self.t, {}
  for question, text in pairs(answers_of(t)) do
    if before[question] and before[question] ~= text then
      -- An answer that was broken on its way, or a line that came between, is no setting.
      local steady_now <const> = answer_to(t, question) == text and answer_to(t, question) == text
      if steady_now then changed[#changed + 1] = ("%s: %s, was %s"):format(question, text, before[question]) end
    end
  end
  table.sort(changed)
  local doubt <const> = #changed > 0 and device.doubt(t.dut)
  if doubt then t:require("settings that changed", nil, line.inconclusive("%s, but %s", changed[1], doubt)):exists() end
  t:expect("settings that changed", changed):is_empty()
end

--- t:refuses{ event =, payload =, stimuli = { { name =, at = { { … }, … } }, … }, wraps = false, memory = false } ->
--- whether none had an effect:
--- answers one request with the frames of each stimulus (as in t:exchange; what a frame does not say is as in the
--- genuine downlink; one without a time is sent at several places of the window, strong and weak), and one with
--- nothing, for comparison; with a positive twin before, after, and after every eighth. The second stimulus meets the
--- device as it is in the field, in its first window after power-up, the fourth one in the first window behind a reset;
--- with wraps = true the seventh is for the highest counter, where that can be preset; every other one from the sixth
--- on meets the device as it is in the field;
--- every third one and the last twin meet a low supply, where the bench can; requests are of each kind in turn, unless
--- `ask` gives one. A stimulus that the device reacts to, by its host, on air, in its counter, its repetitions or its
--- settings, fails, as does one that moves an output that the bench watches (cert/pins.lua), and with memory = true one
--- that leaves something in its flash, where the bench can read that (cert/memory.lua); a twin that the device does not
--- accept makes the case inconclusive.
function refusal.block(t, core, given)
  local o <const> = options("t:refuses", given, REFUSES)
  for i, stimulus in ipairs(o.stimuli) do
    o.stimuli[i] = options("t:refuses, stimuli", stimulus, STIMULUS)
    if #stimulus.at == 0 then control.misuse("t:refuses: the stimulus %s has no frame", stimulus.name) end
  end
  local block <const> = setmetatable({
    t = t, core = core, payload = o.payload, asks = o.ask, draw = deck.new(t, true), steps = {}, short = {},
    total = #o.stimuli, stimuli = o.stimuli, wraps = o.wraps,
  }, Block)
  local before <const> = answers_of(t)
  block:twin "before"
  block.memory = o.memory and memory.open(t, core) or nil
  block.reads = block.memory and t:amount {
    of = "refused stimuli behind which the flash is read", full = #o.stimuli, smoke = 1,
  }
  block.pins = pins.open(t, core)
  if block.pins then block.pins:remember "before the refused downlinks" end
  block:remember(1)
  local silent <const> = block:silent_exchange()
  block.silence = kinds_of(silent.lines)
  if block.pins then block.pins:look_alone() end
  if block.memory then block.memory:look_alone() end
  t:expect("what the device does when nobody answers", silent.reaction or "nothing"):equals "nothing"
  local settings <const> = steady(before, answers_of(t))
  local holds <const> = t:claim {
    event = o.event, trials = #o.stimuli, allowed = 0,
    trial = function(i)
      t:step(("%d of %d: %s"):format(i, #o.stimuli, o.stimuli[i].name))
      return block:try(i, o.stimuli[i])
    end,
  }
  if holds then -- as those refusals were that had it hardest
    t.dut:lab_enable(false)
    t.dut:supply_low(true)
    block:twin "at the end"
  end
  t.dut:supply_low(false)
  t.dut:lab_enable(true)
  block:compare_settings(settings)
  t:expect("counters that do not follow the request before", block.steps):is_empty()
  t:expect("requests without all of their frames", block.short):is_empty()
  if block.unproven then t:expect("positive twins", nil, block.unproven):exists() end
  return holds
end

return refusal
