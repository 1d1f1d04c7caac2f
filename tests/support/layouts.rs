//! Nine protocols with their layout files, and messages of them, which are built here byte by byte, without the
//! library.

use std::path::{Path, PathBuf};

use fastrand::Rng;
use serde_json::{Map, Value, json};

fn word(rng: &mut Rng, most: usize) -> String {
    let len = rng.usize(1..=most);
    (0..len).map(|_| rng.lowercase()).collect()
}

fn bytes(rng: &mut Rng, most: usize) -> Vec<u8> {
    let len = rng.usize(..=most);
    (0..len).map(|_| rng.u8(..)).collect()
}

/// One message.
#[derive(Debug, Clone)]
pub struct Made {
    pub from_client: bool,
    pub kind: &'static str,
    pub octets: Vec<u8>,
    /// What `fields` of its JSON holds, secrets shown.
    pub fields: Value,
    /// Of which exchange it is.
    pub exchange: usize,
}

/// A protocol.
pub struct Protocol {
    pub name: &'static str,
    pub port: u16,
    /// Its layout file.
    pub layout: &'static str,
    /// Whether each message carries at least 32 bits of evidence.
    pub resyncs: bool,
    /// Whether responses come in any order.
    pub by_id: bool,
    make: fn(&mut Rng, usize) -> Vec<Made>,
}

impl Protocol {
    /// Writes its layout file into a folder.
    pub fn layout_file(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}.toml", self.name));
        std::fs::write(&path, self.layout).expect("the layout is written");
        path
    }

    /// The messages of an exchange: a request, its response, and whatever else.
    pub fn exchange(&self, rng: &mut Rng, exchange: usize) -> Vec<Made> {
        (self.make)(rng, exchange)
    }
}

/// A message being put together.
struct Put {
    little: bool,
    octets: Vec<u8>,
    fields: Map<String, Value>,
}

impl Put {
    fn new(little: bool) -> Self {
        Self {
            little,
            octets: Vec::new(),
            fields: Map::new(),
        }
    }

    fn raw(&mut self, width: usize, value: u64) {
        let mut octets = value.to_be_bytes()[8 - width..].to_vec();
        if self.little {
            octets.reverse();
        }
        self.octets.extend(octets);
    }

    fn number(&mut self, key: &str, width: usize, value: u64) -> &mut Self {
        self.raw(width, value);
        self.fields.insert(key.to_owned(), value.into());
        self
    }

    fn value(&mut self, key: &str, value: Value) -> &mut Self {
        self.fields.insert(key.to_owned(), value);
        self
    }

    /// Text in a field of this width.
    fn fixed(&mut self, key: &str, width: usize, text: &str) -> &mut Self {
        let start = self.octets.len();
        self.octets.extend(text.as_bytes());
        self.octets.resize(start + width, 0);
        self.value(key, text.into())
    }

    /// Text behind its length.
    fn prefixed(&mut self, key: &str, width: usize, text: &str) -> &mut Self {
        self.raw(width, text.len() as u64);
        self.octets.extend(text.as_bytes());
        self.value(key, text.into())
    }

    /// Puts the message's size plus `offset` where the length stands.
    fn sized(&mut self, key: &str, at: usize, width: usize, offset: i64) -> &mut Self {
        let value = (self.octets.len() as u64).wrapping_add_signed(offset);
        let mut field = Self::new(self.little);
        field.raw(width, value);
        self.octets[at..at + width].copy_from_slice(&field.octets);
        self.value(key, value.into())
    }

    fn made(self, from_client: bool, kind: &'static str, exchange: usize) -> Made {
        Made {
            from_client,
            kind,
            octets: self.octets,
            fields: self.fields.into(),
            exchange,
        }
    }
}

fn named(value: u64, names: &[(u64, &str)]) -> Value {
    match names.iter().find(|(known, _)| *known == value) {
        Some((_, name)) => json!({"value": value, "name": name}),
        None => json!({"value": value}),
    }
}

const STATUS: [(u64, &str); 2] = [(0, "failure"), (1, "success")];

/// RegLogin's messages with other numbers in the header.
fn reglogin(rng: &mut Rng, exchange: usize, little: bool, offset: i64) -> Vec<Made> {
    let mut request = Put::new(little);
    request.number("length", 4, 0).number("command", 4, 3);
    request.fixed("username", 20, &format!("u{exchange}"));
    request.fixed("password", 30, &word(rng, 29));
    request.sized("length", 0, 4, offset);
    let mut response = Put::new(little);
    response.number("length", 4, 0).number("command", 4, 4);
    let status = rng.u64(..2);
    response.raw(1, status);
    response.value("status", named(status, &STATUS));
    response.fixed("description", 64, &format!("r{exchange} {}", word(rng, 40)));
    response.sized("length", 0, 4, offset);
    vec![
        request.made(true, "login request", exchange),
        response.made(false, "login response", exchange),
    ]
}

