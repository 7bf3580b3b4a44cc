-- That nothing was found means something only on a device that has the key: it signs a message with it. An empty unit,
-- or one that merely answers, keeps no secret.
local proof <const> = {}

--- Demands one message, signed with the key where the bench knows it.
function proof.signs(t)
  t:require("a message is accepted", t.dut:send "\xca"):exists()
  local message <const> = t:require("a message on air", t.air:message { within_s = 10 }):exists()
  t:require("its identifier", message.device_id):equals(t.device.id)
  if t:declares "KNOWNKEY" then
    t:require("the device signs with the key that is looked for", message.tags_ok or nil, t:doubt(
      "the tag does not verify under the key of the device file: whatever key the device holds, it is not this one"))
      :exists()
  end
end

return proof
