-- What stands in a TCP header, and a TCP segment out of a frame's octets, for passes in which Wireshark builds no tree to read the
-- header's fields from.
do
  local TCP, FRAGMENT = 6, 44
  -- IPv6 extension headers that are passed over: hop-by-hop options, routing, destination options.
  local PASSED = { [0] = true, [43] = true, [60] = true }
  -- The longest link layer header that is expected, radiotap and 802.11 included.
  local FARTHEST = 128

  local FIXED_LEN, END, NOOP, WINDOW_SCALE = 20, 0, 1, 3

  local function u16(octets, at)
    local high, low = octets:byte(at + 1, at + 2)
    return low and high * 256 + low
  end

  -- The shift count of the window scale option.
  local function window_shift(header)
    local at = FIXED_LEN
    while at < #header do
      local kind, length, shift = header:byte(at + 1, at + 3)
      if kind == END or (kind ~= NOOP and (not length or length < 2)) then
        return nil
      elseif kind == WINDOW_SCALE and length == 3 then
        return shift
      end
      at = at + (kind == NOOP and 1 or length)
    end
  end

  -- Puts into a segment what is read from its header's octets.
  function R.read_header(segment, header)
    segment.header = header
    segment.window = u16(header, 14)
    if R.opens(segment.flags) or R.accepts(segment.flags) then
      segment.shift = window_shift(header)
    end
  end

  -- The sum of octets as 16-bit numbers.
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
    local total = sum(segment.source) + sum(segment.destination) + TCP + #octets + sum(octets)
    return total % 0xffff ~= 0
  end

  -- Offset of the TCP header and of the datagram's end, where an IPv4 header stands at `at`.
  local function ipv4(octets, at)
    local first, protocol = octets:byte(at + 1), octets:byte(at + 10)
    local total, fragment = u16(octets, at + 2), u16(octets, at + 6)
    local whole = first >= 0x45 and first <= 0x4f and protocol == TCP and fragment % 0x4000 == 0
    if whole then
      return at + (first - 0x40) * 4, at + total
    end
  end

  -- The same for IPv6.
  local function ipv6(octets, at)
    local first, next_header, length = octets:byte(at + 1), octets:byte(at + 7), u16(octets, at + 4)
    if first < 0x60 or first > 0x6f or not next_header then
      return nil
    end
    local header = at + 40
    while PASSED[next_header] do
      local following, units = octets:byte(header + 1, header + 2)
      if not units then
        return nil
      end
      next_header, header = following, header + (units + 1) * 8
    end
    if next_header == FRAGMENT and u16(octets, header + 2) == 0 then
      next_header, header = octets:byte(header + 1), header + 8
    end
    if next_header == TCP then
      return header, at + 40 + length
    end
  end

  local function addresses(tvb, octets, at)
    if octets:byte(at + 1) < 0x60 then
      local source, destination = tvb:range(at + 12, 4), tvb:range(at + 16, 4)
      return source:ipv4(), destination:ipv4(), octets:sub(at + 13, at + 16), octets:sub(at + 17, at + 20)
    end
    local source, destination = tvb:range(at + 8, 16), tvb:range(at + 24, 16)
    return source:ipv6(), destination:ipv6(), octets:sub(at + 9, at + 24), octets:sub(at + 25, at + 40)
  end

  -- The segment whose addresses and ports Wireshark found in the frame; nil where its header is
  -- not in the frame itself.
  function R.segment_of_frame(tvb, pinfo)
    local octets = tvb:range():raw()
    for at = 0, math.min(FARTHEST, #octets - 40) do
      local tcp, ends = ipv4(octets, at)
      if not tcp then
        tcp, ends = ipv6(octets, at)
      end
      if tcp and u16(octets, tcp) == pinfo.src_port and u16(octets, tcp + 2) == pinfo.dst_port
        and octets:byte(tcp + 14) then
        local source, destination, source_octets, destination_octets = addresses(tvb, octets, at)
        if source == pinfo.src and destination == pinfo.dst then
          local offset = math.floor(octets:byte(tcp + 13) / 16) * 4
          local segment = {
            source = source_octets,
            destination = destination_octets,
            addresses = { source, destination },
            seq = R.word(octets, tcp + 5),
            ack = R.word(octets, tcp + 9),
            flags = octets:byte(tcp + 14),
            len = math.max(ends - tcp - offset, 0),
            octets = octets:sub(tcp + offset + 1, ends),
          }
          R.read_header(segment, octets:sub(tcp + 1, tcp + offset))
          return segment
        end
      end
    end
  end

  -- A segment that came in IP fragments, of which only the octets that Wireshark handed over are
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
