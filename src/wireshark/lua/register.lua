-- Where Wireshark calls: the ports, the heuristic, and what is seen of every TCP segment.
do
  local PT_TCP = 2
  local tcp_table = DissectorTable.get("tcp.port")
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

  reglogin.prefs.ports = Pref.range("TCP ports", tostring(L.port),
    "TCP ports where RegLogin is expected; it is found on any other port by its content", 65535)
  reglogin.prefs.hide_passwords = Pref.bool("Hide passwords", true,
    "Show ******** in place of each value that may be part of a password; the octets pane and "
    .. "filters on octets still have them")

  local registered = nil
  local ranges = {}

  local function set_ports()
    local ports = tostring(reglogin.prefs.ports)
    if ports == registered then
      return
    end
    if registered and registered ~= "" then
      tcp_table:remove(registered, reglogin)
    end
    registered, ranges = ports, {}
    for part in ports:gmatch("[^,]+") do
      local low, high = part:match("(%d+)%s*-%s*(%d+)")
      low = low or part:match("%d+")
      if low then
        ranges[#ranges + 1] = { tonumber(low), tonumber(high or low) }
      end
    end
    if ports ~= "" then
      tcp_table:add(ports, reglogin)
    end
  end

  function reglogin.prefs_changed()
    set_ports()
  end

  local function expected(port)
    for _, range in ipairs(ranges) do
      if port >= range[1] and port <= range[2] then
        return true
      end
    end
    return false
  end

  -- The value of the innermost layer.
  local function last(...)
    return (select(select("#", ...) + 1, nil, ...))
  end

  local function payload_of()
    local info = last(field.payload())
    return info and info.range
  end

  -- The frame's segment as the tree has it; nil where there is no tree.
  local function segment_of_tree()
    local seq = last(field.seq())
    local source = last(field.ipv4_source()) or last(field.ipv6_source())
    local destination = last(field.ipv4_destination()) or last(field.ipv6_destination())
    if not seq or not source then
      return nil
    end
    local payload, ack = payload_of(), last(field.ack())
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

  -- Takes the frame's segment, once and in the first pass only. `named` says that Wireshark calls
  -- by the port. Gives the segment's flow, nil where it is not known.
  local function ingest(pinfo, segment, named)
    local number = pinfo.number
    if pinfo.visited or R.ingested == number or not segment then
      return R.by_frame[number]
    end
    R.ingested = number
    segment.frame, segment.time = number, pinfo.rel_ts
    segment.ports = { pinfo.src_port, pinfo.dst_port }
    segment.expected = { expected(pinfo.src_port), expected(pinfo.dst_port) }
    segment.watched = named or segment.expected[1] or segment.expected[2]
    local flow = R.flow(segment)
    R.remember_ends(flow, segment, pinfo)
    if flow.protocol == nil or flow.protocol == "reglogin" then
      R.take_segment(flow, segment)
      if segment.len > 0 and (flow.protocol == nil or flow.protocol == "reglogin") then
        R.by_frame[number] = flow
      end
    end
    return flow
  end

  local function dissect(tvb, pinfo, tree, flow)
    if flow and flow.protocol == "reglogin" then
      pinfo.conversation = reglogin
    end
    if R.shown ~= pinfo.number then
      R.shown = pinfo.number
      if not R.show(tree, pinfo, payload_of()) then
        R.show_segment(tree, tvb:range())
      end
    end
    return tvb:len()
  end

  -- Dissects what is RegLogin's; gives how many octets, 0 where it is not.
  local function try(tvb, pinfo, tree, named)
    local segment = not pinfo.visited and segment_of_tree()
    if pinfo.visited or segment then
      local flow = ingest(pinfo, segment, named)
      return flow and R.claims(flow) and dissect(tvb, pinfo, tree, flow) or 0
    end
    -- Without a tree the segment is taken when the frame is seen last. Until then its own octets
    -- have to tell whether others are to be kept from it.
    local octets = tvb:range():raw()
    R.called = { named = named, octets = octets }
    return R.looks_right(octets) and tvb:len() or 0
  end

  function reglogin.dissector(tvb, pinfo, tree)
    return try(tvb, pinfo, tree, true)
  end

  reglogin:register_heuristic("tcp", function(tvb, pinfo, tree)
    return try(tvb, pinfo, tree, false) > 0
  end)

  -- What TLS carries, where Wireshark has its secrets. It is shown when the frame is seen last.
  reglogin:register_heuristic("tls", function(tvb, pinfo)
    local flow = R.take_decrypted(tvb, pinfo)
    return flow ~= nil and R.claims(flow)
  end)

  -- Sees every frame last. What Wireshark did not hand over in the first place, since it came
  -- out of order, behind a gap or on another protocol's port, is shown here.
  local watcher = Proto(L.prefix .. "_watcher", L.name .. " (streams)")
  function watcher.dissector(tvb, pinfo, tree)
    if pinfo.port_type == PT_TCP and not field.icmp() and not field.icmpv6() then
      local called = R.called
      local segment = not pinfo.visited and R.ingested ~= pinfo.number
        and (segment_of_tree() or R.segment_of_frame(tvb, pinfo)
          or (called and R.segment_in_order(pinfo, called.octets)))
      local flow = ingest(pinfo, segment, called and called.named)
      if flow and flow.inside then
        R.end_inside(flow)
      end
      local inside = R.inside_by_frame[pinfo.number]
      if flow and flow.protocol == "reglogin" then
        pinfo.conversation = reglogin
        if R.shown ~= pinfo.number then
          R.show(tree, pinfo, payload_of())
        end
      elseif inside and inside.protocol == "reglogin" then
        R.show(tree, pinfo, nil)
      end
    end
    R.shown, R.called, R.contents = nil, nil, nil
    return 0
  end
  register_postdissector(watcher)

  function reglogin.init()
    R.reset()
    R.ingested, R.shown, R.called = nil, nil, nil
    set_ports()
  end
  set_ports()
end
