-- The frame's TCP segment, as Wireshark's tree has it.
do
  local field = {
    tcp = Field.new("tcp"),
    seq = Field.new("tcp.seq_raw"),
    ack = Field.new("tcp.ack_raw"),
    flags = Field.new("tcp.flags"),
    len = Field.new("tcp.len"),
    payload = Field.new("tcp.payload"),
    ipv4_source = Field.new("ip.src"),
    ipv4_destination = Field.new("ip.dst"),
    ipv6_source = Field.new("ipv6.src"),
    ipv6_destination = Field.new("ipv6.dst"),
    icmp = Field.new("icmp.type"),
    icmpv6 = Field.new("icmpv6.type"),
  }

  -- The value of the innermost layer.
  local function last(...)
    return (select(select("#", ...) + 1, nil, ...))
  end

  function R.payload_of()
    local info = last(field.payload())
    return info and info.range
  end

  -- The frame's segment as the tree has it; nil where there is no tree.
  function R.segment_of_tree()
    local seq = last(field.seq())
    local source = last(field.ipv4_source()) or last(field.ipv6_source())
    local destination = last(field.ipv4_destination()) or last(field.ipv6_destination())
    if not seq or not source then
      return nil
    end
    local payload, ack = R.payload_of(), last(field.ack())
    local header = last(field.tcp())
    local segment = {
      source = source.range:raw(),
      destination = destination.range:raw(),
      seq = seq.value,
      ack = ack and ack.value or 0,
      flags = last(field.flags()).value,
      len = last(field.len()).value,
      octets = payload and payload:raw() or "",
    }
    R.read_header(segment, header.range:raw())
    return segment
  end

  -- Whether the segment is one that an ICMP message quotes.
  function R.is_in_icmp()
    return field.icmp() or field.icmpv6()
  end
end
