//! Writes a proposal as the text of a layout file.

mod seen;

use std::collections::HashMap;
use std::fmt::Write as _;

use super::body::{Bodies, Extent, Field, GuessedKind, GuessedType};
use super::doubt::always_zero;
use super::framing::Framing;
use super::head::{Head, Part};
use super::kind::Candidate;
use super::{Message, SIDES};
use crate::layout::model::{ByteOrder, Integer, Side};
use seen::{answers, echoes};

/// Everything that was found.
pub(super) struct Found<'a> {
    pub port: u16,
    pub framing: Framing,
    pub head: Head,
    pub bodies: Bodies,
    pub messages: &'a [Message<'a>],
}

/// A line of a part: a field as written in the file, with its doubts.
struct Line {
    field: String,
    doubts: Vec<String>,
}

/// Makes names for fields: a word and a number from 1.
#[derive(Default)]
struct Names {
    used: HashMap<&'static str, usize>,
    /// The parts of records, with their names and lines.
    parts: Vec<(String, Vec<Line>)>,
}

impl Names {
    fn next(&mut self, word: &'static str) -> String {
        let number = self.used.entry(word).or_insert(0);
        *number += 1;
        format!("{word}{number}")
    }
}

/// The file, without the comment on how much it explains.
pub(super) fn file(found: &Found<'_>) -> String {
    let mut out = String::new();
    let head = &found.head;
    let _ = writeln!(out, "name = \"MyProtocol\"\nport = {}", found.port);
    if head.order == ByteOrder::Little || !head.order_is_seen {
        let order = match head.order {
            ByteOrder::Little => "little",
            ByteOrder::Big => "big",
        };
        let doubt = if head.order_is_seen {
            ""
        } else {
            " # unsure: no wide number of the header shows it"
        };
        let _ = writeln!(out, "order = \"{order}\"{doubt}");
    }
    let longest = found
        .messages
        .iter()
        .map(|message| message.bytes.len())
        .max()
        .unwrap_or(0);
    if longest > 65_536 {
        let _ = writeln!(out, "max = {}", longest.next_power_of_two());
    }
    let _ = writeln!(out, "\n[layout]");
    let mut names = Names::default();
    part(&mut out, "header", &header(found, &mut names));
    let mut bodies = Vec::new();
    let mut numbers = [0, 0];
    let echoes = echoes(found);
    for (body, (side, fields)) in found.bodies.bodies.iter().enumerate() {
        let mut own = Names {
            used: HashMap::new(),
            parts: std::mem::take(&mut names.parts),
        };
        let number = &mut numbers[usize::from(*side == Side::Server)];
        *number += 1;
        let word = match side {
            Side::Client => "request",
            Side::Server => "response",
        };
        let name = if *number == 1 {
            word.to_owned()
        } else {
            format!("{word}{number}")
        };
        let hidden = |field: usize| echoes.contains(&(body, field));
        let lines = lines(fields, *side, &mut own, &name, &hidden);
        part(&mut out, &name, &lines);
        names.parts = own.parts;
        bodies.push(name);
    }
    for (name, lines) in &names.parts {
        part(&mut out, name, lines);
    }
    let _ = writeln!(out, "\n[kind]");
    kinds(&mut out, found, &bodies);
    out
}

fn part(out: &mut String, name: &str, lines: &[Line]) {
    let _ = writeln!(out, "{name} = [");
    for line in lines {
        let doubts = if line.doubts.is_empty() {
            String::new()
        } else {
            format!(" # unsure: {}", line.doubts.join("; "))
        };
        let _ = writeln!(out, "    \"{}\",{doubts}", line.field);
    }
    let _ = writeln!(out, "]");
}

fn number(integer: Integer) -> String {
    let sign = if integer.signed { 'i' } else { 'u' };
    format!("{sign}{}", u32::from(integer.width) * 8)
}