fn short(rng: &mut Rng, exchange: usize) -> Vec<Made> {
    let mut request = Put::new(false);
    request.number("len", 2, 0).number("op", 2, 7);
    for (key, text) in [("user", format!("u{exchange}")), ("pass", word(rng, 20))] {
        request.octets.extend(text.as_bytes());
        request.octets.push(0);
        request.value(key, text.into());
    }
    request.sized("len", 0, 2, 0);
    let mut response = Put::new(false);
    response.number("len", 2, 0).number("op", 2, 8);
    let code = rng.u64(..2);
    response.raw(1, code);
    response.value("code", named(code, &[(0, "bad"), (1, "ok")]));
    let words = format!("r{exchange} {}", word(rng, 60));
    response.octets.extend(words.as_bytes());
    response.value("words", words.into());
    response.sized("len", 0, 2, 0);
    vec![
        request.made(true, "login", exchange),
        response.made(false, "reply", exchange),
    ]
}

fn fixed(rng: &mut Rng, exchange: usize) -> Vec<Made> {
    let mut request = Put::new(false);
    request.number("magic", 2, 0xbeef).number("op", 2, 1);
    request.fixed("name", 32, &format!("u{exchange}"));
    request.fixed("word", 32, &word(rng, 31));
    let mut response = Put::new(false);
    response.number("magic", 2, 0xbeef).number("op", 2, 2);
    let code = rng.u64(..2);
    response.raw(1, code);
    response.value("code", named(code, &STATUS));
    response.fixed("words", 32, &format!("r{exchange}"));
    vec![
        request.made(true, "hello", exchange),
        response.made(false, "welcome", exchange),
    ]
}

fn pascal(rng: &mut Rng, exchange: usize) -> Vec<Made> {
    let mut request = Put::new(false);
    request.number("len", 4, 0).number("op", 1, 1);
    request.prefixed("user", 1, &format!("u{exchange}"));
    request.prefixed("pass", 1, &word(rng, 90));
    request.sized("len", 0, 4, 0);
    let mut response = Put::new(false);
    response.number("len", 4, 0).number("op", 1, 2);
    let code = rng.u64(..2);
    response.raw(1, code);
    response.value("code", named(code, &STATUS));
    response.prefixed("words", 1, &format!("r{exchange} {}", word(rng, 100)));
    response.sized("len", 0, 4, 0);
    vec![
        request.made(true, "login", exchange),
        response.made(false, "reply", exchange),
    ]
}

fn strings(rng: &mut Rng, exchange: usize) -> Vec<Made> {
    let mut request = Put::new(true);
    request.number("magic", 4, 0xcafe_f00d);
    request.number("size", 4, 0).number("op", 1, 1);
    request.prefixed("user", 2, &format!("u{exchange}"));
    request.prefixed("pass", 2, &word(rng, 300));
    request.sized("size", 4, 4, 0);
    let mut response = Put::new(true);
    response.number("magic", 4, 0xcafe_f00d);
    response.number("size", 4, 0).number("op", 1, 2);
    let code = rng.u64(..2);
    response.raw(1, code);
    response.value("code", named(code, &STATUS));
    response.prefixed("words", 2, &format!("r{exchange} {}", word(rng, 900)));
    response.sized("size", 4, 4, 0);
    vec![
        request.made(true, "login", exchange),
        response.made(false, "reply", exchange),
    ]
}

fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .fold(String::new(), |text, octet| text + &format!("{octet:02x}"))
}

fn tlv(rng: &mut Rng, exchange: usize) -> Vec<Made> {
    let mut both = Vec::new();
    for (from_client, op, kind) in [(true, 0x1001, "get"), (false, 0x8001, "got")] {
        let mut put = Put::new(false);
        put.number("len", 4, 0).number("op", 2, op);
        let mut attrs = Vec::new();
        for number in 0..=rng.usize(..5) {
            let value = match number {
                0 => (exchange as u32).to_be_bytes().to_vec(),
                _ => bytes(rng, 40),
            };
            let tag = rng.u64(..256);
            put.raw(1, tag);
            put.raw(2, value.len() as u64);
            put.octets.extend(&value);
            attrs.push(json!({"tag": tag, "value": hex(&value)}));
        }
        put.value("attrs", attrs.into());
        put.sized("len", 0, 4, -4);
        both.push(put.made(from_client, kind, exchange));
    }
    both
}

