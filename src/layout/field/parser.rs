//! Splits the text of a field into its parts, with their places.

use std::ops::Range;

use super::words::integer;
use super::{Names, RawConstant, RawCount, RawField, Snippet};
use crate::layout::error::LayoutError;
use crate::layout::model::Role;

/// What may follow a type, in the required order.
const TAIL: [&str; 5] = [
    "{VALUE NAME, ...}",
    "== CONSTANT",
    "= ROLE",
    "fill",
    "secret",
];

pub(super) struct Parser<'a> {
    pub source: &'a Snippet<'a>,
    pub at: usize,
}

pub(super) type Parsed<T> = Result<T, LayoutError>;

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

    /// Takes the text up to the first character for which `ends` is true, without the white space around it.
    pub fn word(&mut self, ends: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
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

    /// Takes the text up to `close`, which must follow.
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

    pub fn count(&mut self) -> Parsed<Option<(RawCount, Range<usize>)>> {
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
        let Some(mut role) = Role::ALL.into_iter().find(|role| role.name() == word) else {
            let at = self.source.at(range.start..range.end.max(range.start + 1));
            let error = LayoutError::new(at, format!("unknown role `{word}`"));
            return Err(error.nearest(word, Role::ALL.map(Role::name)));
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

    /// Parses what follows the type and its count.
    pub fn tail(&mut self, field: &mut RawField) -> Parsed<()> {
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
