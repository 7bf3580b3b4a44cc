-- Does the device do only what it decided itself, and hear only what it asked for?
local cert <const> = require "cert"

return cert.suite {
  id = "FWL",
  title = "Built-in firewall",
}
