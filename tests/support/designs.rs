//! Small protocols of the kinds that people design, and conversations in them, each with the layout file that describes
//! it.

use fastrand::Rng;

/// What one side sends: whether it is the client, and a whole message.
pub type Message = (bool, Vec<u8>);

/// A protocol.
pub struct Protocol {
    pub name: &'static str,
    /// Its layout file.
    pub file: &'static str,
    /// One request and what answers it.
    exchange: fn(&mut Rng, u32) -> Vec<Message>,
    /// Whether responses may come in another order than requests.
    pub by_id: bool,
}

impl Protocol {
    /// A connection of so many exchanges.
    pub fn conversation(&self, random: &mut Rng, exchanges: u32) -> Vec<Message> {
        let first = random.u32(1..1000);
        let mut messages = Vec::new();
        for number in 0..exchanges {
            messages.extend((self.exchange)(random, first + number));
        }
        if self.by_id {
            // Some responses overtake others; none overtakes its request.
            for at in 1..messages.len().saturating_sub(1) {
                if messages[at].0 != messages[at + 1].0 && !messages[at].0 && random.u8(..4) == 0 {
                    messages.swap(at, at + 1);
                }
            }
        }
        messages
    }
}

const NAMES: [&str; 12] = [
    "alice",
    "bob",
    "carol.w",
    "dave",
    "erin",
    "frank77",
    "grace_h",
    "heidi",
    "ivan",
    "judy.long.name",
    "mallory",
    "zoë",
];

fn name(random: &mut Rng) -> String {
    let name = NAMES[random.usize(..NAMES.len())];
    match random.u8(..3) {
        0 => name.to_owned(),
        1 => format!("{name}{}", random.u8(..100)),
        _ => format!("{name}_{}", random.u16(..500)),
    }
}

fn password(random: &mut Rng) -> String {
    let len = random.usize(6..=16);
    (0..len)
        .map(|_| {
            char::from(
                b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%"[random.usize(..59)],
            )
        })
        .collect()
}

fn words(random: &mut Rng) -> &'static str {
    [
        "registered",
        "welcome back",
        "wrong password",
        "no such user",
        "name taken",
        "try again later",
    ][random.usize(..6)]
}

fn padded(text: &str, width: usize) -> Vec<u8> {
    let mut field = text.as_bytes()[..text.len().min(width)].to_vec();
    field.resize(width, 0);
    field
}

fn pascal(text: &[u8]) -> Vec<u8> {
    [&[text.len() as u8], text].concat()
}

fn counted(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text].concat()
}

fn reglogin_bodies(
    random: &mut Rng,
    name_width: usize,
    password_width: usize,
    words_width: usize,
) -> (Vec<u8>, Vec<u8>) {
    let request = [
        padded(&name(random), name_width),
        padded(&password(random), password_width),
    ]
    .concat();
    let response = [vec![random.u8(..2)], padded(words(random), words_width)].concat();
    (request, response)
}

