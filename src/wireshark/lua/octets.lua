-- Numbers and text in bytes.
do
  function R.word(octets, at)
    local a, b, c, d = octets:byte(at, at + 3)
    return d and ((a * 256 + b) * 256 + c) * 256 + d
  end

  -- Length of the UTF-8 character at `at` (1 to 4), or 0 and the bytes of the bad part.
  function R.character(octets, at)
    local first = octets:byte(at)
    if first < 0x80 then
      return 1
    end
    local more, low, high
    for _, row in ipairs(L.utf8) do
      if first >= row[1] and first <= row[2] then
        more, low, high = row[3], row[4], row[5]
      end
    end
    if not more then
      return 0, 1
    end
    for step = 1, more do
      local octet = octets:byte(at + step)
      if not octet or octet < low or octet > high then
        return 0, step
      end
      low, high = L.utf8.further[1], L.utf8.further[2]
    end
    return more + 1
  end

  -- The text with U+FFFD for each part that is not UTF-8, and the offsets of the first such part
  -- and of the first control character; nil where there is none.
  function R.read_text(octets)
    local parts, bad_at, control_at = {}, nil, nil
    local at = 1
    while at <= #octets do
      local len, bad = R.character(octets, at)
      if len == 0 then
        parts[#parts + 1] = "\239\191\189"
        bad_at = bad_at or at - 1
        at = at + bad
      else
        local part = octets:sub(at, at + len - 1)
        local a, b = part:byte(1, 2)
        if a < 0x20 or a == 0x7f or (a == 0xc2 and b < 0xa0) then
          control_at = control_at or at - 1
        end
        parts[#parts + 1] = part
        at = at + len
      end
    end
    return table.concat(parts), bad_at, control_at
  end
end
