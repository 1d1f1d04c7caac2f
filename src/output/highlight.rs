//! The colour of a row, by outcome and severity of its messages.

use anstyle::{AnsiColor, Style};

use crate::dissect::{Message, Severity};
use crate::layout::Said;

/// The importance of a row, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Highlight {
    /// Nothing remarkable.
    #[default]
    Plain,
    /// A response that reports success.
    Success,
    /// A note or a warning.
    Note,
    /// A response that reports failure, or an error.
    Failure,
}

impl Highlight {
    /// The highlight of one message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        let outcome = match message.said() {
            Some(Said::Success) => Self::Success,
            Some(Said::Failure) => Self::Failure,
            Some(Said::Unclear) | None => Self::Plain,
        };
        outcome.max(message.severity().map_or(Self::Plain, Self::of_severity))
    }

    /// The highlight of a note.
    #[must_use]
    pub const fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Chat => Self::Plain,
            Severity::Note | Severity::Warning => Self::Note,
            Severity::Error => Self::Failure,
        }
    }

    /// The highest highlight of several messages.
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
