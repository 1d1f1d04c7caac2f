-- The PROXY protocol's header, versions 1 and 2, before what a proxy's client sends.
do
  local V1_MAX_LEN, V2_HEADER_LEN = L.proxy.max_len, L.proxy.header_len

  local function version_1(octets)
    local line = octets:sub(1, V1_MAX_LEN)
    local ends = line:find("\r\n", 1, true)
    if not ends then
      return #octets < V1_MAX_LEN and "unsure" or nil
    end
    line = line:sub(1, ends - 1)
    local header = { version = 1, len = ends + 1 }
    local family, address, port = line:match("^PROXY (TCP[46]) (%S+) %S+ (%d+)")
    if family then
      header.client = family == "TCP4" and address .. ":" .. port or "[" .. address .. "]:" .. port
      return header
    end
    return line:match("^PROXY UNKNOWN") and header or nil
  end

  local function version_2(octets)
    local version, family, high, low = octets:byte(13, 16)
    if not low then
      return "unsure"
    elseif math.floor(version / 16) ~= 2 then
      return nil
    end
    local rest = high * 256 + low
    local header = { version = 2, len = V2_HEADER_LEN + rest }
    local kind = version % 16 == 1 and math.floor(family / 16) or 0
    if kind == 1 and rest >= 12 then
      if #octets < V2_HEADER_LEN + 12 then
        return "unsure"
      end
      local a, b, c, d = octets:byte(17, 20)
      header.client = ("%d.%d.%d.%d:%d"):format(a, b, c, d, R.u16(octets, 25))
    elseif kind == 2 and rest >= 36 then
      if #octets < V2_HEADER_LEN + 36 then
        return "unsure"
      end
      local address = ByteArray.new(octets:sub(17, 32), true):tvb("address"):range():ipv6()
      header.client = ("[%s]:%d"):format(tostring(address), R.u16(octets, 49))
    end
    return header
  end

  local function begins(octets, start)
    local len = math.min(#octets, #start)
    return octets:sub(1, len) == start:sub(1, len)
  end

  function R.u16(octets, at)
    local high, low = octets:byte(at, at + 1)
    return high * 256 + low
  end

  -- The header at the start of `octets`, "unsure" where more are needed, nil where there is none.
  function R.proxy_header(octets)
    if begins(octets, L.proxy.starts[1]) then
      return version_1(octets)
    elseif begins(octets, L.proxy.starts[2]) then
      return version_2(octets)
    end
  end
end
