-- Protocols that begin with text or a handshake, and not with a length that others may have too.
do
  local function is_tls(octets)
    local kind, major, minor, high, low = octets:byte(1, 5)
    if not low then
      return false
    end
    local length = high * 256 + low
    return kind >= 20 and kind <= 23 and major == 3 and minor <= 4
      and length >= 1 and length <= 16384 + 2048
  end

  local function starts(octets, list)
    for _, start in ipairs(list) do
      if octets:sub(1, #start) == start then
        return true
      end
    end
    return false
  end

  -- A method in capital letters, a space, what is asked for, and a version, to the line's end.
  local function is_request_line(octets, version)
    local line = octets:match("^[^\r]*\r")
    local method = line and line:match("^[%u_]+")
    if not method or #method < 3 or line:sub(#method + 1, #method + 1) ~= " " then
      return false
    end
    local at
    local found = line:find(version, 1, true)
    while found do
      at, found = found, line:find(version, found + 1, true)
    end
    return at ~= nil and at > #method and line:match("^[%d.]*\r$", at + #version) ~= nil
  end

  -- The one that octets begin with for sure; nil where there is none.
  function R.named_by_text(octets)
    if is_tls(octets) then
      return "tls"
    elseif starts(octets, L.ssh_starts) then
      return "ssh"
    elseif octets:sub(1, 16) == L.http2_preface:sub(1, 16) then
      return "http2"
    elseif starts(octets, { L.rtsp_start }) or is_request_line(octets, L.rtsp_version) then
      return "rtsp"
    elseif starts(octets, L.http_starts) or is_request_line(octets, L.http_version) then
      return "http"
    end
  end
end
