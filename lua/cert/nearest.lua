-- The word that was probably meant: for errors that say what there is.
local BEYOND <const> = 3 -- edits; more is another word

-- Edits (a letter added, left out, replaced, or two swapped) that make b of a.
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row <const> = { [0] = i }
    for j = 1, #b do
      local cost <const> = a:sub(i, i) == b:sub(j, j) and 0 or 1
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:sub(i, i) == b:sub(j - 1, j - 1) and a:sub(i - 1, i - 1) == b:sub(j, j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

--- nearest(word, list) -> the word of the list that differs least, in no more than a few letters, or that begins with
--- it; nil when none is like it. Capitals and small letters count as the same.
return function(word, list)
  local wanted <const> = word:lower()
  local best, best_score
  for _, known in ipairs(list) do
    local score = distance(wanted, known:lower())
    if #wanted > 2 and known:lower():sub(1, #wanted) == wanted then score = math.min(score, 1) end
    if score <= math.min(BEYOND, #wanted // 2 + 1) and (not best_score or score < best_score) then
      best, best_score = known, score
    end
  end
  return best
end
