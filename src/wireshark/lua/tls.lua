-- What TLS carries, where Wireshark has its secrets: a flow inside the connection, whose bytes come
-- a record at a time.
do
  local FIN, RST = L.flags.FIN, L.flags.RST

  local function ends(pinfo)
    local near = tostring(pinfo.src) .. " " .. pinfo.src_port
    local far = tostring(pinfo.dst) .. " " .. pinfo.dst_port
    return near .. " " .. far, far .. " " .. near
  end

  -- Remembers which connection a frame is of, and what its segment says of the connection's end.
  function R.remember_ends(flow, segment, pinfo)
    if not flow.has_ends then
      flow.has_ends = true
      local key, other_key = ends(pinfo)
      R.by_ends[key] = { flow = flow, side = segment.side }
      R.by_ends[other_key] = { flow = flow, side = 3 - segment.side }
    end
    flow.last = { side = segment.side, flags = segment.flags, frame = segment.frame }
  end

  -- Takes the content of a record that Wireshark decrypted; gives the flow inside the connection.
  function R.take_decrypted(tvb, pinfo)
    local number = pinfo.number
    if R.contents_of ~= number or not R.contents then
      R.contents_of, R.contents = number, {}
    end
    local record = #R.contents + 1
    R.contents[record] = tvb:range()
    if pinfo.visited then
      return R.inside_by_frame[number]
    end
    local found = R.by_ends[ends(pinfo)]
    if not found then
      return nil
    end
    local outer, side = found.flow, found.side
    if not outer.inside then
      outer.inside = R.inside(outer)
      outer.inside.next = { 0, 0 }
    end
    local flow, octets = outer.inside, tvb:raw()
    R.take_octets(flow, side, {
      seq = flow.next[side], octets = octets, missing = 0, offset = 0, record = record,
      frame = number, time = pinfo.rel_ts,
    })
    flow.next[side] = R.plus(flow.next[side], #octets)
    R.inside_by_frame[number] = flow
    return flow
  end

  -- Ends what stands inside a connection where its last segment does. Called behind all of a frame.
  function R.end_inside(outer)
    local flow, last = outer.inside, outer.last
    outer.last = nil
    if not flow or not last then
      return
    end
    if last.flags % (2 * RST) >= RST then
      R.end_side(flow, last.side, "reset", last.frame)
      R.end_side(flow, 3 - last.side, "reset", last.frame)
    elseif last.flags % (2 * FIN) >= FIN then
      R.end_side(flow, last.side, "fin", last.frame)
    end
  end
end
