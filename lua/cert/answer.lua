-- What an answer of the device proves, and what its want does: who is to blame for a command that came to nothing.
--
-- A unit here is { line =, dialect =, name = (of a sample; nil: the device under test), doubt = (why nothing that was
-- said proves anything, or nil), excuse = (why it may lawfully refuse this, or nil) }.
local absence <const> = require "cert.absence"
local line <const> = require "cert.line"

local answer <const> = {}

-- How the unit is called in a sentence.
local function called(unit)
  return unit.name or "the device"
end

--- Why there was no answer at all: the device is to blame once its line has been seen to work.
function answer.silence(unit, command, within_s)
  if unit.line:proven() then
    return absence.device("%s did not answer '%s' within %g s; it has answered before on this port", called(unit),
      command, within_s)
  end
  return absence.bench("%s answered '%s' within %g s, and nothing ever did in this run: the serial line is"
    .. " not proven; check the wiring, the port, the baud rate and the device's power",
    unit.name and "nothing at " .. unit.name or "nothing", command, within_s)
end

-- Whether a command goes without any answer twice, between pings that are answered. `came` is what came the first time.
local function hangs(unit, came, again)
  if came or not again or not unit.line:carries() then return false end
  local second <const> = again()
  return second.outcome == "timeout" and not unit.line:came_instead(second) and unit.line:carries()
end

-- A line that lost or spoiled an answer is not a device that lost its voice: of one that says something else, or
-- answers the next ping, nobody can tell what it said before.
local function unanswered(unit, command, within_s, came, again)
  if unit.doubt then
    return line.inconclusive("%s did not answer '%s' within %g s, but %s", called(unit), command, within_s, unit.doubt)
  end
  if unit.line:answers_again() then
    if hangs(unit, came, again) then
      return absence.device("%s did not answer '%s' within %g s, twice, but answers '%s' before and behind it: it hangs"
        .. " or restarts on this command", called(unit), command, within_s, unit.dialect.ping)
    end
    if came then
      return line.inconclusive("%s did not answer '%s' within %g s; it %s, and answers '%s' now: it may have restarted,"
        .. " or its answer was lost on the serial line", called(unit), command, within_s, came, unit.dialect.ping)
    end
    return absence.bench("%s did not answer '%s' within %g s, but answers '%s' now: its answer may have been"
      .. " lost on the serial line", called(unit), command, within_s, unit.dialect.ping)
  end
  if came then
    return line.inconclusive("%s did not answer '%s' within %g s; it %s, which is neither '%s' nor an error of the"
      .. " dialect %s", called(unit), command, within_s, came, unit.dialect.ok, unit.dialect.name)
  end
  return answer.silence(unit, command, within_s)
end

-- A refusal is the device's when the line carries, and when it comes again: a command that was garbled on its way is
-- refused too.
local function refused(unit, got, command, again)
  local why = absence.device("%s refused '%s': %s", called(unit), command, got.answer)
  if unit.doubt then return line.inconclusive("%s, but %s", why.text, unit.doubt) end
  if unit.excuse then return absence.bench("%s; %s", why.text, unit.excuse) end
  if not again then return why end
  if not unit.line:carries() then
    return line.inconclusive("%s, but does not answer '%s' three times in a row", why.text, unit.dialect.ping)
  end
  local second <const> = again()
  if second.outcome ~= "error" then
    why = line.inconclusive("%s, and %s when it was said once more: it may have been garbled on its way", why.text,
      second.outcome == "ok" and "obeyed" or "did not answer")
  end
  return why
end

--- `got`, what the C side has of a command, or nil and why it counts for nothing. `again` says the command once more;
--- without it nothing more is said.
function answer.judge(unit, got, command, within_s, again)
  if got.outcome == "timeout" then
    return nil, unanswered(unit, command, within_s, unit.line:came_instead(got), again)
  end
  if got.outcome == "error" then return nil, refused(unit, got, command, again) end
  return got
end

return answer
