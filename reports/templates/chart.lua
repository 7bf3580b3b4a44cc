-- Curves of measured proportions, drawn as SVG with error bars and the numbers beneath. As in plot.lua, what must not
-- be filled says so in attributes: WeasyPrint does not bring the page's style into a drawing.
-- luacheck: read_globals include
local html <const> = include "html.lua"
local scale <const> = include "scale.lua"
local words <const> = include "words.lua"

local chart <const> = {}

local WIDTH <const>, INNER_H <const> = 760, 220
local LEFT <const>, RIGHT <const>, BOTTOM <const>, ROW <const> = 62, 16, 38, 15

-- Told apart by colour, and by shape where there is none. Shapes are paths around 0 0.
local LOOKS <const> = {
  { colour = "#1f78b4", sign = "●", path = "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z" },
  { colour = "#c2571a", sign = "■", path = "M-4 -4h8v8h-8z" },
  { colour = "#2f8f5b", sign = "▲", path = "M0 -5L5 4h-10z" },
  { colour = "#9a4f9a", sign = "◆", path = "M0 -5.5L5.5 0L0 5.5L-5.5 0z" },
  { colour = "#6b6b6b", sign = "▼", path = "M0 5L5 -4h-10z" },
}

local function look_of(i) return LOOKS[(i - 1) % #LOOKS + 1] end

local function percent(p) return ("%.1f %%"):format(100 * p) end

local function x_name(curve) return curve.x_name ~= "" and curve.x_name or "x" end

local function x_label(curve)
  return curve.x_unit ~= "" and ("%s in %s"):format(x_name(curve), curve.x_unit) or x_name(curve)
end

local function what(curve) return curve.event ~= "" and curve.event or "bad event" end

local function number(x)
  return (("%.6g"):format(x):gsub("^%-", "\u{2212}"))
end

-- One place on the axis, whatever it is: an axis has to have a length.
local function range_of(curves)
  local low, high = math.huge, -math.huge
  for _, curve in ipairs(curves) do
    for _, p in ipairs(curve.points) do low, high = math.min(low, p.x), math.max(high, p.x) end
  end
  local margin <const> = high > low and (high - low) * 0.06 or math.max(1, math.abs(high) / 10)
  return low - margin, high + margin
end

local function axes(curves, x, y, top, low, high)
  local bottom <const>, right <const> = top + INNER_H, WIDTH - RIGHT
  local out <const> = {
    ('<rect class="frame" fill="none" stroke="#444" x="%d" y="%d" width="%d" height="%d"/>'):format(LEFT, top,
      right - LEFT, INNER_H),
  }
  for i = 0, 4 do
    local at <const> = y(i / 4)
    out[#out + 1] = ('<path stroke="#999" stroke-width="0.5" stroke-dasharray="2 3" fill="none" d="M%d %.1fH%d"/>')
      :format(LEFT, at, right)
    out[#out + 1] = ('<text x="%d" y="%.1f" text-anchor="end">%d %%</text>'):format(LEFT - 8, at + 4, 25 * i)
  end
  local list <const>, step <const> = scale.ticks(low, high, 12)
  for _, value in ipairs(list) do
    out[#out + 1] = ('<path class="tick" stroke="#444" fill="none" d="M%.1f %dv5"/>'):format(x(value), bottom)
    out[#out + 1] = ('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'):format(x(value), bottom + 17,
      (("%%.%df"):format(scale.decimals(step)):format(value + 0.0):gsub("^%-", "\u{2212}")))
  end
  out[#out + 1] = ('<text x="%d" y="%d" text-anchor="middle">%s</text>'):format((LEFT + right) // 2, bottom + 34,
    html.text(x_label(curves[1])))
  out[#out + 1] = ('<text transform="translate(13 %d) rotate(-90)" text-anchor="middle">share: %s</text>'):format(
    top + INNER_H // 2, html.text(what(curves[1])))
  return table.concat(out)
end

-- Line, bars, markers, and above the frame how many trials stand behind each point.
local function draw(curve, i, n_curves, x, y)
  local look <const> = look_of(i)
  local shift <const> = (i - (n_curves + 1) / 2) * 5 -- so that bars at one x do not hide each other
  local stroke <const> = ('fill="none" stroke="%s"'):format(look.colour)
  local out <const>, line <const> = {}, {}
  local row <const> = ROW * i - 4
  out[1] = ('<text x="%d" y="%d" text-anchor="end">n</text><path fill="%s" transform="translate(%d %d)" d="%s"/>')
    :format(LEFT - 20, row, look.colour, LEFT - 10, row - 4, look.path)
  for k, p in ipairs(curve.points) do
    local px <const>, py <const> = x(p.x) + shift, y(p.bad / p.trials)
    line[k] = ("%s%.1f %.1f"):format(k == 1 and "M" or "L", px, py)
    out[#out + 1] = ('<path %s stroke-width="1.3" d="M%.1f %.1fV%.1fM%.1f %.1fh8M%.1f %.1fh8"/>'):format(stroke, px,
      y(p.low), y(p.high), px - 4, y(p.low), px - 4, y(p.high))
    out[#out + 1] = ('<path fill="%s" transform="translate(%.1f %.1f)" d="%s"/>'):format(look.colour, px, py, look.path)
    out[#out + 1] = ('<text x="%.1f" y="%d" text-anchor="middle">%d</text>'):format(x(p.x), row, p.trials)
  end
  if #line > 1 then
    out[#out + 1] = ('<path %s stroke-width="1" stroke-opacity="0.6" d="%s"/>'):format(stroke, table.concat(line))
  end
  return table.concat(out)
end

--- The drawing of curves that share their axes.
function chart.svg(curves)
  local low <const>, high <const> = range_of(curves)
  local top <const> = ROW * #curves + 10
  local function x(value) return LEFT + (value - low) / (high - low) * (WIDTH - RIGHT - LEFT) end
  local function y(share) return top + (1 - share) * INNER_H end
  local out <const> = {
    ('<svg viewBox="0 0 %d %d" font-size="11" role="img" aria-label="%s">'):format(WIDTH, top + INNER_H + BOTTOM,
      html.text(("Share of %s against %s"):format(what(curves[1]), x_name(curves[1])))),
    axes(curves, x, y, top, low, high),
  }
  for i, curve in ipairs(curves) do out[#out + 1] = draw(curve, i, #curves, x, y) end
  out[#out + 1] = "</svg>"
  return table.concat(out)
end

local function numbers(curves)
  local rows <const> = {}
  for i, curve in ipairs(curves) do
    for _, p in ipairs(curve.points) do rows[#rows + 1] = { point = p, curve = curve, look = look_of(i) } end
  end
  return html.table({
    { "Series", cell = function(r)
      return ('<span aria-hidden="true" style="color:%s">%s</span> %s'):format(r.look.colour, r.look.sign,
        html.text(r.curve.series))
    end },
    { x_label(curves[1]), cell = function(r) return number(r.point.x) end, class = "number" },
    { "Trials", cell = function(r) return html.text(r.point.trials) end, class = "number" },
    { "Bad", cell = function(r) return html.text(r.point.bad) end, class = "number" },
    { "Share", cell = function(r) return percent(r.point.bad / r.point.trials) end, class = "number" },
    { ("%.0f %% interval"):format(100 * curves[1].confidence), class = "number", cell = function(r)
      return ("%s … %s"):format(percent(r.point.low), percent(r.point.high))
    end },
  }, rows)
end

-- The jammer's bursts in the attempts that measured points: "24 bursts on rank 1".
local function jammed(m, ids)
  local count <const>, ranks <const>, units <const>, shapes <const>, total = {}, {}, {}, {}, 0
  for _, case in ipairs(m.cases) do
    for _, attempt in ipairs(ids[words.full_id(case)] and case.attempts or {}) do
      for _, event in ipairs(attempt.superseded and {} or attempt.events) do
        if event.type == "jam" then
          local rank <const> = event.rank and ("on rank %d"):format(event.rank) or "steady"
          if event.shape then shapes[event.shape] = true end
          if not count[rank] then ranks[#ranks + 1] = rank end
          count[rank] = (count[rank] or 0) + 1
          units[html.text(event.unit)] = true
          total = total + 1
        end
      end
    end
  end
  if total == 0 then return "" end
  table.sort(ranks)
  for i, rank in ipairs(ranks) do ranks[i] = ("%d %s"):format(count[rank], html.text(rank)) end
  local kinds <const> = {}
  for shape in pairs(shapes) do kinds[#kinds + 1] = html.text(shape) end
  table.sort(kinds)
  local of_shape <const> = #kinds > 0 and (" (%s)"):format(table.concat(kinds, ", ")) or ""
  local by <const> = {}
  for unit in pairs(units) do by[#by + 1] = unit end
  table.sort(by)
  return (" Jammed by %s with %s%s: %s."):format(table.concat(by, ", "), words.count(total, "burst"), of_shape,
    table.concat(ranks, ", "))
end

local function caption(m, curves)
  local ids <const>, links <const>, trials = {}, {}, 0
  for _, curve in ipairs(curves) do
    for _, p in ipairs(curve.points) do trials = trials + p.trials end
    for _, id in ipairs(curve.cases) do
      if not ids[id] then links[#links + 1] = ('<a href="#%s">%s</a>'):format(html.id(id), html.text(id)) end
      ids[id] = true
    end
  end
  return ("<figcaption>Share of trials with the event “%s” against %s.%s %s in all, n at each point above it. Bars are "
    .. "two-sided %.0f %% intervals (Clopper–Pearson). Points of equal %s are added up over the run. Measured by %s."
    .. "</figcaption>"):format(html.text(what(curves[1])), html.text(x_name(curves[1])), jammed(m, ids),
    words.count(trials, "trial"), 100 * curves[1].confidence, html.text(x_name(curves[1])), table.concat(links, ", "))
end

--- The figures of a run, or "" when it measured no points.
function chart.figures(m)
  local groups <const>, by_axes <const> = {}, {}
  for _, curve in ipairs(m.curves) do
    local key <const> = table.concat({ curve.event, curve.x_name, curve.x_unit }, "\0")
    if not by_axes[key] then
      by_axes[key] = {}
      groups[#groups + 1] = by_axes[key]
    end
    table.insert(by_axes[key], curve)
  end
  for i, curves in ipairs(groups) do
    groups[i] = ('<figure class="chart">%s%s</figure>%s'):format(chart.svg(curves), caption(m, curves),
      numbers(curves))
  end
  return table.concat(groups)
end

return chart
