//! The error for a wrong filter, with its place in the text.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::syntax::Span;

/// An error in a filter.
#[derive(Debug, Clone)]
pub struct FilterError {
    pub(super) message: String,
    pub(super) span: Span,
    text: String,
}

impl PartialEq for FilterError {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message && self.place() == other.place()
    }
}

impl FilterError {
    pub(super) fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            text: String::new(),
        }
    }

    pub(super) fn of(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// What is wrong, as a clause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The byte range of the filter's text that it is about.
    #[must_use]
    pub const fn place(&self) -> std::ops::Range<usize> {
        self.span.start..self.span.end
    }
}

/// Writes the message, and below it the filter with its place marked:
///
/// ```text
/// no field is called "tcp.prot"; did you mean "tcp.port"?
///     tcp.prot == 8888
///     ^~~~~~~~
/// ```
impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| -> String {
            let plain = |c: char| if c.is_control() { ' ' } else { c };
            text.chars().map(plain).collect()
        };
        let part = |from: usize, to: usize| shown(self.text.get(from..to).unwrap_or_default());
        let before = part(0, self.span.start).width();
        let marked = part(self.span.start, self.span.end).width().max(1);
        write!(
            f,
            "{}\n    {}\n    {}^{}",
            self.message,
            shown(&self.text),
            " ".repeat(before),
            "~".repeat(marked - 1),
        )
    }
}

impl std::error::Error for FilterError {}

/// `; did you mean "x"?` with the candidate most similar to `word`; empty if none is similar.
pub(super) fn suggestion<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    const NEAR_ENOUGH: f64 = 0.75;
    let word = word.to_lowercase();
    let score = |candidate: &'a str| (strsim::jaro_winkler(&word, candidate), candidate);
    let best = candidates
        .map(score)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match best {
        Some((score, candidate)) if score >= NEAR_ENOUGH => {
            format!("; did you mean \"{candidate}\"?")
        }
        _ => String::new(),
    }
}
