//! Random protocols of the kinds that people design, each as a layout file, and connections in them.

use std::fmt::Write as _;

use authscope::layout::guess::{Conversation, Run};
use authscope::layout::{Count, Integer, Layout, Role, Side, Type, parse};
use fastrand::Rng;

/// A protocol, and what each field of its bodies holds.
pub struct Invented {
    pub file: String,
    pub layout: Layout,
    seed: u64,
}

fn one_of<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

/// A body of so many fields, the last of which may take all that is left.
fn body(rng: &mut Rng, name: &str, first: Option<&str>) -> String {
    let mut fields: Vec<String> = first.map(str::to_owned).into_iter().collect();
    for number in 0..rng.usize(1..=3) {
        let ty = one_of(
            rng,
            &[
                "text[16]",
                "text[20]",
                "text[32]",
                "text[24]",
                "text[u8]",
                "text[u8]",
                "text[u16]",
                "text[nul]",
                "u8",
                "u16",
                "u32",
                "u32",
                "i32",
                "f32",
            ],
        );
        fields.push(format!("{name}{number}: {ty}"));
    }
    match rng.u8(..10) {
        0 => fields.push(format!("{name}_rest: text[*]")),
        1 => fields.push(format!("{name}_all: tlv[*]")),
        2 => fields.push(format!("{name}_check: u32 = crc32")),
        _ => {}
    }
    let quoted: Vec<String> = fields.iter().map(|field| format!("\"{field}\"")).collect();
    format!("{name} = [{}]\n", quoted.join(", "))
}

impl Invented {
    /// The protocol of this number.
    pub fn new(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let kind = one_of(rng, &["u8", "u8", "u16", "u16", "u32"]);
        let length = one_of(rng, &["u16", "u16", "u32", "u32", "u32"]);
        let bytes = |ty: &str| ty[1..].parse::<usize>().expect("a width") / 8;
        let magic = one_of(rng, &["", "", "", "u16 == 0xCAFE", "u32 == 0x50524F31"]);
        let id = one_of(rng, &["", "", "", "u16", "u32"]);
        let mut before = match magic.split(' ').next() {
            Some(ty @ ("u16" | "u32")) => bytes(ty),
            _ => 0,
        };
        let kind_first = rng.u8(..4) == 0;
        before += if kind_first { bytes(kind) } else { 0 };
        let behind =
            if id.is_empty() { 0 } else { bytes(id) } + if kind_first { 0 } else { bytes(kind) };
        let whole = before + bytes(length) + behind;
        let less = one_of(rng, &["", "", "header", "self"]);
        let less = match less {
            "header" => format!(" - {whole}"),
            "self" => format!(" - {}", before + bytes(length)),
            _ => String::new(),
        };
        let mut header = Vec::new();
        if !magic.is_empty() {
            header.push(format!("magic: {magic}"));
        }
        let kind = format!("kind: {kind} = kind");
        let length = format!("length: {length} = length{less}");
        if kind_first {
            header.extend([kind, length]);
        } else {
            header.extend([length, kind]);
        }
        if !id.is_empty() {
            header.push(format!("id: {id} = id"));
        }
        let header: Vec<String> = header.iter().map(|field| format!("\"{field}\"")).collect();
        let order = one_of(rng, &["big", "big", "little"]);
        let mut file = format!("name = \"Invented\"\nport = 9000\norder = \"{order}\"\n[layout]\n");
        let _ = writeln!(file, "header = [{}]", header.join(", "));
        let pairs = rng.usize(1..=2);
        for pair in 0..pairs {
            file += &body(rng, &format!("ask{pair}"), None);
            let first = format!("code{pair}: u8 {{0 failure, 1 success}} = outcome");
            file += &body(rng, &format!("tell{pair}"), Some(&first));
        }
        file += "tlv = [\"tag: u8\", \"value: text[u8]\"]\n[kind]\n";
        let high = rng.bool();
        for pair in 0..pairs {
            let (ask, tell) = if high {
                (pair + 1, pair + 129)
            } else {
                (pair * 2 + 1, pair * 2 + 2)
            };
            let _ = writeln!(
                file,
                "{ask} = {{ name = \"ask{pair}\", body = \"ask{pair}\", from = \"client\", response = {tell} }}\n\
                 {tell} = {{ name = \"tell{pair}\", body = \"tell{pair}\", from = \"server\" }}"
            );
        }
        let layout = parse(&file).unwrap_or_else(|errors| panic!("{errors:?}\n{file}"));
        Self { file, layout, seed }
    }

    /// So many connections of so many exchanges, and their messages.
    pub fn traffic(
        &self,
        connections: u64,
        exchanges: u64,
    ) -> (Vec<Conversation>, Vec<(Side, Vec<u8>)>) {
        let rng = &mut Rng::with_seed(self.seed ^ (connections << 32 | exchanges));
        let mut all = Vec::new();
        let mut order = 0;
        let mut talks = Vec::new();
        for connection in 0..connections {
            let mut talk = Conversation {
                client: vec![Run::default()],
                server: vec![Run::default()],
            };
            for exchange in 0..exchanges {
                let asks = self.layout.kinds.len() / 2;
                let ask = rng.usize(..asks) * 2;
                for (side, kind) in [(Side::Client, ask), (Side::Server, ask + 1)] {
                    let message = self.message(rng, kind, connection * 100 + exchange + 1);
                    let run = match side {
                        Side::Client => &mut talk.client[0],
                        Side::Server => &mut talk.server[0],
                    };
                    order += 1;
                    run.pieces.push((run.bytes.len(), order));
                    run.bytes.extend(&message);
                    all.push((side, message));
                }
            }
            talks.push(talk);
        }
        (talks, all)
    }

