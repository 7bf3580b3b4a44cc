-- What the counter cases ask of a message: that it is the device's, complete, what was asked for and signed, and that
-- its counter is new. A counter that one kind of message does not step or does not keep comes again behind any other,
-- so each history asks for all kinds.
local deck <const> = require "cert.deck"
local judged <const> = require "suites.authentication.judged"

local fresh <const> = {}

local LONGEST_S <const> = 2.5 -- a frame, and what decoding takes: one that was cut is told as late as a whole one

local Watch <const> = {}
Watch.__index = Watch

--- Has the device send `request`, by default the next one of its deck, and gives back whether the message's counter was
--- not used before and is ahead of the last one.
function Watch:message(label, request)
  local t <const> = self.t
  local asked <const> = t:require(label .. " is accepted", t.dut:ask(request or self.draw())):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
  judged.whole(t, label, message, asked)
  return self:book(label, message.counter)
end

--- A message whose answer nobody sends.
function Watch:request(label)
  return self:message(label, self.draw_request())
end

--- The message before interruption `i`; of every so many, and at most `times`, one whose answer nobody sends.
function Watch:before(label, i, every, times)
  if i % every == 0 and i <= times * every then return self:request(label) end
  return self:message(label)
end

-- How far the counter has come in all. One that leaves out values at each restart may come round lawfully, in steps
-- that the network takes: what was used a round ago was not used before.
function Watch:take(counter)
  local step <const> = self.last and self.t.net:step(self.last, counter) or 0
  if 2 * step < self.t.net:modulus() then self.way = self.way + step end
  self.used[counter], self.last = self.way, counter
end

function Watch:was_used(counter)
  local at <const>, step <const> = self.used[counter], self.last and self.t.net:step(self.last, counter) or 0
  if at == nil then return false end
  return step > self.t.net:window() or self.way + step - at < self.t.net:modulus()
end

-- From the middle of its range a counter that is set back to 0 goes half of the way round, which looks like forwards.
function Watch:is_near(counter)
  return not self.last or 20 * self.t.net:step(self.last, counter) < 9 * self.t.net:modulus()
end

--- Takes in a counter that was on air, and gives back whether it was new.
function Watch:book(label, counter)
  local t <const> = self.t
  local was_used <const> = self:was_used(counter)
  local is_new <const> = not was_used and t.net:is_newer(counter, self.last) and self:is_near(counter)
  if not is_new then
    t:note(("%s: counter %d after %d%s"):format(label, counter, self.last, was_used and ", used before" or ""))
  end
  self:take(counter)
  return is_new
end

--- Asks for a message of other bytes and comes back after `s` seconds, whatever has become of it.
function Watch:start(payload, s)
  self.t.dut:start(payload)
  self.t.air:wait { s = s }
end

--- Takes in what was heard of a message that was broken off: its counter is used. A frame that was cut does not decode,
--- and belongs to nothing that follows.
function Watch:hear()
  while true do
    local frame <const> = self.t.air:uplink { within_s = LONGEST_S }
    if not frame then
      self.t.air:strays {}
      return
    end
    if frame.device_id == self.t.device.id then self:take(frame.counter) end
  end
end

--- One history: history:message(label), history:request(label), …
function fresh.history(t)
  return setmetatable({
    t = t, draw = deck.new(t, false), draw_request = deck.new(t, true), used = {}, way = 0, last = nil,
  }, Watch)
end

--- Brings the counter to `steps` before the middle of its range: below 256 a byte of it is missed by nobody, and in the
--- middle its highest bit changes.
function fresh.climb(t, steps)
  if not t.dut:has "counter_preset" then
    t:note "a counter in the middle of its range: not exercised, the device file declares no counter_preset"
    return
  end
  local target <const> = t.net:modulus() // 2 - 1 - steps
  t:require(("the counter is preset to %d"):format(target), t.dut:preset_counter(target)):exists()
end

return fresh
