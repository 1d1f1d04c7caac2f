//! The grammar of one field: `NAME [as KEY] : TYPE [COUNT] [{VALUE NAME, ...}] [== CONSTANT] [= ROLE [+ N | - N]] [fill FILL]
//! [secret]`. Names of types are not looked up here.

use std::ops::Range;

use super::error::LayoutError;
use super::model::{ByteOrder, Integer, Role};

/// A string of the file and where it stands there, so that an error in it has a place.
#[derive(Debug, Clone)]
pub(super) struct Snippet<'a> {
    pub text: &'a str,
    /// The whole value in the file, with its quotes.
    pub span: Range<usize>,
    /// Where its first character stands; `None` where escapes make places in it unknown.
    pub start: Option<usize>,
}

impl<'a> Snippet<'a> {
    /// The string `text` that the file holds at `span`.
    pub fn new(file: &str, span: Range<usize>, text: &'a str) -> Self {
        let raw = file.get(span.clone()).unwrap_or_default();
        let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") {
            3
        } else {
            1
        };
        let start = raw.get(quotes..).and_then(|inner| {
            let skipped = inner.find(text).filter(|at| *at <= 2)?;
            Some(span.start + quotes + skipped)
        });
        Self { text, span, start }
    }

    fn at(&self, range: Range<usize>) -> Range<usize> {
        match self.start {
            Some(start) => start + range.start..start + range.end,
            None => self.span.clone(),
        }
    }
}

/// A word and where it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RawCount {
    Fixed(u32),
    /// An integer type, or the key of an earlier field.
    Word(String),
    Rest,
    Nul,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RawConstant {
    Integer(i128),
    Text(String),
}

/// Values and their names.
type Names = Vec<(i128, String)>;

/// A field as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawField {
    pub name: String,
    pub key: Word,
    pub ty: Word,
    pub count: Option<(RawCount, Range<usize>)>,
    pub names: Option<(Names, Range<usize>)>,
    pub constant: Option<(RawConstant, Range<usize>)>,
    pub role: Option<(Role, Range<usize>)>,
    pub fill: Option<(u8, Range<usize>)>,
    pub secret: Option<Range<usize>>,
    pub at: Range<usize>,
}

/// The built-in types but for the byte order behind them.
pub(super) const TYPES: [&str; 13] = [
    "u8", "u16", "u24", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "text", "bytes",
];

/// A built-in number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Integer(Integer),
    Float(u8, ByteOrder),
}

/// The number type of this name, `order` where it names none itself.
pub(super) fn number(name: &str, order: ByteOrder) -> Option<Number> {
    let (name, order) = match (name.strip_suffix("le"), name.strip_suffix("be")) {
        (Some(name), _) => (name, ByteOrder::Little),
        (_, Some(name)) => (name, ByteOrder::Big),
        _ => (name, order),
    };
    let integer = |bits: u8, signed| {
        Number::Integer(Integer {
            width: bits / 8,
            signed,
            order,
        })
    };
    Some(match name {
        "u8" => integer(8, false),
        "u16" => integer(16, false),
        "u24" => integer(24, false),
        "u32" => integer(32, false),
        "u64" => integer(64, false),
        "i8" => integer(8, true),
        "i16" => integer(16, true),
        "i32" => integer(32, true),
        "i64" => integer(64, true),
        "f32" => Number::Float(4, order),
        "f64" => Number::Float(8, order),
        _ => return None,
    })
}

/// The number written in `text`: decimal or `0x`, a minus before it or not, no larger than 64 bits.
pub(super) fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None if digits.bytes().all(|c| c.is_ascii_digit()) => digits.parse().ok()?,
        None => return None,
    };
    let value = i128::from(value);
    Some(if negative { -value } else { value })
}

/// The JSON key and filter name that a name gives where the file names none.
pub(super) fn key_of(name: &str) -> String {
    let kept = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    name.chars().map(kept).collect()
}

/// A name in words: "userName" gives "User name", "commandID" gives "Command ID".
pub(super) fn label_of(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, &c) in chars.iter().enumerate() {
        if c == '_' || c == '-' || c.is_whitespace() {
            words.push(String::new());
            continue;
        }
        let before = index.checked_sub(1).map(|before| chars[before]);
        let behind = chars.get(index + 1);
        let starts = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && behind.is_some_and(|c| c.is_lowercase()))
            });
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    for word in &mut words {
        let is_acronym = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
        if !is_acronym {
            *word = word.to_lowercase();
        }
    }
    let text = words.join(" ");
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest).collect(),
        None => text,
    }
}

/// What stands behind a type, in the order in which it has to stand.
const TAIL: [&str; 5] = [
    "{VALUE NAME, ...}",
    "== CONSTANT",
    "= ROLE",
    "fill",
    "secret",
];

