-- Can somebody who holds the device read its key? The pages beside this one are the checks. A secret that is found
-- stands in the record as fingerprint and place only.
local cert <const> = require "cert"

return cert.suite {
  id = "KEY",
  title = "Key storage",
}
