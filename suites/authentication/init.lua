-- Does every message prove who sent it? The pages beside this one are the checks.
local cert <const> = require "cert"

return cert.suite {
  id = "AUTH",
  title = "Authentication",
}
