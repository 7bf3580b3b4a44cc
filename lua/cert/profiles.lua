-- Which cases a level or profile demands, where no page of suites/profiles/ lists them (catalogue D.2): a level demands
-- its own cases and those of the lower ones; a profile all up to substantial, high in some suites, and what names it.
local profiles <const> = {}

local RANK <const> = { basic = 1, substantial = 2, high = 3 }

local HIGH_IN <const> = {
  rail = { AUTH = true, CNT = true, FWL = true, RES = true, CLN = true },
  meter = { ENC = true, KEY = true, CNT = true, CLN = true },
  alarm = { AUTH = true, JAM = true, RES = true },
}

local function demands(name, case)
  if RANK[name] then return RANK[case.level] <= RANK[name] end
  if RANK[case.level] <= RANK.substantial or HIGH_IN[name][case.suite.id] then return true end
  for _, own in ipairs(case.profiles) do
    if own == name then return true end
  end
  return false
end

local function add(library, name)
  if library.profiles[name] then return end
  local ids <const> = {}
  for _, case in ipairs(library.cases) do
    if demands(name, case) then
      ids[#ids + 1] = case.id
      local own = false
      for _, known in ipairs(case.profiles) do own = own or known == name end
      if not own then case.profiles[#case.profiles + 1] = name end
      table.sort(case.profiles)
    end
  end
  library.profiles[name] = { title = "as the catalogue demands", cases = ids }
end

--- Adds to library.profiles, and to the `profiles` of the cases, every level and profile of the catalogue that has no
--- page.
function profiles.complete(library)
  for name in pairs(RANK) do add(library, name) end
  for name in pairs(HIGH_IN) do add(library, name) end
end

return profiles