fn header(found: &Found<'_>, names: &mut Names) -> Vec<Line> {
    let (framing, head) = (&found.framing, &found.head);
    let few = found.messages.len() < 8;
    let mut lines = Vec::new();
    for (place, part) in head.parts.iter().enumerate() {
        let (field, doubts) = match part {
            Part::Length => {
                let sign = match framing.best.excess {
                    0 => String::new(),
                    excess if excess > 0 => format!(" - {excess}"),
                    excess => format!(" + {}", -excess),
                };
                let mut doubts = Vec::new();
                if framing.zeros > 0 {
                    doubts.push(always_zero(framing.zeros));
                }
                if framing.sizes == 1 {
                    doubts.push("all messages had one size".to_owned());
                }
                if let Some(rival) = framing.rival {
                    doubts.push(format!(
                        "or {} at byte {}",
                        number(rival.integer),
                        rival.offset
                    ));
                }
                (
                    format!("length: {} = length{sign}", number(framing.best.integer)),
                    doubts,
                )
            }
            Part::Kind => {
                let kind = head.kind.as_ref();
                let integer = kind.map_or(framing.best.integer, |kind| kind.integer);
                (
                    format!("kind: {} = kind", number(integer)),
                    kind_doubts(found, kind),
                )
            }
            Part::Id => {
                let integer = head.id.map_or(framing.best.integer, |id| id.integer);
                let repeated = "a response repeats its request's value in all that was seen";
                let mut doubts = if few {
                    vec![repeated.to_owned()]
                } else {
                    Vec::new()
                };
                let beside = [place.checked_sub(1), Some(place + 1)];
                let mut beside = beside.into_iter().flatten();
                let is_open = |part: &Part| match part {
                    Part::Other(_) => true,
                    Part::Kind => may_be_narrower(found),
                    _ => false,
                };
                if beside.any(|place| head.parts.get(place).is_some_and(is_open)) {
                    doubts.push("it may have bytes of the field beside it".to_owned());
                }
                (format!("id: {} = id", number(integer)), doubts)
            }
            Part::Constant(value, integer) => {
                let name = names.next("constant");
                let mut doubts = Vec::new();
                if few {
                    doubts.push("it may vary".to_owned());
                }
                if integer.width > 1 {
                    doubts.push("or several fields".to_owned());
                }
                let known = integer.width <= 4;
                let always = if known {
                    format!(" == {value:#X}").replace("0X", "0x")
                } else {
                    String::new()
                };
                (format!("{name}: {}{always}", number(*integer)), doubts)
            }
            Part::Other(field) => {
                let own = vec![field.clone()];
                let mut inner = Names {
                    used: HashMap::new(),
                    parts: Vec::new(),
                };
                let mut described =
                    self::lines(&own, Side::Client, &mut inner, "header", &|_| true);
                for line in &mut described {
                    let rest = line.field.split_once(':').map_or("", |(_, rest)| rest);
                    line.field = format!("{}:{rest}", names.next("head"));
                }
                lines.extend(described);
                continue;
            }
        };
        lines.push(Line { field, doubts });
    }
    lines
}

/// Whether the kind may be only one byte of its field.
fn may_be_narrower(found: &Found<'_>) -> bool {
    let mut kinds = found.bodies.kinds.iter();
    kinds.any(|kind| kind.value.is_some_and(|value| value > 255))
}

fn kind_doubts(found: &Found<'_>, kind: Option<&Candidate>) -> Vec<String> {
    let mut doubts = Vec::new();
    let Some(kind) = kind else { return doubts };
    let values: Vec<&[u8]> = found
        .messages
        .iter()
        .filter_map(|message| message.bytes.get(kind.offset..kind.end()))
        .collect();
    let zeros = super::doubt::upper_zeros(kind.integer, &values);
    if zeros > 0 {
        doubts.push(always_zero(zeros));
    }
    if may_be_narrower(found) {
        doubts.push("or one byte of it, and the rest a field of its own".to_owned());
    }
    if let Some(rival) = &found.head.rival {
        doubts.push(format!(
            "or {} at byte {}",
            number(rival.integer),
            rival.offset
        ));
    }
    if found.messages.len() < 8 {
        doubts.push(format!("{} messages are few", found.messages.len()));
    }
    doubts
}