struct Parser<'a> {
    source: &'a Snippet<'a>,
    at: usize,
}

type Parsed<T> = Result<T, LayoutError>;

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.source.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn error<T>(&self, range: Range<usize>, message: impl Into<String>) -> Parsed<T> {
        Err(LayoutError::new(self.source.at(range), message))
    }

    /// The text up to the first character that `ends` a word, without the space around it.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
        self.skip_space();
        let rest = self.rest();
        let len = rest.find(&ends).unwrap_or(rest.len());
        let word = rest[..len].trim_end();
        let range = self.at..self.at + word.len();
        self.at += len;
        (word, range)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// What stands up to `close`, which must come.
    fn enclosed(&mut self, open: usize, close: char) -> Parsed<(&'a str, Range<usize>)> {
        match self.rest().find(close) {
            Some(len) => {
                let range = self.at..self.at + len;
                self.at += len + close.len_utf8();
                Ok((&self.source.text[range.clone()], range))
            }
            None => self.error(
                open..self.source.text.len(),
                format!("there is no `{close}` for this"),
            ),
        }
    }

    fn count(&mut self) -> Parsed<Option<(RawCount, Range<usize>)>> {
        self.skip_space();
        let open = self.at;
        if !self.take("[") {
            return Ok(None);
        }
        let (inner, range) = self.enclosed(open, ']')?;
        let text = inner.trim();
        let count = match text {
            "" => return self.error(open..self.at, "a count is missing"),
            "*" => RawCount::Rest,
            "nul" => RawCount::Nul,
            text if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                match integer(text).and_then(|count| u32::try_from(count).ok()) {
                    Some(count) => RawCount::Fixed(count),
                    None => {
                        return self.error(range, format!("`{text}` is no count of bytes"));
                    }
                }
            }
            text => RawCount::Word(text.to_owned()),
        };
        Ok(Some((count, self.source.at(range))))
    }

    fn names(&mut self, open: usize) -> Parsed<(Names, Range<usize>)> {
        let (inner, range) = self.enclosed(open, '}')?;
        let mut names = Names::new();
        let mut start = range.start;
        for entry in inner.split(',') {
            let begin = start + entry.len() - entry.trim_start().len();
            let entry_range = begin..begin + entry.trim().len().max(1);
            start += entry.len() + 1;
            let entry = entry.trim();
            let (value, name) = entry.split_once(char::is_whitespace).unwrap_or((entry, ""));
            let Some(value) = integer(value) else {
                return self.error(
                    entry_range,
                    format!("`{entry}` is not VALUE NAME, such as `0 failure`"),
                );
            };
            let name = name.trim();
            if name.is_empty() {
                return self.error(entry_range, format!("{value} has no name"));
            }
            if names.iter().any(|(other, _)| *other == value) {
                return self.error(entry_range, format!("{value} has two names"));
            }
            names.push((value, name.to_owned()));
        }
        Ok((names, self.source.at(open..self.at)))
    }

    fn quoted(&mut self, what: &str) -> Parsed<(&'a str, Range<usize>)> {
        self.skip_space();
        let open = self.at;
        let quote = self
            .rest()
            .chars()
            .next()
            .filter(|c| ['\'', '"'].contains(c));
        let Some(quote) = quote else {
            let (_, range) = self.word(char::is_whitespace);
            return self.error(
                range.start
                    ..range
                        .end
                        .max(range.start + 1)
                        .min(self.source.text.len().max(1)),
                format!("{what} stands in quotes"),
            );
        };
        self.at += 1;
        self.enclosed(open, quote)
    }

    fn constant(&mut self) -> Parsed<(RawConstant, Range<usize>)> {
        self.skip_space();
        if self.rest().starts_with(['\'', '"']) {
            let open = self.at;
            let (text, _) = self.quoted("a text")?;
            return Ok((
                RawConstant::Text(text.to_owned()),
                self.source.at(open..self.at),
            ));
        }
        let (word, range) = self.word(|c| c.is_whitespace() || c == '=');
        match integer(word) {
            Some(value) => Ok((RawConstant::Integer(value), self.source.at(range))),
            None => self.error(
                range.start..range.end.max(range.start + 1),
                format!("`{word}` is no number, such as 51966 or 0xCAFE"),
            ),
        }
    }

    fn role(&mut self) -> Parsed<(Role, Range<usize>)> {
        let (word, range) = self.word(|c| c.is_whitespace() || c == '+' || c == '-');
        let mut role = match word {
            "length" => Role::Length(0),
            "kind" => Role::Kind,
            "id" => Role::Id,
            "user" => Role::User,
            "outcome" => Role::Outcome,
            "crc32" => Role::Crc32,
            "sum8" => Role::Sum8,
            "internet" => Role::Internet,
            _ => {
                let at = self.source.at(range.start..range.end.max(range.start + 1));
                let error = LayoutError::new(at, format!("unknown role `{word}`"));
                return Err(error.nearest(word, Role::NAMES));
            }
        };
        self.skip_space();
        let sign = match (self.rest().as_bytes().first(), role) {
            (Some(b'+'), _) => 1,
            (Some(b'-'), _) => -1,
            _ => return Ok((role, self.source.at(range))),
        };
        let start = self.at;
        self.at += 1;
        let (word, number) = self.word(char::is_whitespace);
        let Some(value) = integer(word).and_then(|value| i32::try_from(value).ok()) else {
            return self.error(
                number.start..number.end.max(number.start + 1),
                format!("`{word}` is no number of bytes"),
            );
        };
        let Role::Length(offset) = &mut role else {
            return self.error(start..number.end, "only `length` has a number added to it");
        };
        *offset = sign * i64::from(value);
        Ok((role, self.source.at(range.start..number.end)))
    }

    /// What stands behind the type and its count.
    fn tail(&mut self, field: &mut RawField) -> Parsed<()> {
        let mut stage = 0;
        loop {
            self.skip_space();
            let open = self.at;
            let found = if self.take("{") {
                field.names = Some(self.names(open)?);
                1
            } else if self.take("==") {
                field.constant = Some(self.constant()?);
                2
            } else if self.take("=") {
                field.role = Some(self.role()?);
                3
            } else if self.rest().is_empty() {
                return Ok(());
            } else {
                let (word, range) = self.word(|c| c.is_whitespace() || "{='\"".contains(c));
                match word {
                    "fill" => {
                        let (fill, fill_range) = self.quoted("what fills a text")?;
                        let [byte] = fill.as_bytes() else {
                            return self.error(fill_range, "a text is filled with one byte");
                        };
                        field.fill = Some((*byte, self.source.at(open..self.at)));
                        4
                    }
                    "secret" => {
                        field.secret = Some(self.source.at(range));
                        5
                    }
                    word => {
                        let at = self.source.at(range.start..range.end.max(range.start + 1));
                        let error =
                            LayoutError::new(at, format!("`{word}` is not understood here"));
                        return Err(error.nearest(word, ["fill", "secret"]));
                    }
                }
            };
            if found <= stage {
                let what = TAIL[found - 1];
                let other = TAIL[stage - 1];
                let message = if found == stage {
                    format!("`{what}` stands here twice")
                } else {
                    format!("`{what}` stands before `{other}`")
                };
                return self.error(open..self.at, message);
            }
            stage = found;
        }
    }
}

