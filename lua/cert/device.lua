-- t.dut: the device under test, asked through its dialect. What the device is asked and answers is recorded by the
-- C side.
local absence <const> = require "cert.absence"
local hearing <const> = require "cert.air"
local answer <const> = require "cert.answer"
local bench_config <const> = require "cert.config"
local control <const> = require "cert.control"
local dialect <const> = require "cert.dialect"
local line <const> = require "cert.line"
local options <const> = require "cert.options"
local schema <const> = require "cert.schema"
local traffic <const> = require "cert.traffic"

local Device <const> = {}
Device.__index = Device

local device <const> = {}

local QUIET_S <const> = 0.3 -- without an answer to a ping: silent

local WHATS <const> = schema.set { "resets", "erases", "saves", "key_public", "encryption_off", "zones" }

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })

--- `core` is the C side, `config` the device file, `language` its dialect. `air` learns when a message was asked for.
function device.new(core, config, language, air)
  local made <const> = setmetatable({ config = config, dialect = language, air = air }, Device)
  of[made] = { core = core, port = core.dut, line = line.new(core.dut, language), began_s = core.air:now_s() }
  return made
end

--- From now on `dut` is the sample that the bench has at `place` (an entry of its samples), called by its serial line;
--- without a place it is the device under test again.
function device.at(dut, place, name)
  of[dut].place, of[dut].name = place, name
end

-- How the unit is called in a sentence.
local function called(self)
  return of[self].name or "the device"
end

