-- How a case ends early: a stop (a demand that was required failed) or a fault (the bench cannot go on). Both
-- travel as errors that no pcall of a suite may swallow. Misuse of the language is an ordinary error that names the
-- suite's line.
local control <const> = {}

local STOP <const> = { __name = "cert.stop", __tostring = function(s) return s.text end }
-- What ended the present attempt: nothing that a suite does with the error afterwards makes it go on.
local ending

local FAULT <const> = { __name = "cert.fault", __tostring = function(f) return f.text end }

--- Ends the case after a required demand that was not met; the demand is already recorded.
function control.stop(text)
  ending = setmetatable({ text = text }, STOP)
  error(ending, 0)
end

--- Ends the case because the bench, the suite or the configuration (`blame`) failed; `code` is a name of err.def.
function control.fault(code, blame, text)
  ending = setmetatable({ code = code, blame = blame, text = text }, FAULT)
  error(ending, 0)
end

function control.is_stop(e)
  return type(e) == "table" and getmetatable(e) == STOP
end

--- A fault made here or by the C side, whose faults are tables of the registered metatable "fox.fault". A name alone
--- makes none: else a suite could blame the bench.
function control.is_fault(e)
  if type(e) ~= "table" then return false end
  local meta <const> = getmetatable(e)
  return meta ~= nil and (meta == FAULT or meta == debug.getregistry()["fox.fault"])
end

--- The stop or fault that has ended the attempt, or nil. A __close may put another error in its place; this one stays.
function control.ending()
  return ending or debug.getregistry()["fox.raised"]
end

--- A new attempt begins.
function control.begin()
  ending = nil
  debug.getregistry()["fox.raised"] = nil
end

local function suite_line()
  for level = 3, 30 do
    local info <const> = debug.getinfo(level, "Sl")
    if not info then return "" end
    if info.currentline > 0 and not info.source:find("lua/cert/", 1, true) then
      return ("%s:%d: "):format(info.short_src, info.currentline)
    end
  end
  return ""
end

--- Raises an error at the line of the suite that called us.
function control.misuse(format, ...)
  error(suite_line() .. format:format(...), 0)
end

return control
