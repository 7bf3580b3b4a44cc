-- A few lines of test harness: named tests, TAP on stdout, exit 1 when one failed.
local harness <const> = { tests = {} }

function harness.test(name, fn) harness.tests[#harness.tests + 1] = { name = name, fn = fn } end

local function show(v)
  if type(v) ~= "table" then return tostring(v) end
  local keys <const>, parts <const> = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(keys) do parts[#parts + 1] = tostring(k) .. "=" .. show(v[k]) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

function harness.equal(got, wanted, what)
  if show(got) ~= show(wanted) then
    error(("%s: expected %s, got %s"):format(what or "value", show(wanted), show(got)), 2)
  end
end

--- The call must raise, and its text must hold every one of the fragments.
function harness.raises(fn, ...)
  local ok <const>, e <const> = pcall(fn)
  if ok then error("expected an error, none was raised", 2) end
  for _, fragment in ipairs { ... } do
    if not tostring(e):find(fragment, 1, true) then
      error(("expected an error with %q, got %q"):format(fragment, tostring(e)), 2)
    end
  end
end

function harness.contains(text, fragment)
  if not tostring(text):find(fragment, 1, true) then
    error(("expected %q in %q"):format(fragment, tostring(text)), 2)
  end
end

function harness.run()
  local failed = 0
  print("1.." .. #harness.tests)
  for i, test in ipairs(harness.tests) do
    local ok <const>, e <const> = xpcall(test.fn, debug.traceback)
    if not ok then failed = failed + 1 end
    print(("%s %d - %s"):format(ok and "ok" or "not ok", i, test.name))
    if not ok then print("# " .. tostring(e):gsub("\n", "\n# ")) end
  end
  os.exit(failed == 0 and #harness.tests > 0)
end

return harness