local function hex_of(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function put(self, text, given)
  return of[self].line:put(text, given)
end

--- Why nothing that the device said in this attempt proves anything, or nil.
function device.doubt(dut)
  return of[dut].line:doubt(of[dut].began_s, of[dut].core.air:now_s())
end

local DUTY_S <const> = 36 -- of an hour, which is 1 %
local LONGEST_S <const> = 8 -- three frames of 12 bytes, and a confirmation

-- Why the device may lawfully refuse to send, or nil. The lab-enable line lifts its budget.
local function spent(self)
  if of[self].lab_enabled then return nil end
  local lasts_s <const>, messages <const> = hearing.spent(self.air)
  local advice <const> = "wire its lab-enable line and declare the pin in the bench file (ftdi.lab_enable), or repeat"
    .. " the case later"
  if lasts_s > DUTY_S - LONGEST_S then
    return ("it was heard for %.0f s within the last hour and may lawfully stop at %d s: %s"):format(lasts_s, DUTY_S,
      advice)
  end
  if messages >= self.config.messages_per_day then
    return ("%d of its messages were heard within the last day, and it is declared to send %d: %s"):format(messages,
      self.config.messages_per_day, advice)
  end
end

-- Why the device may lawfully refuse what belongs to a laboratory, or nil.
local function locked(self)
  if of[self].lab_enabled then return nil end
  return "its lab-enable line is not high, without which it may lawfully refuse this: wire the line and declare the pin"
    .. " in the bench file (ftdi.lab_enable), or drop what it refuses from the device file's features and extensions"
end

-- `excuse` tells why the device may lawfully refuse this, or nil.
local function result_of(self, got, command, within_s, again, excuse)
  return answer.judge({
    line = of[self].line, dialect = self.dialect, name = of[self].name, doubt = device.doubt(self),
    excuse = excuse and got.outcome == "error" and excuse(self) or nil,
  }, got, command, within_s, again)
end

local COMMAND <const> = {
  restarts = { type = "boolean", default = false },
  within_s = { type = "number", min = 0.01, optional = true },
  answer = { type = "string", among = { ["end"] = true, line = true }, default = "end" },
}

--- t.dut:command(line [, { within_s =, answer = "end" | "line", restarts = }]) -> { text, lines, sent_s, until_s }, or
--- nil and why. Sends a command line and waits for its answer: until the dialect's OK or error ("end"), or one line of
--- text ("line"). With restarts = true the device may restart, and what its pins say then is forgiven.
function Device:command(text, given)
  if type(text) ~= "string" then control.misuse("t.dut:command: expected a command line, got %s", type(text)) end
  local o <const> = options("t.dut:command", given, COMMAND)
  local within_s <const> = o.within_s or self.dialect.within_s
  local forgive <const> = o.restarts and of[self].line:starting()
  local got <const> = put(self, text, { within_s = within_s, answer = o.answer })
  if forgive then forgive() end
  local came <const>, why <const> = result_of(self, got, text, within_s)
  if not came then return nil, why end
  return { text = came.answer, lines = came.lines, sent_s = came.sent_s, until_s = came.until_s, summary = came.answer }
end

--- t.dut:questions() -> the command lines of the dialect that only ask.
function Device:questions()
  return self.dialect.questions
end

--- t.dut:settings() -> those of them whose answer is no measurement.
function Device:settings()
  local list <const>, measured <const> = {}, schema.set(self.dialect.measurements)
  for _, text in ipairs(self.dialect.questions) do
    if not measured[text] then list[#list + 1] = text end
  end
  return list
end

--- t.dut:acting() -> beginnings of command lines that make the device send, sleep or forget.
function Device:acting()
  return self.dialect.acting
end

-- A slow device answers the pings of its start one by one, and none of those answers is one to the command that
-- follows: they are heard out, until all have come or no more do. Then it shows how slow it is.
local function settle(self, pings)
  local missing = pings - 1
  while missing > 0 do
    local next_one <const> = of[self].port:next_line { within_s = self.dialect.within_s }
    if not next_one then break end
    if next_one.text == self.dialect.ok then missing = missing - 1 end
  end
  local got <const> = pings > 1 and put(self, self.dialect.ping, { within_s = self.dialect.within_s, answer = "end" })
  of[self].is_slow = got and got.until_s - got.sent_s > QUIET_S
end

--- t.dut:is_ready([within_s]) -> true, or nil and why: waits until the device answers the dialect's ping.
function Device:is_ready(within_s)
  local limit_s <const> = within_s or self.dialect.boot_s
  local stop_s <const> = of[self].core.air:now_s() + limit_s
  local came
  local pings = 0
  repeat
    local got <const> = put(self, self.dialect.ping, { within_s = 0.5, answer = "end" })
    pings = pings + 1
    if got.outcome == "ok" then
      settle(self, pings)
      return true
    end
    came = of[self].line:came_instead(got) or came
  until of[self].core.air:now_s() >= stop_s
  if came then
    return nil, line.inconclusive("%s did not answer '%s' within %g s; it %s: is %s its dialect?", called(self),
      self.dialect.ping, limit_s, came, self.dialect.name)
  end
  return nil, answer.silence({
    line = of[self].line, dialect = self.dialect, name = of[self].name,
  }, self.dialect.ping, limit_s)
end

-- The same for a device that is starting: what came from `forgive` on is forgiven once it is there.
local function is_started(self, forgive, limit_s)
  local ready <const>, why <const> = self:is_ready(limit_s)
  if ready then forgive() end
  return ready, why
end

--- t.dut:can_send(message [, downlink]) -> true, or false and the reason: whether the dialect can ask for a kind of
--- message; with downlink = true, whether with a request for a downlink.
function Device:can_send(message, downlink)
  local way <const> = self.dialect.messages[message]
  if way and (not downlink or way.downlink) then return true end
  return false, ("the dialect %s has no command for it"):format(self.dialect.name)
end

local ASK <const> = {
  message = { type = "string", among = { bit0 = true, bit1 = true, bytes = true, empty = true, keep_alive = true } },
  payload = { type = "string", optional = true },
  downlink = { type = "boolean", default = false },
  within_s = { type = "number", min = 0.01, optional = true },
}

--- t.dut:lab_enable(high) -> whether the bench has a lab-enable line; if so, it is set. Every case begins with it as
--- its field `lab_enable` says (true, unless the page says otherwise).
function Device:lab_enable(high)
  local wired <const> = of[self].port:lab_enable(high)
  of[self].lab_enabled = wired and high
  return wired
end

--- t.dut:supply_low(low) -> whether the bench has a ladder that lowers the device's supply, within what its maker
--- allows; if so, it is set. Every case begins with the full supply.
function Device:supply_low(low)
  local wired <const> = of[self].port:supply_low(low)
  if wired then
    of[self].core.event { type = "note", text = low and "the device's supply is low" or "the device's supply is full" }
  end
  return wired
end

local WINDOW_OPENS_S <const> = 19 -- at the earliest: an ok that comes sooner does not end the exchange

-- After an accepted request for a downlink the end of the window is announced by one more line. All lines until then
-- are added to `lines`.
local function await_window(self, stop_s, lines)
  while true do
    local next_one <const> = of[self].port:next_line {
      within_s = math.max(stop_s - of[self].core.air:now_s(), 0.01),
    }
    if not next_one then return end
    local text <const> = next_one.text
    lines[#lines + 1] = text
    if dialect.downlink(self.dialect, text) or dialect.is_without(self.dialect, text) then return text end
  end
end

--- t.dut:ask{ message =, payload =, downlink =, within_s = } -> the request, or nil and why. Asks for one message
--- of a kind: "bit0", "bit1", "bytes" (with `payload`, 1..12 bytes), "empty" or "keep_alive". Comes back when the
--- device says that it has sent it; the frames wait for t.air:message.
function Device:ask(given)
  local o <const> = options("t.dut:ask", given, ASK)
  if (o.message == "bytes") ~= (o.payload ~= nil) then
    control.misuse("t.dut:ask: a payload goes with message = \"bytes\" and with nothing else")
  end
  if o.payload and (#o.payload < 1 or #o.payload > 12) then
    control.misuse("t.dut:ask: a payload has 1 to 12 bytes, got %d", #o.payload)
  end
  local way <const> = self.dialect.messages[o.message]
  if not way then
    control.misuse("t.dut:ask: the dialect %s cannot ask for %s; ask t.dut:can_send first", self.dialect.name,
      o.message)
  end
  local template <const> = o.downlink and way.downlink or way.ask
  if o.downlink and not way.downlink then
    control.misuse("t.dut:ask: the dialect %s cannot ask for a downlink with %s", self.dialect.name, o.message)
  end

  local payload_hex <const> = o.payload and hex_of(o.payload) or nil
  local text <const> = payload_hex and template:format(payload_hex:upper()) or template
  local within_s <const> = o.within_s or (o.downlink and self.dialect.downlink_within_s or self.dialect.send_within_s)
  local request <const> = {
    message = o.message,
    payload_hex = payload_hex,
    bidirectional = o.downlink,
    by = "host",
    summary = traffic.told(o.message, payload_hex),
  }
  local function say()
    self.air:mark()
    request.at_s = of[self].core.air:now_s()
    of[self].core.event {
      type = "request", message = o.message, payload_hex = payload_hex, bidirectional = o.downlink, by = "host",
    }
    return put(self, text, { within_s = within_s, answer = "end" })
  end
  local got <const> = say()
  if o.downlink then
    request.lines = { table.unpack(got.lines) }
    if got.outcome == "error" and dialect.is_without(self.dialect, got.answer) then return request end
    if got.outcome == "ok" then
      request.downlink_line = dialect.find_downlink(self.dialect, got.lines)
      local is_early <const> = of[self].core.air:now_s() - request.at_s < WINDOW_OPENS_S
      if not request.downlink_line and (is_early or self.dialect.downlink_at ~= "before") then
        request.downlink_line = await_window(self, request.at_s + within_s, request.lines)
      end
    end
  end
  local came <const>, why <const> = result_of(self, got, text, within_s, say, spent)
  if not came then return nil, why end
  local flood <const> = of[self].line:flood(of[self].began_s, of[self].core.air:now_s())
  if flood then return nil, line.inconclusive("%s was asked with '%s' and said %s", called(self), text, flood) end
  return request
end

--- t.dut:start(payload) -> sample time of the request: asks for a message of these bytes and does not wait for an
--- answer.
function Device:start(payload)
  local hex <const> = hex_of(payload)
  self.air:mark()
  local now_s <const> = of[self].core.air:now_s()
  of[self].core.event {
    type = "request", message = "bytes", payload_hex = hex, bidirectional = false, by = "host",
  }
  put(self, self.dialect.messages.bytes.ask:format(hex:upper()), { within_s = 0.01, answer = "end" })
  return now_s
end

--- t.dut:send(payload [, { downlink =, within_s = }]) -> the request, or nil and why: t.dut:ask for bytes.
function Device:send(payload, given)
  local o <const> = { message = "bytes", payload = payload }
  if type(payload) ~= "string" then control.misuse("t.dut:send: expected 1 to 12 bytes, got %s", type(payload)) end
  for k, v in pairs(given or {}) do
    if k ~= "downlink" and k ~= "within_s" then
      control.misuse("t.dut:send: unknown option %s; allowed are downlink, within_s", tostring(k))
    end
    o[k] = v
  end
  return self:ask(o)
end

-- One command line that only has to be accepted.
local function obeys(self, text, within_s, excuse)
  local function say() return put(self, text, { within_s = within_s, answer = "end" }) end
  return result_of(self, say(), text, within_s, say, excuse)
end

--- t.dut:spend(n) -> the counter of the last message, or nil and why: sends n messages that say nothing, as short as
--- the dialect knows how, to move the counter on: a bit in one frame where it can be had.
function Device:spend(n)
  local once <const> = self.dialect.once or { ask = self.dialect.messages.bit0.ask }
  local ranks <const> = self.dialect.once and 1 or 3
  local counter
  if once.before then
    local came <const>, why <const> = obeys(self, once.before, self.dialect.within_s)
    if not came then return nil, why end
  end
  for _ = 1, n do
    self.air:mark()
    of[self].core.event { type = "request", message = "bit0", bidirectional = false, by = "host" }
    local came <const>, why <const> = obeys(self, once.ask, self.dialect.send_within_s, spent)
    if not came then return nil, why end
    local message <const>, missing <const> = self.air:message { within_s = 10, ranks = ranks }
    if not message then return nil, missing end
    local step <const> = counter and of[self].core.net:step(counter, message.counter) or 1
    if step ~= 1 then
      return nil, absence.device("counter %d followed %d: %d ahead, not 1", message.counter, counter, step)
    end
    counter = message.counter
  end
  if once.after then
    local came <const>, why <const> = obeys(self, once.after, self.dialect.within_s)
    if not came then return nil, why end
  end
  return counter
end

--- t.dut:commands(what) -> the command lines of the dialect that do this, a list, empty where the dialect knows none:
--- "resets" restart the device (some without an answer), "erases" bring back what it had when it was new, "saves" keep
--- its settings, "key_public" sign with the public key, "encryption_off" send payloads in clear, "zones" choose a zone.
function Device:commands(what)
  if not WHATS[what] then
    control.misuse("t.dut:commands(%q): known are %s", tostring(what), schema.names(WHATS))
  end
  return (self.dialect.commands or {})[what] or {}
end

local DIGITS <const> = { id = 8, pac = 16 }
local LINES_BESIDE <const> = 5 -- that may stand before the one that was asked for

-- The digits among the lines of an answer and the few behind it, or nil and what came instead.
local function digits_of(self, name, got)
  local first
  local function look(text)
    local digits <const> = text:lower():gsub("%s", "")
    first = first or text
    return #digits == DIGITS[name] and not digits:find "%X" and digits or nil
  end
  for _, text in ipairs(got.lines) do
    local found <const> = look(text)
    if found then return found end
  end
  for _ = 1, self.dialect.identity_answer == "line" and LINES_BESIDE or 0 do
    local next_one <const> = of[self].port:next_line { within_s = 0.5 }
    local found <const> = next_one and look(next_one.text)
    if found or not next_one then return found, first end
  end
  return nil, first
end

local function told_of(self, name)
  local text <const>, within_s <const> = self.dialect.identity[name], self.dialect.within_s
  local function say() return put(self, text, { within_s = within_s, answer = self.dialect.identity_answer }) end
  local got <const>, why <const> = result_of(self, say(), text, within_s, say)
  if not got then return nil, why end
  local digits <const>, instead <const> = digits_of(self, name, got)
  if digits then return digits end
  return nil, line.inconclusive("%s answered '%s' with '%s', which is not the %d digits of its %s", called(self), text,
    instead or "nothing", DIGITS[name], name)
end

local TIMES <const> = 3 -- that it says the same of itself, before that counts against it

--- t.dut:identity() -> { id, pac }, or nil and why: what the device says of itself over its port, in lower case; no
--- pac where the dialect has no command for it.
function Device:identity()
  local told <const> = {}
  for _, name in ipairs { "id", "pac" } do
    for _ = 1, self.dialect.identity[name] and TIMES or 0 do
      local digits <const>, why <const> = told_of(self, name)
      if not digits then return nil, why end
      if told[name] and told[name] ~= digits then
        return nil, line.inconclusive("%s said %s and then %s when asked for its %s", called(self), told[name], digits,
          name)
      end
      told[name] = digits
      if digits == self.config[name] then break end
    end
  end
  local doubt <const> = told.id ~= self.config.id and device.doubt(self)
  if doubt then return nil, line.inconclusive("%s said %s of its identity, but %s", called(self), told.id, doubt) end
  told.summary = told.id
  return told
end

-- Does something that must silence the device, and looks whether it did: a line that is not wired would prove
-- nothing.
local function is_silenced(self)
  put(self, self.dialect.ping, { within_s = 0.1, answer = "end" }) -- flushes an answer that was on its way
  local within_s <const> = of[self].is_slow and self.dialect.within_s or QUIET_S
  return put(self, self.dialect.ping, { within_s = within_s, answer = "end" }).outcome == "timeout"
end

--- t.dut:is_silent() -> whether nothing answers the dialect's ping for 0.3 s; of a device that has been seen to answer
--- later than that, for the longest time that the dialect allows.
function Device:is_silent()
  return is_silenced(self)
end

local function off_and_on(self, what, switch, seconds, boot_s)
  local began_s <const>, forgive <const> = of[self].core.air:now_s(), of[self].line:starting()
  switch(of[self].port, what == "power" and false or what == "reset")
  local acted <const> = is_silenced(self)
  local rest_s <const> = began_s + seconds - of[self].core.air:now_s()
  if rest_s > 0 then of[self].core.air:wait(rest_s) end
  switch(of[self].port, what == "power")
  if not acted then
    return nil, absence.bench("the device went on answering while its %s line was %s: the line does not act;"
      .. " check its wiring and the pin in the bench file", what, what == "power" and "off" or "held")
  end
  return is_started(self, forgive, boot_s)
end

local RESET <const> = { hold_s = { type = "number", min = 0.001, default = 0.5 } }

--- t.dut:reset{ hold_s = } -> true, or nil and why: holds the reset line, sees that the device is silent, and waits
--- until it answers again. Where the bench has no such line the supply is cut instead, and a note says so; a case that
--- is about the line itself has "reset" among its needs.
function Device:reset(given)
  local o <const> = options("t.dut:reset", given, RESET)
  local bench <const> = of[self].core.bench
  if not of[self].place and not bench_config.switch(bench, "reset") and bench_config.switch(bench, "power") then
    of[self].core.event { type = "note", text = "the bench has no reset line: the device's supply is cut instead" }
    return self:power_off { for_s = math.max(o.hold_s, 1), discharge = true }
  end
  return off_and_on(self, "reset", of[self].port.reset, o.hold_s, self.dialect.boot_s)
end

--- t.dut:while_reset(during [, after]) -> true, or nil and why: holds the reset line, sees that the device is silent,
--- calls `during`, releases the line, calls `after`, and waits until the device answers.
function Device:while_reset(during, after)
  local forgive <const> = of[self].line:starting()
  of[self].port:reset(true)
  local acted <const> = is_silenced(self)
  during()
  of[self].port:reset(false)
  if after then after() end
  if not acted then
    return nil, absence.bench("the device went on answering while its reset line was held: the line does not act;"
      .. " check its wiring and the pin in the bench file")
  end
  return is_started(self, forgive)
end

local POWER_OFF <const> = {
  for_s = { type = "number", min = 0.001, optional = true },
  discharge = { type = "boolean", default = false },
}

--- t.dut:power_off{ for_s =, discharge = } -> true, or nil and why: cuts the supply, sees that the device is silent
--- and, with for_s, switches it on again and waits until it answers. discharge = true waits until the bench's
--- capacitors are empty.
function Device:power_off(given)
  local o <const> = options("t.dut:power_off", given, POWER_OFF)
  local switch <const> = of[self].place or bench_config.switch(of[self].core.bench, "power")
  local rest_s <const> = o.discharge and switch.discharge_s or 0
  if o.for_s then return off_and_on(self, "power", of[self].port.power, o.for_s + rest_s, self.dialect.boot_s) end
  of[self].forgive = of[self].line:starting()
  of[self].port:power(false)
  if not is_silenced(self) then
    return nil, absence.bench("%s went on answering with its supply off: the power switch does not act; check its"
      .. " wiring and the pin in the bench file", called(self))
  end
  if rest_s > 0 then of[self].core.air:wait(rest_s) end
  return true
end

--- t.dut:power_on() -> true, or nil and why: switches the supply on and waits until the device answers.
function Device:power_on()
  local forgive <const> = of[self].forgive or of[self].line:starting()
  of[self].forgive = nil
  of[self].port:power(true)
  return is_started(self, forgive)
end

local function extension(self, name)
  local declared <const> = schema.set(self.config.extensions)
  local allowed <const> = name ~= "test_mode_j" or schema.set(self.config.features).TESTMODE
  return allowed and declared[name] and self.dialect.extensions[name] or nil
end

local KNOWN <const> = schema.set { "counter_preset", "encryption_key", "factory_reset", "test_mode_j" }

--- t.dut:has(extension) -> whether the device file declares "factory_reset", "counter_preset", "encryption_key", or
--- "test_mode_j" with the feature TESTMODE.
function Device:has(name)
  if not KNOWN[name] then
    control.misuse("t.dut:has: unknown extension %s; known are %s", tostring(name), schema.names(KNOWN))
  end
  return extension(self, name) ~= nil
end

-- The way of an extension that the suite must have asked for.
local function way_of(self, name, call)
  return extension(self, name) or control.misuse("%s: the device file declares no %s; ask t.dut:has %q first", call,
    name, name)
end

--- t.dut:preset_counter(last) -> true, or nil and why: makes `last` the counter of the newest message; the device
--- restarts, and the network takes its next counter whatever it is.
function Device:preset_counter(last)
  local way <const> = way_of(self, "counter_preset", "t.dut:preset_counter")
  local forgive <const> = of[self].line:starting()
  local came <const>, why <const> = obeys(self, way.ask:format(last), way.within_s, locked)
  if not came then return nil, why end
  of[self].core.air:wait(0.5)
  of[self].core.net:disengage { reason = "the device's counter was preset for a test" }
  return is_started(self, forgive)
end

--- t.dut:encryption_key(there) -> true, or nil and why: false takes the device's encryption key away, as if it had
--- never been written; true writes it again.
function Device:encryption_key(there)
  local way <const> = way_of(self, "encryption_key", "t.dut:encryption_key")
  local came <const>, why <const> = obeys(self, there and way.write or way.erase, way.within_s, locked)
  return came and true, why
end

--- t.dut:factory_reset() -> true, or nil and why.
function Device:factory_reset()
  local way <const> = way_of(self, "factory_reset", "t.dut:factory_reset")
  local forgive <const> = of[self].line:starting()
  local came <const>, why <const> = obeys(self, way.ask, way.within_s)
  if not came then return nil, why end
  return is_started(self, forgive)
end

--- t.dut:test_mode_j() -> the sixteen requests that the mode stands for, or nil and why. Comes back when the mode
--- has ended; its frames wait for t.air:message.
function Device:test_mode_j()
  local way <const> = way_of(self, "test_mode_j", "t.dut:test_mode_j")
  local requests <const> = traffic.kinds()
  self.air:mark()
  for _, request in ipairs(requests) do
    request.payload_hex = request.payload and hex_of(request.payload) or nil
    request.bidirectional, request.by, request.payload = false, "test mode J", nil
    request.summary = traffic.told(request.message, request.payload_hex)
    of[self].core.event {
      type = "request", message = request.message, payload_hex = request.payload_hex, bidirectional = false,
      by = request.by,
    }
  end
  local got <const> = put(self, way.ask, { within_s = way.within_s, answer = "end" })
  local came <const>, why <const> = result_of(self, got, way.ask, way.within_s, nil, locked)
  if not came then return nil, why end
  return requests
end

return device
