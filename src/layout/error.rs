//! Errors in a layout file, with their places.

use std::fmt;
use std::ops::Range;

/// An error in a layout file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutError {
    /// The bytes of the file that it is about.
    pub at: Range<usize>,
    /// What is wrong, as a lower-case clause.
    pub message: String,
    /// What to write instead, if that is known.
    pub suggestion: Option<String>,
}

impl LayoutError {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            suggestion: None,
        }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Suggests the most similar name in `known`, or lists them all if none is similar.
    pub(super) fn nearest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let distance = |other: &&str| strsim::damerau_levenshtein(name, other);
        match known.iter().copied().min_by_key(distance) {
            Some(near) if distance(&near) <= 1 + name.len() / 3 => {
                self.suggest(format!("did you mean `{near}`?"))
            }
            Some(_) if known.len() <= 24 => {
                self.suggest(format!("it can be one of: {}", known.join(", ")))
            }
            _ => self,
        }
    }
}

/// A place in a text: line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Place {
    /// The place of byte `at` of `text`, or its end if `at` is beyond.
    #[must_use]
    pub fn of(text: &str, at: usize) -> Self {
        let before = &text[..text.floor_char_boundary(at)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Displays all errors of a file: `FILE:LINE:COLUMN: what`, the line, and a mark below the place.
#[derive(Debug)]
pub struct Report<'a> {
    /// The file's name as the user gave it.
    pub file: &'a str,
    /// The file's text.
    pub text: &'a str,
    /// The errors, in order of place.
    pub errors: &'a [LayoutError],
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let Place { line, column } = Place::of(self.text, error.at.start);
            write!(f, "{}:{line}:{column}: {}", self.file, error.message)?;
            if let Some(suggestion) = &error.suggestion {
                write!(f, "; {suggestion}")?;
            }
            let shown = self.text.lines().nth(line - 1).unwrap_or_default();
            // A tab would misplace the mark, and a control character would reach the terminal.
            let shown: String = shown
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            let on_line = shown.chars().count() + 1 - column.min(shown.chars().count() + 1);
            let marked = self.text.get(error.at.clone()).unwrap_or_default();
            let marks = marked.chars().take_while(|c| *c != '\n').count();
            let marks = marks.clamp(1, on_line.max(1));
            let gutter = line.to_string();
            write!(
                f,
                "\n {gutter} | {shown}\n {:width$} | {:before$}{}",
                "",
                "",
                "^".repeat(marks),
                width = gutter.len(),
                before = column - 1,
            )?;
        }
        Ok(())
    }
}
