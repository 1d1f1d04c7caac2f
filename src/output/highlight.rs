//! What colour a row has: how its messages went.

use anstyle::{AnsiColor, Style};

use crate::dissect::{Message, Severity};
use crate::layout::Said;

/// How it went, from the least to the most remarkable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Highlight {
    /// Nothing to be said.
    #[default]
    Plain,
    /// A response that says yes.
    Success,
    /// Something worth knowing or not as it should be.
    Note,
    /// A response that says no, or something broken.
    Failure,
}

impl Highlight {
    /// The tone of one message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        let outcome = match message.said() {
            Some(Said::Success) => Self::Success,
            Some(Said::Failure) => Self::Failure,
            Some(Said::Unclear) | None => Self::Plain,
        };
        outcome.max(message.severity().map_or(Self::Plain, Self::of_severity))
    }

    /// The tone of a note.
    #[must_use]
    pub const fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Chat => Self::Plain,
            Severity::Note | Severity::Warning => Self::Note,
            Severity::Error => Self::Failure,
        }
    }

    /// The tone of several messages together.
    pub fn of_all<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Self {
        messages.into_iter().map(Self::of).max().unwrap_or_default()
    }

    /// Its colour; `None` for plain text.
    #[must_use]
    pub const fn color(self) -> Option<AnsiColor> {
        match self {
            Self::Plain => None,
            Self::Success => Some(AnsiColor::Green),
            Self::Note => Some(AnsiColor::Yellow),
            Self::Failure => Some(AnsiColor::Red),
        }
    }

    /// Its style.
    #[must_use]
    pub fn style(self) -> Style {
        Style::new().fg_color(self.color().map(Into::into))
    }
}
