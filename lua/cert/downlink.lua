-- t:exchange and t:refuses: a request of the device, what the bench answers, and what the device makes of it.
local absence <const> = require "cert.absence"
local control <const> = require "cert.control"
local dialect <const> = require "cert.dialect"
local options <const> = require "cert.options"

local downlink <const> = {}

local PAYLOAD_BYTES <const> = 8
local EVERY <const> = 8 -- refusals between two positive twins
-- After the downlink: latest start of the confirmation, its tolerance, the longest control frame, what decoding takes.
local CONFIRMED_WITHIN_S <const> = 4.0 + 0.1 + 1.9 + 0.5

local function hex_of(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local EXCHANGE <const> = {
  label = { type = "string" },
  payload = { type = "string" },
  tag_flip_hex = { type = "string", pattern = "^%x%x%x%x$", form = "4 hexadecimal digits", default = "0000" },
  ask = { type = "string", default = "\xd0" },
  at = { type = "table", optional = true },
}

-- What the host said beside the answer to its request: the payload that the device handed over, or nil.
local function handed_over(core, request)
  local payload = request.downlink_line and dialect.downlink(core.dialect, request.downlink_line)
  while not payload do
    local line <const> = core.dut:next_line { within_s = 0.01 }
    if not line then return nil end
    payload = dialect.downlink(core.dialect, line.text)
  end
  return payload
end

-- The bursts that were sent, or a fault: what the bench did not send proves nothing about the device.
local function sent_bursts(core, label)
  local sent <const>, refusal <const> = core.tx:sent()
  if refusal then control.fault("UNSUPPORTED", "config", label .. ": " .. refusal) end
  return sent
end

local AT <const> = {
  after_s = { type = "number", min = 0 },
  on_uplink = { type = "boolean", default = false },
}

-- A payload in clear would not be what this device reads.
local function check_cipher(t, core)
  if t:declares "ENC" and not core.tx:encrypts() then
    control.fault("UNSUPPORTED", "config", "the device encrypts its payloads (feature ENC), and the device file does"
      .. " not say how those of downlinks are; add encryption = { profile = … } with a cipher that the bench knows,"
      .. " such as \"bench-assumed-1\"")
  end
end

local ABOVE_DB <const> = 20 -- of the test catalogue, above the declared sensitivity

-- Once a case: how strong the downlinks are at the device. Both figures are declared, not measured.
local told <const> = setmetatable({}, { __mode = "k" })
local function tell_level(t, core)
  if told[t] then return end
  told[t] = true
  local level_dbm <const>, loss_db <const> = core.tx:level()
  local declared <const> = core.device.sensitivity_dbm
  if not loss_db or not declared then
    t:note(("whether downlinks arrive %d dB above the device's sensitivity is not known: %s"):format(ABOVE_DB, loss_db
      and "the device file declares no sensitivity_dbm" or "the bench file declares no rf path to the device"))
    return
  end
  t:measure("level of downlinks at the device", level_dbm - loss_db):report("dBm", {
    source = ("the bench file: %g dBm at the connector, %g dB of path"):format(level_dbm, loss_db), mark = "ASSUMED",
  })
  t:measure("level of downlinks above the declared sensitivity", level_dbm - loss_db - declared):report("dB", {
    source = ("the device file: %g dBm; the test catalogue asks for %d dB above"):format(declared, ABOVE_DB),
    mark = "P",
  })
end

-- One reply for each moment in `at`; without it, one in the middle of the window.
local function replies_of(o)
  local list <const>, latest_s = {}, 0
  for i, at in ipairs(o.at or { {} }) do
    local one <const> = o.at and options("t:exchange, at", at, AT) or {}
    list[i] = {
      payload_hex = hex_of(o.payload), tag_flip_hex = o.tag_flip_hex, after_s = one.after_s, on_uplink = one.on_uplink,
    }
    latest_s = math.max(latest_s, one.after_s or 0)
  end
  return list, latest_s
end

--- t:exchange{ label =, payload =, tag_flip_hex = "0000", ask =, at = } -> { request, message, payload_hex,
--- confirmation, sent, bursts, delay_s, reaction }, or a stop: asks the device for a downlink with the message `ask`,
--- and answers in the middle of its window with 8 bytes of payload, with these bits of the genuine tag turned over; or
--- at each of `at` = { { after_s =, on_uplink = }, … }, seconds behind the end of frame 1 (in order), at the downlink's
--- or at frame 1's own frequency. `payload_hex` is what the device handed to its host, `confirmation` the frame it
--- confirmed with, `sent` the last burst, `reaction` says in words which of them came; nil: none.
function downlink.exchange(t, core, given)
  local o <const> = options("t:exchange", given, EXCHANGE)
  if #o.payload ~= PAYLOAD_BYTES then
    control.misuse("t:exchange: a downlink has 8 bytes of payload, got %d", #o.payload)
  end
  check_cipher(t, core)
  tell_level(t, core)
  core.tx:forget()
  local replies <const>, latest_s <const> = replies_of(o)
  core.tx:reply(replies)
  local began_s <const> = t.air:now_s()
  local request <const> = t:require(o.label .. ": the request is accepted", t.dut:send(o.ask, { downlink = true }))
    :exists()
  local message <const> = t:require(o.label .. ": the request on air", t.air:message { within_s = 1 }):exists()
  t.air:silence_until(message.start_s + latest_s) -- bursts behind the window
  local bursts <const> = sent_bursts(core, o.label)
  local sent <const> = bursts[#bursts]
  if #bursts < #replies then
    t:require(o.label .. ": the downlink", nil, absence.device("the request that was heard did not ask the network"
      .. " for a downlink, or the network did not accept it: %s, asks %s, %s", message.summary, tostring(message.bf),
      message.judge)):exists()
  end
  local rest_s <const> = math.max(sent.end_s + CONFIRMED_WITHIN_S - t.air:now_s(), 0.01)
  local confirmation <const> = t.air:message { within_s = rest_s, ranks = 1 }
  local made <const> = {
    request = request, message = message, sent = sent, bursts = #bursts,
    confirmation = confirmation and confirmation.frames[1],
    payload_hex = handed_over(core, request), lost = core.air:gap_since(began_s),
    delay_s = confirmation and confirmation.start_s - sent.end_s,
  }
  if made.payload_hex then made.reaction = "the host got " .. made.payload_hex end
  if confirmation then
    made.reaction = (made.reaction and made.reaction .. ", and " or "") .. confirmation.summary .. " was sent"
  end
  return made
end

local function accepted(made, payload)
  return made.payload_hex == hex_of(payload) and made.confirmation ~= nil
    and made.confirmation.message == "dl_confirmation"
end

-- The unmodified stimulus, which the same device must accept: else its refusals prove nothing.
local function twin(t, core, o, where)
  local label <const> = "genuine downlink " .. where
  local made <const> = downlink.exchange(t, core, { label = label, payload = o.payload, ask = o.ask })
  local took <const> = accepted(made, o.payload)
  local why <const> = not took and absence.bench("the device did not accept the unmodified downlink (%s), so refusing"
    .. " the others proves nothing; see AUTH-DL-001", made.reaction or "no reaction") or nil
  t:require(label .. " (positive twin)", took or nil, why):is_true()
  return made
end

local UNASKED <const> = {
  label = { type = "string" },
  payload = { type = "string" },
  counter = { type = "integer", min = 0, max = 4095 },
  f_hz = { type = "number" },
  from_s = { type = "number" },
  every_s = { type = "number", min = 0.4 },
  count = { type = "integer", min = 1, max = 128 },
}

--- t:unasked{ label =, payload =, counter =, f_hz =, from_s =, every_s =, count = } -> finish: sends genuine
--- downlinks for the request with this counter from sample time from_s on, though the device asks for nothing.
--- finish() waits for their end and gives a list of what the device did: lines to its host, frames on air.
function downlink.unasked(t, core, given)
  local o <const> = options("t:unasked", given, UNASKED)
  check_cipher(t, core)
  core.tx:forget()
  local began_s <const> = t.air:now_s()
  for i = 1, o.count do
    core.tx:downlink {
      payload_hex = hex_of(o.payload), counter = o.counter, f_hz = o.f_hz, at_s = o.from_s + (i - 1) * o.every_s,
    }
  end
  return function()
    t.air:silence_until(o.from_s + o.count * o.every_s + CONFIRMED_WITHIN_S)
    if #sent_bursts(core, o.label) < o.count then
      control.fault("LIMIT", "bench", o.label .. ": not every downlink was sent")
    end
    local reactions <const> = t.air:strays() or {}
    while true do
      local line <const> = core.dut:next_line { within_s = 0.01 }
      if not line then break end
      if dialect.downlink(core.dialect, line.text) then
        reactions[#reactions + 1] = "the host got " .. line.text
      end
    end
    local lost <const> = core.air:gap_since(began_s)
    if #reactions == 0 and lost then return nil, absence.bench("samples were lost (%s): repeat the case", lost) end
    return reactions
  end
end

local REFUSES <const> = {
  event = { type = "string" },
  payload = { type = "string" },
  ask = { type = "string", default = "\xd0" },
  stimuli = { type = "table" },
}

--- t:refuses{ event =, payload =, stimuli = { { name =, payload =, tag_flip_hex = }, … } } -> whether none was
--- accepted: answers one request with each stimulus (what it does not say is as in the genuine downlink), with a
--- positive twin before, after, and after every eighth. A twin that the device does not accept makes the case
--- inconclusive; a stimulus that it reacts to fails.
function downlink.refuses(t, core, given)
  local o <const> = options("t:refuses", given, REFUSES)
  local last = twin(t, core, o, "before")
  local steps <const> = {}
  -- The confirmation of an accepted downlink takes a counter value of its own; a refused one must leave none.
  local function follows(made, label)
    local due <const> = last.confirmation and 2 or 1
    local step <const> = t.net:step(last.message.counter, made.message.counter)
    if step ~= due then steps[#steps + 1] = ("%s: %d instead of %d"):format(label, step, due) end
    last = made
  end
  local holds <const> = t:claim {
    event = o.event, trials = #o.stimuli, allowed = 0,
    trial = function(i)
      local stimulus <const> = o.stimuli[i]
      t:step(("%d of %d: %s"):format(i, #o.stimuli, stimulus.name))
      local made <const> = downlink.exchange(t, core, {
        label = stimulus.name, payload = stimulus.payload or o.payload, tag_flip_hex = stimulus.tag_flip_hex,
        ask = o.ask,
      })
      if not made.reaction and made.lost then
        t:require(stimulus.name, nil, absence.bench("no reaction was heard, but samples were lost (%s): repeat the"
          .. " case", made.lost)):exists()
      end
      follows(made, stimulus.name)
      if made.reaction then t:note(("%s: %s"):format(stimulus.name, made.reaction)) end
      if not made.reaction and i % EVERY == 0 and i < #o.stimuli then
        follows(twin(t, core, o, "after " .. i), "twin after " .. i)
      end
      return made.reaction ~= nil
    end,
  }
  follows(twin(t, core, o, "at the end"), "twin at the end")
  t:expect("counters that do not follow the request before", steps):is_empty()
  return holds
end

return downlink
