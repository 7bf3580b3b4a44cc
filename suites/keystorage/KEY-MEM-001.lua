-- The flash beside the processor can be read by everybody with a clip. It must not hold the key: not as it is, not
-- turned, masked or written as text, not expanded; and not after the device has used it either.
local suite <const> = require "suites.keystorage"
local proof <const> = require "suites.keystorage.proof"

local function told(hit)
  local form = hit.form
  if hit.xored_with ~= 0 then form = ("%s, each byte XOR %02X"):format(form, hit.xored_with) end
  if hit.round ~= 0 then form = ("%s %d"):format(form, hit.round) end
  return ("%s %s at 0x%06x: %s"):format(hit.name, hit.fingerprint, hit.offset, form)
end

-- Reads the whole chip and demands that the key is not in it.
local function search(t, when, size)
  t:step("reading the flash " .. when)
  local found <const> = t.probe:search_flash(size)
  t:note(("flash %s: %d bytes, SHA-256 %s"):format(when, found.size, found.sha256))
  local blank <const> = found.blank and t:doubt(
    "every byte of the flash is the same: an empty chip, or one that is not being read; check the clip and its type")
  t:require("content of the flash " .. when, not found.blank and found.sha256 or nil, blank or nil):exists()
  local places <const> = {}
  for i, hit in ipairs(found.hits) do places[i] = told(hit) end
  t:expect("places of the key in the flash " .. when, places):is_empty()
end

suite:case {
  id         = "KEY-MEM-001",
  title      = "external memory holds no usable key",
  threat     = "The flash or EEPROM beside the processor is read with a clip.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "reset", "radio.rx", "spi", "EXTMEM", "KNOWNKEY" },
  safety     = "S0",
  covers     = {
    "EN303645:5.4-1", "EN18031:SSM-1", "EN18031:SSM-3", "ISTG:MEM-SCRT-001", "ISTG:INT[I2C]-INFO-003",
    "IEC62443:CR 4.1", "WP:A13",
  },
  faults     = { "MUT-KEY-008", "MUT-KEY-009" },
  deadline_s = 1800,

  run = function(t)
    proof.signs(t)
    local chip <const> = t:require("flash chip", t.probe:flash()):exists()
    search(t, "of the running device", chip.size)
    t:require("the device under reset", t.dut:while_reset(function()
      search(t, "under reset", chip.size)
    end)):exists()

    local messages <const> = t:amount { of = "messages before the flash is read again", full = 20, smoke = 4 }
    for i = 1, messages do
      local label <const> = ("message %d"):format(i)
      t:require(label .. " is accepted", t.dut:send(string.char(i))):exists()
      local message <const> = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
      t:expect(label .. ": identifier", message.device_id):equals(t.device.id)
    end
    search(t, ("after %d messages"):format(messages), chip.size)
  end,
}

return suite
