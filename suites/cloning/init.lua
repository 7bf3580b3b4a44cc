-- Is one device good for nothing but itself? The pages beside this one are the checks.
local cert <const> = require "cert"

return cert.suite {
  id = "CLN",
  title = "Cloning and fleet",
}
