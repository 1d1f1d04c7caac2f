-- Where Wireshark calls: the ports, the heuristic, and what is seen of every TCP segment.
do
  local PT_TCP = 2
  local tcp_table = DissectorTable.get("tcp.port")
  for _, own in ipairs(R.protos) do
    own.proto.prefs.ports = Pref.range("TCP ports", own.ports,
      ("TCP ports where %s is expected; "):format(own.name)
      .. (own.anywhere and "it is found on any other port by its content" or "it is looked for on no other"), 65535)
    own.proto.prefs.hide_passwords = Pref.bool("Hide passwords", true,
      "Show ******** in place of each value that may be part of a password; the octets pane and "
      .. "filters on octets still have them")
    own.ranges = {}
  end

  local function set_ports(own)
    local ports = tostring(own.proto.prefs.ports)
    if ports == own.registered then
      return
    end
    if own.registered and own.registered ~= "" then
      tcp_table:remove(own.registered, own.proto)
    end
    own.registered, own.ranges = ports, {}
    for part in ports:gmatch("[^,]+") do
      local low, high = part:match("(%d+)%s*-%s*(%d+)")
      low = low or part:match("%d+")
      if low then
        own.ranges[#own.ranges + 1] = { tonumber(low), tonumber(high or low) }
      end
    end
    if ports ~= "" then
      tcp_table:add(ports, own.proto)
    end
  end

  -- Whether a port is one of a protocol's, or of any.
  function R.is_expected(port, only)
    for _, own in ipairs(only and { only } or R.protos) do
      for _, range in ipairs(own.ranges) do
        if port >= range[1] and port <= range[2] then
          return true
        end
      end
    end
    return false
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
    segment.expected = { R.is_expected(pinfo.src_port), R.is_expected(pinfo.dst_port) }
    segment.watched = named or segment.expected[1] or segment.expected[2]
    local flow = R.flow(segment)
    R.remember_ends(flow, segment, pinfo)
    if R.may_be_ours(flow) then
      R.take_segment(flow, segment)
      if segment.len > 0 and R.may_be_ours(flow) then
        R.by_frame[number] = flow
      end
    end
    return flow
  end

  local function dissect(tvb, pinfo, tree, flow)
    if flow and R.is_ours(flow) then
      pinfo.conversation = R.proto_of(flow)
    end
    if R.shown ~= pinfo.number then
      R.shown = pinfo.number
      if not R.show(tree, pinfo, R.payload_of()) then
        R.show_segment(tree, tvb:range())
      end
    end
    return tvb:len()
  end

  -- Dissects what is RegLogin's; gives how many bytes, 0 where it is not.
  local function try(tvb, pinfo, tree, named)
    local segment = not pinfo.visited and R.segment_of_tree()
    if pinfo.visited or segment then
      local flow = ingest(pinfo, segment, named)
      return flow and R.claims(flow) and dissect(tvb, pinfo, tree, flow) or 0
    end
    -- Without a tree the segment is taken when the frame is seen last. Until then its own bytes
    -- have to tell whether others are to be kept from it.
    local octets = tvb:range():raw()
    R.called = { named = named, octets = octets }
    return R.looks_right(octets) and tvb:len() or 0
  end

  for _, own in ipairs(R.protos) do
    function own.proto.dissector(tvb, pinfo, tree)
      return try(tvb, pinfo, tree, true)
    end

    function own.proto.prefs_changed()
      set_ports(own)
    end
  end

  local first = R.protos[1].proto
  first:register_heuristic("tcp", function(tvb, pinfo, tree)
    return try(tvb, pinfo, tree, false) > 0
  end)

  -- Whether what was seen of a flow on one of our ports may yet become a message.
  local function is_open(flow)
    for side = 1, 2 do
      local work = flow.work[side]
      if flow.watched and not flow.protocol and work.mode == "start" and work.octets ~= "" then
        return true
      end
    end
    return false
  end

  -- What TLS carries, where Wireshark has its secrets. It is shown when the frame is seen last. A part of a message is kept
  -- from Wireshark's other heuristics: RDPMT's takes some for its own, fails, and the frame's further records stay encrypted.
  first:register_heuristic("tls", function(tvb, pinfo)
    local flow = R.take_decrypted(tvb, pinfo)
    return flow ~= nil and (R.claims(flow) or is_open(flow))
  end)

  -- Sees every frame last. What Wireshark did not hand over in the first place, since it came
  -- out of order, behind a gap or on another protocol's port, is shown here.
  local watcher = Proto(R.protos[1].prefix .. "_watcher", R.protos[1].name .. " (streams)")
  function watcher.dissector(tvb, pinfo, tree)
    if pinfo.port_type == PT_TCP and not R.is_in_icmp() then
      local called = R.called
      local segment = not pinfo.visited and R.ingested ~= pinfo.number
        and (R.segment_of_tree() or R.segment_of_frame(tvb, pinfo)
          or (called and R.segment_in_order(pinfo, called.octets)))
      local flow = ingest(pinfo, segment, called and called.named)
      if flow and flow.inside then
        R.end_inside(flow)
      end
      local inside = R.inside_by_frame[pinfo.number]
      if flow and R.is_ours(flow) then
        pinfo.conversation = R.proto_of(flow)
        if R.shown ~= pinfo.number then
          R.show(tree, pinfo, R.payload_of())
        end
      elseif inside and R.is_ours(inside) then
        R.show(tree, pinfo, nil)
      end
    end
    R.shown, R.called, R.contents = nil, nil, nil
    return 0
  end
  register_postdissector(watcher)

  function first.init()
    R.reset()
    R.ingested, R.shown, R.called = nil, nil, nil
    for _, own in ipairs(R.protos) do
      set_ports(own)
    end
  end
  for _, own in ipairs(R.protos) do
    set_ports(own)
  end
end