    fn message(&self, rng: &mut Rng, kind: usize, id: u64) -> Vec<u8> {
        let layout = &self.layout;
        let kind = &layout.kinds[kind];
        let mut octets = Vec::new();
        let mut length = None;
        for part in [Some(layout.header), kind.body].into_iter().flatten() {
            self.part(rng, part, kind.value, id, &mut octets, &mut length);
        }
        let (at, integer, offset): (usize, Integer, i64) = length.expect("a length");
        let value = integer.encode(octets.len() as i128 + i128::from(offset));
        octets[at..at + value.len()].copy_from_slice(&value);
        let checked = kind.body.and_then(|body| layout.parts[body].fields.last());
        if checked.is_some_and(|field| field.role == Some(Role::Crc32)) {
            let at = octets.len() - 4;
            let check = crc32fast::hash(&octets[..at]);
            let Some(Type::Integer(integer, _)) = checked.map(|field| &field.ty) else {
                unreachable!("a check is a number")
            };
            octets[at..].copy_from_slice(&integer.encode(check.into()));
        }
        octets
    }

    fn part(
        &self,
        rng: &mut Rng,
        part: usize,
        kind: Option<i128>,
        id: u64,
        octets: &mut Vec<u8>,
        length: &mut Option<(usize, Integer, i64)>,
    ) {
        for (index, field) in self.layout.parts[part].fields.iter().enumerate() {
            // What a field holds is its own: small numbers, large ones, ones that grow.
            let habit = Rng::with_seed(self.seed ^ (part as u64) << 8 ^ index as u64).u64(..);
            match &field.ty {
                Type::Integer(integer, names) => {
                    let value = match (field.role, &field.constant) {
                        (Some(Role::Length(offset)), _) => {
                            *length = Some((octets.len(), *integer, offset));
                            0
                        }
                        (Some(Role::Kind), _) => kind.unwrap_or(0),
                        (Some(Role::Id), _) => i128::from(id),
                        (_, Some(authscope::layout::Constant::Integer(value))) => *value,
                        _ if !names.is_empty() => names[rng.usize(..names.len())].0,
                        _ => number(rng, habit, *integer, id),
                    };
                    octets.extend(integer.encode(value));
                }
                Type::Float(_, order) => {
                    let value = (rng.f32() * 400.0).round() / 8.0;
                    let mut bytes = value.to_be_bytes();
                    if *order == authscope::layout::ByteOrder::Little {
                        bytes.reverse();
                    }
                    octets.extend(bytes);
                }
                Type::Text(count) => {
                    let text = words(rng, habit);
                    let start = octets.len();
                    match count {
                        Count::Fixed(width) => {
                            octets.extend(&text.as_bytes()[..text.len().min(*width as usize)]);
                            octets.resize(start + *width as usize, 0);
                        }
                        Count::Prefix(integer) => {
                            octets.extend(integer.encode(text.len() as i128));
                            octets.extend(text.as_bytes());
                        }
                        Count::Nul => {
                            octets.extend(text.as_bytes());
                            octets.push(0);
                        }
                        _ => octets.extend(text.as_bytes()),
                    }
                }
                Type::Record(inner, _) => {
                    for _ in 0..rng.usize(1..=4) {
                        self.part(rng, *inner, kind, id, octets, length);
                    }
                }
                _ => unreachable!("no such field is invented"),
            }
        }
    }
}

fn number(rng: &mut Rng, habit: u64, integer: Integer, id: u64) -> i128 {
    let most = *integer.range().end();
    let value = match habit % 4 {
        _ if integer.width == 1 => i128::from(rng.u8(..)) % [20, 256][(habit % 2) as usize],
        0 => i128::from(rng.u8(..20)),
        1 => i128::from(rng.u32(1_000..60_000)),
        2 => 1_700_000_000 + i128::from(id) * 3 + i128::from(rng.u8(..3)),
        _ => i128::from(rng.u32(..)),
    };
    let value = if integer.signed && rng.bool() {
        -value
    } else {
        value
    };
    value.clamp(*integer.range().start(), most)
}

const NAMES: [&str; 10] = [
    "alice", "bob", "carol.w", "dave", "erin", "frank77", "grace_h", "heidi", "ivan", "mallory",
];

const SAYINGS: [&str; 6] = [
    "registered",
    "welcome back",
    "wrong password",
    "no such user",
    "name taken",
    "try again later",
];

fn words(rng: &mut Rng, habit: u64) -> String {
    match habit % 3 {
        0 => format!("{}{}", NAMES[rng.usize(..NAMES.len())], rng.u8(..100)),
        1 => (0..rng.usize(6..=14)).map(|_| rng.alphanumeric()).collect(),
        _ => SAYINGS[rng.usize(..SAYINGS.len())].to_owned(),
    }
}
