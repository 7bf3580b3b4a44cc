-- docs/CASES.md out of `foxbench list --json`: a template, run by `foxbench list --markdown`.
local function list(items)
  return #items > 0 and table.concat(items, ", ") or "none"
end

local function section(case)
  local out <const> = {
    ("### %s — %s"):format(case.id, case.title),
    "",
    case.threat,
    "",
    ("%s · level %s · safety %s · deadline %.0f s of sample time · profiles: %s"):format(case.severity, case.level,
      case.safety, case.deadline_s, list(case.profiles)),
    "",
    "- needs: " .. list(case.needs),
    "- covers: " .. list(case.covers),
    "- must fail with: " .. list(case.faults),
  }
  if #case.watches > 0 then
    out[#out + 1] = ("- passive: judges the traffic of %s; below %d received frames it is inconclusive"):format(
      list(case.watches), case.minimum.uplinks or 1)
  end
  out[#out + 1] = ("- page: [%s](../%s)"):format(case.page, case.page)
  out[#out + 1] = ""
  return table.concat(out, "\n")
end

return function(cases)
  local out <const> = {
    "# Cases",
    "",
    "Made from the suites by `foxbench list --markdown`; a test checks that this page is up to date. How to write one:",
    "[SUITES.md](SUITES.md).",
    "",
    "| case | severity | level | title |",
    "| --- | --- | --- | --- |",
  }
  for _, case in ipairs(cases) do
    out[#out + 1] = ("| %s | %s | %s | %s |"):format(case.id, case.severity, case.level, case.title)
  end
  out[#out + 1] = ""
  local suite
  for _, case in ipairs(cases) do
    if case.suite ~= suite then
      suite = case.suite
      out[#out + 1] = ("## %s: %s\n"):format(case.suite, case.suite_title)
    end
    out[#out + 1] = section(case)
  end
  return table.concat(out, "\n")
end