/// zlib's CRC-32, a bit at a time.
fn crc32(octets: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for octet in octets {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1)));
        }
    }
    !crc
}

fn records(rng: &mut Rng, exchange: usize) -> Vec<Made> {
    let mut reading = Put::new(true);
    reading.number("magic", 2, 0xcafe).number("size", 2, 0);
    reading.number("kind", 2, 3);
    let count = rng.usize(..6);
    reading.number("count", 1, count as u64);
    let mut items = Vec::new();
    for _ in 0..count {
        let sensor = u64::from(rng.u16(..));
        let value = (f32::from(rng.u16(..20_000)) - 10_000.0) / 8.0;
        let state = rng.u64(..3);
        let options = [0, 1, 8, 9][rng.usize(..4)];
        reading.raw(2, sensor);
        reading.raw(4, u64::from(value.to_bits()));
        reading.raw(1, state);
        reading.raw(2, options);
        let state = named(state, &[(0, "ok"), (1, "stale"), (2, "broken")]);
        let names: Vec<&str> = [(0, "urgent"), (3, "signed")]
            .into_iter()
            .filter(|(bit, _)| options >> bit & 1 == 1)
            .map(|(_, name)| name)
            .collect();
        items.push(json!({
            "sensor": sensor, "value": value, "state": state,
            "options": {"value": options, "names": names},
        }));
    }
    reading.value("items", items.into());
    reading.prefixed("note", 1, &format!("u{exchange}"));
    let size = reading.octets.len() as u64 + 4 - 6;
    reading.octets[2..4].copy_from_slice(&(size as u16).to_le_bytes());
    reading.value("size", size.into());
    let check = crc32(&reading.octets);
    reading.number("check", 4, check.into());
    let mut answer = Put::new(true);
    answer.number("magic", 2, 0xcafe).number("size", 2, 0);
    answer.number("kind", 2, 4);
    let code = rng.u64(..2);
    answer.raw(1, code);
    answer.value("code", named(code, &[(0, "ok"), (1, "refused")]));
    answer.fixed("words", 12, &format!("r{exchange}"));
    let size = answer.octets.len() as u64 + 4 - 6;
    answer.octets[2..4].copy_from_slice(&(size as u16).to_le_bytes());
    answer.value("size", size.into());
    let check = crc32(&answer.octets);
    answer.number("check", 4, check.into());
    vec![
        reading.made(true, "reading", exchange),
        answer.made(false, "answer", exchange),
    ]
}

fn by_id(rng: &mut Rng, exchange: usize) -> Vec<Made> {
    let id = (exchange as u64).wrapping_mul(40_503) & 0xffff_ffff;
    let mut request = Put::new(false);
    request.number("magic", 2, 0x4d51).number("len", 4, 0);
    request.number("id", 4, id).number("op", 2, 0x11);
    request.prefixed("topic", 1, &format!("u{exchange}"));
    request.sized("len", 2, 4, 0);
    let mut response = Put::new(false);
    response.number("magic", 2, 0x4d51).number("len", 4, 0);
    response.number("id", 4, id).number("op", 2, 0x12);
    response.prefixed("words", 1, &format!("r{exchange} {}", word(rng, 40)));
    response.sized("len", 2, 4, 0);
    vec![
        request.made(true, "ask", exchange),
        response.made(false, "tell", exchange),
    ]
}

