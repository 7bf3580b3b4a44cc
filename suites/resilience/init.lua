-- Does a message arrive although parts of the network do not hear it?
local cert <const> = require "cert"

return cert.suite {
  id = "RES",
  title = "Resilience",
}
