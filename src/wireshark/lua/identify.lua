-- Which protocol a stream speaks, by what stands at a place where one may begin. What speaks for RegLogin is in the tables of
-- L.rules, whose rows are asked here by their names.
do
  local word = R.word
  local SMPP, RULES = L.smpp, L.rules

  -- What the first row of a table says that fits; `whole` says that no more bytes will come.
  local function first_row(rows, whole, fits)
    for _, row in ipairs(rows) do
      if fits[row[1]]() then
        return whole and row[3] or not whole and row[2]
      end
    end
  end

  local function always()
    return true
  end

  -- Whether bytes start with a totalLength and commandID that belong together.
  function R.is_header(octets)
    local length, command = word(octets, 1), word(octets, 5)
    local known = command and L.commands[command]
    return known ~= nil and length == L.kinds[known.kind].len
  end

  function R.is_smpp(octets)
    local length, id, status, sequence = word(octets, 1), word(octets, 5), word(octets, 9), word(octets, 13)
    return sequence ~= nil
      and length >= SMPP.lengths[1] and length <= SMPP.lengths[2]
      and SMPP.commands[id] ~= nil
      and (status == 0 or id >= SMPP.response)
      and sequence >= SMPP.sequences[1] and sequence <= SMPP.sequences[2]
  end

  -- Whether the lengths of several messages, each of at least `least` bytes, lead to the end.
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
    if id < SMPP.response and octets:match("^[ -~][ -~][ -~][ -~]", 13) then
      return false
    end
    if R.is_smpp(octets) then
      return true
    end
    local response = id >= SMPP.response
    local request = id % SMPP.response
    local known = SMPP.commands[id] or (request >= SMPP.vendor[1] and request <= SMPP.vendor[2])
    return known and length >= SMPP.lengths[1] and length <= SMPP.lengths[2]
      and (status == 0 or response)
      and sequence <= SMPP.sequences[2]
      and (response or (lengths_lead_to_end(octets, SMPP.lengths[1])))
      and not is_empty_reglogin(octets)
  end

  -- A protocol that the bytes are recognised as for sure; nil where there is none.
  function R.named(octets)
    return begins_smpp(octets) and "smpp" or R.named_by_start(octets)
  end

  local function could_be_named(octets)
    local first = octets:byte(1)
    return #octets < SMPP.header_len and (not first or first == 0 or R.may_be_named_by_start(octets))
  end

  -- The field's bytes up to the first NUL, and the offset of the first byte after that NUL
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

  -- What a field of a strictly valid message holds.
  local CONTENT = {
    filled = function(value)
      return select(2, R.text(value)) == nil
    end,
    not_empty = function(value)
      return value:byte() ~= 0
    end,
    at_most = function(value, most)
      return value:byte() <= most
    end,
  }

  -- Whether bytes are exactly one strictly valid message.
  function R.is_strict(octets)
    if not R.is_header(octets) then
      return false
    end
    local kind = L.kinds[L.commands[word(octets, 5)].kind]
    if #octets ~= kind.len then
      return false
    end
    for _, row in ipairs(RULES.strict[kind.name]) do
      if not CONTENT[row[2]](R.field(octets, L.fields[row[1]]), row[3]) then
        return false
      end
    end
    return true
  end

  -- What speaks for RegLogin: "proof", "unsure" or "nothing".

  -- Whether a full field looks filled up with digits.
  function R.is_zero_filled(text)
    return text:sub(-#RULES.zero_filling) == RULES.zero_filling
  end

  -- A field's text and filling as far as it is there; nil where it cannot be one of ours. Gives
  -- the text, and whether filling shows where the field ends.
  local function text_field(octets, field)
    local part = R.field(octets, field)
    local text, after = R.text(part)
    if after or text:find("[%z\1-\31\127]") then
      return nil
    end
    return text, #text < #part or (#text == field.width and R.is_zero_filled(text))
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
    if not text or (status and not L.statuses[status]) then
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

  local function is_filled(opening, kind)
    local octets = opening.octets
    local filled = body(octets, kind)
    return first_row(RULES.bodies, opening.whole, {
      ["not"] = function() return filled == "not" end,
      too_short = function() return #octets < kind.len - L.header_len end,
      filled = function() return filled == "well" end,
      maybe = always,
    })
  end

  -- The same for a body behind a header in little-endian order.
  local function fits(opening, kind)
    local octets = opening.octets
    return first_row(RULES.fitting, opening.whole, {
      ["not"] = function() return body(octets, kind) == "not" end,
      too_short = function() return #octets < SMPP.header_len end,
      fits = always,
    })
  end

  local function shows_size(opening, kind, length)
    local octets = opening.octets
    local led, messages = lengths_lead_to_end(octets, L.header_len)
    led = led and messages > 1
    return first_row(RULES.sizes, opening.whole, {
      next_header = function() return R.is_header(octets:sub(kind.len + 1)) end,
      whole_segment = function()
        return opening.one_segment and #octets == kind.len and length + L.fields.length.width ~= kind.len and not led
      end,
      foreign = function()
        local agrees = led or length == #octets or length + L.fields.length.width == #octets
          or length + L.header_len == #octets
        return agrees and (length < kind.len - L.header_len or length > kind.len + L.header_len)
      end,
    }) or is_filled(opening, kind)
  end

  local function prefix(of, octets)
    return of:sub(1, #octets) == octets
  end

  -- Whether bytes too few for a header can be the beginning of one that counts.
  local function could_be_a_header(octets)
    local command = octets:sub(5)
    for code in pairs(L.commands) do
      local octet = string.char(code)
      if prefix("\0\0\0" .. octet, command) or prefix(octet .. "\0\0\0", command) then
        return true
      end
    end
    return not command:find("[^%d ]") or R.kind_of_len(word(octets, 1)) ~= nil
  end

  local function right(opening, kind)
    local octets = opening.octets
    local field = first_text(kind)
    local text = R.field(octets, field)
    return first_row(RULES.right_header, opening.whole, {
      too_short = function() return #octets < SMPP.header_len end,
      text = function() return text ~= "" and text:byte() ~= 0 end,
      behind_nul = function() return text:find("[^%z]") ~= nil end,
      empty = function() return #text == field.width end,
      empty_so_far = always,
    })
  end

  -- The better of two.
  local function better(one, other)
    return (one == "proof" or other == "nothing") and one or (other == "proof" or one == "nothing") and other or one
  end

  local function wrong(opening)
    local octets = opening.octets
    local length, command = word(octets, 1), word(octets, 5)
    local known = command and L.commands[command]
    local by_command = known and L.kinds[known.kind]
    local by_length = length and R.kind_of_len(length)
    -- Each gives the kind that it calls for, or that it fits.
    local forms = {
      beginning = function() return not command and could_be_a_header(octets) end,
      too_short = function() return not command end,
      little_endian = function() return R.swapped_header(octets) end,
      command_and_length = function() return by_command and by_length end,
      command = function() return by_command end,
      length = function() return by_length end,
      as_text = function() return R.text_header(octets) end,
      any = always,
    }
    local looks = {
      more = function() return opening.whole and "nothing" or "unsure" end,
      fits = function(kind) return fits(opening, kind) end,
      size_of_command = function() return shows_size(opening, by_command, length) end,
      size_of_length = function() return shows_size(opening, by_length, length) end,
      filled = function(kind) return is_filled(opening, kind) end,
    }
    for _, row in ipairs(RULES.wrong_header) do
      local kind = forms[row[1]]()
      if kind then
        local found = "nothing"
        for _, look in ipairs(row[2]) do
          found = better(found, looks[look](kind))
        end
        return found
      end
    end
  end

  -- Weighs `opening.octets` on a port where RegLogin is expected. `one_segment` says that they are
  -- a segment's, no more and no less, `whole` that no more will come.
  function R.weigh(opening)
    local octets = opening.octets
    if R.is_header(octets) then
      return right(opening, L.kinds[L.commands[word(octets, 5)].kind])
    end
    return wrong(opening)
  end

  -- Weighs what stands on any other port: only a whole message without a fault counts.
  local function weigh_strictly(opening)
    local octets = opening.octets
    local is_right = R.is_header(octets)
    local len = is_right and L.kinds[L.commands[word(octets, 5)].kind].len
    return first_row(RULES.unexpected, opening.whole, {
      beginning = function()
        local zeros = math.min(RULES.length_zeros, #octets)
        return #octets < L.header_len and octets:sub(1, zeros) == ("\0"):rep(zeros)
      end,
      wrong_header = function() return not is_right end,
      too_short = function() return #octets < len end,
      strict = function() return R.is_strict(octets:sub(1, len)) end,
      faulty = always,
    })
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

  -- Whether bytes at the start of a direction, 16 or more, can only be RegLogin's or nothing
  -- that is known: enough to keep the SMPP dissector from them.
  function R.looks_right(octets)
    return R.is_header(octets) and not R.named(octets)
      and R.weigh({ octets = octets }) == "proof"
  end
end