/// The field that `source` describes.
pub(super) fn parse(source: &Snippet<'_>) -> Result<RawField, LayoutError> {
    let mut parser = Parser { source, at: 0 };
    let text = source.text;
    let Some(colon) = text.find(':') else {
        return Err(
            LayoutError::new(source.at(0..text.len()), format!("`{text}` is no field"))
                .suggest("a field is NAME: TYPE, such as `status: u8`"),
        );
    };
    let head = &text[..colon];
    let (name, key) = match head.find(" as ") {
        Some(at) => {
            let key = head[at + 4..].trim();
            let start = at + 4 + head[at + 4..].len() - head[at + 4..].trim_start().len();
            let range = start..start + key.len().max(1);
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(LayoutError::new(
                    source.at(range),
                    format!("`{key}` is no key: letters, digits and `_` make one"),
                )
                .suggest(format!("`{}` would be one", key_of(key))));
            }
            (&head[..at], Some((key, range)))
        }
        None => (head, None),
    };
    let start = name.len() - name.trim_start().len();
    let name = name.trim();
    let name_range = start..start + name.len().max(1);
    if name.is_empty() {
        return Err(LayoutError::new(
            source.at(name_range),
            "the field has no name",
        ));
    }
    let key = match key {
        Some((key, range)) => Word {
            text: key.to_owned(),
            at: source.at(range),
        },
        None => Word {
            text: key_of(name),
            at: source.at(name_range.clone()),
        },
    };
    parser.at = colon + 1;
    let (ty, ty_range) = parser.word(|c| c.is_whitespace() || "[{=".contains(c));
    if ty.is_empty() {
        return Err(LayoutError::new(
            source.at(colon..(colon + 1).max(text.len())),
            format!("`{name}` has no type"),
        )
        .suggest("such as u8, u32, text[20] or bytes[u16]"));
    }
    let mut field = RawField {
        name: name.to_owned(),
        key,
        ty: Word {
            text: ty.to_owned(),
            at: source.at(ty_range),
        },
        count: parser.count()?,
        names: None,
        constant: None,
        role: None,
        fill: None,
        secret: None,
        at: source.at(name_range),
    };
    parser.tail(&mut field)?;
    Ok(field)
}
