-- The report of one run as one HTML page: nothing is fetched, nothing runs. reports/model.c says what `m` holds.
-- luacheck: read_globals include
local case_page <const> = include "case.lua"
local chart <const> = include "chart.lua"
local claims <const> = include "claims.lua"
local decision <const> = include "decision.lua"
local declared <const> = include "declared.lua"
local html <const> = include "html.lua"
local results <const> = include "results.lua"
local risks <const> = include "risks.lua"
local transmit <const> = include "transmit.lua"
local words <const> = include "words.lua"

-- Cases by verdict, and how many there are of each.
local function count(cases)
  local counts <const> = { total = #cases }
  for _, case in ipairs(cases) do counts[case.verdict] = (counts[case.verdict] or 0) + 1 end
  return counts
end

local function link(case)
  local id <const> = words.full_id(case)
  return ('<a href="#%s">%s</a>'):format(html.id(id), html.text(id))
end

local function get(counts, name)
  return counts[name] or 0
end

local CLASS <const> = { granted = "pass", refused = "fail", ["not granted yet"] = "inconclusive" }

-- A level or profile as it is written.
local function level_name(level)
  local upper <const> = { rail = true, meter = true, alarm = true }
  return upper[level] and level:upper() or level:sub(1, 1):upper() .. level:sub(2)
end

local function is_virtual(m)
  return m.run.bench == "virtual" or (m.plan.bench or {}).virtual == true
end

local function missing_text(m, result)
  local binding <const>, ids <const> = {}, {}
  for i, test in ipairs(result.missing) do
    ids[i] = '<span class="id">' .. html.text(test.id) .. "</span>"
    if decision.is_binding(result.level, test) then binding[#binding + 1] = ids[i] end
  end
  local text = ("%d of the %d cases that level %s demands were not part of this run (profile %s%s)."):format(#ids,
    result.demanded, level_name(result.level), html.text(m.run.profile),
    #(m.run.select or {}) > 0 and ", selected cases only" or "")
  if #binding > 0 then
    text = text .. (" %s among them cannot be waived: %s."):format(#binding, table.concat(binding, ", "))
  end
  return text .. html.fold(("All %d"):format(#ids), '<p class="small">' .. table.concat(ids, ", ") .. "</p>", "print")
end

local function reason_text(m, result, reason)
  local case <const>, kind <const> = reason.case, reason.kind
  local name <const> = case and ("%s (%s)"):format(link(case), html.text(case.severity))
  local why <const> = case and html.text(case.reason)
  if kind == "fail" then return ("%s failed: %s"):format(name, why) end
  if kind == "waived" then return ("%s cannot be waived, but was left out."):format(name) end
  if kind == "lesser fail" then
    return ("%s failed: %s. At Basic and Substantial a dated plan of correction allows a grant with conditions.")
      :format(name, why)
  end
  if kind == "undecided" then
    return ("%s %s: %s"):format(name, html.text(words.verdict(case.verdict)), why)
  end
  if kind == "not declared" then
    return ("%s is required by this profile, but does not apply: %s"):format(name, why)
  end
  if kind == "warn" then return ("%s passed with a remark: %s"):format(name, why) end
  if kind == "missing" then return missing_text(m, result) end
  if kind == "unfinished" then return "The run was not finished." end
  if kind == "substitutes" then return "Parts of the bench were replaced for a test of the bench itself." end
  if kind == "chaos" then return "Faults were put into the bench on purpose." end
  return "The device had a seeded fault on purpose."
end

-- What was found, in one sentence: a failing device and a failing bench never share a word.
local function found(counts)
  local judged <const> = get(counts, "pass") + get(counts, "warn") + get(counts, "info")
  local open <const> = get(counts, "error") + get(counts, "inconclusive") + get(counts, "notrun")
  if get(counts, "fail") > 0 then
    return ("The device failed %s of %d."):format(words.count(get(counts, "fail"), "case"), counts.total)
  end
  if open > 0 then
    return ("The device failed nothing, but %s of %d decided nothing."):format(words.count(open, "case"), counts.total)
  end
  if judged == 0 then return "No case applied to this device." end
  local text = ("Run without a fail: %s."):format(words.count(judged, "case"))
  local na <const> = get(counts, "na")
  return na == 0 and text or text .. (" %s not applicable."):format(words.count(na, "case"))
end

local function decision_box(m, counts)
  local result <const> = decision.decide {
    profile = m.run.profile, ended = m["end"] ~= nil, faults = m.run.faults, chaos = m.run.chaos,
    substitutes = m.run.substitutes,
    features = (m.plan.device or {}).features, cases = m.cases, catalogue = m.mappings.catalogue,
  }
  local list <const> = {}
  for i, reason in ipairs(result.reasons) do list[i] = "<li>" .. reason_text(m, result, reason) .. "</li>" end
  local what <const> = is_virtual(m)
    and "It was reached in the virtual lab and holds for firmware running there, not for a product."
    or "It holds for the items tested, with calibrated instruments, and once the residual risks are signed."
  return ('<section class="decision %s"><p class="kicker">Decision · level %s</p><h2>%s</h2><p>%s</p>%s'
    .. '<p class="small">%s It follows from the verdicts by section D.5 of the test catalogue; a grant is valid for 24 '
    .. "months, or until firmware, radio or key storage change.</p></section>\n"):format(CLASS[result.word],
    level_name(result.level), result.word:sub(1, 1):upper() .. result.word:sub(2), html.text(found(counts)),
    #list > 0 and "<ul>" .. table.concat(list, "\n") .. "</ul>" or "", what)
end

local TILES <const> = { "pass", "fail", "error", "inconclusive", "warn", "info", "notrun", "na" }

local function tiles(counts)
  local out <const> = {}
  for _, name in ipairs(TILES) do
    if get(counts, name) > 0 or name == "pass" or name == "fail" then
      out[#out + 1] = ('<div class="tile %s"><b>%d</b> %s</div>'):format(get(counts, name) > 0 and name or "na",
        get(counts, name), words.verdict(name))
    end
  end
  return '<div class="tiles">' .. table.concat(out) .. "</div>\n"
end

-- What a reader must know before any verdict.
local function notices(m)
  local out <const> = {}
  local function add(...) out[#out + 1] = '<p class="notice">' .. string.format(...) .. "</p>\n" end
  if is_virtual(m) then
    add("<strong>Virtual lab.</strong> Radio, air, serial line and clock were simulated on one computer, and the "
      .. "device was firmware running as a process there. The protocol and the device's behaviour are judged as on "
      .. "hardware; analogue properties are not.")
  end
  if #(m.run.faults or {}) > 0 then
    add("<strong>Seeded fault.</strong> The reference device was given %s on purpose. A fail is what this run should "
      .. "show.", words.list(m.run.faults))
  end
  if m.run.chaos then
    add("<strong>Chaos.</strong> Faults of radios, lines and power were drawn into the virtual lab on purpose (%s): "
      .. "this run shows how the bench bears them, not what the device is worth.", html.text(m.run.chaos))
  end
  if #(m.run.substitutes or {}) > 0 then
    add("<strong>Not an honest run.</strong> Parts of the bench were replaced for a test of the bench itself: %s.",
      words.list(m.run.substitutes))
  end
  if m.torn then
    add "<strong>Unfinished.</strong> The ledger ends in the middle of a line: the run was cut off."
  elseif not m["end"] then
    add "<strong>Unfinished.</strong> The ledger has no end: the run was cut off."
  end
  return table.concat(out)
end

local function instruments(m)
  local rows <const>, last <const> = {}, {}
  for _, event in ipairs(m.outside) do
    if event.type == "instrument" then last[event.unit or "?"] = event end
  end
  for _, event in pairs(last) do rows[#rows + 1] = event end
  if #rows == 0 then return "<p>No instrument was opened.</p>" end
  return html.table({
    { "Unit", cell = function(e) return html.text(e.unit) end, class = "tight" },
    { "Kind", cell = function(e) return html.text(e.kind) end },
    { "Model", cell = function(e) return html.text(e.model) end },
    { "Serial", cell = function(e) return html.text(e.serial) end, class = "code serial" },
    { "Firmware", cell = function(e) return html.text(e.firmware) end },
    { "Settings", class = "tight", cell = function(e)
      local list <const> = {}
      for _, fact in ipairs(declared.facts(e.settings or {})) do
        list[#list + 1] = html.text(fact[1]) .. " " .. fact[2]
      end
      return table.concat(list, "<br>")
    end },
  }, rows)
end

local function trouble(m)
  local out <const> = {}
  for _, event in ipairs(m.outside) do
    if event.type == "fault" then out[#out + 1] = "<li>" .. html.text(event.text) .. "</li>" end
    if event.type == "worker.lost" then
      out[#out + 1] = "<li>The worker was lost: " .. html.text(event.reason) .. "</li>"
    end
  end
  if #out == 0 then return "" end
  return "<h3>Trouble of the bench</h3><ul>" .. table.concat(out) .. "</ul>\n"
end

local function limits(m)
  local list <const> = m.plan.limits or {}
  if #list == 0 then return "<p>No limit from a table was needed.</p>" end
  return html.table({
    { "Limit", cell = function(l) return html.text(l.name) end, class = "code" },
    { "Value", class = "number", cell = function(l)
      return html.text(l.value or l.max or l.min) .. " " .. html.text(l.unit)
    end },
    { "Source", cell = function(l) return html.text(l.source) end },
    { "Mark", cell = function(l) return html.text(l.mark) end },
  }, list)
end

local function residual_risks()
  local out <const> = {}
  for _, risk in ipairs(risks) do
    out[#out + 1] = ("<li><strong>%s</strong> %s</li>"):format(html.text(risk[1]), html.text(risk[2]))
  end
  return "<ol>" .. table.concat(out, "\n") .. "</ol>\n"
end

local function left_out(m)
  local out <const> = {}
  for _, case in ipairs(m.cases) do
    if case.state ~= "attempted" then
      out[#out + 1] = ("<li><code>%s</code> %s: %s</li>"):format(html.text(words.full_id(case)),
        html.text(words.verdict(case.verdict)), html.text(case.reason))
    end
  end
  local list <const> = #out > 0 and "<ul>" .. table.concat(out, "\n") .. "</ul>\n"
    or "<p>Every planned case was carried out.</p>\n"
  return list .. "<p>Whatever is not in the table of results was not assessed.</p>\n"
end

local function digests(m)
  local rows <const> = {}
  for name, file in pairs(m.digests) do rows[#rows + 1] = { name = name, sha256 = file.sha256, size = file.size } end
  return html.table({
    { "File", cell = function(f) return html.text(f.name) end, class = "code" },
    { "Bytes", cell = function(f) return words.thousands(f.size) end, class = "number" },
    { "SHA-256", cell = function(f) return html.text(f.sha256) end, class = "code hash" },
  }, rows, "dense")
end

local EXIT <const> = {
  [0] = "nothing worse than warn", [1] = "a case failed", [2] = "interrupted", [3] = "the bench or a suite failed",
  [4] = "wrong use", [5] = "nothing applied", [6] = "no fail, but something is undecided",
}

local function exit_text(m)
  local code <const> = m["end"] and m["end"].exit
  if not code then return "none: the run did not end" end
  return ("%s (%s)"):format(html.text(code), EXIT[code] or "see the manual")
end

local function catalogue_version(m)
  return html.text(m.run.catalogue_version or (m.cases[1] or {}).catalogue_version)
end

local function method(m)
  local begin <const> = m.begin or {}
  return html.facts {
    { "Profile", html.text(m.run.profile) },
    { "Cases asked for", #(m.run.select or {}) > 0 and words.list(m.run.select) or "all of the profile" },
    { "Seed of all random choices", html.text(m.run.seed) },
    { "Catalogue", catalogue_version(m) },
    { "foxbench", html.text(m.run.foxbench) },
    { "Operator", html.text(m.run.operator) },
    { "Armed", #(m.run.arm or {}) > 0 and words.list(m.run.arm) or "nothing" },
    { "Plan (SHA-256)", "<code>" .. html.text(begin.plan_sha256) .. "</code>", true },
    { "Exit status", exit_text(m) },
    { "Repeat the run", "<code>" .. html.text(words.command(m.run)) .. "</code>", true },
    { "Check the evidence", "<code>foxbench verify " .. html.text(m.dir) .. "</code>", true },
  }
end

local function device_name(m)
  local device <const> = m.plan.device or {}
  local name <const> = device.name or m.run.device or "unnamed device"
  if device.make and device.model then return ("%s %s (%s)"):format(device.make, device.model, name) end
  return name
end

local function header(m)
  local began <const>, ended <const> = m.wall.first, m.wall.last
  local function when(t) return t and html.text((t:gsub("T", " "):gsub("%.%d+Z$", " UTC"))) or "–" end
  local device <const>, tests <const> = m.plan.device or {}, #results.groups(m.cases)
  return ('<header><p class="kicker">Test report · security of an ultra-narrow-band device</p><h1>%s</h1>\n'):format(
    html.text(device_name(m))) .. html.facts {
    { "Device identifier", "<code>" .. html.text(device.id or (device.identity or {}).id) .. "</code>" },
    { "Bench", is_virtual(m) and "virtual lab" or html.text(m.run.bench) },
    { "Began", when(began) },
    { "Ended", m["end"] and when(ended) or "not finished" },
    { "Test catalogue", catalogue_version(m) },
    { "Profile", html.text(m.run.profile) },
    { "Cases", tests == #m.cases and ("%d"):format(tests) or ("%d, variants of %d tests"):format(#m.cases, tests) },
    { "Seed of all random choices", html.text(m.run.seed) },
    { "Operator", m.run.operator and html.text(m.run.operator) or "not named" },
    { "foxbench", html.text(m.run.foxbench) },
    { "Report number", '<code class="number-of-report">' .. html.text(m.dir) .. "</code>", true },
    { "Signature", "a signed run has root.json and root.sig beside this report; <code>foxbench verify --key</code> "
      .. "checks them and every file. Without them this page binds nobody.", true },
  } .. "<p>The results relate only to the items tested. Not to be reproduced except in full.</p></header>\n"
end

local function section(title, ...)
  return "<section><h2>" .. html.text(title) .. "</h2>\n" .. table.concat { ... } .. "</section>\n"
end

return function(m)
  local counts <const> = count(m.cases)
  local blames <const> = {}
  for _, blame in ipairs(m.blames) do blames[blame.name] = blame.text end
  local cases <const> = {}
  for i, group in ipairs(results.groups(m.cases)) do cases[i] = case_page.section(group.cases, m.run, blames) end

  return table.concat {
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n',
    -- Nothing may be fetched and nothing may run, whatever a device wrote into a line.
    '<meta http-equiv="Content-Security-Policy" ',
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n",
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">\n',
    m.wall.first and '<meta name="dcterms.created" content="' .. html.text(m.wall.first) .. '">\n' or "",
    "<title>Test report: ", html.text(device_name(m)), "</title>\n",
    "<style>\n", include "page.css", "</style></head>\n<body><main>\n",
    header(m), notices(m), decision_box(m, counts), tiles(counts),
    section("Results", results.section(m)),
    section("The item tested", declared.list(m.plan.device)),
    section("The bench", instruments(m), trouble(m), transmit.section(m),
      html.fold("Bench declaration", declared.list(m.plan.bench), "print")),
    #m.curves > 0 and section("Measured curves", chart.figures(m)) or "",
    section("Case by case", table.concat(cases)),
    section("The white paper's claims", claims.section(m)),
    section("Not run, not applicable, not assessed", left_out(m)),
    section("Residual risks of the protocol",
      "<p>These belong to the protocol and are not held against the device. Whoever uses it should know them.</p>",
      residual_risks()),
    section("Method", method(m), "<h3>Limits in force</h3>", limits(m),
      '<p class="small">Marks: [C] read in the named source, [D] derived from one, [K] general knowledge, ',
      "[P] and ASSUMED: a working default of this laboratory, because no official value is public.</p>"),
    section("Files of the run", digests(m)),
    "<footer><p>End of report ", html.text(m.dir), " · foxbench ", html.text(m.run.foxbench), "</p></footer>\n",
    "</main></body></html>\n",
  }
end
