-- What the counter cases ask of a message: that it is the device's, complete, and that its counter is new.
local fresh <const> = {}

--- A function(label) that has the device send `payload` and gives back whether the message's counter was not used
--- before and is ahead of the last one. One history for each watch.
function fresh.watch(t, payload)
  local used <const>, last = {}, nil
  return function(label)
    t:require(label .. " is accepted", t.dut:send(payload)):exists()
    local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
    t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
    t:expect(label .. ": frames of the message", t.air:ranks_of(message)):equals "1+2+3"
    local is_new <const> = not used[message.counter] and t.net:is_newer(message.counter, last)
    if not is_new then
      t:note(("%s: counter %d after %d%s"):format(label, message.counter, last,
        used[message.counter] and ", used before" or ""))
    end
    used[message.counter], last = true, message.counter
    return is_new
  end
end

return fresh
