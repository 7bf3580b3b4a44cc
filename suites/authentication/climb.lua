-- Brings the counter to where both of its bytes count: below 256 a comparison of the low byte alone looks right.
return function(t)
  t:require("a first message is accepted", t.dut:send "\xd0"):exists()
  local message <const> = t:require("a first message on air", t.air:message { within_s = 10 }):exists()
  if message.counter >= 256 or t.net:modulus() <= 256 then return end
  if t.dut:has "counter_preset" then
    local target <const> = 256 + t:random(t.net:modulus() // 2)
    t:note(("the counter is %d: it is preset to %d, so that both of its bytes count"):format(message.counter, target))
    t:require("the counter is preset", t.dut:preset_counter(target)):exists()
    return
  end
  local missing <const> = 256 - message.counter
  t:note(("the counter is %d: %d short messages bring it to 256, so that both of its bytes count")
    :format(message.counter, missing))
  t:require("the counter at 256", t.dut:spend(missing)):exists()
end
