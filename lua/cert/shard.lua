-- One of n parts of a plan: every case is in exactly one, and a passive case in that of the cases it watches. What is
-- in which part depends on the plan alone, so that machines that know nothing of each other agree.
local shard <const> = {}

-- The case ids that must stay together, as id -> one of them.
local function group_heads(list)
  local head <const> = {}
  local function find(id)
    while head[id] and head[id] ~= id do id = head[id] end
    return id
  end
  for _, entry in ipairs(list) do
    for _, id in ipairs(entry.case.watches or {}) do
      local a <const>, b <const> = find(entry.case.id), find(id)
      head[a], head[b] = a, a
    end
  end
  return find, head
end

local function units_of(list)
  local find <const>, together <const> = group_heads(list)
  local units <const>, by_head <const> = {}, {}
  for i, entry in ipairs(list) do
    local id <const> = entry.case.id
    local name <const> = together[id] and find(id)
    local unit = name and by_head[name]
    if not unit then
      unit = { first = i, weight = 0, members = {} }
      units[#units + 1] = unit
      if name then by_head[name] = unit end
    end
    unit.weight = unit.weight + entry.case.deadline_s
    unit.members[#unit.members + 1] = i
  end
  return units
end

--- shard.take(list, i, n) -> the entries of part i (from 1) of n, in the list's order.
function shard.take(list, i, n)
  local units <const>, load <const>, mine <const> = units_of(list), {}, {}
  table.sort(units, function(a, b)
    if a.weight ~= b.weight then return a.weight > b.weight end
    return a.first < b.first
  end)
  for k = 1, n do load[k] = 0 end
  for _, unit in ipairs(units) do
    local least = 1
    for k = 2, n do
      if load[k] < load[least] then least = k end
    end
    load[least] = load[least] + unit.weight
    if least == i then
      for _, member in ipairs(unit.members) do mine[#mine + 1] = member end
    end
  end
  table.sort(mine)
  local part <const> = {}
  for k, member in ipairs(mine) do part[k] = list[member] end
  return part
end

return shard
