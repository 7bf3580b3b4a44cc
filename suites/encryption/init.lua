-- Is what the device sends readable for nobody else? The pages beside this one are the checks. They judge blindly:
-- what is on air, without the cipher, whose official form is not public.
local cert <const> = require "cert"

return cert.suite {
  id = "ENC",
  title = "Encryption",
}
