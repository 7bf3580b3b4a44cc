-- Expressions over the tags of cases: `AUTH and not (S3 or needs:radio.jam)`, for foxbench run -i and -e.
--
--   expression := both { "or" both }      both := one { "and" one }      one := "not" one | "(" expression ")" | tag
--
-- A tag is a word, or KIND:WORD where a word alone says too little (basic is a level and a profile); * and ? are wild.
local case <const> = require "cert.case"
local nearest <const> = require "cert.nearest"
local schema <const> = require "cert.schema"

local selection <const> = {}

local SEVERITIES <const> = { "critical", "high", "medium", "low", "info" }
local LEVELS <const> = { "basic", "substantial", "high" }
local SAFETIES <const> = { "S0", "S1", "S3", "D" }
local DEEPEST <const> = 50 -- parentheses in each other

local function one(value) return { value } end

local function needs_in(known, set)
  local list <const> = {}
  for _, need in ipairs(known.needs) do
    if not set or set[need] then list[#list + 1] = need end
  end
  return list
end

-- What a case has of each kind of tag.
local KINDS <const> = {
  id = function(known) return one(known.id) end,
  suite = function(known) return { known.suite.id, known.page and known.page:match "^suites/([^/]+)/" } end,
  level = function(known) return one(known.level) end,
  profile = function(known, library)
    local list <const> = {}
    for name, profile in pairs(library.profiles) do
      if schema.set(profile.cases)[known.id] then list[#list + 1] = name end
    end
    return list
  end,
  severity = function(known) return one(known.severity) end,
  safety = function(known) return one(known.safety) end,
  needs = function(known) return needs_in(known) end,
  feature = function(known) return needs_in(known, case.FEATURES) end,
  fault = function(known) return known.faults end,
  covers = function(known) return known.covers end,
}

--- A glob as a pattern: * and ? are wild, all else is literal.
function selection.pattern_of(glob)
  local escaped <const> = glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return "^" .. escaped .. "$"
end

-- Every word that a tag of this kind (nil: of any) may be.
local function vocabulary(library, kind)
  local words <const> = {}
  local function add(of, list)
    if kind and kind ~= of then return end
    for _, word in ipairs(list) do words[word] = true end
  end
  add("severity", SEVERITIES)
  add("level", LEVELS)
  add("safety", SAFETIES)
  for name in pairs(case.INSTRUMENTS) do add("needs", one(name)) end
  for name in pairs(case.FEATURES) do
    add("needs", one(name))
    add("feature", one(name))
  end
  for name in pairs(library.profiles) do add("profile", one(name)) end
  for _, known in ipairs(library.cases) do
    for name, of in pairs(KINDS) do
      if kind or name ~= "covers" then add(name, of(known, library)) end
    end
  end
  return words
end

local function sorted(set)
  local list <const> = {}
  for word in pairs(set) do list[#list + 1] = word end
  table.sort(list)
  return list
end

local function unknown(word, kind, words)
  local list <const> = sorted(words)
  local near <const> = nearest(word, list)
  local allowed
  if kind and #list <= 30 then
    allowed = ("%s is one of %s"):format(kind, table.concat(list, ", "))
  else
    allowed = "a tag is a suite, case id, level, profile, severity, safety class, instrument, feature or fault, as"
      .. " foxbench list --json has them"
  end
  error(("unknown tag '%s'%s; %s"):format(word, near and (", the nearest is " .. near) or "", allowed), 0)
end

-- tag -> function(case) -> whether the case has it
local function match_tag(text, library)
  local kind, word = text:match "^(%a+):(.+)$"
  if kind and not KINDS[kind] then
    local near <const> = nearest(kind, sorted(KINDS))
    -- A reference such as EN303645:5.1-1 has a colon of its own, and digits before it.
    error(("unknown kind of tag '%s'%s; expected one of %s before the colon"):format(kind, near and
      (", the nearest is " .. near) or "", table.concat(sorted(KINDS), ", ")), 0)
  end
  word = word or text
  local pattern <const>, words <const> = selection.pattern_of(word), vocabulary(library, kind)
  local wild <const> = word:find "[*?]"
  if not wild and not words[word] then unknown(word, kind, words) end
  return function(known)
    for name, of in pairs(KINDS) do
      if not kind and name ~= "covers" or name == kind then
        for _, value in ipairs(of(known, library)) do
          if value == word or wild and value:find(pattern) then return true end
        end
      end
    end
    return false
  end
end

local function tokens_of(text)
  local list <const> = {}
  for space, token in text:gsub("[()]", " %0 "):gmatch "(%s*)(%S+)" do
    list[#list + 1] = space and token
  end
  return list
end

local Parser <const> = {}
Parser.__index = Parser

function Parser:next()
  self.at = self.at + 1
  return self.list[self.at]
end

function Parser:peek()
  return self.list[self.at + 1]
end

function Parser:expected(what)
  local found <const> = self:peek()
  error(("expected %s, got %s"):format(what, found and ("'%s'"):format(found) or "the end"), 0)
end

function Parser:one()
  local token <const> = self:peek()
  if not token or token == ")" or token == "and" or token == "or" then
    self:expected "a tag, 'not' or '('"
  end
  self:next()
  if token == "not" then
    local inner <const> = self:one()
    return function(known) return not inner(known) end
  elseif token == "(" then
    self.depth = self.depth + 1
    if self.depth > DEEPEST then error(("expected at most %d parentheses in each other"):format(DEEPEST), 0) end
    local inner <const> = self:any()
    if self:peek() ~= ")" then self:expected "')', 'and' or 'or'" end
    self:next()
    self.depth = self.depth - 1
    return inner
  end
  return match_tag(token, self.library)
end

function Parser:both()
  local left = self:one()
  while self:peek() == "and" do
    self:next()
    local a <const>, b <const> = left, self:one()
    left = function(known) return a(known) and b(known) end
  end
  return left
end

function Parser:any()
  local left = self:both()
  while self:peek() == "or" do
    self:next()
    local a <const>, b <const> = left, self:both()
    left = function(known) return a(known) or b(known) end
  end
  return left
end

--- selection.compile(text, library) -> function(case) -> bool, or nil and one line of text.
function selection.compile(text, library)
  local parser <const> = setmetatable({ list = tokens_of(text), at = 0, depth = 0, library = library }, Parser)
  local ok <const>, result <const> = pcall(function()
    local whole <const> = parser:any()
    if parser:peek() then parser:expected "'and', 'or' or the end" end
    return whole
  end)
  if not ok then return nil, ("'%s': %s"):format(text, result) end
  return result
end

return selection
