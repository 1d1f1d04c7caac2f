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

  -- Bytes before the first right header; nil where there is none with enough bytes to tell.
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

  -- Bytes before the first right header, or before one that is wrong in the way of `like`.
  function R.find_next(octets, like)
    local right = R.find_header(octets)
    local same = like and find_like(octets, like)
    return right and same and math.min(right, same) or right or same
  end

  -- Bytes before the first whole message without a fault.
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

  -- How the bytes at a boundary are taken: "need", "right" or "wrong", and how many bytes.
  function R.extent(octets)
    local length, command = R.word(octets, 1), R.word(octets, 5)
    if not command then
      return "need", L.header_len
    end
    local known = L.commands[command]
    local kind = known and L.kinds[known.kind]
    if kind and length == kind.len then
      return #octets < length and "need" or "right", length
    end
    local forms = {
      without_header = function() return kind and length + L.header_len == kind.len and kind end,
      shorter = function() return kind and length >= L.header_len and length < kind.len and kind end,
      known_command = function() return kind end,
      little_endian = function() return R.swapped_header(octets) end,
      as_text = function() return R.text_header(octets) end,
      possible_length = function() return length >= L.header_len and length <= L.max_len end,
      any = function() return true end,
    }
    local taken
    for _, row in ipairs(L.rules.extents) do
      local of = forms[row[1]]()
      if of then
        taken = row[2] == "kind" and of.len or row[2] == "length" and length or L.header_len
        break
      end
    end
    if #octets < taken then
      return "need", taken
    end
    local inside = R.find_next(octets:sub(L.header_len + 1, taken), R.like(octets))
    return "wrong", inside and L.header_len + inside or taken
  end
end
