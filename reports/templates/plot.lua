-- Pictures of a recorded message: the whole recording, from C inside axes drawn as SVG, so that text stays text; and
-- each frame's own pictures, which are the run's evidence and have their axes in them. What must not be filled says so
-- in attributes as well: WeasyPrint does not bring the page's style into a drawing.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local scale <const> = include "scale.lua"
local words <const> = include "words.lua"

local plot <const> = {}

local TICK <const> = '<path class="tick" stroke="#444" '
local LEFT <const>, RIGHT <const>, TOP <const>, BOTTOM <const> = 62, 8, 8, 36

local function marks_of(picture, x, y)
  local out <const> = {}
  for i, mark in ipairs(picture.marks) do
    local left <const>, right <const> = x(mark.from_s), x(mark.to_s)
    local middle <const> = y((mark.low_hz + mark.high_hz) / 2)
    out[#out + 1] = ('<rect class="mark" fill="none" stroke="#fff" x="%.1f" y="%.1f" width="%.1f" height="14" rx="3"/>')
      :format(left - 3, middle - 7, right - left + 6)
    out[#out + 1] = ('<text class="mark" fill="#fff" x="%.1f" y="%.1f">%d</text>'):format(left - 3,
      middle - 12 < TOP + 8 and middle + 20 or middle - 11, i)
  end
  return table.concat(out)
end

--- The whole recording. Time goes right, frequency up, absolute in MHz.
function plot.overview(picture, panel)
  local width <const>, height <const> = 760, 250
  local inner_w <const>, inner_h <const> = width - LEFT - RIGHT, height - TOP - BOTTOM
  local function x(s) return LEFT + (s - panel.from_s) / (panel.to_s - panel.from_s) * inner_w end
  local function y(hz) return TOP + (panel.high_hz - hz) / (panel.high_hz - panel.low_hz) * inner_h end

  local out <const> = {
    ('<svg viewBox="0 0 %d %d" font-size="11" role="img" aria-label="Spectrogram of the whole recording">')
      :format(width, height),
    ('<image x="%d" y="%d" width="%d" height="%d" preserveAspectRatio="none" href="%s"/>'):format(LEFT, TOP, inner_w,
      inner_h, html.text(panel.png)),
    ('<rect class="frame" fill="none" stroke="#444" x="%d" y="%d" width="%d" height="%d"/>')
      :format(LEFT, TOP, inner_w, inner_h),
  }
  local list, step = scale.ticks(panel.from_s, panel.to_s, 8)
  for _, s in ipairs(list) do
    out[#out + 1] = (TICK .. 'd="M%.1f %dv5"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>'):format(x(s),
      TOP + inner_h, x(s), TOP + inner_h + 17, ("%%.%df"):format(scale.decimals(step)):format(s))
  end
  list, step = scale.ticks(panel.low_hz / 1e6, panel.high_hz / 1e6, 6)
  for _, value in ipairs(list) do
    local at <const> = y(value * 1e6)
    out[#out + 1] = (TICK .. 'd="M%d %.1fh-5"/><text x="%d" y="%.1f" text-anchor="end">%s</text>'):format(LEFT, at,
       LEFT - 8, at + 4, ("%%.%df"):format(scale.decimals(step)):format(value))
  end
  out[#out + 1] = marks_of(picture, x, y)
  out[#out + 1] = ('<text x="%d" y="%d" text-anchor="middle">time in s</text>'):format(LEFT + inner_w // 2, height - 3)
  out[#out + 1] = ('<text transform="translate(11 %d) rotate(-90)" text-anchor="middle">MHz</text></svg>'):format(
    TOP + inner_h // 2)
  return table.concat(out)
end

local function shot(panel, kind, name)
  if not panel[kind] then return "" end
  return ('<img class="shot" alt="%s of frame %s" src="%s">'):format(name, html.text(panel.label),
    html.text(panel[kind]))
end

local function shots(panel, title)
  local lost <const> = panel.lost and ('<p class="note">No picture: %s.</p>'):format(html.text(panel.lost)) or ""
  return ('<div class="shots"><p class="legend">%s</p>%s%s%s</div>'):format(title, shot(panel, "spectrogram",
    "Spectrogram"), shot(panel, "phase", "Phase"), lost)
end

-- What of all that was measured stands beneath the frames, and how it is called there.
local SHOWN <const> = {
  { "drift_hz_s", "drift" }, { "bit_rate_error_ppm", "bit rate off by" }, { "phase_error_rms_deg", "phase error, rms" },
  { "phase_error_peak_deg", "phase error, peak" }, { "evm_percent", "error vector" },
  { "phase_step_deg", "phase step at a 0" },
  { "transition_symbols", "transition" }, { "ramp_up_s", "ramp up" }, { "ramp_down_s", "ramp down" },
  { "occupied_hz", "99 % of the power in" }, { "power_dbfs", "power" }, { "ebn0_db", "Eb/N0" },
}

-- `void` collects the reasons, each with the names of what it makes void.
local function value_text(value, name, void)
  if not value then return "–" end
  if value.void then
    if not void[value.void] then void[#void + 1] = value.void end
    local names <const> = void[value.void]
    void[value.void] = not names and name or names:find(name, 1, true) and names or names .. ", " .. name
    return "not measured"
  end
  local times <const> = value.unit == "s" and 1000 or 1
  if not value.u then return ("%.6g"):format(value.value * times) end
  -- as many decimals to either side of the sign
  local function decimals(text) return #(text:match "%.(%d+)$" or "") end
  local places <const> = math.max(decimals(("%.6g"):format(value.value * times)),
    decimals(("%.2g"):format(value.u * times)))
  local as <const> = "%." .. places .. "f"
  return (as .. " ± " .. as):format(value.value * times, value.u * times)
end

-- One row for each quantity, one column for each frame.
local function measured(frames)
  local void <const>, rows <const>, columns <const>, notes <const> = {}, {}, { { "Measured" } }, {}
  for i, panel in ipairs(frames) do
    panel.of = {}
    for _, value in ipairs(panel.measured or {}) do panel.of[value.name] = value end
    columns[i + 1] = { "Frame " .. i, class = "number", cell = function(row)
      return value_text(panel.of[row[1]], row[2], void)
    end }
    if panel.unmeasured then
      notes[#notes + 1] = ("Frame %d was not measured: %s."):format(i, html.text(panel.unmeasured))
    end
  end
  for _, shown in ipairs(SHOWN) do
    for _, panel in ipairs(frames) do
      local value <const> = panel.of[shown[1]]
      if value then
        rows[#rows + 1] = { shown[1], shown[2], value.unit == "s" and "ms" or value.unit }
        break
      end
    end
  end
  columns[1].cell = function(row) return ("%s <span class=\"small\">%s</span>"):format(row[2], html.text(row[3])) end
  local out = #rows > 0 and html.table(columns, rows, "dense") or ""
  for _, why in ipairs(void) do notes[#notes + 1] = ("Not measured: %s: %s."):format(void[why], html.text(why)) end
  if #notes > 0 then out = out .. ('<p class="legend">%s</p>'):format(table.concat(notes, "<br>")) end
  return out
end

local function colour_bar(picture, panel)
  return ('<span class="bar"><span>%.0f dB</span><span class="ramp" style="background:linear-gradient(90deg,%s)">'
    .. "</span><span>%.0f dB</span></span>"):format(panel.low_db, table.concat(picture.colours, ","), panel.high_db)
end

--- All panels of one recording as a figure. A recording that could not be drawn says why.
function plot.figure(picture)
  if picture.error then
    return ('<p class="note">No picture of %s: %s.</p>\n'):format(html.text(picture.path), html.text(picture.error))
  end
  local overview, frames, drawn = "", {}, {}
  for _, panel in ipairs(picture.panels) do
    if panel.kind == "overview" then
      overview = plot.overview(picture, panel) .. '<p class="legend">' .. colour_bar(picture, panel) .. "</p>"
    else
      frames[#frames + 1] = panel
      drawn[#drawn + 1] = shots(panel, ("Frame %d: %s, %s MHz"):format(#frames, html.text(panel.label),
        words.mhz((panel.low_hz + panel.high_hz) / 2)))
    end
  end
  return ('<figure>%s%s%s<figcaption>One received message, drawn from the recording <code>%s</code> (%s at %s '
    .. "samples/s around %s MHz); above, power in one pixel's bandwidth, relative to the receiver's full scale. "
    .. "Uncertainties are standard (k = 1), against the receiver's own clock.</figcaption></figure>\n"):format(overview,
    table.concat(drawn), measured(frames), html.text(picture.path), words.seconds(picture.seconds),
    words.thousands(math.tointeger(picture.rate_hz // 1)), words.mhz(picture.centre_hz))
end

--- Frames that were measured and not recorded: the pictures that the run keeps of them.
function plot.kept(frames)
  if not frames or #frames == 0 then return "" end
  local out <const> = {}
  for i, panel in ipairs(frames) do out[i] = shots(panel, html.text(panel.label)) end
  return ('<figure>%s<figcaption>Frames that were measured, as the run keeps them in <code>frames/</code>.</figcaption>'
    .. "</figure>\n"):format(table.concat(out))
end

return plot
