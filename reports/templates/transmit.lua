-- How long the bench transmitted, in which permitted band: from the bursts in the ledger, against the bench's permit.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local words <const> = include "words.lua"

local transmit <const> = {}

local KINDS <const> = { downlink = true, jam = true }

local function new_row(band)
  return { band = band, downlink = { n = 0, s = 0 }, jam = { n = 0, s = 0 }, level_dbm = nil }
end

local function row_of(rows, f_hz)
  for _, row in ipairs(rows) do
    local band <const> = row.band
    if band and type(f_hz) == "number" and f_hz >= band.low_hz and f_hz <= band.high_hz then return row end
  end
  return rows.outside
end

local function book(rows, event)
  if not KINDS[event.type] then return end
  local row <const> = row_of(rows, event.f_hz)
  local of_kind <const> = row[event.type]
  of_kind.n = of_kind.n + 1
  if type(event.start_s) == "number" and type(event.end_s) == "number" and event.end_s > event.start_s then
    of_kind.s = of_kind.s + (event.end_s - event.start_s)
  end
  local level_dbm <const> = event.level_dbm
  if type(level_dbm) == "number" then row.level_dbm = math.max(row.level_dbm or level_dbm, level_dbm) end
end

--- One row for each permitted band, in the order of the bench file: { band, downlink = { n, s }, jam = { n, s },
--- level_dbm }; `outside` is for bursts in none of them. Every attempt counts, a superseded one too: it transmitted.
function transmit.rows(m)
  local rows <const> = { outside = new_row() }
  for i, band in ipairs(((m.plan.bench or {}).permit or {}).bands or {}) do rows[i] = new_row(band) end
  for _, event in ipairs(m.outside) do book(rows, event) end
  for _, case in ipairs(m.cases) do
    for _, attempt in ipairs(case.attempts) do
      for _, event in ipairs(attempt.events) do book(rows, event) end
    end
  end
  return rows
end

local function band_text(band)
  if not band then return '<span class="bad">in no permitted band</span>' end
  return ("%.3f … %.3f MHz"):format(band.low_hz / 1e6, band.high_hz / 1e6)
end

local function bursts(of_kind)
  return of_kind.n == 0 and "–" or ("%s, %.1f s"):format(words.count(of_kind.n, "burst"), of_kind.s)
end

function transmit.section(m)
  local rows <const> = transmit.rows(m)
  if rows.outside.downlink.n + rows.outside.jam.n > 0 then rows[#rows + 1] = rows.outside end
  local n, s = 0, 0.0
  for _, row in ipairs(rows) do
    n = n + row.downlink.n + row.jam.n
    s = s + row.downlink.s + row.jam.s
  end
  if n == 0 then return "<h3>Transmissions</h3><p>The bench transmitted nothing.</p>\n" end
  return "<h3>Transmissions</h3>" .. html.table({
    { "Permitted band", cell = function(r) return band_text(r.band) end, class = "tight" },
    { "Permitted", class = "number", cell = function(r)
      return words.number(r.band and r.band.max_dbm, "%.1f dBm")
    end },
    { "Highest level", cell = function(r) return words.number(r.level_dbm, "%.1f dBm") end, class = "number" },
    { "Downlinks", cell = function(r) return bursts(r.downlink) end, class = "number" },
    { "Interference", cell = function(r) return bursts(r.jam) end, class = "number" },
    { "Transmitting", cell = function(r) return ("%.1f s"):format(r.downlink.s + r.jam.s) end, class = "number" },
  }, rows) .. ('<p class="small">%s in all, %.1f s, counted in samples of the receiver\'s clock. Levels are those at '
    .. "the connector of the transmitting radio.</p>\n"):format(words.count(n, "burst"), s)
end

return transmit
