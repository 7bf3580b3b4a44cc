-- t:exchange and t:unasked: a request of the device, what the bench answers, and what the device makes of it.
local absence <const> = require "cert.absence"
local control <const> = require "cert.control"
local device <const> = require "cert.device"
local dialect <const> = require "cert.dialect"
local options <const> = require "cert.options"

local downlink <const> = {}

local PAYLOAD_BYTES <const> = 8
-- After the downlink: latest start of the confirmation, its tolerance, the longest control frame, what decoding takes.
local CONFIRMED_WITHIN_S <const> = 4.0 + 0.1 + 1.9 + 0.5

local BURST_S <const> = 0.5 -- a downlink, and what decoding takes
local HANDED_OVER_S <const> = 1.0 -- behind a downlink: the host has it

local function hex_of(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- How one frame may differ from the genuine one; the C side makes it (lua/bind/forge.h).
local COUNTER <const> = {
  swap = { type = "boolean", default = false },
  clear = { type = "integer", min = 0, max = 0xffff, default = 0 },
  flip = { type = "integer", min = 0, max = 0xffff, default = 0 },
  add = { type = "integer", min = -4096, max = 4096, default = 0 },
}

local KEYS <const> = {
  own = true, public = true, test = true, zeros = true, ones = true, reversed = true, neighbour = true,
}

local FRAME <const> = {
  payload = { type = "string", optional = true },
  after_s = { type = "number", min = 0, optional = true },
  on_uplink = { type = "boolean", default = false },
  below_db = { type = "number", min = 0, max = 40, default = 0 },
  off_hz = { type = "number", min = -5000, max = 5000, default = 0 },
  tag_flip_hex = { type = "string", pattern = "^%x%x%x%x$", form = "4 hexadecimal digits", optional = true },
  payload_flip_hex = {
    type = "string", pattern = "^" .. ("%x"):rep(2 * PAYLOAD_BYTES) .. "$", form = "16 hexadecimal digits",
    optional = true,
  },
  key = { type = "string", among = KEYS, default = "own" },
  id = { type = "integer", min = 0, max = 0xffffffff, optional = true },
  counter = { type = "table", optional = true, fields = COUNTER },
  rewhiten = { type = "boolean", default = false },
  tag_swap = { type = "boolean", default = false },
}

local EXCHANGE <const> = {
  label = { type = "string" },
  payload = { type = "string" },
  tag_flip_hex = FRAME.tag_flip_hex,
  ask = { type = "any", default = "\xd0" },
  at = { type = "table", optional = true },
}

-- What the host said beside the answer to its request: every payload that the device handed over, and all lines.
local function handed_over(core, request)
  local payloads <const>, lines <const> = {}, {}
  for _, text in ipairs(request.lines or {}) do lines[#lines + 1] = text end
  while true do
    local line <const> = core.dut:next_line { within_s = 0.01 }
    if not line then break end
    lines[#lines + 1] = line.text
  end
  for _, text in ipairs(lines) do payloads[#payloads + 1] = dialect.downlink(core.dialect, text) end
  return payloads, lines
end

-- The bursts that were sent, or a fault: what the bench did not send proves nothing about the device.
local function sent_bursts(core, label)
  local sent <const>, refusal <const> = core.tx:sent()
  if refusal then control.fault("UNSUPPORTED", "config", label .. ": " .. refusal) end
  return sent
end

-- A downlink that the bench itself did not hear go out as ordered proves nothing when the device does nothing.
local function check_heard(t, core, label)
  for _, burst in ipairs(core.tx:sent()) do
    if burst.why then
      t:require(label .. ": the downlink as the bench itself heard it", nil, absence.bench("the device did nothing,"
        .. " which proves nothing, because the downlink at %.3f s did not go out as ordered: %s", burst.start_s,
        burst.why)):exists()
    end
  end
end

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

-- The counter that a frame is made for, from that of its request: what forge_counter of the C side does.
local function counter_of(change, counter)
  if change.swap then counter = (counter << 8 | counter >> 8) & 0xffff end
  counter = (counter & ~change.clear ~ change.flip) & 0xffff
  return counter & 0xf000 | counter + change.add & 0x0fff
end

-- One reply for each frame in `at`; without it, one in the middle of the window.
local function replies_of(o)
  local list <const>, latest_s = {}, 0
  for i, at in ipairs(o.at or { {} }) do
    local given <const> = {}
    for k, v in pairs(at) do given[k] = v end
    local one <const> = options("t:exchange, at", given, FRAME)
    local payload <const> = one.payload or o.payload
    if #payload ~= PAYLOAD_BYTES then
      control.misuse("t:exchange: a downlink has 8 bytes of payload, got %d", #payload)
    end
    local counter <const> = one.counter or {}
    list[i] = {
      payload_hex = hex_of(payload), tag_flip_hex = one.tag_flip_hex or o.tag_flip_hex,
      payload_flip_hex = one.payload_flip_hex, after_s = one.after_s, on_uplink = one.on_uplink,
      below_db = one.below_db, off_hz = one.off_hz, key = one.key, id = one.id, rewhiten = one.rewhiten,
      tag_swap = one.tag_swap,
      counter_swap = counter.swap, counter_clear = counter.clear, counter_flip = counter.flip,
      counter_add = counter.add,
    }
    latest_s = math.max(latest_s, one.after_s or 0)
  end
  return list, latest_s
end

-- Why what the host was told proves nothing, or nil: a payload that is none, or a line that cannot be trusted.
local function doubt_of(t, made)
  for _, payload_hex in ipairs(made.payloads) do
    if #payload_hex ~= 2 * PAYLOAD_BYTES or payload_hex:find "%X" then
      return ("the line that hands over a downlink is not whole: '%s'"):format(payload_hex)
    end
  end
  return device.doubt(t.dut)
end

-- What the device did with the downlinks, in words, or nil.
local function reaction_of(made)
  local list <const> = {}
  for _, payload_hex in ipairs(made.payloads) do list[#list + 1] = "the host got " .. payload_hex end
  if made.confirmed then list[#list + 1] = made.confirmed .. " was sent" end
  if made.more > 0 then list[#list + 1] = made.more .. " more message(s) were sent" end
  return #list > 0 and table.concat(list, ", and ") or nil
end

--- t:exchange{ label =, payload =, tag_flip_hex = "0000", ask =, at = } -> { request, message, payload_hex, payloads,
--- lines, confirmation, more, sent, bursts, genuine, delay_s, reaction }, or a stop: asks the device for a downlink
--- with `ask`, the bytes of a message or a request as t.dut:ask takes it, and answers in the middle of its window with
--- 8 bytes of payload, with these bits of the genuine tag turned over; or with each frame of `at`, in the order of
--- their times: { after_s = seconds behind the end of frame 1 (without it, in the middle of the window), on_uplink =
--- true for frame 1's own frequency, below_db = (weaker than the bench's downlinks are), off_hz = (beside the frequency
--- that is due), payload =, tag_flip_hex =, tag_swap = true (its bytes change places), payload_flip_hex = (bits turned
--- over behind the signing), key = "own" | "public" | "test" | "zeros" | "ones" | "reversed" | "neighbour", id = (to
--- sign for), counter = { swap =, clear =, flip =, add = } (makes another one of the request's, to sign and scramble
--- for), rewhiten = true (scrambles for the request's all the same) }; an empty `at` leaves the request without an
--- answer. `payload_hex` is what the device handed to its host first, `payloads` all of that, `lines` all that it said,
--- `confirmation` the frame it confirmed with, `sent` the last burst, `genuine` how many were what the network would
--- have sent, `reaction` says in words what the device did; nil: nothing. `on_air` says whether the radio showed it;
--- `doubt` says why what the host was told proves nothing, or nil.
function downlink.exchange(t, core, given)
  local o <const> = options("t:exchange", given, EXCHANGE)
  check_cipher(t, core)
  tell_level(t, core)
  core.tx:forget()
  local replies <const>, latest_s <const> = replies_of(o)
  if #replies > 0 then core.tx:reply(replies) end
  local began_s <const> = t.air:now_s()
  local asked <const> = type(o.ask) == "table" and o.ask or { message = "bytes", payload = o.ask }
  local request <const> = t:require(o.label .. ": the request is accepted", t.dut:ask {
    message = asked.message, payload = asked.payload, downlink = true,
  }):exists()
  local message <const> = t:require(o.label .. ": the request on air", t.air:message { within_s = 1 }):exists()
  local first <const> = message.by_rank[1]
  t.air:silence_until((first and first.end_s or message.end_s) + latest_s + BURST_S) -- it may have answered before
  local bursts <const> = sent_bursts(core, o.label)
  local sent <const> = bursts[#bursts]
  if #bursts < #replies then
    t:require(o.label .. ": the downlink", nil, absence.device("the request that was heard did not ask the network"
      .. " for a downlink, or the network did not accept it: %s, asks %s, %s", message.summary, tostring(message.bf),
      message.judge)):exists()
  end
  local heard_from_s <const> = sent and sent.end_s or t.air:now_s() - CONFIRMED_WITHIN_S
  local rest_s <const> = math.max(heard_from_s + CONFIRMED_WITHIN_S - t.air:now_s(), 0.01)
  local confirmation <const> = t.air:message { within_s = rest_s, ranks = 1 }
  local made <const> = {
    request = request, message = message, sent = sent, bursts = #bursts, genuine = 0,
    confirmation = confirmation and confirmation.frames[1], confirmed = confirmation and confirmation.summary, more = 0,
    lost = core.air:gap_since(began_s), delay_s = confirmation and sent and confirmation.start_s - sent.end_s,
  }
  if #bursts > 1 then -- what comes behind the first that was accepted may have an effect of its own
    t.air:silence_until(sent.end_s + HANDED_OVER_S)
    while confirmation and t.air:message { within_s = 0.01, ranks = 1 } do made.more = made.more + 1 end
  end
  for _, burst in ipairs(bursts) do made.genuine = made.genuine + (burst.genuine and 1 or 0) end
  made.payloads, made.lines = handed_over(core, request)
  made.payload_hex = made.payloads[1]
  made.reaction = reaction_of(made)
  made.on_air, made.doubt = made.confirmation ~= nil or made.more > 0, doubt_of(t, made)
  if not made.reaction then check_heard(t, core, o.label) end
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
    if #reactions == 0 then check_heard(t, core, o.label) end
    if #reactions == 0 and lost then return nil, absence.bench("samples were lost (%s): repeat the case", lost) end
    return reactions
  end
end

--- t:can_sign(key) -> whether the bench can sign downlinks under this key; see t:exchange.
function downlink.can_sign(_, core, key)
  if not KEYS[key] then control.misuse("t:can_sign(%q): unknown key", tostring(key)) end
  return core.tx:can_sign(key)
end

local CLEAR_DB <const> = 6 -- above the declared sensitivity, where hardly a downlink is lost

--- t:weaker_db() -> by how much downlinks can be weaker than the bench's and still be heard by the device for sure, as
--- far as the files declare it; 0 where they do not.
function downlink.weaker_db(_, core)
  local level_dbm <const>, loss_db <const> = core.tx:level()
  local declared <const> = core.device.sensitivity_dbm
  if not loss_db or not declared then return 0 end
  return math.max(level_dbm - loss_db - declared - CLEAR_DB, 0)
end

downlink.counter_of = counter_of

return downlink
