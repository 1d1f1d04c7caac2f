-- What the pairing of requests and responses stands on: notes, acknowledgement numbers, and the tie between both.
do
  function R.note_of(key, values)
    return { key = key, values = values or {} }
  end

  function R.octets_note(key, octets)
    return R.note_of(octets == 1 and key .. ".one" or key, { octets = octets })
  end

  -- How far the other side had this side's bytes when it sent a message.
  function R.last_ack(message)
    local ack
    for _, source in ipairs(message.sources) do
      if source.ack and (not ack or R.since(source.ack, ack) > 0) then
        ack = source.ack
      end
    end
    return ack
  end

  -- Whether the acknowledgement numbers say that a response answers an earlier request: the side that
  -- answers had nothing of this one then, or the side that asks had the answer already when it asked.
  function R.answers_earlier(request, response)
    local ack, asked = R.last_ack(response), request.first.ack
    return (ack and R.since(ack, request.first.seq) <= 0)
      or (asked and R.since(response.first.seq, asked) < 0)
  end

  function R.marry(request, response)
    request.peer, response.peer = response, request
    local elapsed = response.time - request.time
    if elapsed <= 0 then
      local key = elapsed == 0 and "no_time" or "negative_time"
      table.insert(response.notes, R.note_of(key, { request = request.frame }))
    end
  end

  -- Says of a message that nothing belongs to it.
  function R.without_peer(message, key)
    if R.preview then
      R.preview.unpaired[message] = key
    else
      table.insert(message.notes, R.note_of(key))
    end
  end
end
