-- Suites: a name, a title and cases. Every suite that is made while pages are loaded is collected in `suite.all`.
local case <const> = require "cert.case"
local control <const> = require "cert.control"
local schema <const> = require "cert.schema"

local suite <const> = { all = {} }

local FIELDS <const> = {
  id = { type = "string", pattern = "^[A-Z][A-Z0-9]*$", form = "capitals and digits, such as CNT" },
  title = { type = "string" },
}

-- What a page must not reach: the cases of other pages.
local of <const> = setmetatable({}, { __mode = "k" })

local Suite <const> = {}

-- suite.cases shows copies: pages of one suite share the handle, and none may change another's case.
function Suite.__index(handle, name)
  if name ~= "cases" then return Suite[name] end
  local shown <const> = {}
  for i, known in ipairs(of[handle].cases) do
    shown[i] = { suite = { id = known.suite.id, title = known.suite.title } }
    for k, v in next, known do shown[i][k] = shown[i][k] or schema.copy(v) end
  end
  return shown
end

--- cert.suite{ id =, title = } -> suite. Pages of one suite share it: the same id gives the same suite back.
function suite.new(fields)
  local wrong <const> = schema.check("cert.suite", fields, FIELDS)
  if wrong then control.misuse("%s", wrong) end
  for _, known in ipairs(suite.all) do
    if known.id == fields.id then
      if known.title ~= fields.title then
        control.misuse("cert.suite: %s is already called %q; one suite has one title", fields.id, known.title)
      end
      return known.handle
    end
  end
  local made <const> = { id = fields.id, title = fields.title, cases = {}, handle = setmetatable({}, Suite) }
  of[made.handle] = made
  suite.all[#suite.all + 1] = made
  return made.handle
end

--- suite:case{ id =, title =, threat =, … , run = function(t) … end }: adds a check. docs/SUITES.md lists the fields.
function Suite:case(fields)
  local known_suite <const> = of[self]
  if not known_suite then control.misuse("case: call it as suite:case{}, where cert.suite{} gave suite") end
  local own = fields -- the page keeps its table, and may do with it what it likes
  if type(fields) == "table" then
    own = {}
    for name, value in next, fields do own[name] = value end
  end
  local made <const> = case.new(known_suite, own)
  for _, other in ipairs(suite.all) do
    for _, known in ipairs(other.cases) do
      if known.id == made.id then
        control.misuse("case %s: the id is taken by %q; ids are never used twice", made.id, known.title)
      end
    end
  end
  known_suite.cases[#known_suite.cases + 1] = made
end

--- Forgets everything (a new load begins).
function suite.reset()
  for i = #suite.all, 1, -1 do suite.all[i] = nil end
end

return suite
