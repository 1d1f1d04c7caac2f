-- Where a message ends, and where the next one begins after one that is wrong.
do
  local LOOK_AHEAD = L.bounds.look_ahead

  function R.kind_of_len(length)
    for _, kind in pairs(L.kinds) do
      if kind.len == length then
        return kind
      end
    end
  end

  local function swapped(octets, at)
    local word = octets:sub(at, at + 3)
    return #word == 4 and R.word(word:reverse(), 1) or nil
  end

  -- A number written as text: digits, filled up with spaces, or at the end with NUL.
  function R.text_number(octets)
    if #octets < 4 then
      return nil
    end
    return tonumber(octets:match("^ *(%d+) *%z*$"))
  end

  -- The kind of message that a header in little-endian order calls for.
  function R.swapped_header(octets)
    local length, command = swapped(octets, 1), swapped(octets, 5)
    local known = command and L.commands[command]
    local kind = known and L.kinds[known.kind]
    return kind and kind.len == length and kind or nil
  end

  -- The kind of message that a header written as text calls for.
  function R.text_header(octets)
    local kind = R.kind_of_len(R.text_number(octets:sub(1, 4)))
    return L.commands[R.text_number(octets:sub(5, 8))] and kind or nil
  end

  local function is_command(octets)
    return L.commands[R.word(octets, 1)] ~= nil or L.commands[swapped(octets, 1)] ~= nil
      or L.commands[R.text_number(octets)] ~= nil
  end

  -- What headers look like that are wrong in the same way as the one at the start of `octets`.
  function R.like(octets)
    if #octets < L.header_len then
      return nil
    end
    local length, command = octets:sub(1, 4), octets:sub(5, 8)
    if is_command(command) then
      return { length = length }
    elseif R.kind_of_len(R.word(length, 1)) then
      return { length = length, command = command }
    end
  end

  local function find_like(octets, like)
    local at = octets:find(like.length, 1, true)
    while at and #octets - at + 1 >= L.header_len do
      local command = octets:sub(at + 4, at + 7)
      if like.command and like.command == command or not like.command and is_command(command) then
        return at - 1
      end
      at = octets:find(like.length, at + 1, true)
    end
  end

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

  -- Octets before the first right header, or before one that is wrong in the way of `like`.
  function R.find_next(octets, like)
    local right = R.find_header(octets)
    local same = like and find_like(octets, like)
    return right and same and math.min(right, same) or right or same
  end

  -- Octets before the first whole message without a fault.
  function R.find_strict(octets)
    local from = 0
    while true do
      local found = R.find_header(octets:sub(from + 1))
      if not found then
        return nil
      end
      local at = from + found
      local len = L.kinds[L.commands[R.word(octets, at + 5)].kind].len
      if R.is_strict(octets:sub(at + 1, at + len)) then
        return at
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
    if whole and length + L.header_len == whole then
      taken = whole
    elseif whole then
      taken = length >= L.header_len and length < whole and length or whole
    else
      local other = R.swapped_header(octets) or R.text_header(octets)
      taken = other and other.len
        or length >= L.header_len and length <= L.max_len and length or L.header_len
    end
    if #octets < taken then
      return "need", taken
    end
    if length == whole then
      return "right", taken
    end
    local inside = R.find_next(octets:sub(L.header_len + 1, taken), R.like(octets))
    return "wrong", inside and L.header_len + inside or taken
  end
end
