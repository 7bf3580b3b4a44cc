-- docs/LUA_API.md out of the comments above the functions: lua5.4 lua/tests/api_page.lua ROOT > docs/LUA_API.md
local root <const> = arg[1]

-- title, file, what a reference comment begins with (nil: every documented function)
local SECTIONS <const> = {
  { "Suites and cases", "lua/cert/suite.lua", { "^cert%.", "^suite:" } },
  { "The case: t", "lua/cert/runner.lua", { "^t:" } },
  { "Downlinks: t:exchange, t:unasked, t:refuses", "lua/cert/downlink.lua", { "^t:" } },
  { "Demands: what t:expect and t:require give back", "lua/cert/expectation.lua", { "^:" } },
  { "Measurements: what t:measure gives back", "lua/cert/measurement.lua", { "^:" } },
  { "The device: t.dut", "lua/cert/device.lua", { "^t%.dut" } },
  { "What is heard: t.air", "lua/cert/air.lua", { "^t%.air" } },
  { "Jamming: t.air:jam", "lua/cert/jam.lua", { "^t%.air", "^handle:" } },
  { "Several stations: t.stations", "lua/cert/stations.lua", { "^t%.stations" } },
  { "Further units of the make: t.samples", "lua/cert/samples.lua", { "^t%.samples" } },
  { "The network: t.net", "lua/bind/bind_net.c", { "^t%.net" } },
  { "Messages as they must be: require \"cert.traffic\"", "lua/cert/traffic.lua" },
  { "Requests in an order that is drawn: require \"cert.deck\"", "lua/cert/deck.lua" },
}

local function read(path)
  local file <const> = assert(io.open(root .. "/" .. path, "rb"))
  local text <const> = file:read "a"
  file:close()
  return text
end

-- Every block of reference comment with the line of code below it.
local function blocks(text, mark)
  local list <const>, current = {}, nil
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local comment <const> = line:match("^" .. mark .. " (.*)$")
    if comment then
      current = current and current .. " " .. comment or comment
    elseif current then
      list[#list + 1] = { text = current, code = line }
      current = nil
    end
  end
  return list
end

local function wanted(text, starts)
  for _, start in ipairs(starts or {}) do
    if text:find(start) then return true end
  end
  return starts == nil
end

local function call_of(block)
  local rest <const> = block.text
  local name <const> = rest:match "^[%w_.:]+%s*%b()" or rest:match "^[%w_.:]+%b{}"
  if name then return name, rest:sub(#name + 1):gsub("^[:%s]+", "") end
  return block.code:match "function%s+([%w_.:]+%b())", rest
end

print "# The Lua API of suites\n"
print "Made from the comments above the functions by `lua/tests/api_page.lua`; a test checks that it is up to date."
print "[SUITES.md](SUITES.md) shows how they are used. An unknown option is an error. What can be absent comes back as"
print "`nil, why`; give both to `t:require` or `t:expect`, and the verdict and the blame are those of `why`.\n"
for _, section in ipairs(SECTIONS) do
  print(("## %s\n"):format(section[1]))
  local n = 0
  for _, block in ipairs(blocks(read(section[2]), section[2]:find "%.c$" and "//" or "%-%-%-")) do
    if wanted(block.text, section[3]) then
      local call <const>, rest <const> = call_of(block)
      if call then
        print(("**`%s`** %s\n"):format(call, rest))
        n = n + 1
      end
    end
  end
  assert(n > 0, section[2] .. ": no documented function found")
end
