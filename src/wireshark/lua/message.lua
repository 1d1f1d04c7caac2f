-- What is shown of a message whatever its protocol: where its bytes stand, and the time since its request.
do
  -- Severities and groups of notes, as Wireshark has them.
  R.severities = {
    chat = expert.severity.CHAT, note = expert.severity.NOTE,
    warning = expert.severity.WARN, error = expert.severity.ERROR,
  }
  R.groups = {
    malformed = expert.group.MALFORMED, protocol = expert.group.PROTOCOL,
    sequence = expert.group.SEQUENCE, reassembly = expert.group.REASSEMBLE,
    assumption = expert.group.ASSUMPTION, checksum = expert.group.CHECKSUM,
  }

  -- In this frame's payload or in what was decrypted of it, or put together in a tab.
  function R.range_of(message, payload, name)
    local source = message.sources[1]
    local here = #message.sources == 1 and source.frame == message.frame
    if here and source.record then
      payload = R.contents and R.contents[source.record]
    end
    if here and payload and payload:len() >= source.offset + source.len then
      return payload:range(source.offset, source.len)
    end
    local bytes = ByteArray.new(message.octets, true)
    return bytes:tvb("Reassembled " .. name .. " message"):range()
  end

  function R.time_since(request, response)
    local elapsed = response.time - request.time
    local sign = elapsed < 0 and -1 or 1
    local nanoseconds = math.floor(math.abs(elapsed) * 1e9 + 0.5)
    local seconds = math.floor(nanoseconds / 1e9)
    return NSTime.new(sign * seconds, sign * (nanoseconds - seconds * 1e9))
  end
end
