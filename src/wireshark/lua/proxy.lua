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
    local at = #L.proxy.starts[2]
    local version, family, high, low = octets:byte(at + 1, at + 4)
    if not low then
      return "unsure"
    elseif math.floor(version / 16) ~= L.proxy.version then
      return nil
    end
    local rest = high * 256 + low
    local header = { version = 2, len = V2_HEADER_LEN + rest }
    -- Under another command the proxy speaks for nobody.
    local width = version % 16 == L.proxy.for_client and L.proxy.widths[math.floor(family / 16)]
    local told = width and 2 * width + L.proxy.ports
    if told and rest >= told then
      if #octets < V2_HEADER_LEN + told then
        return "unsure"
      end
      local port = R.u16(octets, V2_HEADER_LEN + 2 * width + 1)
      local address = octets:sub(V2_HEADER_LEN + 1, V2_HEADER_LEN + width)
      if width == 4 then
        local a, b, c, d = address:byte(1, 4)
        header.client = ("%d.%d.%d.%d:%d"):format(a, b, c, d, port)
      else
        address = ByteArray.new(address, true):tvb("address"):range():ipv6()
        header.client = ("[%s]:%d"):format(tostring(address), port)
      end
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
