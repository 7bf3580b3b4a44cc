-- t.air:jam: a reactive jammer, and what became of the frames that it was to jam. Whatever did not go as planned is a
-- doubt about the bench, never a verdict on the device.
local control <const> = require "cert.control"
local options <const> = require "cert.options"

local Jam <const> = { __name = "cert.jam" }
Jam.__index = Jam

local jam <const> = {}

local QUIET_S <const> = 0.2

-- What suites must not reach: the C side below each handle.
local of <const> = setmetatable({}, { __mode = "k" })

-- What each shape takes besides.
local SHAPES <const> = {
  cw = {}, bpsk = {}, flood = {},
  steps = { "band_hz", "step_hz", "dwell_s" },
  sweep = { "band_hz", "period_s" },
  noise = { "band_hz" },
  pulse = { "period_s", "on_s" },
}
local NUMBERS <const> = { "band_hz", "step_hz", "dwell_s", "period_s", "on_s" }

local FIELDS <const> = {
  shape = { type = "string", among = SHAPES, default = "cw" },
  ranks = { type = "string", pattern = "^[123+]+$", form = "ranks such as 1+3", optional = true },
  steady = { type = "boolean", default = false },
  js_db = { type = "number", min = -20, max = 60, optional = true },
  level_dbm = { type = "number", min = -100, max = 10, optional = true },
  f_hz = { type = "number", min = 70e6, max = 6e9, optional = true },
  by = { type = "string", optional = true },
  band_hz = { type = "number", min = 50, max = 160000, optional = true },
  step_hz = { type = "number", min = 10, max = 160000, optional = true },
  dwell_s = { type = "number", min = 0.0005, max = 0.1, optional = true },
  period_s = { type = "number", min = 0.002, max = 1, optional = true },
  on_s = { type = "number", min = 0.001, max = 0.1, optional = true },
}

