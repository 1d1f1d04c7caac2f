//! SMPP v3.4 PDUs built by hand, one of each kind in the specification's chapter 4.

/// A PDU of a session and its sender: `true` for the ESME (the client).
pub type Step = (bool, Vec<u8>);

const RESPONSE: u32 = 0x8000_0000;

/// A PDU: `command_id`, `command_status`, `sequence_number`, body.
pub fn pdu(id: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = 16 + body.len() as u32;
    let mut octets = [length, id, status, sequence]
        .map(u32::to_be_bytes)
        .concat();
    octets.extend_from_slice(body);
    octets
}

/// A C-byte string.
fn text(value: &str) -> Vec<u8> {
    [value.as_bytes(), b"\0"].concat()
}

/// Type of number 1, numbering plan 1, address.
fn address(digits: &str) -> Vec<u8> {
    [vec![1, 1], text(digits)].concat()
}

/// The body of a bind: `system_id`, `password`, `system_type`, version 0x34, TON, NPI,
/// `address_range`.
pub fn bind(system: &str, password: &str, kind: &str, range: &str) -> Vec<u8> {
    [
        text(system),
        text(password),
        text(kind),
        vec![0x34, 1, 1],
        text(range),
    ]
    .concat()
}

/// The body of `query_sm`: `message_id` and source.
pub fn query(message: &str, source: &str) -> Vec<u8> {
    [text(message), address(source)].concat()
}

/// The body of `submit_sm` and `deliver_sm`.
pub fn short_message(source: &str, destination: &str, message: &str) -> Vec<u8> {
    [
        text(""),
        address(source),
        address(destination),
        vec![0, 0, 0],    // esm_class, protocol, priority
        text(""),         // scheduled
        text(""),         // validity
        vec![1, 0, 0, 0], // receipt, replace, coding, canned message
        vec![message.len() as u8],
        message.as_bytes().to_vec(),
    ]
    .concat()
}

/// A session in which each side sends every PDU that the specification lets it send.
pub fn session() -> Vec<Step> {
    let data = [
        text(""),
        address("4477001"),
        address("4477002"),
        vec![0, 1, 0],          // esm_class, receipt, coding
        vec![0x04, 0x24, 0, 5], // message_payload
        b"hello".to_vec(),
    ]
    .concat();
    let multi = [
        text(""),
        address("4477001"),
        vec![2, 1],
        address("4477002"),
        vec![1],
        address("4477003"),
        vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 2],
        b"hi".to_vec(),
    ]
    .concat();
    let replace = [
        query("m-1", "4477001"),
        text(""),
        text(""),
        vec![1, 0, 3],
        b"new".to_vec(),
    ]
    .concat();
    let cancel = [text(""), query("m-1", "4477001"), address("4477002")].concat();
    let query_answer = [text("m-1"), text(""), vec![2, 0]].concat();
    let multi_answer = [text("m-2"), vec![0]].concat();
    let alert = [address("4477001"), address("esme")].concat();
    let asked: [(bool, u32, Vec<u8>, Vec<u8>); 14] = [
        (true, 0x01, bind("esme", "secret", "", ""), text("smsc")),
        (
            true,
            0x02,
            bind("esme", "secret", "VMS", "^44"),
            text("smsc"),
        ),
        (true, 0x09, bind("esme", "secret", "", ""), text("smsc")),
        (true, 0x15, Vec::new(), Vec::new()),
        (
            true,
            0x04,
            short_message("4477001", "4477002", "hello"),
            text("m-1"),
        ),
        (true, 0x03, query("m-1", "4477001"), query_answer),
        (true, 0x07, replace, Vec::new()),
        (true, 0x08, cancel, Vec::new()),
        (true, 0x21, multi, multi_answer),
        (true, 0x103, data.clone(), text("m-3")),
        (false, 0x103, data, text("m-4")),
        (
            false,
            0x05,
            short_message("4477002", "4477001", "and hello"),
            text(""),
        ),
        (false, 0x15, Vec::new(), Vec::new()),
        (true, 0x06, Vec::new(), Vec::new()),
    ];
    let mut steps: Vec<Step> = vec![(
        false,
        pdu(0x0b, 0, 1, &[text("smsc"), text("secret")].concat()),
    )];
    for (index, (from_esme, id, request, response)) in asked.into_iter().enumerate() {
        let sequence = index as u32 + 2;
        if id == 0x06 {
            steps.push((false, pdu(0x102, 0, 99, &alert)));
            steps.push((true, pdu(0x7fff, 0, 98, b"")));
            steps.push((false, pdu(RESPONSE, 3, 98, b"")));
        }
        steps.push((from_esme, pdu(id, 0, sequence, &request)));
        steps.push((!from_esme, pdu(RESPONSE | id, 0, sequence, &response)));
    }
    steps
}
