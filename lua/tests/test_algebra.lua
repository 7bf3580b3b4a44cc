-- What trials, refusals between positive twins, and silence amount to, over random sequences: against an oracle written
-- from design and catalogue, and for the rules that hold whatever the order: no pass with a twin that was not accepted
-- or samples that were lost, and worse evidence never gives a better verdict.
local harness <const> = require "tests.harness"
local air <const> = require "cert.air"
local claim <const> = require "cert.claim"
local control <const> = require "cert.control"
local expectation <const> = require "cert.expectation"
local fakes <const> = require "tests.fakes"
local test <const>, equal <const> = harness.test, harness.equal

-- Exchanges as the scenario has them, in place of the real ones.
local scenario
package.loaded["cert.downlink"] = {
  exchange = function(t, _, given) return scenario:exchange(t, given) end,
  counter_of = function(change, counter) return (counter + change.add) & 0xfff end,
}
package.loaded["cert.device"] = { doubt = function() return scenario.line_doubt end }
local refusal <const> = require "cert.refusal"

local ORDER <const> = { info = 0, pass = 1, warn = 2, inconclusive = 3, fail = 4, error = 5 }

-- The verdict of booked events, as design section 7 folds them.
local function fold(events)
  local verdict, blame
  for _, e in ipairs(events) do
    local word = e.verdict
    if word == "fail" and e.blame ~= "device" then word = "error" end
    if word and (not verdict or ORDER[word] > ORDER[verdict]) then verdict, blame = word, e.blame end
  end
  return verdict, blame
end

