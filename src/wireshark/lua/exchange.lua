-- Exchanges: which response answers which request.
do
  local MAX_WAITING = 16384

  function R.note_of(key, values)
    return { key = key, values = values or {} }
  end

  function R.octets_note(key, octets)
    return R.note_of(octets == 1 and key .. ".one" or key, { octets = octets })
  end

  -- Stands among the requests that wait for one that was never captured.
  local LOST = {}

  local function wait(flow, request)
    if #flow.waiting <= MAX_WAITING then
      table.insert(flow.waiting, request)
    end
  end

  -- Which response answers which request: in order, the oldest request that waits.
  function R.pair(flow, message)
    local known = L.commands[message.command]
    if not known or message.uncounted then
      return
    end
    local waiting = flow.waiting
    if known.kind == "request" then
      local before = waiting[#waiting]
      if before and before ~= LOST then
        table.insert(message.notes, R.note_of("pipelined", { after = before.frame }))
      end
      wait(flow, message)
      return
    end
    local request = table.remove(waiting, 1)
    if not request or request == LOST then
      table.insert(message.notes, R.note_of("no_request"))
      return
    end
    local asked = L.commands[request.command]
    if asked.action ~= known.action then
      local values = { request = request.frame }
      table.insert(message.notes, R.note_of("wrong_response." .. request.command, values))
    end
    request.peer, message.peer = message, request
  end

  function R.unanswered(request)
    if request == LOST then
      return
    elseif R.preview then
      R.preview.unanswered[request] = true
    else
      table.insert(request.notes, R.note_of("unanswered"))
    end
  end

  -- Octets were never captured, after the first `begun` octets of a message: so many messages of
  -- the sender's kind were lost.
  function R.lost(flow, side, begun, octets)
    local kind = side == flow.client and L.kinds.request or L.kinds.response
    local messages = math.ceil((begun + octets) / kind.len) - (begun > 0 and 1 or 0)
    for _ = 1, math.min(messages, MAX_WAITING) do
      if kind.name == "request" then
        wait(flow, LOST)
      elseif #flow.waiting > 0 then
        R.unanswered(table.remove(flow.waiting, 1))
      end
    end
  end
end
