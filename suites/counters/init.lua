-- Can an old message be sold as a new one? The pages beside this one are the checks.
local cert <const> = require "cert"

return cert.suite {
  id = "CNT",
  title = "Message counter",
}
