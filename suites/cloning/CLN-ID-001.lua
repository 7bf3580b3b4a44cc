-- Whoever opens one device must hold the key of one device. So several units of the make show their identity and sign a
-- few messages, and every declared key, and every key that a maker may have made out of it, is tried on all the others.
local suite <const> = require "suites.cloning"

local PAYLOADS <const> = { "\x10\x32\x54\x76\x98", "\xef\xcd\xab\x89\x67", "CLN03" } -- five bytes: tags of five
local LEAST <const> = 3
local BETTER <const> = 13 -- units that the catalogue asks for where a fifth of the production may be bad
local CONFIDENCE <const> = 0.95

-- The share of defective units that n units without a defect exclude.
local function excluded(n)
  return 100 * (1 - (1 - CONFIDENCE) ^ (1 / n))
end

local function observe(t, i)
  local unit <close> = t:require(("unit %d"):format(i + 1), t.samples:use(i)):exists()
  local seen <const> = { name = unit.name, declared = unit.id, messages = {}, bits = 0 }
  seen.told = t:require(unit.name .. ": identity told over the port", t.dut:identity()):exists().id
  for k, payload in ipairs(PAYLOADS) do
    local label <const> = ("%s: message %d"):format(unit.name, k)
    t:step(label)
    t:require(label .. " is accepted", t.dut:send(payload)):exists()
    seen.messages[k] = t:require(label .. " on air", t.air:message { within_s = 10 }):exists()
    seen.bits = seen.bits + 4 * #seen.messages[k].frames[1].tag_hex
  end
  return seen
end

-- Identifiers: each unit has one, on its port as on air, and nobody else has it.
local function judge_identifiers(t, units, bad)
  local strange <const>, double <const> = {}, {}
  for i, unit in ipairs(units) do
    for k, message in ipairs(unit.messages) do
      if message.device_id ~= unit.told then
        strange[#strange + 1] = ("%s says %s, its message %d comes from %s"):format(unit.name, unit.told, k,
          message.device_id)
      end
    end
    for k = 1, i - 1 do
      if units[k].told == unit.told or units[k].messages[1].device_id == unit.messages[1].device_id then
        double[#double + 1] = ("%s and %s: %s"):format(units[k].name, unit.name, unit.messages[1].device_id)
        bad[i], bad[k] = true, true
      end
    end
  end
  t:expect("units that send under another identifier than they say", strange):is_empty()
  t:expect("identifiers that two units carry", double):is_empty()
  local known = true
  for _, unit in ipairs(units) do
    if unit.told ~= unit.declared then
      known = false
      t:expect(unit.name .. ": declared identifier", nil, t:misdeclared(
        ("declared is %s, the unit says %s: another unit stands at this serial line, or its label was misread; correct"
          .. " the device file or the wiring"):format(unit.declared, unit.told))):exists()
    end
  end
  return known
end

local function sentence(finding, units)
  local name <const>, other <const> = units[finding.unit + 1].name, units[finding.other + 1].name
  if finding.kind == "shared key" then return ("%s and %s have one key"):format(other, name) end
  if finding.kind == "derived key" then
    return ("the key of %s is made out of that of %s: K = %s (' marks %s)"):format(name, other, finding.recipe, other)
  end
  return ("the keys of %s and %s: %s"):format(other, name, finding.recipe)
end

-- Whether a unit signs with the key that is declared for it. What a finding explains is the device's fault; all else
-- that does not verify is a key of nobody knows whom.
local function judge_declared(t, unit, seen, units)
  local subject <const> = unit.name .. ": its messages verify under its declared key"
  if seen.verified == seen.messages then
    t:expect(subject, true):is_true()
    return true
  end
  if seen.explained then return true end
  local why
  if seen.owner then
    why = t:misdeclared(("they verify under the key declared for %s, which does not use it: the keys stand in each"
      .. " other's place in the device file"):format(units[seen.owner + 1].name))
  elseif seen.verified == 0 then
    why = t:misdeclared(("none of %d does, and no relation to another unit's key explains them: the declared key is not"
      .. " this unit's; give the right key file"):format(seen.messages))
  else
    why = t:doubt(("%d of %d do: the key is this unit's, but tags are wrong, which AUTH-UL-001 judges; repeat the case")
      :format(seen.verified, seen.messages))
  end
  t:expect(subject, nil, why):exists()
  return false
end

local function judge_keys(t, units, bad)
  t:step "looking for relations between the keys"
  local list <const>, told <const> = {}, {}
  for i, unit in ipairs(units) do list[i] = unit.messages end
  local result <const> = t.samples:relations(list)
  for i, finding in ipairs(result.findings) do
    told[i] = sentence(finding, units)
    bad[finding.unit + 1], bad[finding.other + 1] = true, true
    t:note(("%s; key %s, chance of an accident %.1e"):format(told[i], finding.fingerprint, finding.false_alarm))
  end
  t:note(("%d keys tried on the messages of the units"):format(result.candidates))
  t:expect("keys that are good for more than one unit", told):is_empty()
  t:measure("chance that some key fits by accident", result.false_alarm):within(0, 1e-6, "1")
  local known = true
  for i, unit in ipairs(units) do known = judge_declared(t, unit, result.seen[i], units) and known end
  return known
end

suite:case {
  id         = "CLN-ID-001",
  title      = "identities and keys are unique in the sample",
  threat     = "Massive cloning: what is learned from one device opens the others.",
  severity   = "critical",
  level      = "basic",
  needs      = { "serial", "power", "radio.rx", "FLEET", "KNOWNKEY" },
  safety     = "S0",
  covers     = {
    "EN303645:5.4-4", "EN303645:5.4-2", "EN18031:CCK-1", "EN18031:CCK-2", "EN18031:CCK-3", "CRA:I.2(b)",
    "IEC62443:EDR 3.12", "ISVS:4.6.4", "WP:A6", "WP:A26",
  },
  faults     = { "MUT-CLN-001", "MUT-CLN-003" },
  deadline_s = 1800,

  run = function(t)
    local n <const> = t:require("units of the sample", t.samples:count() + 1):at_least(LEAST)
    t:note(("sampling plan: %d units, none may be bad; at %g %% confidence that excludes a production of which more"
      .. " than %.1f %% are bad, %d units would exclude more than %.1f %%"):format(n, 100 * CONFIDENCE, excluded(n),
      BETTER, excluded(BETTER)))
    local units <const>, bad <const> = {}, {}
    local fewest_bits = math.huge
    for i = 1, n do
      units[i] = observe(t, i - 1)
      fewest_bits = math.min(fewest_bits, units[i].bits)
    end
    t:require("bits of tag of each unit", fewest_bits):at_least(48, "bit")

    local identified <const> = judge_identifiers(t, units, bad)
    local keyed <const> = judge_keys(t, units, bad)
    local clones = false
    for i = 1, n do clones = clones or bad[i] == true end
    if clones or identified and keyed then
      t:claim {
        event = "a unit whose identity or key is not its own alone", trials = n, allowed = 0, confidence = CONFIDENCE,
        trial = function(i) return bad[i] == true end,
      }
    else
      t:note "no statement about the production: not every unit could be judged"
    end
    t:expect("frames that nobody asked for", t.air:strays { after_s = 5 }):is_empty()
  end,
}

return suite
