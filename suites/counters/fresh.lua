-- What the counter cases ask of a message: that it is the device's, complete, signed, and that its counter is new.
local fresh <const> = {}

local Watch <const> = {}
Watch.__index = Watch

--- Has the device send `payload` and gives back whether the message's counter was not used before and is ahead of the
--- last one.
function Watch:message(label)
  local t <const> = self.t
  t:require(label .. " is accepted", t.dut:send(self.payload)):exists()
  local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
  t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
  t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
  if t:declares "KNOWNKEY" and not message.tags_ok then
    t:expect(label .. ": tags verify", false):is_true()
  end
  local is_new <const> = not self.used[message.counter] and t.net:is_newer(message.counter, self.last)
  if not is_new then
    t:note(("%s: counter %d after %d%s"):format(label, message.counter, self.last,
      self.used[message.counter] and ", used before" or ""))
  end
  self.used[message.counter], self.last = true, message.counter
  return is_new
end

--- Asks for a message of other bytes and comes back after `s` seconds, whatever has become of it.
function Watch:start(payload, s)
  self.t.dut:start(payload)
  self.t.air:wait { s = s }
end

--- Takes in what was heard of a message that was broken off: its counter is used.
function Watch:hear()
  while true do
    local frame <const> = self.t.air:uplink { within_s = 0.3 }
    if not frame then return end
    if frame.device_id == self.t.device.id then self.used[frame.counter], self.last = true, frame.counter end
  end
end

--- One history: { message = function(label), … }.
function fresh.history(t, payload)
  return setmetatable({ t = t, payload = payload, used = {}, last = nil }, Watch)
end

--- A function(label) that has the device send `payload` and gives back whether the message's counter was not used
--- before and is ahead of the last one. One history for each watch.
function fresh.watch(t, payload)
  local history <const> = fresh.history(t, payload)
  return function(label) return history:message(label) end
end

return fresh
