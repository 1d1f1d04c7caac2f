-- Where a message ends, and where the next one begins after one that is wrong.
do
  local LOOK_AHEAD = 16

  -- Octets before the first right header; nil where there is none with enough octets to tell.
  function R.find_header(octets)
    local from = 1
    while true do
      local at = octets:find("%z%z%z", from)
      if not at or #octets - at + 1 < LOOK_AHEAD then
        return nil
      end
      local rest = octets:sub(at, at + LOOK_AHEAD - 1)
      if R.is_header(rest) and not R.is_smpp(rest) then
        return at - 1
      end
      from = at + 1
    end
  end

  -- How the octets at a boundary are taken: "need", "right" or "wrong", and how many octets.
  function R.extent(octets)
    local length, command = R.word(octets, 1), R.word(octets, 5)
    if not command then
      return "need", L.header_len
    end
    local known = L.commands[command]
    local whole = known and L.kinds[known.kind].len
    local taken
    if whole then
      taken = length >= L.header_len and length < whole and length or whole
    else
      taken = length >= L.header_len and length <= L.max_len and length or L.header_len
    end
    if #octets < taken then
      return "need", taken
    end
    if length == whole then
      return "right", taken
    end
    local inside = R.find_header(octets:sub(L.header_len + 1, taken))
    return "wrong", inside and L.header_len + inside or taken
  end
end
