-- t.air: what was heard. Frames come from the C side one by one; here they become messages.
local absence <const> = require "cert.absence"
local control <const> = require "cert.control"
local jam <const> = require "cert.jam"
local options <const> = require "cert.options"
local traffic <const> = require "cert.traffic"

local Air <const> = {}
Air.__index = Air

local air <const> = {}

-- What suites must not reach: the C side below each object.
local of <const> = setmetatable({}, { __mode = "k" })
local core_of <const> = setmetatable({}, { __mode = "k" })

-- A frame follows the one before by at most this gap, and lasts at most this long at 100 bit/s.
local GAP_MAX_S <const> = 2.0
local FRAME_MAX_S <const> = 2.2
local RANKS <const> = 3
local STRONG_DB <const> = traffic.STRONG_DB

-- What the device under test was heard to send in this run: a device that keeps to a duty cycle does not forget it from
-- case to case.
local sent_of <const> = setmetatable({}, { __mode = "k" })
local HOUR_S <const>, DAY_S <const> = 3600, 24 * 3600

-- Every frame comes through here.
local function hear(self, until_s)
  local frame <const> = of[self]:next_frame(until_s)
  if frame and frame.status == "ok" and frame.device_id == core_of[self].device.id then
    local sent <const> = sent_of[of[self]]
    sent[#sent + 1] = { counter = frame.counter, end_s = frame.end_s, lasts_s = frame.end_s - frame.start_s }
  end
  return frame
end

--- For how long the device was heard to send in the last hour, and how many messages in the last day.
function air.spent(self)
  local sent <const>, now_s <const> = sent_of[of[self]], of[self]:now_s()
  local messages, lasts_s, last = 0, 0, nil
  while sent[1] and sent[1].end_s < now_s - DAY_S do table.remove(sent, 1) end
  for _, frame in ipairs(sent) do
    if frame.end_s >= now_s - HOUR_S then lasts_s = lasts_s + frame.lasts_s end
    if frame.counter ~= last then messages = messages + 1 end
    last = frame.counter
  end
  return lasts_s, messages
end

function air.new(core)
  local now_s <const> = core.air:now_s()
  local made <const> = setmetatable({ waiting = {}, strange = {}, since_s = now_s, began_s = now_s }, Air)
  of[made], core_of[made] = core.air, core
  sent_of[core.air] = sent_of[core.air] or {}
  return made
end

-- Called when something is asked for: from here on silence is judged.
function Air:mark()
  self.since_s = of[self]:now_s()
end

-- The case's own part begins: what came before is nobody's message.
function Air:begin()
  self.waiting, self.strange = {}, {}
  while hear(self, 0) do end -- frames that are ready
  self:mark()
  self.began_s = self.since_s
end

local function next_frame(self, until_s)
  if #self.waiting > 0 then return table.remove(self.waiting, 1) end
  return hear(self, until_s)
end

-- Silence: samples lost since the request make it worthless; so does a receiver that never heard the device.
local function silent(self, what, within_s)
  local lost <const> = of[self]:gap_since(self.since_s)
  if lost then
    return absence.bench("no %s within %g s, but samples were lost (%s): silence means nothing here; repeat the case",
      what, within_s, lost)
  end
  if #self.strange > 0 then
    local frame <const> = self.strange[#self.strange]
    return absence.device("no %s within %g s; %d strong frame(s) came that do not decode (%s)", what, within_s,
      #self.strange, frame.status)
  end
  if not of[self]:proven() then
    return absence.bench("no %s within %g s, and no frame was ever heard in this run: the reception path is not proven;"
      .. " check the cable, the attenuation, the gain and the radio's frequency", what, within_s)
  end
  return absence.device("no %s within %g s; every sample was heard, and the receiver has heard this device before",
    what, within_s)
end

local UPLINK <const> = { within_s = { type = "number", min = 0.01 } }

--- t.air:uplink{ within_s = } -> one decoded frame, or nil and why.
function Air:uplink(given)
  local o <const> = options("t.air:uplink", given, UPLINK)
  local until_s <const> = of[self]:now_s() + o.within_s
  while true do
    local frame <const> = next_frame(self, until_s)
    if not frame then return nil, silent(self, "uplink", o.within_s) end
    if frame.status == "ok" then return frame end
    if frame.ebn0_db >= STRONG_DB then self.strange[#self.strange + 1] = frame end
  end
end

local function new_message(frame)
  return {
    frames = {}, by_rank = {}, malformed = {},
    device_id = frame.device_id, counter = frame.counter, message = frame.message, payload_hex = frame.payload_hex,
    bf = frame.bf, start_s = frame.start_s, judge = frame.judge,
    summary = ("%s, counter %d"):format(traffic.told(frame.message, frame.payload_hex), frame.counter),
  }
end

local function add(message, frame)
  message.frames[#message.frames + 1] = frame
  message.by_rank[frame.rank] = frame
  message.end_s = frame.end_s
end

-- Ranks come in order; each one skipped was one more frame and gap.
local function belongs(message, frame)
  local skipped <const> = math.max(frame.rank - message.frames[#message.frames].rank - 1, 0)
  return frame.device_id == message.device_id and frame.counter == message.counter and not message.by_rank[frame.rank]
    and frame.start_s - message.end_s <= GAP_MAX_S + 0.1 + skipped * (GAP_MAX_S + FRAME_MAX_S)
end

-- Frames until the message is complete, another one begins, or the time for its last frame is over.
local function complete(self, message, ranks)
  while #message.frames < ranks do
    local last <const> = message.frames[#message.frames]
    local to_come <const> = math.max(ranks - last.rank, 1)
    local frame <const> = next_frame(self, message.end_s + to_come * (GAP_MAX_S + FRAME_MAX_S))
    if not frame then return end
    if frame.status ~= "ok" then
      if frame.ebn0_db >= STRONG_DB then message.malformed[#message.malformed + 1] = frame end
    elseif belongs(message, frame) then
      add(message, frame)
    else
      table.insert(self.waiting, 1, frame)
      return
    end
  end
end

local MESSAGE <const> = {
  within_s = { type = "number", min = 0.01 },
  ranks = { type = "integer", min = 1, max = RANKS, default = RANKS },
}

--- t.air:message{ within_s =, ranks = 3 } -> one message, or nil and why. A message has `frames` in the order
--- heard, `by_rank`, `ranks` (text, "1+2+3"), `missing` (list of ranks), `malformed` (strong frames among them that
--- do not decode), `device_id`, `counter`, `message` (kind), `payload_hex`, `bf`, `judge`, `tags_ok`, `start_s`,
--- `end_s`, and under t.air:jam `jammed` (list of ranks) and `js_db`. Any device's message counts: whose it is is the
--- case's to judge.
function Air:message(given)
  local o <const> = options("t.air:message", given, MESSAGE)
  local until_s <const> = of[self]:now_s() + o.within_s
  local message
  repeat
    local frame <const> = next_frame(self, until_s)
    if not frame then return nil, silent(self, "message", o.within_s) end
    if frame.status == "ok" then
      message = new_message(frame)
      add(message, frame)
    elseif frame.ebn0_db >= STRONG_DB then
      self.strange[#self.strange + 1] = frame
    end
  until message
  message.malformed, self.strange = self.strange, {}
  complete(self, message, o.ranks)

  local heard <const> = {}
  message.missing, message.tags_ok = {}, true
  for rank = 1, o.ranks do
    local list <const> = message.by_rank[rank] and heard or message.missing
    list[#list + 1] = rank
  end
  for _, frame in ipairs(message.frames) do message.tags_ok = message.tags_ok and frame.tag_ok == true end
  message.ranks = table.concat(heard, "+")
  message.asked_s = self.since_s
  jam.describe(core_of[self], message)
  message.lost = of[self]:gap_since(self.since_s)
  if message.lost and #message.malformed > 0 then
    return nil, absence.bench("a message came with %d frame(s) that do not decode, but samples were lost (%s): "
      .. "repeat the case", #message.malformed, message.lost)
  end
  return message
end

--- t.air:jam{ ranks =, js_db = } -> handle; see cert/jam.lua.
function Air:jam(given)
  return jam.start(core_of[self], given)
end

--- t.air:ranks_of(message) -> "1+2+3" or, when a rank is missing and samples were lost, nil and why.
function Air.ranks_of(_, message)
  if #message.missing > 0 and message.lost then
    return nil, absence.bench("rank %s is missing, but samples were lost (%s)", message.missing[1], message.lost)
  end
  return message.ranks
end

--- t.air:strays{ after_s = 0 } -> list of what was heard and belongs to no message that was collected: listens
--- `after_s` more seconds, then empties the queue. Each entry is one line of text. Nothing heard, but samples lost: nil
--- and why.
function Air:strays(given)
  local o <const> = options("t.air:strays", given, { after_s = { type = "number", min = 0, default = 0 } })
  if o.after_s > 0 then self:silence_until(of[self]:now_s() + o.after_s) end
  local list <const> = {}
  for _, frame in ipairs(self.waiting) do
    if frame.status == "ok" then
      list[#list + 1] = ("%s rank %d, counter %d of %s at %.2f s"):format(
        traffic.told(frame.message, frame.payload_hex), frame.rank, frame.counter, frame.device_id, frame.start_s)
    elseif frame.ebn0_db >= STRONG_DB then
      list[#list + 1] = ("a frame that does not decode (%s) at %.2f s"):format(frame.status, frame.start_s)
    end
  end
  for _, frame in ipairs(self.strange) do
    list[#list + 1] = ("a frame that does not decode (%s) at %.2f s"):format(frame.status, frame.start_s)
  end
  local decoded = false
  for _, frame in ipairs(self.waiting) do decoded = decoded or frame.status == "ok" end
  self.waiting, self.strange = {}, {}
  local lost <const> = of[self]:gap_since(self.began_s)
  if lost and not decoded then
    return nil, absence.bench("nothing more was heard that decodes, but samples were lost (%s): repeat the case",
      lost)
  end
  return list
end

-- A void quantity says why; a figure without an uncertainty of its own has none.
local Quantity <const> = { __name = "cert.quantity" }
Quantity.__index = Quantity
Quantity.__tostring = function(q)
  if q.value == nil then return ("void (%s)"):format(q.void) end
  return q.u and ("%.6g +- %.2g %s"):format(q.value, q.u, q.unit) or ("%.6g %s"):format(q.value, q.unit)
end

--- t.air:measure(frame) -> what was measured of one frame of t.air:message or t.air:uplink, or nil and why: a table of
--- quantities (names and units: bench/phy/measure.def, among them f_mid_hz, drift_hz_s, bit_rate_error_ppm,
--- phase_error_rms_deg, evm_percent, power_dbfs, power_dbm, occupied_hz), each { value =, u = (standard uncertainty),
--- unit = } or { void = why, unit = }, and `mask`, a list of { offset_bit_rates =, width_bit_rates =, below =,
--- above = } with the power beside it. For t:measure, which takes a quantity as it is. `power_dbm` needs a
--- `calibration` of the radio in the bench file. The samples of the last 12 s are kept: measure soon.
function Air:measure(frame)
  if type(frame) ~= "table" or not frame.packet_hex then
    control.misuse("t.air:measure: expected a frame of t.air:message or t.air:uplink, got %s", type(frame))
  end
  local made <const>, why <const> = of[self]:measure(frame)
  if not made then return nil, absence.bench("%s", why) end
  for name, q in pairs(made) do
    if name ~= "mask" then setmetatable(q, Quantity) end
  end
  for _, point in ipairs(made.mask) do
    setmetatable(point.below, Quantity)
    setmetatable(point.above, Quantity)
  end
  return made
end

--- t.air:silence_until(time_s) -> whether nothing was heard until that sample time, and why not. What was heard
--- stays queued.
function Air:silence_until(time_s)
  local quiet = #self.waiting == 0
  while true do
    local frame <const> = hear(self, time_s)
    if not frame then break end
    quiet = false
    self.waiting[#self.waiting + 1] = frame
  end
  local lost <const> = of[self]:gap_since(self.since_s)
  if quiet and lost then return nil, absence.bench("nothing was heard, but samples were lost (%s)", lost) end
  return quiet
end

--- t.air:wait{ s = }: lets sample time pass. Frames heard meanwhile stay queued.
function Air:wait(given)
  local o <const> = options("t.air:wait", given, { s = { type = "number", min = 0, max = 86400 } })
  of[self]:wait(o.s)
end

--- t.air:now_s() -> sample time of the run in seconds.
function Air:now_s()
  return of[self]:now_s()
end

--- t.air:capture(message [, name]) -> whether the samples of the message were still there and were kept as SigMF
--- evidence.
function Air:capture(message, name)
  if type(message) ~= "table" or not message.frames then
    control.misuse("t.air:capture: expected a message of t.air:message, got %s", type(message))
  end
  local label <const> = name or ("counter-%d"):format(message.counter)
  if not label:find "^[%w_-]+$" then
    control.misuse("t.air:capture: %q is no file name; use letters, digits, - and _", label)
  end
  return of[self]:capture { name = label, note = message.summary, frames = message.frames }
end

return air