fn lines(
    fields: &[Field],
    side: Side,
    names: &mut Names,
    part: &str,
    repeats: &dyn Fn(usize) -> bool,
) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        // A password cannot be distinguished from other text, so everything that a client sends is secret.
        let hidden = |is_text: bool| {
            if side == Side::Client || !is_text || repeats(index) {
                " secret"
            } else {
                ""
            }
        };
        let extent = |extent: Extent| match extent {
            Extent::Fixed(width) => width.to_string(),
            Extent::Prefix(integer) => number(integer),
            Extent::Slot(back) => keys[index - back].clone(),
            Extent::Rest(_) => "*".to_owned(),
            Extent::Nul => "nul".to_owned(),
        };
        let (key, text) = match &field.what {
            GuessedType::Integer(integer) => {
                let word = if integer.signed { "signed" } else { "number" };
                let key = names.next(word);
                let text = format!("{key}: {}", number(*integer));
                (key, text)
            }
            GuessedType::Float(width, _) => {
                let key = names.next("real");
                let text = format!("{key}: f{}", width * 8);
                (key, text)
            }
            GuessedType::Text(count, fill) => {
                let key = names.next("text");
                let fill = match fill {
                    0 => String::new(),
                    fill => format!(" fill '{}'", char::from(*fill)),
                };
                let text = format!("{key}: text[{}]{fill}{}", extent(*count), hidden(true));
                (key, text)
            }
            GuessedType::Bytes(count) => {
                let key = names.next("bytes");
                let text = format!("{key}: bytes[{}]{}", extent(*count), hidden(false));
                (key, text)
            }
            GuessedType::Check(role) => {
                let key = names.next("check");
                let text = format!("{key}: u{} = {}", role.check_width() * 8, role.name());
                (key, text)
            }
            GuessedType::Records(count, _, item) => {
                let name = format!("{part}_item{}", names.parts.len() + 1);
                let mut own = Names {
                    used: HashMap::new(),
                    parts: std::mem::take(&mut names.parts),
                };
                let inner = self::lines(item, side, &mut own, &name, &|_| repeats(index));
                names.parts = own.parts;
                names.parts.push((name.clone(), inner));
                let key = names.next("items");
                let text = match count {
                    Some(integer) => {
                        let count = names.next("count");
                        lines.push(Line {
                            field: format!("{count}: {}", number(*integer)),
                            doubts: Vec::new(),
                        });
                        format!("{key}: {name}[{count}]")
                    }
                    None => format!("{key}: {name}[*]"),
                };
                (key, text)
            }
        };
        keys.push(key);
        lines.push(Line {
            field: text,
            doubts: field.doubts.clone(),
        });
    }
    lines
}

fn kinds(out: &mut String, found: &Found<'_>, bodies: &[String]) {
    let kinds = &found.bodies.kinds;
    let answers = answers(found);
    let both = |kind: &GuessedKind| {
        kinds
            .iter()
            .any(|other| other.value == kind.value && other.side != kind.side)
    };
    let key = |kind: &GuessedKind| match kind.value {
        None => kind.side.name().to_owned(),
        Some(value) if both(kind) => format!("\"{value} {}\"", kind.side.name()),
        Some(value) => value.to_string(),
    };
    for side in SIDES {
        for (index, kind) in kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| kind.side == side)
        {
            let word = match side {
                Side::Client => "request",
                Side::Server => "response",
            };
            let name = kind
                .value
                .map_or_else(|| word.to_owned(), |value| format!("{word} {value}"));
            let body = kind.body.map_or(String::new(), |body| {
                format!(", body = \"{}\"", bodies[body])
            });
            let from = if kind.value.is_some() && !both(kind) {
                format!(", from = \"{}\"", side.name())
            } else {
                String::new()
            };
            let response = match answers.get(&index).map(Vec::as_slice) {
                None | Some([]) => String::new(),
                Some([one]) => format!(", response = {}", key(&kinds[*one])),
                Some(more) => {
                    let keys: Vec<String> = more.iter().map(|index| key(&kinds[*index])).collect();
                    format!(", response = [{}]", keys.join(", "))
                }
            };
            let response = response.replace("= server", "= \"server\"");
            let (least, most) = kind.sizes;
            let sizes = if least == most {
                format!("{least} bytes")
            } else {
                format!("{least} to {most} bytes")
            };
            let times = match kind.messages {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            let _ = writeln!(
                out,
                "{} = {{ name = \"{name}\"{body}{from}{response} }} # seen {times}, {sizes}",
                key(kind)
            );
        }
    }
}