-- A number that its shape does not know would be lost without a word.
local function check_shape(o)
  local taken <const> = {}
  for _, name in ipairs(SHAPES[o.shape]) do taken[name] = true end
  for _, name in ipairs(NUMBERS) do
    if o[name] and not taken[name] then
      control.misuse("t.air:jam: shape %q takes %s, not %s", o.shape,
        #SHAPES[o.shape] > 0 and table.concat(SHAPES[o.shape], ", ") or "no numbers of its own", name)
    end
  end
  if o.shape == "noise" and not o.band_hz then
    control.misuse "t.air:jam: shape \"noise\" needs band_hz, how wide it is"
  end
  if o.shape == "pulse" and (o.on_s or 0.01) > (o.period_s or 0.05) then
    control.misuse("t.air:jam: a pulse of %g s is longer than its period of %g s", o.on_s or 0.01, o.period_s or 0.05)
  end
  if o.shape == "steps" and (o.step_hz or 1000) > (o.band_hz or 80000) then
    control.misuse("t.air:jam: a step of %g Hz is wider than the band of %g Hz", o.step_hz or 1000, o.band_hz or 80000)
  end
end

-- "1+3" as a list and as a mask.
local function ranks_of(text)
  local list <const>, mask = {}, 0
  for digit in text:gmatch "[^+]+" do
    local rank <const> = math.tointeger(digit)
    if not rank or rank < 1 or rank > 3 or mask & 1 << rank - 1 ~= 0 then
      control.misuse("t.air:jam: ranks: expected different ranks out of 1, 2 and 3 joined by +, got %q", text)
    end
    list[#list + 1], mask = rank, mask | 1 << rank - 1
  end
  return list, mask
end

-- The place in the bench file of the radio with this name; without a name of the second one that may send.
local function place_of(bench, unit)
  local known <const> = {}
  for i, radio in ipairs(bench.radios) do
    if radio.unit == unit or not unit and i > 1 and radio.transmit then return i end
    known[i] = radio.unit
  end
  control.fault("UNSUPPORTED", "config", ("t.air:jam: the bench file has no radio %s; it has %s"):format(
    unit and ("'%s'"):format(unit) or "beside the first that may send", table.concat(known, ", ")))
end

-- What only one of the two kinds takes.
local function check_kind(o)
  if not o.steady and not (o.ranks and o.js_db) then
    control.misuse "t.air:jam: expected ranks and js_db, or steady = true"
  end
  if not o.steady and (o.level_dbm or o.f_hz) then
    control.misuse "t.air:jam: level_dbm and f_hz are for steady = true; frames are jammed where they are"
  end
  if o.steady and o.ranks then control.misuse "t.air:jam: steady = true spares no rank; leave ranks out" end
  if o.steady and (o.js_db == nil) == (o.level_dbm == nil) then
    control.misuse "t.air:jam: steady = true takes either js_db or level_dbm"
  end
end

local Steady <const> = { __name = "cert.steady" }
Steady.__index = Steady

local function steady(core, o)
  local f_hz = o.f_hz
  local last <const> = core.stations:heard(1, 0)
  if not f_hz and #last == 0 then
    control.misuse "t.air:jam: where a frame lies is not known yet: let a message go unjammed first, or say f_hz"
  end
  local wanted <const> = {
    by = place_of(core.bench, o.by), f_hz = f_hz or last[#last].f_hz, js_db = o.js_db, level_dbm = o.level_dbm,
    shape = o.shape,
  }
  for _, name in ipairs(NUMBERS) do wanted[name] = o[name] end
  local made <const> = setmetatable({ shape = o.shape, f_hz = wanted.f_hz }, Steady)
  local handle <const>, id <const> = core.jam:steady(wanted)
  of[made] = { core = core, handle = handle, id = id }
  return made
end

--- handle:stop() of a steady jammer: silence at once; closing the handle does it, too.
function Steady:stop()
  of[self].handle:stop()
end

Steady.__close = Steady.stop

--- handle:look() of a steady jammer -> { start_s, level_dbm, js_db, heard, why }: since when it is there, how strong
--- the bench hears it over the last frame before it (nil: not yet, or nobody can), and what did not go as planned.
function Steady:look()
  return of[self].core.jam:look(of[self].id) or {}
end

--- handle:unplanned([least_db, most_db]) of a steady jammer -> what did not go as planned, or nil.
function Steady:unplanned(least_db, most_db)
  local now <const> = self:look()
  if now.why then return now.why end
  if not now.start_s then return "it has not begun" end
  if not least_db then return end
  if not now.js_db then return "its J/S could not be measured" end
  if now.js_db < least_db or now.js_db > most_db then
    return ("J/S is %.1f dB, expected %g … %g dB"):format(now.js_db, least_db, most_db)
  end
end

--- t.air:jam{ ranks = "1+3", js_db = 20, shape = "cw", by = "station2" } -> handle: jams these ranks of every message
--- that the first radio hears, until the handle is closed. `by` is the radio that does it, by default the second one
--- that may send; at least one message must have been heard before. A jammed message has `jammed` (list of ranks) and
--- `js_db` (their mean, nil where none could be measured). J is the jammer's power while it is on, all of its band
--- together. The shapes, each centred on the frame, with what they take besides: `cw`, a carrier; `steps`, a tone that
--- hops over the band (`band_hz` = 80000, `step_hz` = 1000, `dwell_s` = 0.001); `sweep`, a tone that runs through the
--- band (`band_hz` = 80000, `period_s` = 0.05); `noise` (`band_hz`, no default); `bpsk`, random data keyed like the
--- frame; `flood`, preamble and frame type of such a frame again and again; `pulse`, a carrier switched on and off
--- (`period_s` = 0.05, `on_s` = 0.01).
--- With steady = true it needs no frame and spares none: it is there from now on until the handle is closed, beside
--- whatever else jams, round `f_hz` (by default the last frame's frequency), `js_db` over the last frame that the
--- first radio heard, or at `level_dbm` at its connector.
function jam.start(core, given)
  local o <const> = options("t.air:jam", given, FIELDS)
  check_shape(o)
  check_kind(o)
  if o.steady then return steady(core, o) end
  local ranks <const>, mask <const> = ranks_of(o.ranks)
  local made <const> = setmetatable({ ranks = ranks, js_db = o.js_db, unit = o.by, shape = o.shape }, Jam)
  local wanted <const> = { by = place_of(core.bench, o.by), ranks = mask, js_db = o.js_db, shape = o.shape }
  for _, name in ipairs(NUMBERS) do wanted[name] = o[name] end
  of[made] = { core = core, handle = core.jam:start(wanted) }
  return made
end

--- handle:stop(): silence at once; closing the handle does it, too.
function Jam:stop()
  of[self].handle:stop()
end

Jam.__close = Jam.stop

--- handle:finish(): waits until what is on its way has ended and is measured, and a moment more, in which the noise
--- before the next frame can be measured without it.
function Jam:finish()
  local air <const> = of[self].core.air
  local last_s = 0
  for _, frame in ipairs(self:frames()) do last_s = math.max(last_s, frame.end_s + QUIET_S) end
  if last_s > air:now_s() then air:wait(last_s - air:now_s()) end
end

--- handle:frames() -> list of { rank, start_s, onset_s, end_s, f_hz, level_dbm, js_db, u_db, why, heard, done }: the
--- frames that were jammed, in order. `heard` is the rank that the jammer's own receiver found there.
function Jam:frames()
  return of[self].core.jam:list()
end

local function unplanned(self, frames)
  if #frames ~= #self.ranks then
    return ("%d frame(s) heard in time to be jammed, expected %d"):format(#frames, #self.ranks)
  end
  for i, frame in ipairs(frames) do
    if frame.why then return ("rank %d: %s"):format(frame.rank, frame.why) end
    if not frame.done then return ("rank %d: its jamming has not ended"):format(frame.rank) end
    if frame.rank ~= self.ranks[i] then
      return ("rank %d was jammed instead of rank %d"):format(frame.rank, self.ranks[i])
    end
    if frame.heard and frame.heard ~= frame.rank then
      return ("rank %d was jammed, taken for rank %d"):format(frame.heard, frame.rank)
    end
  end
end

--- handle:unplanned([least_db, most_db]) -> what did not go as planned since the handle was made, or nil: each rank
--- jammed once, in time and, with limits, at a J/S between them.
function Jam:unplanned(least_db, most_db)
  local frames <const> = self:frames()
  local wrong <const> = unplanned(self, frames)
  if wrong or not least_db then return wrong end
  for _, frame in ipairs(frames) do
    if not frame.js_db then return ("rank %d: its J/S could not be measured"):format(frame.rank) end
    if frame.js_db < least_db or frame.js_db > most_db then
      return ("rank %d: J/S is %.1f dB, expected %g … %g dB"):format(frame.rank, frame.js_db, least_db, most_db)
    end
  end
end

--- Fills in what a message of t.air:message says of its jamming.
function jam.describe(core, message)
  local sum, n = 0, 0
  message.jammed = {}
  for _, frame in ipairs(core.jam and core.jam:list() or {}) do
    if not frame.why and frame.end_s >= message.asked_s then
      message.jammed[#message.jammed + 1] = frame.rank
      if frame.js_db then sum, n = sum + frame.js_db, n + 1 end
    end
  end
  if n > 0 then message.js_db = sum / n end
end

return jam
