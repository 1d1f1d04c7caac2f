-- What stands in a TCP header, and a TCP segment out of a frame's bytes, for passes in which Wireshark builds no tree to read the
-- header's fields from.
do
  local IPV4, IPV6, TCP = L.packet.ipv4, L.packet.ipv6, L.packet.tcp
  local PROTOCOLS, OPTIONS = L.packet.protocols, L.packet.options

  local function u16(octets, at)
    local high, low = octets:byte(at + 1, at + 2)
    return low and high * 256 + low
  end

  -- The shift count of the window scale option.
  local function window_shift(header)
    local at = TCP.len
    while at < #header do
      local kind, length, shift = header:byte(at + 1, at + 3)
      local single = kind == OPTIONS.no_operation
      if kind == OPTIONS.end_of_list or (not single and (not length or length < 2)) then
        return nil
      elseif kind == OPTIONS.window_scale and length == OPTIONS.window_scale_len then
        return shift
      end
      at = at + (single and 1 or length)
    end
  end

  -- Puts into a segment what is read from its header's bytes.
  function R.read_header(segment, header)
    segment.header = header
    segment.window = u16(header, TCP.window)
    if R.opens(segment.flags) or R.accepts(segment.flags) then
      segment.shift = window_shift(header)
    end
  end

  -- The sum of bytes as 16-bit numbers.
  local function sum(octets)
    local total = 0
    for at = 1, #octets - 1, 2 do
      local high, low = octets:byte(at, at + 1)
      total = total + high * 256 + low
    end
    if #octets % 2 == 1 then
      total = total + octets:byte(#octets) * 256
    end
    return total
  end

  -- Whether a segment's checksum is wrong; nil where that cannot be told.
  function R.checksum_is_wrong(segment)
    if not segment.header or #segment.octets < segment.len then
      return nil
    end
    local octets = segment.header .. segment.octets
    local total = sum(segment.source) + sum(segment.destination) + PROTOCOLS.tcp + #octets + sum(octets)
    return total % 0xffff ~= 0
  end

  -- The IP version in a header's first byte, and what its other half says.
  local function version(first)
    return math.floor(first / 16), first % 16
  end

  -- Offset of the TCP header and of the datagram's end, where an IPv4 header stands at `at`.
  local function ipv4(octets, at)
    local four, words = version(octets:byte(at + 1))
    local protocol = octets:byte(at + IPV4.protocol + 1)
    local total, fragment = u16(octets, at + IPV4.length), u16(octets, at + IPV4.fragment)
    -- All but "don't fragment" is about fragments.
    local whole = four == 4 and words * 4 >= IPV4.len and protocol == PROTOCOLS.tcp and fragment % 0x4000 == 0
    if whole then
      return at + words * 4, at + total
    end
  end

  -- The same for IPv6.
  local function ipv6(octets, at)
    local next_header, length = octets:byte(at + IPV6.next_header + 1), u16(octets, at + IPV6.length)
    if version(octets:byte(at + 1)) ~= 6 or not next_header then
      return nil
    end
    local header = at + IPV6.len
    while PROTOCOLS.passed[next_header] do
      local following, units = octets:byte(header + 1, header + 2)
      if not units then
        return nil
      end
      next_header, header = following, header + (units + 1) * 8
    end
    if next_header == PROTOCOLS.fragment and u16(octets, header + 2) == 0 then
      next_header, header = octets:byte(header + 1), header + 8
    end
    if next_header == PROTOCOLS.tcp then
      return header, at + IPV6.len + length
    end
  end

  local function addresses(tvb, octets, at)
    local is_v4 = version(octets:byte(at + 1)) == 4
    local header, width = is_v4 and IPV4 or IPV6, is_v4 and 4 or 16
    local source, destination = at + header.source, at + header.destination
    local from, to = tvb:range(source, width), tvb:range(destination, width)
    local raw = { octets:sub(source + 1, source + width), octets:sub(destination + 1, destination + width) }
    if is_v4 then
      return from:ipv4(), to:ipv4(), raw[1], raw[2]
    end
    return from:ipv6(), to:ipv6(), raw[1], raw[2]
  end

  -- The segment whose addresses and ports Wireshark found in the frame; nil where its header is
  -- not in the frame itself.
  function R.segment_of_frame(tvb, pinfo)
    local octets = tvb:range():raw()
    for at = 0, math.min(L.bounds.farthest, #octets - IPV4.len - TCP.len) do
      local tcp, ends = ipv4(octets, at)
      if not tcp then
        tcp, ends = ipv6(octets, at)
      end
      if tcp and u16(octets, tcp + TCP.source) == pinfo.src_port
        and u16(octets, tcp + TCP.destination) == pinfo.dst_port and octets:byte(tcp + TCP.low_flags + 1) then
        local source, destination, source_octets, destination_octets = addresses(tvb, octets, at)
        if source == pinfo.src and destination == pinfo.dst then
          local offset = math.floor(octets:byte(tcp + TCP.header_length + 1) / 16) * 4
          local segment = {
            source = source_octets,
            destination = destination_octets,
            addresses = { source, destination },
            seq = R.word(octets, tcp + TCP.sequence + 1),
            ack = R.word(octets, tcp + TCP.acknowledgement + 1),
            flags = octets:byte(tcp + TCP.low_flags + 1),
            len = math.max(ends - tcp - offset, 0),
            octets = octets:sub(tcp + offset + 1, ends),
          }
          R.read_header(segment, octets:sub(tcp + 1, tcp + offset))
          return segment
        end
      end
    end
  end

  -- A segment that came in IP fragments, of which only the bytes that Wireshark handed over are
  -- known: it is taken for the next in order of its flow.
  function R.segment_in_order(pinfo, octets)
    for at = #R.all_flows, 1, -1 do
      local flow = R.all_flows[at]
      for side = 1, 2 do
        local near, far = flow.ends[side], flow.ends[3 - side]
        local next_seq = flow.directions[side].next
        if next_seq and near.address and near.port == pinfo.src_port and far.port == pinfo.dst_port
          and near.address == pinfo.src and far.address == pinfo.dst then
          return {
            source = near.octets,
            destination = far.octets,
            seq = next_seq,
            ack = 0,
            flags = 0,
            len = #octets,
            octets = octets,
          }
        end
      end
    end
  end
end
