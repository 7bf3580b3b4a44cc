-- What becomes of messages while somebody disturbs the band?
local cert <const> = require "cert"

return cert.suite {
  id = "JAM",
  title = "Jamming",
}
