-- Which protocol a stream speaks, by what stands at a place where one may begin.
do
  local word = R.word

  -- Whether octets start with a totalLength and commandID that belong together.
  function R.is_header(octets)
    local length, command = word(octets, 1), word(octets, 5)
    local known = command and L.commands[command]
    return known ~= nil and length == L.kinds[known.kind].len
  end

  function R.is_smpp(octets)
    local length, id, status, sequence = word(octets, 1), word(octets, 5), word(octets, 9), word(octets, 13)
    return sequence ~= nil
      and length >= 16 and length <= 65536
      and L.smpp_commands[id] ~= nil
      and (status == 0 or id >= 0x80000000)
      and sequence >= 1 and sequence <= 0x7fffffff
  end

  -- Whether the lengths of several messages, each of at least `least` octets, lead to the end.
  local function lengths_lead_to_end(octets, least)
    local at, messages = 1, 0
    while word(octets, at) do
      at = at + math.max(word(octets, at), least)
      messages = messages + 1
      if at > #octets + 1 then
        return false, messages
      end
    end
    return at == #octets + 1, messages
  end

  local function first_text(kind)
    return kind.name == "request" and L.fields.username or L.fields.description
  end

  local function is_empty_reglogin(octets)
    local field = R.is_header(octets) and first_text(L.kinds[L.commands[word(octets, 5)].kind])
    return field and not octets:sub(field.offset + 1, field.offset + field.width):find("[^%z]")
  end

  -- SMPP in any form that is met: with a vendor's command, or with sequence number 0.
  local function begins_smpp(octets)
    local length, id, status, sequence = word(octets, 1), word(octets, 5), word(octets, 9), word(octets, 13)
    if not sequence then
      return false
    end
    -- Of a request, a sequence number that reads as text may be a name's beginning.
    if id < 0x80000000 and octets:match("^[ -~][ -~][ -~][ -~]", 13) then
      return false
    end
    if R.is_smpp(octets) then
      return true
    end
    local response = id >= 0x80000000
    local request = id % 0x80000000
    local known = L.smpp_commands[id] or (request >= L.smpp_vendor[1] and request <= L.smpp_vendor[2])
    return known and length >= 16 and length <= 65536
      and (status == 0 or response)
      and sequence <= 0x7fffffff
      and (response or (lengths_lead_to_end(octets, 16)))
      and not is_empty_reglogin(octets)
  end

  -- A protocol that the octets are recognised as for sure; nil where there is none.
  function R.named(octets)
    return begins_smpp(octets) and "smpp" or R.named_by_text(octets)
  end

  local function could_be_named(octets)
    if #octets >= 16 then
      return false
    end
    local first = octets:byte(1)
    if not first or first == 0 or (#octets < 5 and first >= 20 and first <= 23) then
      return true
    end
    for _, list in ipairs({ L.http_starts, L.ssh_starts, { L.rtsp_start, L.http2_preface } }) do
      for _, start in ipairs(list) do
        if start:sub(1, #octets) == octets then
          return true
        end
      end
    end
    return false
  end

  -- The field's octets up to the first NUL, and the offset of the first octet after that NUL
  -- that is not NUL.
  function R.text(octets)
    local nul = octets:find("\0", 1, true)
    if not nul then
      return octets, nil
    end
    local after = octets:find("[^%z]", nul)
    return octets:sub(1, nul - 1), after and after - 1
  end

  function R.field(octets, field)
    return octets:sub(field.offset + 1, field.offset + field.width)
  end

  -- Whether octets are exactly one strictly valid message.
  function R.is_strict(octets)
    if not R.is_header(octets) then
      return false
    end
    local kind = L.kinds[L.commands[word(octets, 5)].kind]
    if #octets ~= kind.len then
      return false
    end
    for _, key in ipairs(kind.fields) do
      local field = L.fields[key]
      if field.kind == "text" and select(2, R.text(R.field(octets, field))) then
        return false
      end
    end
    if kind.name == "request" then
      return octets:byte(L.fields.username.offset + 1) ~= 0
    end
    return octets:byte(L.fields.status.offset + 1) <= 1
  end

  -- What speaks for RegLogin, as docs/protocol.md states it: "proof", "unsure" or "nothing".

  -- A field's text and filling as far as it is there; nil where it cannot be one of ours. Gives
  -- the text, and whether filling shows where the field ends.
  local function text_field(octets, field)
    local part = R.field(octets, field)
    local text, after = R.text(part)
    if after or text:find("[%z\1-\31\127]") then
      return nil
    end
    return text, #text < #part or (#text == field.width and text:sub(-2) == "00")
  end

  local function request_body(octets)
    local name, name_shows = text_field(octets, L.fields.username)
    local password, password_shows = text_field(octets, L.fields.password)
    if not name or not password then
      return "not"
    end
    if (name == "" and #octets > L.fields.username.offset)
      or (password == "" and #octets > L.fields.password.offset) then
      return "not"
    end
    return (name_shows or password_shows) and "well" or "maybe"
  end

  local function response_body(octets)
    local status = R.field(octets, L.fields.status):byte()
    local text, shows = text_field(octets, L.fields.description)
    if not text or (status and status > 1) then
      return "not"
    end
    return shows and text ~= "" and "well" or "maybe"
  end

  local function body(octets, kind)
    if kind.name == "request" then
      return request_body(octets)
    end
    return response_body(octets)
  end

  local function is_filled(octets, kind)
    local needed = kind.len - L.header_len
    local filled = body(octets, kind)
    if filled == "not" then
      return "nothing"
    elseif #octets < needed then
      return "unsure"
    end
    return filled == "well" and "proof" or "nothing"
  end

  local function shows_size(opening, kind, length)
    local octets = opening.octets
    if R.is_header(octets:sub(kind.len + 1)) then
      return "proof"
    end
    local led, messages = lengths_lead_to_end(octets, L.header_len)
    led = led and messages > 1
    if opening.one_segment and #octets == kind.len and length + 4 ~= kind.len and not led then
      return "proof"
    end
    local agrees = led or length == #octets or length + 4 == #octets or length + L.header_len == #octets
    local near = length >= kind.len - L.header_len and length <= kind.len + L.header_len
    if agrees and not near then
      return "nothing"
    end
    return is_filled(octets, kind)
  end

  local function prefix(of, octets)
    return of:sub(1, #octets) == octets
  end

  -- Whether octets too few for a header can be the beginning of one that counts.
  local function could_be_a_header(octets)
    local command = octets:sub(5)
    for code = 1, 4 do
      local octet = string.char(code)
      if prefix("\0\0\0" .. octet, command) or prefix(octet .. "\0\0\0", command) then
        return true
      end
    end
    return not command:find("[^%d ]") or R.kind_of_len(word(octets, 1)) ~= nil
  end

  local function right(opening, kind)
    local octets, whole = opening.octets, opening.whole
    if #octets < 16 then
      return whole and "proof" or "unsure"
    end
    local field = first_text(kind)
    local there = R.field(octets, field)
    if there:byte(1) and there:byte(1) ~= 0 then
      return "proof"
    elseif there:find("[^%z]") then
      return "nothing"
    end
    return (#there == field.width or whole) and "proof" or "unsure"
  end

  -- Weighs `opening.octets` on a port where RegLogin is expected. `one_segment` says that they are
  -- a segment's, no more and no less, `whole` that no more will come.
  function R.weigh(opening)
    local octets = opening.octets
    local length, command = word(octets, 1), word(octets, 5)
    if R.is_header(octets) then
      return right(opening, L.kinds[L.commands[command].kind])
    end
    if not command then
      return (opening.whole or not could_be_a_header(octets)) and "nothing" or "unsure"
    end
    local swapped = R.swapped_header(octets)
    if swapped then
      if body(octets, swapped) == "not" then
        return "nothing"
      elseif #octets < 16 then
        return opening.whole and "nothing" or "unsure"
      end
      return "proof"
    end
    local known, by_length = L.commands[command], R.kind_of_len(length)
    local shown = {}
    if known then
      shown[1] = shows_size(opening, L.kinds[known.kind], length)
      shown[2] = by_length and shows_size(opening, by_length, length)
    elseif by_length then
      shown[1] = is_filled(octets, by_length)
    else
      local text = R.text_header(octets)
      shown[1] = text and is_filled(octets, text)
    end
    if shown[1] == "proof" or shown[2] == "proof" then
      return "proof"
    elseif (shown[1] == "unsure" or shown[2] == "unsure") and not opening.whole then
      return "unsure"
    end
    return "nothing"
  end

  -- Weighs what stands on any other port: only a whole message without a fault counts.
  local function weigh_strictly(opening)
    local octets = opening.octets
    if #octets < L.header_len then
      local possible = octets:sub(1, 3) == ("\0"):rep(math.min(3, #octets))
      return possible and not opening.whole and "unsure" or "nothing"
    end
    if not R.is_header(octets) then
      return "nothing"
    end
    local len = L.kinds[L.commands[word(octets, 5)].kind].len
    if #octets < len then
      return opening.whole and "nothing" or "unsure"
    end
    return R.is_strict(octets:sub(1, len)) and "proof" or "nothing"
  end

  -- Judges an opening: a protocol's name, "unsure" or "other". `watched` says that the port is one
  -- of those where RegLogin is expected.
  function R.identify(opening, watched)
    local protocol = R.named(opening.octets)
    if protocol then
      return protocol
    end
    local evidence = watched and R.weigh(opening) or not watched and weigh_strictly(opening)
    if evidence == "proof" then
      return "reglogin"
    end
    local undecided = evidence == "nothing" and not opening.whole and could_be_named(opening.octets)
    return (evidence == "unsure" or undecided) and "unsure" or "other"
  end

  -- Whether octets at the start of a direction, 16 or more, can only be RegLogin's or nothing
  -- that is known: enough to keep the SMPP dissector from them.
  function R.looks_right(octets)
    return R.is_header(octets) and not R.named(octets)
      and R.weigh({ octets = octets }) == "proof"
  end
end
