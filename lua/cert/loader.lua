-- Reads the pages of suites/ into cases. `host` is the C side (or a test): host.pages() lists the pages as paths
-- relative to the root, host.page(path, env) runs one and gives back what it returns.
local control <const> = require "cert.control"
local levels <const> = require "cert.profiles"
local sandbox <const> = require "cert.sandbox"
local schema <const> = require "cert.schema"
local suite <const> = require "cert.suite"

local loader <const> = {}

-- What pages may require by name, besides other pages.
local PUBLIC <const> = { ["cert"] = true, ["cert.deck"] = true, ["cert.traffic"] = true }

local PROFILE <const> = {
  title = { type = "string" },
  cases = { type = "table", list = "string" },
}

local function finder(host, exists)
  local loaded <const>, public <const> = {}, {}
  local env
  local function find(name)
    if type(name) ~= "string" then control.misuse("require: expected a name, got %s", type(name)) end
    if PUBLIC[name] then
      public[name] = public[name] or sandbox.seal(require(name), name .. " cannot be changed:")
      return public[name]
    end
    local folder <const> = name:match "^suites%.([%w_.-]+)$"
    if not folder then
      control.misuse("require %q: suites may require %s and suites.FOLDER", name, schema.names(PUBLIC))
    end
    if loaded[name] == nil then
      local base <const> = "suites/" .. folder:gsub("%.", "/")
      local path <const> = exists[base .. "/init.lua"] and base .. "/init.lua" or base .. ".lua"
      if not exists[path] then control.misuse("require %q: there is no page %s", name, path) end
      local ok <const>, page = pcall(host.page, path, env)
      if not ok then
        local text <const> = tostring(page)
        error(text:find("suites/", 1, true) == 1 and text or path .. ": " .. text, 0)
      end
      -- Pages share what they require, and cannot change it for each other.
      if type(page) == "table" and getmetatable(page) == nil then
        page = sandbox.seal(page, path .. " cannot be changed:")
      end
      loaded[name] = page or true
    end
    return loaded[name]
  end
  env = sandbox.environment(find)
  return find, env
end

local function stamp_pages(seen, path)
  for _, known in ipairs(suite.all) do
    for _, case in ipairs(known.cases) do
      if not seen[case] then
        seen[case] = true
        case.page = path
      end
    end
  end
end

local function load_profiles(host, env, list)
  local profiles <const> = {}
  for _, path in ipairs(list) do
    local name <const> = path:match "^suites/profiles/([%w_-]+)%.lua$"
    if name then
      local profile <const> = host.page(path, env)
      local wrong <const> = schema.check("profile " .. name, profile, PROFILE)
      if wrong then error(path .. ": " .. wrong, 0) end
      profiles[name] = profile
    end
  end
  return profiles
end

local function all_cases()
  local cases <const>, by_id <const> = {}, {}
  for _, known in ipairs(suite.all) do
    for _, case in ipairs(known.cases) do
      cases[#cases + 1] = case
      by_id[case.id] = case
    end
  end
  table.sort(cases, function(a, b) return a.id < b.id end)
  return cases, by_id
end

-- A case stands after those it watches; `watches` and profiles must name cases that exist.
local function check_names(cases, by_id, profiles)
  for _, case in ipairs(cases) do
    for _, id in ipairs(case.watches or {}) do
      if not by_id[id] then error(("%s: case %s watches %s, which does not exist"):format(case.page, case.id, id),
        0) end
      if by_id[id].watches then
        error(("%s: case %s watches %s, which only watches itself"):format(case.page, case.id, id), 0)
      end
    end
  end
  for name, profile in pairs(profiles) do
    for _, id in ipairs(profile.cases) do
      if not by_id[id] then error(("profile %s names %s, which does not exist"):format(name, id), 0) end
      local case <const> = by_id[id]
      local has = false
      for _, known in ipairs(case.profiles) do has = has or known == name end
      if not has then case.profiles[#case.profiles + 1] = name end
    end
  end
  for _, case in ipairs(cases) do table.sort(case.profiles) end
end

--- Loads everything: { cases (sorted by id), by_id, profiles }. A page that is wrong is an error with file and line.
function loader.load(host)
  suite.reset()
  sandbox.seal_strings()
  local list <const> = host.pages()
  table.sort(list)
  local exists <const> = {}
  for _, path in ipairs(list) do exists[path] = true end
  local find <const>, env <const> = finder(host, exists)
  local seen <const> = {}
  for _, path in ipairs(list) do
    if not path:find "^suites/profiles/" then
      find(path:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
      stamp_pages(seen, path)
    end
  end
  local profiles <const> = load_profiles(host, env, list)
  local cases <const>, by_id <const> = all_cases()
  check_names(cases, by_id, profiles)
  local library <const> = { cases = cases, by_id = by_id, profiles = profiles }
  levels.complete(library)
  return library
end

return loader
