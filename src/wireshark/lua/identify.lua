-- Which protocol a stream speaks: by its content first and by its port second.
do
  function R.word(octets, at)
    local a, b, c, d = octets:byte(at, at + 3)
    return d and ((a * 256 + b) * 256 + c) * 256 + d
  end
  local word = R.word

  -- Whether octets start with a totalLength and commandID that belong together.
  function R.is_header(octets)
    local length, command = word(octets, 1), word(octets, 5)
    local known = command and L.commands[command]
    return known ~= nil and length == L.kinds[known.kind].len
  end

  function R.is_smpp(octets)
    local length, id, status, sequence = word(octets, 1), word(octets, 5), word(octets, 9), word(octets, 13)
    return sequence ~= nil
      and length >= 16 and length <= 65536
      and L.smpp_commands[id] ~= nil
      and (status == 0 or id >= 0x80000000)
      and sequence >= 1 and sequence <= 0x7fffffff
  end

  local function is_tls(octets)
    local kind, major, minor, high, low = octets:byte(1, 5)
    if not low then
      return false
    end
    local length = high * 256 + low
    return kind >= 20 and kind <= 23 and major == 3 and minor <= 4
      and length >= 1 and length <= 16384 + 2048
  end

  local function is_http(octets)
    for _, start in ipairs(L.http_starts) do
      if octets:sub(1, #start) == start then
        return true
      end
    end
    return false
  end

  -- SMPP, TLS or HTTP, as the first octets tell; nil where they do not.
  function R.foreign(octets)
    if R.is_smpp(octets) then
      return "smpp"
    elseif is_tls(octets) then
      return "tls"
    elseif is_http(octets) then
      return "http"
    end
  end

  local function could_be_foreign(octets)
    local first = octets:byte(1)
    if not first or first == 0 or (#octets < 5 and first >= 20 and first <= 23) then
      return true
    end
    for _, start in ipairs(L.http_starts) do
      if start:sub(1, #octets) == octets then
        return true
      end
    end
    return false
  end

  -- The field's octets up to the first NUL, and the offset of the first octet after that NUL
  -- that is not NUL.
  function R.text(octets)
    local nul = octets:find("\0", 1, true)
    if not nul then
      return octets, nil
    end
    local after = octets:find("[^%z]", nul)
    return octets:sub(1, nul - 1), after and after - 1
  end

  function R.field(octets, field)
    return octets:sub(field.offset + 1, field.offset + field.width)
  end

  -- Whether octets are exactly one strictly valid message.
  function R.is_strict(octets)
    if not R.is_header(octets) then
      return false
    end
    local kind = L.kinds[L.commands[word(octets, 5)].kind]
    if #octets ~= kind.len then
      return false
    end
    for _, key in ipairs(kind.fields) do
      local field = L.fields[key]
      if field.kind == "text" and select(2, R.text(R.field(octets, field))) then
        return false
      end
    end
    if kind.name == "request" then
      return octets:byte(L.fields.username.offset + 1) ~= 0
    end
    return octets:byte(L.fields.status.offset + 1) <= 1
  end

  local function reglogin(octets)
    if #octets < L.header_len then
      if octets:sub(1, 3) == ("\0"):rep(math.min(3, #octets)) then
        return nil
      end
      return false
    end
    if not R.is_header(octets) then
      return false
    end
    local len = L.kinds[L.commands[word(octets, 5)].kind].len
    if #octets < len then
      return nil
    end
    return R.is_strict(octets:sub(1, len))
  end

  -- Judges the first octets of a direction: a protocol's name, or nil while more are needed.
  -- `watched` says that the port is one of those where RegLogin is expected, `whole` that no
  -- more octets will come.
  function R.identify(octets, watched, whole)
    local protocol = R.foreign(octets)
    if protocol then
      return protocol
    end
    local undecided = #octets < 16 and could_be_foreign(octets) and not whole
    if watched then
      return not undecided and "reglogin" or nil
    end
    local verdict = reglogin(octets)
    if verdict then
      return "reglogin"
    elseif (verdict == nil and not whole) or undecided then
      return nil
    end
    return "data"
  end

  -- Whether octets at the start of a direction, 16 or more, can only be RegLogin's or nothing
  -- that is known: enough to keep the SMPP dissector from them.
  function R.looks_right(octets)
    return #octets >= 16 and R.is_header(octets) and not R.is_smpp(octets)
  end
end
