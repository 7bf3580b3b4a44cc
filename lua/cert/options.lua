-- Options of a call: a typo must not turn into a default, so an unknown one is an error at the suite's line.
local control <const> = require "cert.control"
local schema <const> = require "cert.schema"

--- options(call, given, spec) -> a table with the defaults filled in.
return function(call, given, spec)
  local copy <const> = {}
  if given ~= nil and type(given) ~= "table" then
    control.misuse("%s: expected a table of options, got %s", call, type(given))
  end
  for k, v in pairs(given or {}) do copy[k] = v end
  local wrong <const> = schema.check(call, copy, spec)
  if wrong then control.misuse("%s", wrong) end
  return copy
end
