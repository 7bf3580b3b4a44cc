-- How far the device's serial line can be trusted. What came garbled, cut, in pieces or among a flood is held against
-- nobody: neither the answer that was broken nor the one that it hid.
local absence <const> = require "cert.absence"

local line <const> = {}

local Line <const> = {}
Line.__index = Line

-- What a serial line may carry of lines that nobody asked for.
local FLOOD_LINES <const>, FLOOD_PER_S <const> = 30, 1
-- An adapter or the computer may stumble now and then; a device that splits its lines does it all the time.
local PIECES_ALLOWED <const> = 2
local PINGS <const> = 3
local ANSWER_LINES <const> = 20 -- no answer of a dialect is longer

--- `port` is the C side, `language` the dialect.
function line.new(port, language)
  return setmetatable({
    port = port, dialect = language, forgiven = 0, surplus = 0, unfinished = 0, misheard = 0, sent = {},
  }, Line)
end

local KEPT <const> = 8 -- commands whose echo may come late

-- An echo that is none of the last commands': what the device heard is not what was said. Errors may begin so, too.
function Line:check_echo(text, lines)
  table.insert(self.sent, 1, text)
  self.sent[KEPT + 1] = nil
  for _, came in ipairs(lines) do
    local is_echo = came:find "^AT[^_]" ~= nil
    for _, said in ipairs(self.sent) do is_echo = is_echo and came ~= said end
    if is_echo then self.misheard, self.misheard_as = self.misheard + 1, came end
  end
end

--- A command line; lines beyond any answer were not asked for.
function Line:put(text, given)
  self.unfinished = self.port:line_state().unfinished
  local answer <const> = self.port:command(text, given)
  if self.dialect.echo then self:check_echo(text, answer.lines) end
  self.surplus = self.surplus + math.max(#answer.lines - ANSWER_LINES, 0)
  return answer
end

--- How many lines this attempt brought that nobody asked for.
function Line:unasked()
  return self.port:unasked() + self.surplus
end

--- While a device starts, its pins say anything, and it may tell much of itself. Gives back a function that forgives
--- what came meanwhile.
function Line:starting()
  local spoiled <const>, misheard <const> = self.port:line_state().spoiled, self.misheard
  local unasked <const> = self.port:unasked()
  return function()
    self.surplus = self.surplus - (self.port:unasked() - unasked)
    self.forgiven = self.forgiven + self.port:line_state().spoiled - spoiled
    self.misheard = misheard
  end
end

--- What floods the line, in words, or nil; `began_s` and `now_s` are the times of the attempt.
function Line:flood(began_s, now_s)
  local lines <const>, s <const> = self:unasked(), now_s - began_s
  if lines >= FLOOD_LINES and lines > s * FLOOD_PER_S then
    return ("%d lines in %.0f s that nobody asked for: among them no answer can be told for sure"):format(lines, s)
  end
end

--- Why nothing that was said in this attempt proves anything, or nil.
function Line:doubt(began_s, now_s)
  local state <const> = self.port:line_state()
  local garbled <const> = state.spoiled - self.forgiven
  if garbled > 0 then
    return ("%d line(s) came garbled or cut off, the last such line is '%s'"):format(garbled, state.text)
  end
  if self.misheard > 0 then
    return ("%d command(s) were echoed as something else, the last one as '%s'"):format(self.misheard, self.misheard_as)
  end
  if state.in_pieces > PIECES_ALLOWED then
    return ("%d lines came in pieces, with longer pauses than %g s; the last such line is '%s'"):format(state.in_pieces,
      self.dialect.pause_s, state.text)
  end
  return self:flood(began_s, now_s)
end

--- Whether a command and its answer come through now: the ping is answered well three times.
function Line:carries()
  for _ = 1, PINGS do
    if self:put(self.dialect.ping, { within_s = self.dialect.within_s, answer = "end" }).outcome ~= "ok" then
      return false
    end
  end
  return true
end

--- Whether it has ever been seen to work in this run.
function Line:proven()
  return self.port:proven()
end

--- Whether the device answers one of a few pings.
function Line:answers_again()
  if not self.port:proven() then return false end
  for _ = 1, PINGS do
    if self:put(self.dialect.ping, { within_s = self.dialect.within_s, answer = "end" }).outcome == "ok" then
      return true
    end
  end
  return false
end

--- What came instead of an answer to the last command, in words, or nil: nothing at all.
function Line:came_instead(answer)
  if #answer.lines > 0 then return ("said '%s'"):format(answer.lines[#answer.lines]) end
  local bytes <const> = self.port:line_state().unfinished - self.unfinished
  if bytes > 0 then return ("sent %d byte(s) without a line end"):format(bytes) end
end

--- Nobody is blamed: the line or the device.
function line.inconclusive(format, ...)
  return absence.bench("%s; the raw bytes are in uart.log; mend the serial line or the device and repeat the case",
    format:format(...))
end

return line
