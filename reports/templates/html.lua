-- Text into HTML. Everything that comes from a run passes through `text` or `attr`: a device may send what it likes.
local html <const> = {}

local ENTITY <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

-- Characters that show nothing, or turn the direction of what follows: made visible.
local function is_hidden(code)
  return code < 0x20 and code ~= 0x0a or code >= 0x7f and code < 0xa0 or code >= 0x200b and code <= 0x200f
    or code >= 0x2028 and code <= 0x202e or code >= 0x2060 and code <= 0x206f or code == 0xfeff
end

local function visible(s)
  if not s:find "[\0-\9\11-\31\127-\255]" then return s end
  if not utf8.len(s) then return (s:gsub("[\0-\31\127-\255]", function(c) return ("\\x%02x"):format(c:byte()) end)) end
  local out <const> = {}
  for _, code in utf8.codes(s) do
    out[#out + 1] = is_hidden(code) and ("[U+%04X]"):format(code) or utf8.char(code)
  end
  return table.concat(out)
end

--- Any value as text, safe between tags and inside quoted attributes. nil is a dash.
function html.text(value)
  if value == nil or value == "" then return "–" end
  if type(value) == "table" then return #value > 0 and ("%d values"):format(#value) or "values" end
  if math.type(value) == "float" and value == math.floor(value) and value > -1e15 and value < 1e15 then
    value = ("%d"):format(value)
  end
  return (visible(tostring(value)):gsub("[&<>\"']", ENTITY))
end

--- A name as an HTML id: letters, digits, dot and hyphen; anything else becomes its code.
function html.id(value)
  return (tostring(value):gsub("[^%w.-]", function(c) return ("_%02x"):format(c:byte()) end))
end

--- A table. `columns` are { title, cell = function(row) -> html, class = css class }; `rows` are any values.
function html.table(columns, rows, class)
  local out <const> = { ('<div class="wide"><table class="%s"><thead><tr>'):format(class or "") }
  for _, column in ipairs(columns) do
    out[#out + 1] = ('<th scope="col"%s>%s</th>'):format(column.class == "number" and ' class="number"' or "",
      html.text(column[1]))
  end
  out[#out + 1] = "</tr></thead><tbody>\n"
  for _, row in ipairs(rows) do
    out[#out + 1] = "<tr>"
    for _, column in ipairs(columns) do
      out[#out + 1] = ('<td class="%s">%s</td>'):format(column.class or "", column.cell(row))
    end
    out[#out + 1] = "</tr>\n"
  end
  out[#out + 1] = "</tbody></table></div>\n"
  return table.concat(out)
end

--- A list of names and values: { { name, html }, … }; a third element `true` gives it a line of its own.
function html.facts(list)
  local out <const> = { '<dl class="facts">' }
  for _, fact in ipairs(list) do
    out[#out + 1] = ("<div%s><dt>%s</dt><dd>%s</dd></div>\n"):format(fact[3] and ' class="line"' or "",
      html.text(fact[1]), fact[2])
  end
  out[#out + 1] = "</dl>\n"
  return table.concat(out)
end

--- Something long that a reader opens when wanted. `show` is "open", or "print": closed on a screen, shown on paper.
function html.fold(summary, body, show)
  local how <const> = show == "open" and " open" or show == "print" and ' class="print"' or ""
  return ("<details%s><summary>%s</summary>\n%s</details>\n"):format(how, summary, body)
end

return html
