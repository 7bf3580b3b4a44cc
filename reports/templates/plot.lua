-- A spectrogram: the picture from C inside axes drawn as SVG, so that text stays text. What must not be
-- filled says so in attributes as well: WeasyPrint does not bring the page's style into a drawing.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local scale <const> = include "scale.lua"
local words <const> = include "words.lua"

local plot <const> = {}

local TICK <const> = '<path class="tick" stroke="#444" '
local LEFT <const>, RIGHT <const>, TOP <const>, BOTTOM <const> = 62, 8, 8, 36

local function marks_of(picture, panel, x, y)
  local out <const> = {}
  if panel.kind ~= "overview" then return "" end
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

--- One panel. Time goes right, frequency up: absolute in MHz for the overview, from the frame's middle in Hz close up.
function plot.panel(picture, panel)
  local overview <const> = panel.kind == "overview"
  local width <const>, height <const> = overview and 760 or 300, overview and 250 or 200
  local inner_w <const>, inner_h <const> = width - LEFT - RIGHT, height - TOP - BOTTOM
  local zero <const> = overview and 0 or (panel.low_hz + panel.high_hz) / 2
  local unit <const> = overview and 1e6 or 1
  local function x(s) return LEFT + (s - panel.from_s) / (panel.to_s - panel.from_s) * inner_w end
  local function y(hz) return TOP + (panel.high_hz - hz) / (panel.high_hz - panel.low_hz) * inner_h end

  local label <const> = overview and "Spectrogram of the whole recording"
    or ("Spectrogram of frame %s at %s MHz"):format(panel.label, words.mhz(zero))
  local out <const> = {
    ('<svg viewBox="0 0 %d %d" font-size="11" role="img" aria-label="%s">'):format(width, height, html.text(label)),
    ('<image x="%d" y="%d" width="%d" height="%d" preserveAspectRatio="none" href="%s"/>'):format(LEFT, TOP, inner_w,
      inner_h, html.text(panel.png)),
    ('<rect class="frame" fill="none" stroke="#444" x="%d" y="%d" width="%d" height="%d"/>')
      :format(LEFT, TOP, inner_w, inner_h),
  }
  local list, step = scale.ticks(panel.from_s, panel.to_s, overview and 8 or 5)
  for _, s in ipairs(list) do
    out[#out + 1] = (TICK .. 'd="M%.1f %dv5"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>'):format(x(s),
      TOP + inner_h, x(s), TOP + inner_h + 17, ("%%.%df"):format(scale.decimals(step)):format(s))
  end
  list, step = scale.ticks((panel.low_hz - zero) / unit, (panel.high_hz - zero) / unit, overview and 6 or 4)
  for _, value in ipairs(list) do
    local at <const> = y(value * unit + zero)
    out[#out + 1] = (TICK .. 'd="M%d %.1fh-5"/><text x="%d" y="%.1f" text-anchor="end">%s</text>'):format(LEFT, at,
       LEFT - 8, at + 4, ("%%.%df"):format(scale.decimals(step)):format(value))
  end
  out[#out + 1] = marks_of(picture, panel, x, y)
  out[#out + 1] = ('<text x="%d" y="%d" text-anchor="middle">time in s</text>'):format(LEFT + inner_w // 2, height - 3)
  out[#out + 1] = ('<text transform="translate(11 %d) rotate(-90)" text-anchor="middle">%s</text></svg>'):format(
    TOP + inner_h // 2, overview and "MHz" or "Hz from middle")
  return table.concat(out)
end

local PHASES <const> = { -90, 0, 90, 180, 270 }

--- The phase of a frame over its time: the two states of its symbols, and the way between them.
function plot.phase(panel)
  local width <const>, height <const> = 300, 150
  local inner_w <const>, inner_h <const> = width - LEFT - RIGHT, height - TOP - 24
  local out <const> = {
    ('<svg viewBox="0 0 %d %d" font-size="11" role="img" aria-label="Phase of frame %s">'):format(width, height,
      html.text(panel.label)),
    ('<image x="%d" y="%d" width="%d" height="%d" preserveAspectRatio="none" href="%s"/>'):format(LEFT, TOP, inner_w,
      inner_h, html.text(panel.phase_png)),
    ('<rect class="frame" fill="none" stroke="#444" x="%d" y="%d" width="%d" height="%d"/>')
      :format(LEFT, TOP, inner_w, inner_h),
  }
  for _, degrees in ipairs(PHASES) do
    local y <const> = TOP + (270 - degrees) / 360 * inner_h
    out[#out + 1] = (TICK .. 'd="M%d %.1fh-5"/><text x="%d" y="%.1f" text-anchor="end">%d</text>'):format(LEFT, y,
      LEFT - 8, y + 4, degrees)
  end
  out[#out + 1] = ('<text x="%d" y="%d" text-anchor="middle">first to last symbol</text>'):format(LEFT + inner_w // 2,
    height - 8)
  out[#out + 1] = ('<text transform="translate(11 %d) rotate(-90)" text-anchor="middle">phase in °</text></svg>')
    :format(TOP + inner_h // 2)
  return table.concat(out)
end

-- What of all that was measured stands under a frame, and how it is called there.
local SHOWN <const> = {
  { "drift_hz_s", "drift" }, { "bit_rate_error_ppm", "bit rate off by" }, { "phase_error_rms_deg", "phase error" },
  { "phase_error_peak_deg", "peak phase error" }, { "evm_percent", "error vector" },
  { "phase_step_deg", "step at a 0" },
  { "transition_symbols", "transition" }, { "ramp_up_s", "ramp up" }, { "ramp_down_s", "ramp down" },
  { "occupied_hz", "99 % of the power in" }, { "power_dbfs", "power" }, { "ebn0_db", "Eb/N0" },
}

local function measured(panel)
  if panel.unmeasured then return ("not measured: %s"):format(html.text(panel.unmeasured)) end
  local of <const>, out <const>, void <const> = {}, {}, {}
  for _, value in ipairs(panel.measured or {}) do of[value.name] = value end
  for _, shown in ipairs(SHOWN) do
    local value <const> = of[shown[1]]
    if value and value.void then
      if not void[value.void] then void[#void + 1] = value.void end
      void[value.void] = (void[value.void] and void[value.void] .. ", " or "") .. shown[2]
    elseif value then
      local ms <const> = value.unit == "s"
      local times <const>, unit <const> = ms and 1000 or 1, ms and "ms" or value.unit
      out[#out + 1] = ("%s %.6g%s %s"):format(shown[2], value.value * times,
        value.u and (" ± %.2g"):format(value.u * times) or "", html.text(unit))
    end
  end
  local text = table.concat(out, "; ")
  for _, why in ipairs(void) do text = text .. ("<br>not measured: %s: %s"):format(void[why], html.text(why)) end
  return text
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
  local overview, frames = "", {}
  for _, panel in ipairs(picture.panels) do
    if panel.kind == "overview" then
      overview = plot.panel(picture, panel) .. '<p class="legend">' .. colour_bar(picture, panel) .. "</p>"
    else
      local known <const> = panel.measured or panel.unmeasured
      frames[#frames + 1] = ('<div>%s<p class="legend">%d: %s, %s MHz<br>%s</p>%s%s</div>'):format(
        plot.panel(picture, panel), #frames + 1, html.text(panel.label),
        words.mhz((panel.low_hz + panel.high_hz) / 2), colour_bar(picture, panel),
        panel.phase_png and plot.phase(panel) or "",
        known and ('<p class="legend">%s</p>'):format(measured(panel)) or "")
    end
  end
  return ('<figure>%s<div class="panels">%s</div><figcaption>One received message, drawn from the recording '
    .. "<code>%s</code> (%s at %s samples/s around %s MHz). Power in one pixel's bandwidth, relative to the receiver's "
    .. "full scale. Beneath, "
    .. "each frame's phase and what was measured of it, with standard uncertainties against the receiver's own "
    .. "clock.</figcaption></figure>\n"):format(overview, table.concat(frames), html.text(picture.path),
    words.seconds(picture.seconds), words.thousands(math.tointeger(picture.rate_hz // 1)), words.mhz(picture.centre_hz))
end

return plot