pub const PROTOCOLS: [Protocol; 9] = [
    Protocol {
        name: "little-endian",
        file: r#"name = "Little"
port = 9101
order = "little"
[layout]
header = ["length: u32 = length", "command: u32 = kind"]
request = ["name: text[20] = user", "password: text[30] secret"]
response = ["status: u8 {0 failure, 1 success} = outcome", "words: text[64]"]
[kind]
1 = { name = "register", body = "request", from = "client", response = 2 }
2 = { name = "registered", body = "response", from = "server" }
3 = { name = "login", body = "request", from = "client", response = 4 }
4 = { name = "logged in", body = "response", from = "server" }
"#,
        exchange: |random, _| {
            let kind = [1u32, 3][random.usize(..2)];
            let (request, response) = reglogin_bodies(random, 20, 30, 64);
            let message = |kind: u32, body: Vec<u8>| {
                [
                    &(body.len() as u32 + 8).to_le_bytes()[..],
                    &kind.to_le_bytes(),
                    &body,
                ]
                .concat()
            };
            vec![
                (true, message(kind, request)),
                (false, message(kind + 1, response)),
            ]
        },
        by_id: false,
    },
    Protocol {
        name: "length without header",
        file: r#"name = "Without"
port = 9102
[layout]
header = ["size: u32 = length - 8", "command: u32 = kind"]
request = ["name: text[20] = user", "password: text[30] secret"]
response = ["status: u8 {0 failure, 1 success} = outcome", "words: text[64]"]
[kind]
1 = { name = "register", body = "request", from = "client", response = 2 }
2 = { name = "registered", body = "response", from = "server" }
3 = { name = "login", body = "request", from = "client", response = 4 }
4 = { name = "logged in", body = "response", from = "server" }
"#,
        exchange: |random, _| {
            let kind = [1u32, 3][random.usize(..2)];
            let (request, response) = reglogin_bodies(random, 20, 30, 64);
            let message = |kind: u32, body: Vec<u8>| {
                [
                    &(body.len() as u32).to_be_bytes()[..],
                    &kind.to_be_bytes(),
                    &body,
                ]
                .concat()
            };
            vec![
                (true, message(kind, request)),
                (false, message(kind + 1, response)),
            ]
        },
        by_id: false,
    },
    Protocol {
        name: "16-bit header",
        file: r#"name = "Short"
port = 9103
[layout]
header = ["length: u16 = length", "command: u16 = kind"]
request = ["name: text[16] = user", "password: text[24] secret"]
response = ["code: u16 {0 ok, 1 refused, 2 busy} = outcome", "words: text[40]", "users: u32"]
[kind]
1 = { name = "login", body = "request", from = "client", response = 2 }
2 = { name = "answer", body = "response", from = "server" }
5 = { name = "ping", from = "client", response = 6 }
6 = { name = "pong", from = "server" }
"#,
        exchange: |random, _| {
            let message = |kind: u16, body: Vec<u8>| {
                [
                    &(body.len() as u16 + 4).to_be_bytes()[..],
                    &kind.to_be_bytes(),
                    &body,
                ]
                .concat()
            };
            if random.u8(..4) == 0 {
                return vec![
                    (true, message(5, Vec::new())),
                    (false, message(6, Vec::new())),
                ];
            }
            let request = [padded(&name(random), 16), padded(&password(random), 24)].concat();
            let code = random.u16(..3).to_be_bytes();
            let users = random.u32(70_000..90_000).to_be_bytes();
            let response = [&code[..], &padded(words(random), 40), &users].concat();
            vec![(true, message(1, request)), (false, message(2, response))]
        },
        by_id: false,
    },
    Protocol {
        name: "fixed 32-byte fields",
        file: r#"name = "Wide"
port = 9104
[layout]
header = ["length: u32 = length", "command: u32 = kind"]
request = ["name: text[32] = user", "password: text[32] secret"]
response = ["status: u32 {0 failure, 1 success} = outcome", "words: text[32]"]
[kind]
1 = { name = "register", body = "request", from = "client", response = 2 }
2 = { name = "registered", body = "response", from = "server" }
3 = { name = "login", body = "request", from = "client", response = 4 }
4 = { name = "logged in", body = "response", from = "server" }
"#,
        exchange: |random, _| {
            let kind = [1u32, 3][random.usize(..2)];
            let request = [padded(&name(random), 32), padded(&password(random), 32)].concat();
            let status = random.u32(..2).to_be_bytes();
            let response = [&status[..], &padded(words(random), 32)].concat();
            let message = |kind: u32, body: Vec<u8>| {
                [
                    &(body.len() as u32 + 8).to_be_bytes()[..],
                    &kind.to_be_bytes(),
                    &body,
                ]
                .concat()
            };
            vec![
                (true, message(kind, request)),
                (false, message(kind + 1, response)),
            ]
        },
        by_id: false,
    },
    Protocol {
        name: "Pascal strings",
        file: r#"name = "Pascal"
port = 9105
[layout]
header = ["length: u16 = length", "command: u8 = kind"]
request = ["name: text[u8] = user", "password: text[u8] secret"]
response = ["status: u8 {0 failure, 1 success} = outcome", "words: text[u8]"]
[kind]
1 = { name = "register", body = "request", from = "client", response = 129 }
2 = { name = "login", body = "request", from = "client", response = 130 }
129 = { name = "registered", body = "response", from = "server" }
130 = { name = "logged in", body = "response", from = "server" }
"#,
        exchange: |random, _| {
            let kind = random.u8(1..3);
            let request = [
                pascal(name(random).as_bytes()),
                pascal(password(random).as_bytes()),
            ]
            .concat();
            let response = [vec![random.u8(..2)], pascal(words(random).as_bytes())].concat();
            let message = |kind: u8, body: Vec<u8>| {
                [&(body.len() as u16 + 3).to_be_bytes()[..], &[kind], &body].concat()
            };
            vec![
                (true, message(kind, request)),
                (false, message(kind | 0x80, response)),
            ]
        },
        by_id: false,
    },
    Protocol {
        name: "16-bit-prefixed strings",
        file: r#"name = "Counted"
port = 9106
[layout]
header = ["command: u16 = kind", "size: u32 = length - 6"]
request = ["name: text[u16] = user", "password: text[u16] secret", "version: u32"]
response = ["status: u8 {0 failure, 1 success} = outcome", "balance: i32", "words: text[u16]"]
[kind]
1 = { name = "login", body = "request", from = "client", response = 2 }
2 = { name = "answer", body = "response", from = "server" }
"#,
        exchange: |random, _| {
            let version = random.u32(10_000_000..10_000_004).to_be_bytes();
            let request = [
                &counted(name(random).as_bytes())[..],
                &counted(password(random).as_bytes()),
                &version,
            ]
            .concat();
            let balance = random.i32(-50_000..90_000).to_be_bytes();
            let response = [
                &[random.u8(..2)],
                &balance[..],
                &counted(words(random).as_bytes()),
            ]
            .concat();
            let message = |kind: u16, body: Vec<u8>| {
                [
                    &kind.to_be_bytes()[..],
                    &(body.len() as u32).to_be_bytes(),
                    &body,
                ]
                .concat()
            };
            vec![(true, message(1, request)), (false, message(2, response))]
        },
        by_id: false,
    },
    Protocol {
        name: "TLV to the end",
        file: r#"name = "Tagged"
port = 9107
[layout]
header = ["length: u16 = length", "command: u8 = kind"]
attributes = ["attrs: tlv[*]"]
tlv = ["tag: u8", "value: bytes[u16] secret"]
[kind]
1 = { name = "login", body = "attributes", from = "client", response = 2 }
2 = { name = "answer", body = "attributes", from = "server" }
"#,
        exchange: |random, _| {
            let tlv = |tag: u8, value: &[u8]| [&[tag], &counted(value)[..]].concat();
            let mut request = [
                tlv(1, name(random).as_bytes()),
                tlv(2, password(random).as_bytes()),
            ]
            .concat();
            for _ in 0..random.usize(..3) {
                let token: Vec<u8> = (0..random.usize(4..20)).map(|_| random.u8(..)).collect();
                request.extend(tlv(random.u8(3..9), &token));
            }
            let mut response = tlv(16, &[random.u8(..2)]);
            if random.bool() {
                response.extend(tlv(17, words(random).as_bytes()));
            }
            let message = |kind: u8, body: Vec<u8>| {
                [&(body.len() as u16 + 3).to_be_bytes()[..], &[kind], &body].concat()
            };
            vec![(true, message(1, request)), (false, message(2, response))]
        },
        by_id: false,
    },
    Protocol {
        name: "records with enum, flags and CRC-32",
        file: r#"name = "Readings"
port = 9108
order = "little"
[layout]
header = ["magic: u16 == 0xCAFE", "size: u16 = length - 6", "kind: u16 = kind"]
reading = ["count: u8", "items: item[count]", "note: text[u8]", "check: u32 = crc32"]
item = ["sensor: u16", "value: f32", "state: state"]
answer = ["code: u8 {0 ok, 1 refused} = outcome", "options: options", "check: u32 = crc32"]
[enum]
state = { type = "u8", 0 = "ok", 1 = "stale", 2 = "broken" }
[flags]
options = { type = "u16", 0 = "urgent", 3 = "signed" }
[kind]
3 = { name = "reading", body = "reading", from = "client", response = 4 }
4 = { name = "answer", body = "answer", from = "server" }
"#,
        exchange: |random, _| {
            let message = |kind: u16, body: Vec<u8>| {
                let size = body.len() as u16 + 4;
                let mut message = [
                    &0xCAFEu16.to_le_bytes()[..],
                    &size.to_le_bytes(),
                    &kind.to_le_bytes(),
                    &body,
                ]
                .concat();
                message.extend(crc32fast::hash(&message).to_le_bytes());
                message
            };
            let count = random.u8(..6);
            let mut body = vec![count];
            for _ in 0..count {
                body.extend(random.u16(100..400).to_le_bytes());
                body.extend((random.f32() * 60.0 - 10.0).to_le_bytes());
                body.push(random.u8(..3));
            }
            body.extend(pascal(
                ["", "calibrated", "battery low", "ok"][random.usize(..4)].as_bytes(),
            ));
            let options = [0u16, 1, 8, 9][random.usize(..4)].to_le_bytes();
            let answer = [&[random.u8(..2)], &options[..]].concat();
            vec![(true, message(3, body)), (false, message(4, answer))]
        },
        by_id: false,
    },
    Protocol {
        name: "request id",
        file: r#"name = "Numbered"
port = 9109
[layout]
header = ["length: u32 = length", "id: u32 = id", "command: u16 = kind"]
request = ["name: text[u8] = user", "password: text[u8] secret"]
response = ["code: u16 {0 ok, 1 refused} = outcome", "words: text[*]"]
[kind]
16 = { name = "login", body = "request", from = "client", response = 17 }
17 = { name = "answer", body = "response", from = "server" }
32 = { name = "logout", from = "client", response = 33 }
33 = { name = "bye", from = "server" }
"#,
        exchange: |random, id| {
            let message = |kind: u16, body: Vec<u8>| {
                [
                    &(body.len() as u32 + 10).to_be_bytes()[..],
                    &id.to_be_bytes(),
                    &kind.to_be_bytes(),
                    &body,
                ]
                .concat()
            };
            if random.u8(..3) == 0 {
                return vec![
                    (true, message(32, Vec::new())),
                    (false, message(33, Vec::new())),
                ];
            }
            let request = [
                pascal(name(random).as_bytes()),
                pascal(password(random).as_bytes()),
            ]
            .concat();
            let response = [&random.u16(..2).to_be_bytes()[..], words(random).as_bytes()].concat();
            vec![(true, message(16, request)), (false, message(17, response))]
        },
        by_id: true,
    },
];
