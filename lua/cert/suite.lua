-- Suites: a name, a title and cases. Every suite that is made while pages are loaded is collected in `suite.all`.
local case <const> = require "cert.case"
local control <const> = require "cert.control"
local schema <const> = require "cert.schema"

local suite <const> = { all = {} }

local FIELDS <const> = {
  id = { type = "string", pattern = "^[A-Z][A-Z0-9]*$", form = "capitals and digits, such as CNT" },
  title = { type = "string" },
}

local Suite <const> = {}
Suite.__index = Suite

--- cert.suite{ id =, title = } -> suite. Pages of one suite share it: the same id gives the same suite back.
function suite.new(fields)
  local wrong <const> = schema.check("cert.suite", fields, FIELDS)
  if wrong then control.misuse("%s", wrong) end
  for _, known in ipairs(suite.all) do
    if known.id == fields.id then
      if known.title ~= fields.title then
        control.misuse("cert.suite: %s is already called %q; one suite has one title", fields.id, known.title)
      end
      return known
    end
  end
  local made <const> = setmetatable({ id = fields.id, title = fields.title, cases = {} }, Suite)
  suite.all[#suite.all + 1] = made
  return made
end

--- suite:case{ id =, title =, threat =, … , run = function(t) … end }: adds a check. docs/SUITES.md lists the fields.
function Suite:case(fields)
  local made <const> = case.new(self, fields)
  for _, other in ipairs(suite.all) do
    for _, known in ipairs(other.cases) do
      if known.id == made.id then
        control.misuse("case %s: the id is taken by %q; ids are never used twice", made.id, known.title)
      end
    end
  end
  self.cases[#self.cases + 1] = made
end

--- Forgets everything (a new load begins).
function suite.reset()
  for i = #suite.all, 1, -1 do suite.all[i] = nil end
end

return suite
