//! Parses one field: `NAME [as KEY] : TYPE [COUNT] [{VALUE NAME, ...}] [== CONSTANT] [= ROLE [+ N | - N]] [fill FILL]
//! [secret]`. Names of types are resolved elsewhere.

mod parser;
mod words;

use std::ops::Range;

use super::error::LayoutError;
use super::model::Role;
use parser::Parser;
pub(super) use words::{Number, TYPES, integer, key_of, label_of, number};

/// A string value of the file with its place, so that an error in it has a place.
#[derive(Debug, Clone)]
pub(super) struct Snippet<'a> {
    pub text: &'a str,
    /// The bytes of the value in the file, with its quotes.
    pub span: Range<usize>,
    /// The offset of its first character; `None` if escapes make offsets in it unknown.
    pub start: Option<usize>,
}

impl<'a> Snippet<'a> {
    /// The string `text`, which is at `span` in the file.
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

/// A word with its place in the file.
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

/// A field as written in the file.
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

/// Parses the field in `source`.
///
/// # Errors
///
/// The first error in it.
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
