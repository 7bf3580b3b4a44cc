-- The white paper's claims against what this run tested: which tests touched each, how they ended, what no bench shows.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local words <const> = include "words.lua"

local claims <const> = {}

-- Whether a test's id is meant by "AUTH-UL-001", "AUTH-UL-001..007" or "AUTH-*".
local function is_meant(id, pattern)
  local stem <const>, from <const>, to <const> = pattern:match "^(.-)(%d%d%d)%.%.(%d%d%d)$"
  if stem then
    local number <const> = id:sub(1, #stem) == stem and id:sub(#stem + 1):match "^%d%d%d$"
    return number and number >= from and number <= to
  end
  if pattern:sub(-1) == "*" then return id:sub(1, #pattern - 1) == pattern:sub(1, -2) end
  return id == pattern
end

-- A case with several axes counts once, by its worst.
local function by_id(cases)
  local worst <const> = {}
  for _, case in ipairs(cases) do
    local before <const> = worst[case.id]
    if not before or words.is_worse(case.verdict, before.verdict) then worst[case.id] = case end
  end
  return worst
end

--- What became of one claim: { state, tests = { { id, case } … } }, state being "untestable", "not run",
--- "not applicable", "contradicted", "undecided", "in part" or "supported".
function claims.assess(claim, catalogue, cases)
  local worst <const>, tests <const>, n <const> = by_id(cases), {}, { good = 0, bad = 0, open = 0, na = 0 }
  for _, test in ipairs(catalogue) do
    for _, pattern in ipairs(claim.tests or {}) do
      if is_meant(test.id, pattern) then
        local case <const> = worst[test.id]
        local verdict <const> = case and case.verdict
        tests[#tests + 1] = { id = test.id, case = case }
        if verdict == "fail" then n.bad = n.bad + 1
        elseif verdict == "pass" or verdict == "info" then n.good = n.good + 1
        elseif verdict == "na" then n.na = n.na + 1
        elseif verdict and verdict ~= "notrun" and verdict ~= "waived" then n.open = n.open + 1 end
        break
      end
    end
  end
  local state = "in part"
  if claim.bench == false then state = "untestable"
  elseif n.bad > 0 then state = "contradicted"
  elseif n.good + n.open == 0 then state = n.na > 0 and "not applicable" or "not run"
  elseif n.open > 0 then state = "undecided"
  elseif n.good + n.na == #tests then state = "supported" end
  return { state = state, tests = tests, good = n.good }
end

local STATES <const> = {
  untestable = { "na", "not testable" },
  contradicted = { "fail", "contradicted" },
  undecided = { "inconclusive", "undecided" },
  ["not run"] = { "notrun", "not run" },
  ["not applicable"] = { "na", "not applicable" },
  ["in part"] = { "info", "held in part" },
  supported = { "pass", "held" },
}

local function badge(result)
  local known <const> = STATES[result.state]
  return ('<span class="badge %s">%s</span>'):format(known[1], known[2])
end

-- "not run: A, B" with more than four shown by the first and the last.
local function others(what, ids)
  if #ids == 0 then return nil end
  local list = table.concat(ids, ", ")
  if #ids > 4 then list = ("%d tests (%s … %s)"):format(#ids, ids[1], ids[#ids]) end
  return ('<span class="small">%s: %s</span>'):format(what, list)
end

local function tests_text(result)
  local lines <const>, not_run <const>, not_applicable <const> = {}, {}, {}
  for _, test in ipairs(result.tests) do
    local verdict <const> = test.case and test.case.verdict or "notrun"
    local name <const> = html.text(test.id)
    if verdict == "notrun" then not_run[#not_run + 1] = name
    elseif verdict == "na" then not_applicable[#not_applicable + 1] = name
    else
      lines[#lines + 1] = ('<a class="code tight" href="#%s">%s</a> %s'):format(html.id(words.full_id(test.case)),
        html.text(test.id), words.badge(verdict))
    end
  end
  lines[#lines + 1] = others("not applicable", not_applicable)
  lines[#lines + 1] = others("not run", not_run)
  return #lines > 0 and table.concat(lines, "<br>") or "–"
end

--- The table of all claims.
function claims.section(m)
  local rows <const>, count <const> = {}, {}
  for i, claim in ipairs(m.mappings.claims) do
    local result <const> = claims.assess(claim, m.mappings.catalogue, m.cases)
    rows[i] = { claim = claim, result = result }
    count[result.state] = (count[result.state] or 0) + 1
  end
  local function n(state) return count[state] or 0 end
  local summary <const> = ("<p>The white paper of 2017 makes %d claims about devices and network. In this run %d held "
    .. "as far as they were tested (%d of them in every test there is), %d contradicted, %d undecided, %d not run or "
    .. "not applicable; %d cannot be tested on a bench.</p>\n"):format(#rows, n "supported" + n "in part",
    n "supported", n "contradicted", n "undecided", n "not run" + n "not applicable", n "untestable")
  return summary .. html.table({
    { "No", cell = function(r) return "A" .. html.text(r.claim.number) end, class = "tight" },
    { "Claim", cell = function(r) return html.text(r.claim.claim) end },
    { "In this run", cell = function(r) return badge(r.result) end, class = "tight" },
    { "Tests", cell = function(r) return tests_text(r.result) end },
    { "What no bench shows", cell = function(r) return html.text(r.claim.cannot) end },
  }, rows, "claims")
end

return claims
