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
    local more, low, high = 0, 0x80, 0xbf
    if first >= 0xc2 and first <= 0xdf then
      more = 1
    elseif first >= 0xe0 and first <= 0xef then
      more = 2
      if first == 0xe0 then low = 0xa0 elseif first == 0xed then high = 0x9f end
    elseif first >= 0xf0 and first <= 0xf4 then
      more = 3
      if first == 0xf0 then low = 0x90 elseif first == 0xf4 then high = 0x8f end
    else
      return 0, 1
    end
    for step = 1, more do
      local octet = octets:byte(at + step)
      if not octet or octet < low or octet > high then
        return 0, step
      end
      low, high = 0x80, 0xbf
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
