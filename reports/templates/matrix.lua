-- What `foxbench validate` found, as one HTML page: for every seeded fault the cases that killed it or let it live, and
-- the controls. Its input is what `foxbench validate --json` prints.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local words <const> = include "words.lua"

-- How a case stood to a fault: which badge, and in which words. The order is that of the columns' weight.
local KINDS <const> = {
  { "killed", "pass", "killed it" },
  { "missed", "fail", "let it pass" },
  { "open", "inconclusive", "decided nothing" },
  { "error", "error", "bench or test failed" },
  { "unproven", "error", "does not pass without it either" },
  { "na", "na", "does not apply" },
  { "stray", "warn", "fails without naming it" },
  { "none", "notrun", "not run" },
  { "clean", "info", "untouched by it" },
}

local function badge(class, text)
  return ('<span class="badge %s">%s</span>'):format(class, html.text(text))
end

local function id(name) return '<span class="id code">' .. html.text(name) .. "</span>" end

-- "AUTH-UL-003 killed it: why", one line for each case that has something to say about the fault.
local function cells(row)
  local lines <const>, clean = {}, 0
  for _, kind in ipairs(KINDS) do
    for name, cell in pairs(row) do
      if cell.is == kind[1] and kind[1] == "clean" then clean = clean + 1
      elseif cell.is == kind[1] then
        local why <const> = cell.reason and cell.reason ~= "" and " " .. html.text(cell.reason) or ""
        lines[#lines + 1] = ('<div>%s %s<span class="small">%s</span></div>'):format(id(name), badge(kind[2], kind[3]),
          why)
      end
    end
  end
  if clean > 0 then
    lines[#lines + 1] = ('<div class="small">%s untouched by it</div>'):format(words.count(clean, "case"))
  end
  return #lines > 0 and table.concat(lines) or "–"
end

local function set_of(list)
  local set <const> = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

local function survivors(m)
  if #m.survivors == 0 then return "<p>No fault survived.</p>\n" end
  return html.table({
    { "Fault", cell = function(s) return id(s.fault) end },
    { "What it is", cell = function(s) return html.text(s.text) end },
    { "Why it lives", cell = function(s) return html.text(s.reason) end },
  }, m.survivors)
end

local function matrix(m)
  local killed <const> = set_of(m.killed)
  return html.table({
    { "Fault", cell = function(name) return id(name) end, class = "tight" },
    { "Killed", cell = function(name) return killed[name] and badge("pass", "yes") or badge("fail", "no") end },
    { "By which case, and why", cell = function(name) return cells(m.matrix[name] or {}) end },
  }, m.faults, "kills")
end

local function reference(m)
  local rows <const> = {}
  for name, outcome in pairs(m.reference.cases) do rows[#rows + 1] = { name = name, outcome = outcome } end
  return html.table({
    { "Case", cell = function(r) return id(r.name) end, class = "tight" },
    { "Without a fault", cell = function(r)
      return r.outcome.verdict and words.badge(r.outcome.verdict) or badge("na", "not run")
    end },
    { "Device", cell = function(r) return html.text(r.outcome.device) end },
    { "Reason", cell = function(r) return r.outcome.verdict == "pass" and "" or html.text(r.outcome.reason) end },
  }, rows)
end

local function control(holds, text)
  return ("<li>%s %s</li>"):format(holds and badge("pass", "holds") or badge("fail", "fails"), text)
end

return function(m)
  local canary <const>, n <const> = m.canary, #m.faults
  local sound <const> = m.reference.sound and canary.killed and canary.broken_bench.no_kill
  local word <const> = not sound and "Proves nothing" or n == 0 and "Nothing to try"
    or #m.survivors == 0 and "Every fault killed" or words.count(#m.survivors, "survivor")
  return table.concat {
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n',
    '<meta http-equiv="Content-Security-Policy" ',
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n",
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    "<title>Kill matrix</title>\n<style>\n", include "page.css", "</style></head>\n<body><main>\n",
    '<header><p class="kicker">Validation of the test suites with seeded faults</p><h1>Kill matrix</h1></header>\n',
    ('<section class="decision %s"><h2>%s</h2><p>%d of %s killed%s.</p><ul>'):format(
      not sound and "fail" or (n == 0 or #m.survivors > 0) and "inconclusive" or "pass", html.text(word), #m.killed,
      words.count(n, "fault"), type(m.ratio) == "number" and (", %.1f %%"):format(100 * m.ratio) or ""),
    control(m.reference.sound, "every case passes, or does not apply, on the reference device without a fault"),
    control(canary.killed, ("the canary %s dies by %s"):format(id(canary.fault), id(canary.case))),
    control(canary.broken_bench.no_kill, "a bench without instruments kills nothing"),
    "</ul></section>\n<section><h2>Survivors</h2>", survivors(m),
    "</section>\n<section><h2>Faults</h2>", matrix(m),
    "</section>\n<section><h2>Cases without a fault</h2>", reference(m), "</section>\n</main></body></html>\n",
  }
end