local function draw(list) return list[math.random(#list)] end

-- ---- refusals

local PAYLOAD <const> = "\1\2\3\4\5\6\7\8"
local PAYLOAD_HEX <const> = "0102030405060708"

local Scenario <const> = {}
Scenario.__index = Scenario

-- What a stimulus may do: nothing; nothing, while samples were lost; the radio shows an effect; the host alone is told
-- something, once, always, or over a line in doubt; or it was no altered downlink at all.
local EFFECTS <const> = { "none", "lost", "air", "host once", "host always", "host in doubt", "same" }

local function new_scenario(effects, twins)
  return setmetatable({ effects = effects, twins = twins, twin = 0, made = 0, counter = 0, seen = {}, used = {} },
    Scenario)
end

function Scenario:exchange(_, given)
  local made <const> = { payloads = {}, lines = { "READY" }, genuine = 0, bursts = 1, more = 0, on_air = false,
    message = { counter = self.counter, by_rank = {} } }
  self.counter = self.counter + 1
  if given.label:find "^genuine downlink" then
    self.twin = self.twin + 1
    local accepted <const> = self.twins[self.twin] ~= false
    self.used[#self.used + 1] = accepted
    if accepted then
      made.payloads, made.payload_hex = { PAYLOAD_HEX }, PAYLOAD_HEX
      made.confirmation = { message = "dl_confirmation" }
      self.counter = self.counter + 1
      made.reaction, made.on_air, made.genuine = "the host got it", true, 1
    end
    return made
  end
  local i <const> = tonumber(given.label:match "^(%d+)$")
  local effect <const> = i and self.effects[i] or "none"
  if i then
    self.made = math.max(self.made, i)
    self.seen[i] = (self.seen[i] or 0) + 1
  end
  if effect == "lost" then made.lost = "overflow" end
  if effect == "air" then made.reaction, made.on_air, made.more = "1 more message(s) were sent", true, 1 end
  if effect == "same" then made.genuine = 1 end
  if effect == "host always" or effect == "host in doubt" or effect == "host once" and self.seen[i] == 1 then
    made.lines[2] = "SETTINGS CHANGED"
  end
  if effect == "host in doubt" then made.doubt = "a line came garbled" end
  return made
end

local function refuse(effects, twins)
  scenario = new_scenario(effects, twins)
  local events <const> = {}
  local function emit(e) events[#events + 1] = e end
  local t <const> = { air = {}, net = {} }
  t.dut = setmetatable({}, { __index = function() return function() return {} end end }) -- nothing to ask it
  function t.air.ranks_of() end
  function t.net.step(_, a, b) return b - a end
  function t.net.is_newer(_, counter, last) return counter > last end
  function t.net.modulus() return 4096 end
  function t.random(_, n) return math.random(n) end
  function t.weaker_db() return 14 end
  function t.has_line() return true end
  function t.note() end
  function t.step() end
  function t.expect(_, subject, value, why) return expectation.new(emit, false, subject, value, why) end
  function t.require(_, subject, value, why) return expectation.new(emit, true, subject, value, why) end
  function t.claim(_, fields)
    return claim.run({ emit = emit, statistics = fakes.core().statistics }, fields)
  end
  local stimuli <const> = {}
  for i = 1, #effects do stimuli[i] = { name = tostring(i), at = { { tag_flip_hex = "0001" } } } end
  control.begin()
  local core <const> = { bench = {}, dut = { next_line = function() end } }
  local ok <const>, e <const> = pcall(refusal.block, t, core, { event = "accepted", payload = PAYLOAD,
    stimuli = stimuli })
  if not ok and not control.is_stop(e) then error(e, 0) end
  return fold(events), scenario
end

-- What design section 7 says of it, in the order of time.
local function oracle(effects, twins)
  local twin, unproven = 0, false
  local function next_twin()
    twin = twin + 1
    unproven = unproven or twins[twin] == false
  end
  next_twin()
  for i, effect in ipairs(effects) do
    if effect == "lost" or effect == "same" or effect == "host in doubt" or effect == "host once" then
      return "inconclusive"
    end
    if effect == "air" or effect == "host always" then return "fail" end
    if i % 8 == 0 and i < #effects then next_twin() end
  end
  next_twin()
  return unproven and "inconclusive" or "pass"
end

local function random_block()
  local effects <const>, twins <const> = {}, {}
  local quiet <const> = math.random() < 0.5 -- else hardly one would pass
  for i = 1, math.random(20) do
    effects[i] = (quiet or math.random() < 0.85) and "none" or draw(EFFECTS)
  end
  for i = 1, 5 do twins[i] = math.random() > 0.1 end
  return effects, twins
end

test("refusals between twins are judged as the design says", function()
  math.randomseed(5)
  local seen <const> = {}
  for _ = 1, 1500 do
    local effects <const>, twins <const> = random_block()
    local verdict <const>, s <const> = refuse(effects, twins)
    equal(verdict, oracle(effects, twins), table.concat(effects, ",") .. " with twins " .. tostring(twins[1]))
    seen[verdict] = (seen[verdict] or 0) + 1
    if verdict == "pass" then
      equal(#s.used, 2 + (#effects - 1) // 8, "twins of a pass")
      for _, accepted in ipairs(s.used) do equal(accepted, true, "a twin of a pass") end
      for i = 1, #effects do equal(effects[i], "none", "an effect in a pass") end
      equal(s.made, #effects, "stimuli of a pass")
    end
  end
  for _, word in ipairs { "pass", "inconclusive", "fail" } do equal((seen[word] or 0) > 100, true, word) end
end)

test("a block never gets better by a worse exchange or a twin that is not accepted", function()
  math.randomseed(6)
  for _ = 1, 600 do
    local effects <const>, twins <const> = random_block()
    local before <const> = refuse(effects, twins)
    if math.random() < 0.5 then
      local i <const> = math.random(#effects)
      if effects[i] == "none" then effects[i] = draw(EFFECTS) end
    else
      twins[math.random(#twins)] = false
    end
    local after <const> = refuse(effects, twins)
    local better <const> = ORDER[after] < ORDER[before]
    -- an exchange that nobody can judge ends the block before what failed later
    equal(better and not (before == "fail" and after == "inconclusive"), false, before .. " became " .. after)
    equal(before ~= "pass" and after == "pass", false, before .. " became a pass")
  end
end)

-- ---- trials

local function claim_of(bad, allowed)
  local events <const> = {}
  claim.run({ emit = function(e) events[#events + 1] = e end, statistics = fakes.core().statistics },
    { event = "lost", trials = #bad, allowed = allowed, trial = function(i) return bad[i] end })
  return fold(events)
end

test("a fixed plan fails beyond what is allowed, whatever the order, and no trial mends another", function()
  math.randomseed(7)
  for _ = 1, 800 do
    local bad <const>, n = {}, 0
    for i = 1, math.random(30) do
      bad[i] = math.random() < 0.15
      if bad[i] then n = n + 1 end
    end
    local allowed <const> = math.random(0, 4)
    local verdict <const>, blame <const> = claim_of(bad, allowed)
    equal(verdict, n > allowed and "fail" or "pass")
    equal(blame, n > allowed and "device" or "none")
    bad[math.random(#bad)] = true
    equal(ORDER[claim_of(bad, allowed)] >= ORDER[verdict], true, "one more bad trial")
    equal(ORDER[claim_of(bad, allowed + 1)] <= ORDER[claim_of(bad, allowed)], true, "one more allowed")
  end
end)

-- ---- silence

test("silence is held against a device only where every sample was heard on a path that is proven", function()
  math.randomseed(8)
  local seen <const> = {}
  for _ = 1, 600 do
    local frames <const> = {}
    if math.random() < 0.3 then frames[1] = fakes.frame { start_s = 10.1 + 6 * math.random() } end
    if math.random() < 0.2 then
      frames[#frames + 1] = fakes.frame { start_s = 24, status = "bad_crc", ebn0_db = math.random(2) == 1 and 40 or 3 }
    end
    local lost <const> = math.random() < 0.4
    local proven <const> = math.random() < 0.6
    local gap_s <const> = lost and draw { 4, 9.99, 10, 12, 17, 30 } or nil -- the window begins at 10 s
    local core <const> = fakes.core { frames = frames, gap_s = gap_s, air_proven = proven, now_s = 10 }
    local t_air <const> = air.new(core)
    local within_s <const> = 5
    local heard = false
    for _, f in ipairs(frames) do heard = heard or f.status == "ok" and f.end_s <= 10 + within_s end
    control.begin()
    local events <const> = {}
    local frame <const>, why <const> = t_air:uplink { within_s = within_s }
    pcall(function()
      expectation.new(function(e) events[#events + 1] = e end, true, "an uplink", frame, why):exists()
    end)
    local verdict <const> = fold(events)
    local gap_in_window <const> = gap_s ~= nil and gap_s >= 10
    local expected <const> = heard and "pass" or (gap_in_window or not proven) and "inconclusive" or "fail"
    equal(verdict, expected, ("heard %s, gap %s, proven %s"):format(heard, gap_s, proven))
    seen[verdict] = (seen[verdict] or 0) + 1
  end
  for _, word in ipairs { "pass", "inconclusive", "fail" } do equal((seen[word] or 0) > 50, true, word) end
end)

harness.run()