/// All of them.
pub const PROTOCOLS: [Protocol; 9] = [
    Protocol {
        name: "Little",
        port: 7101,
        layout: r#"
name = "Little"
port = 7101
order = "little"
[layout]
header   = ["totalLength as length: u32 = length", "commandID as command: u32 = kind"]
request  = ["userName as username: text[20] = user", "password: text[30] secret"]
response = ["status: u8 {0 failure, 1 success} = outcome", "description: text[64]"]
[kind]
3 = { name = "login request",  body = "request",  response = 4 }
4 = { name = "login response", body = "response" }
"#,
        resyncs: true,
        by_id: false,
        make: |rng, exchange| reglogin(rng, exchange, true, 0),
    },
    Protocol {
        name: "Bare",
        port: 7102,
        layout: r#"
name = "Bare"
port = 7102
[layout]
header   = ["totalLength as length: u32 = length - 8", "commandID as command: u32 = kind"]
request  = ["userName as username: text[20] = user", "password: text[30] secret"]
response = ["status: u8 {0 failure, 1 success} = outcome", "description: text[64]"]
[kind]
3 = { name = "login request",  body = "request",  response = 4 }
4 = { name = "login response", body = "response" }
"#,
        resyncs: true,
        by_id: false,
        make: |rng, exchange| reglogin(rng, exchange, false, -8),
    },
    Protocol {
        name: "Short",
        port: 7103,
        layout: r#"
name = "Short"
port = 7103
[layout]
header = ["len: u16 = length", "op: u16 = kind"]
login  = ["user: text[nul] = user", "pass: text[nul] secret"]
reply  = ["code: u8 {0 bad, 1 ok} = outcome", "words: text[*]"]
[kind]
7 = { name = "login", body = "login", response = 8 }
8 = { name = "reply", body = "reply" }
"#,
        resyncs: false,
        by_id: false,
        make: short,
    },
    Protocol {
        name: "Fixed",
        port: 7104,
        layout: r#"
name = "Fixed"
port = 7104
[layout]
header  = ["magic: u16 == 0xBEEF", "op: u16 = kind"]
hello   = ["name: text[32] = user", "word: text[32] secret"]
welcome = ["code: u8 {0 failure, 1 success} = outcome", "words: text[32]"]
[kind]
1 = { name = "hello",   body = "hello",   response = 2 }
2 = { name = "welcome", body = "welcome" }
"#,
        resyncs: true,
        by_id: false,
        make: fixed,
    },
    Protocol {
        name: "Pascal",
        port: 7105,
        layout: r#"
name = "Pascal"
port = 7105
[layout]
header = ["len: u32 = length", "op: u8 = kind"]
login  = ["user: text[u8] = user", "pass: text[u8] secret"]
reply  = ["code: u8 {0 failure, 1 success} = outcome", "words: text[u8]"]
[kind]
1 = { name = "login", body = "login", response = 2 }
2 = { name = "reply", body = "reply" }
"#,
        resyncs: false,
        by_id: false,
        make: pascal,
    },
    Protocol {
        name: "Strings",
        port: 7106,
        layout: r#"
name = "Strings"
port = 7106
order = "little"
[layout]
header = ["magic: u32 == 0xCAFEF00D", "size: u32 = length", "op: u8 = kind"]
login  = ["user: text[u16] = user", "pass: text[u16] secret"]
reply  = ["code: u8 {0 failure, 1 success} = outcome", "words: text[u16]"]
[kind]
1 = { name = "login", body = "login", response = 2 }
2 = { name = "reply", body = "reply" }
"#,
        resyncs: true,
        by_id: false,
        make: strings,
    },
    Protocol {
        name: "Tlv",
        port: 7107,
        layout: r#"
name = "Tlv"
port = 7107
[layout]
header = ["len: u32 = length - 4", "op: u16 = kind"]
body   = ["attrs: tlv[*]"]
tlv    = ["tag: u8", "value: bytes[u16]"]
[kind]
"0x1001" = { name = "get", body = "body", response = "0x8001" }
"0x8001" = { name = "got", body = "body" }
"#,
        resyncs: true,
        by_id: false,
        make: tlv,
    },
    Protocol {
        name: "Records",
        port: 7108,
        layout: r#"
name  = "Records"
port  = 7108
order = "little"
[layout]
header  = ["magic: u16 == 0xCAFE", "size: u16 = length - 6", "kind: u16 = kind"]
reading = ["count: u8", "items: item[count]", "note: text[u8]", "check: u32 = crc32"]
answer  = ["code: u8 {0 ok, 1 refused} = outcome", "words: text[12]", "check: u32 = crc32"]
item    = ["sensor: u16", "value: f32", "state: state", "options: options"]
[enum]
state = { type = "u8", 0 = "ok", 1 = "stale", 2 = "broken" }
[flags]
options = { type = "u16", 0 = "urgent", 3 = "signed" }
[kind]
3 = { name = "reading", body = "reading", response = 4 }
4 = { name = "answer",  body = "answer" }
"#,
        resyncs: true,
        by_id: false,
        make: records,
    },
    Protocol {
        name: "ById",
        port: 7109,
        layout: r#"
name = "ById"
port = 7109
[layout]
header = ["magic: u16 == 0x4D51", "len: u32 = length", "id: u32 = id", "op: u16 = kind"]
ask    = ["topic: text[u8]"]
tell   = ["words: text[u8]"]
[kind]
"0x11" = { name = "ask",  body = "ask",  response = "0x12" }
"0x12" = { name = "tell", body = "tell" }
"#,
        resyncs: true,
        by_id: true,
        make: by_id,
    },
];
