-- The section of one case: why it is tested, what was done, what was demanded and what came.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local plot <const> = include "plot.lua"
local words <const> = include "words.lua"

local case_page <const> = {}

local function of_type(attempt, kind)
  local list <const> = {}
  for _, event in ipairs(attempt.events) do
    if event.type == kind then list[#list + 1] = event end
  end
  return list
end

local function is_good(event)
  return event.verdict == "pass" or event.verdict == "info"
end

-- "3 × bytes, 2 × bit1" out of events, by one field, in order of first appearance.
local function tally(events, field)
  local order <const>, count <const> = {}, {}
  for _, event in ipairs(events) do
    local name <const> = tostring(event[field] or "?")
    if not count[name] then
      count[name] = 0
      order[#order + 1] = name
    end
    count[name] = count[name] + 1
  end
  for i, name in ipairs(order) do order[i] = ("%d × %s"):format(count[name], html.text(name)) end
  return table.concat(order, ", ")
end

local function downlinks(requests)
  local n = 0
  for _, event in ipairs(requests) do
    if event.bidirectional then n = n + 1 end
  end
  return n > 0 and (", %d of them with a downlink request"):format(n) or ""
end

-- "2 × dut1, 4 × dut2" when more than one device was at work, else nothing.
local function per_unit(events)
  local text <const> = tally(events, "unit")
  return text:find(", ", 1, true) and " (" .. text .. ")" or ""
end

local function interference(bursts)
  local low, high = math.huge, -math.huge
  for _, burst in ipairs(bursts) do
    if type(burst.js_db) == "number" then low, high = math.min(low, burst.js_db), math.max(high, burst.js_db) end
  end
  local js <const> = low <= high and ("; J/S %.1f … %.1f dB"):format(low, high) or ""
  local ranked <const>, steady <const> = {}, {}
  for _, burst in ipairs(bursts) do
    local list <const> = burst.steady and steady or ranked
    list[#list + 1] = burst
  end
  local parts <const> = {}
  if #ranked > 0 then parts[1] = tally(ranked, "rank"):gsub("×", "× rank") end
  if #steady > 0 then parts[#parts + 1] = ("%d × steady"):format(#steady) end
  local shapes <const> = bursts[1].shape and "; " .. tally(bursts, "shape") or ""
  return ("%s (%s%s)%s"):format(words.count(#bursts, "burst"), table.concat(parts, ", "), shapes, js)
end

local function sent_downlinks(bursts)
  local wrong = 0
  for _, burst in ipairs(bursts) do
    if not burst.genuine then wrong = wrong + 1 end
  end
  local tags <const> = wrong > 0 and (", %d of them with a tag that is not the key's"):format(wrong) or ""
  return words.count(#bursts, "downlink") .. tags
end

local function what_was_done(case, attempt)
  local items <const> = {}
  local function add(format, ...) items[#items + 1] = "<li>" .. format:format(...) .. "</li>" end
  local commands <const>, requests <const> = of_type(attempt, "command"), of_type(attempt, "request")
  local frames <const>, power <const> = of_type(attempt, "uplink"), of_type(attempt, "power")
  local resets <const>, sent <const> = of_type(attempt, "reset"), of_type(attempt, "downlink")
  local jams <const> = of_type(attempt, "jam")
  if #(case.watches or {}) > 0 then add("Judged what the cases %s had recorded.", words.list(case.watches)) end
  if #requests > 0 then
    add("Asked the device for %s: %s%s.", words.count(#requests, "message"), tally(requests, "message"),
      downlinks(requests))
  end
  if #commands > 0 then
    add("Sent %s%s; answers: %s.", words.count(#commands, "command"), per_unit(commands), tally(commands, "outcome"))
  end
  if #resets > 0 then add("Worked the reset line %s%s.", words.count(#resets, "time"), per_unit(resets)) end
  if #power > 0 then add("Switched the supply %s%s.", words.count(#power, "time"), per_unit(power)) end
  if #sent > 0 then add("Transmitted %s.", sent_downlinks(sent)) end
  if #jams > 0 then add("Interfered: %s.", interference(jams)) end
  if #frames > 0 then add("Received and decoded %s.", words.count(#frames, "frame")) end
  for _, gap in ipairs(of_type(attempt, "gap")) do
    add("Samples were lost at %s (%s): silence around there means nothing.", words.seconds(gap.t_s),
      html.text(gap.reason))
  end
  local first <const>, last <const> = attempt.events[1], attempt["end"]
  if first and last and last.t_s > first.t_s then
    add("Listened for %s of device time.", words.seconds(last.t_s - first.t_s))
  end
  if #items == 0 then return "" end
  return "<h4>What was done</h4><ul>" .. table.concat(items, "\n") .. "</ul>\n"
end

local DEMAND_COLUMNS <const> = {
  { "Subject", cell = function(e) return html.text(e.subject) end },
  { "Demanded", cell = function(e) return html.text(e.expected) end },
  { "Came", cell = function(e) return html.text(e.actual) end },
  { "Verdict", cell = function(e) return words.badge(e.verdict) end, class = "tight" },
  { "At", cell = function(e) return words.seconds(e.t_s) end, class = "number" },
}

local function demands(attempt)
  local met <const>, unmet <const> = {}, {}
  for _, event in ipairs(of_type(attempt, "expect")) do
    local list <const> = is_good(event) and met or unmet
    list[#list + 1] = event
  end
  local out <const> = {}
  if #met + #unmet > 0 then out[1] = "<h4>Demands</h4>" end
  if #unmet > 0 then
    out[#out + 1] = ("<p>%s not met:</p>"):format(words.count(#unmet, "demand"))
    out[#out + 1] = html.table(DEMAND_COLUMNS, unmet)
  end
  if #met > 0 then
    out[#out + 1] = html.fold(words.count(#met, "demand") .. " met", html.table(DEMAND_COLUMNS, met),
      #met <= 6 and "open")
  end
  return table.concat(out)
end

local function plan_text(plan)
  plan = plan or {}
  if plan.kind == "fixed" then
    return ("%s, at most %s bad"):format(html.text(plan.trials), html.text(plan.allowed))
  end
  return ("sequential: good %s, bad %s, α %s, β %s"):format(html.text(plan.good), html.text(plan.bad),
    html.text(plan.alpha), html.text(plan.beta))
end

local function bound_text(bound)
  if not bound or type(bound.value) ~= "number" then return "–" end
  return ("below %.2f %% (%s, %.0f %% confidence)"):format(100 * bound.value, html.text(bound.type),
    100 * (bound.confidence or 0))
end

local function claims(attempt)
  local list <const> = of_type(attempt, "claim")
  if #list == 0 then return "" end
  return "<h4>Repeated trials</h4>" .. html.table({
    { "Bad event", cell = function(e) return html.text(e.event) end },
    { "Planned trials", cell = function(e) return plan_text(e.plan) end },
    { "Done", cell = function(e) return html.text(e.trials) end, class = "number" },
    { "Bad", cell = function(e) return html.text(e.faults) end, class = "number" },
    { "Rate of the bad event", cell = function(e) return bound_text(e.bound) end },
    { "Verdict", cell = function(e) return words.badge(e.verdict) end, class = "tight" },
  }, list)
end

-- A limit without a public source is a working default of the laboratory, and says so beside the verdict.
local function mark_text(mark)
  if mark == "ASSUMED" or mark == "P" then return ('<span class="assumed">[%s]</span>'):format(html.text(mark)) end
  return mark and ("[%s]"):format(html.text(mark)) or "–"
end

local function uncertainty(e)
  if type(e.U) ~= "number" then return "–" end
  return ("± %.3g (k = %s)"):format(e.U, html.text(e.k))
end

local function measurements(attempt)
  local list <const> = of_type(attempt, "measure")
  if #list == 0 then return "" end
  return "<h4>Measurements</h4>" .. html.table({
    { "Quantity", cell = function(e) return html.text(e.name) end },
    { "Value", class = "number", cell = function(e)
      local unit <const> = e.unit ~= "1" and e.unit -- a bare number
      return words.number(e.value, "%.6g") .. (unit and " " .. html.text(unit) or "")
    end },
    { "U", cell = uncertainty },
    { "Limit", cell = function(e) return html.text(e.limit) end },
    { "Source", cell = function(e) return html.text(e.limit_source) end },
    { "Mark", cell = function(e) return mark_text(e.mark) end, class = "tight" },
    { "Verdict", cell = function(e) return words.badge(e.verdict) end, class = "tight" },
  }, list)
end

local function tag_text(e)
  if e.status ~= "ok" then return html.text(e.status) end
  if e.tag_ok == nil then return "not judged" end
  return e.tag_ok and '<span class="good">right</span>' or '<span class="bad">wrong</span>'
end

local function messages(attempt)
  local list <const> = of_type(attempt, "uplink")
  if #list == 0 then return "" end
  local body <const> = html.table({
    { "Time", cell = function(e) return words.number(e.start_s, "%.3f s") end, class = "number" },
    { "Rank", cell = function(e) return html.text(e.rank) end, class = "number" },
    { "MHz", cell = function(e) return words.mhz(e.f_hz) end, class = "number" },
    { "Eb/N0", cell = function(e) return words.number(e.ebn0_db, "%.1f dB") end, class = "number" },
    { "Device", cell = function(e) return html.text(e.device_id) end, class = "code" },
    { "Counter", cell = function(e) return html.text(e.counter) end, class = "number" },
    { "Kind", cell = function(e) return html.text(e.message) end, class = "tight" },
    { "Payload", cell = function(e) return html.text(e.payload_hex) end, class = "code tight" },
    { "Tag", cell = tag_text, class = "tight" },
    { "Network says", cell = function(e) return html.text(e.judge) end },
  }, list, "dense")
  return "<h4>Messages seen</h4>" .. html.fold(words.count(#list, "received frame"), body, #list <= 12 and "open")
end

local NOTES_SHOWN <const> = 5

local function bullets(items)
  return "<ul>" .. table.concat(items, "\n") .. "</ul>\n"
end

-- Trouble is always shown; of many notes the first few, the rest to open.
local function remarks(attempt)
  local trouble <const>, notes <const>, more <const> = {}, {}, {}
  for _, event in ipairs(attempt.events) do
    if event.type == "note" then
      local list <const> = #notes < NOTES_SHOWN and notes or more
      list[#list + 1] = ("<li>%s</li>"):format(html.text(event.text))
    elseif event.type == "fault" then
      trouble[#trouble + 1] = ("<li><strong>Trouble of the %s</strong> at %s: %s</li>"):format(html.text(event.blame),
        words.seconds(event.t_s), html.text(event.text))
    elseif event.type == "worker.lost" then
      trouble[#trouble + 1] = ("<li><strong>The worker was lost</strong>: %s</li>"):format(html.text(event.reason))
    end
  end
  local out <const> = {}
  if #trouble > 0 then out[1] = "<h4>Trouble</h4>" .. bullets(trouble) end
  if #notes > 0 then out[#out + 1] = "<h4>Remarks</h4>" .. bullets(notes) end
  if #more > 0 then out[#out + 1] = html.fold(words.count(#more, "more remark"), bullets(more)) end
  return table.concat(out)
end

local KNOWN_FILES <const> = {
  ["verdict.json"] = "the result record", ["measurements.json"] = "the measured values",
}

local function what_it_is(file)
  local note <const> = file.note ~= "" and file.note or nil
  return html.text(note or KNOWN_FILES[file.path] or file.media_type)
end

local function evidence(attempt)
  local files <const> = (attempt["end"] or {}).files or {}
  if #files == 0 then return "" end
  local body <const> = html.table({
    { "File", cell = function(f) return html.text(f.path) end, class = "code tight" },
    { "What it is", cell = what_it_is, class = "what" },
    { "Bytes", cell = function(f) return words.thousands(f.size) end, class = "number" },
    { "SHA-256", cell = function(f) return html.text(f.sha256) end, class = "code hash" },
  }, files, "dense")
  return html.fold("Evidence: " .. words.count(#files, "file"), body, "print")
end

local function attempt_body(case, attempt)
  local pictures <const> = {}
  for i, picture in ipairs(attempt.pictures) do pictures[i] = plot.figure(picture) end
  return table.concat {
    what_was_done(case, attempt), demands(attempt), remarks(attempt), claims(attempt), measurements(attempt),
    table.concat(pictures), plot.kept(attempt.frames), messages(attempt), evidence(attempt),
  }
end

local function attempts(case)
  local out <const> = {}
  for _, attempt in ipairs(case.attempts) do
    if #case.attempts > 1 then
      out[#out + 1] = ("<h4>Attempt %d: %s%s</h4><p>%s</p>"):format(attempt.attempt, words.badge(attempt.verdict),
        attempt.superseded and " superseded by a later one" or "", html.text(attempt.reason))
    end
    out[#out + 1] = attempt_body(case, attempt)
  end
  return table.concat(out)
end

-- Verdict and reason of one case, as far as they are more than a pass.
local function reason_text(case, blames)
  if case.verdict == "pass" then return "" end
  local reason = html.text(case.reason)
  if case.blame ~= "none" and case.state == "attempted" then
    reason = ("%s <span class=\"blame\">On account of %s.</span>"):format(reason, html.text(blames[case.blame]))
  end
  return ('<p class="reason %s">%s</p>\n'):format(html.id(case.verdict), reason)
end

-- `name` is what repeats it: one case, or all variants of a test.
local function facts(case, run, name)
  return html.facts {
    { "Weight", ("severity %s, level %s, safety class %s"):format(html.text(case.severity), html.text(case.level),
      html.text(case.safety)), true },
    { "Controls", words.list(case.covers), true },
    { "Repeat it", "<code>" .. html.text(words.command(run, name)) .. "</code>", true },
  }
end

--- The section of one test: its variants (one case for each combination of axes; mostly a single one) one after the
--- other. `blames` gives the sentence of each word of blame.
function case_page.section(cases, run, blames)
  local first <const>, several <const> = cases[1], #cases > 1
  local out <const> = { '<section class="case">' }
  local function heading(level, case, name, title)
    out[#out + 1] = ('<h%d id="%s">%s %s <span class="title">%s</span></h%d>\n'):format(level,
      html.id(words.full_id(case)), html.text(name), words.badge(case.verdict), title and html.text(title) or "", level)
  end
  local why <const> = ("<p><strong>Why.</strong> %s</p>\n"):format(html.text(first.threat))
  if not several then
    heading(3, first, words.full_id(first), first.title)
    out[#out + 1] = reason_text(first, blames) .. why .. attempts(first)
  else
    out[#out + 1] = ('<h3>%s <span class="title">%s</span></h3>\n'):format(html.text(first.id), html.text(first.title))
    out[#out + 1] = why
    for _, case in ipairs(cases) do
      out[#out + 1] = '<div class="variant">'
      heading(4, case, case.axes)
      out[#out + 1] = reason_text(case, blames) .. attempts(case) .. "</div>\n"
    end
  end
  out[#out + 1] = facts(first, run, several and first.id or words.full_id(first))
  out[#out + 1] = "</section>\n"
  return table.concat(out)
end

return case_page
