-- Protocols that are only named, by how a stream of theirs begins: the table L.named.
do
  local TLS = L.tls_record

  local function is_tls_record(octets)
    local kind, major, minor, high, low = octets:byte(1, TLS.header_len)
    if not low then
      return false
    end
    local length = high * 256 + low
    return kind >= TLS.types[1] and kind <= TLS.types[2] and major == TLS.major and minor <= TLS.max_minor
      and length >= 1 and length <= TLS.max_len
  end

  -- A method in capital letters, a space, what is asked for, and a version, to the line's end.
  local function is_request_line(octets, version)
    local line = octets:match("^[^\r]*\r")
    local method = line and line:match("^[%u_]+")
    if not method or #method < L.least_method or line:sub(#method + 1, #method + 1) ~= " " then
      return false
    end
    local at
    local found = line:find(version, 1, true)
    while found do
      at, found = found, line:find(version, found + 1, true)
    end
    return at ~= nil and at > #method and line:match("^[%d.]*\r$", at + #version) ~= nil
  end

  local function fits(mark, octets)
    for _, start in ipairs(mark.starts or {}) do
      if octets:sub(1, #start) == start then
        return true
      end
    end
    return mark.tls_record and is_tls_record(octets)
      or mark.request_line ~= nil and is_request_line(octets, mark.request_line)
  end

  -- The one that bytes begin with for sure; nil where there is none.
  function R.named_by_start(octets)
    for _, protocol in ipairs(L.named) do
      for _, mark in ipairs(protocol.marks) do
        if fits(mark, octets) then
          return protocol.name
        end
      end
    end
  end

  -- Whether more bytes behind these few may make them the beginning of one.
  function R.may_be_named_by_start(octets)
    for _, protocol in ipairs(L.named) do
      for _, mark in ipairs(protocol.marks) do
        for _, start in ipairs(mark.starts or {}) do
          if start:sub(1, #octets) == octets then
            return true
          end
        end
        local first = octets:byte(1)
        if mark.tls_record and #octets < TLS.header_len and first and first >= TLS.types[1] and first <= TLS.types[2] then
          return true
        end
      end
    end
    return false
  end
end
