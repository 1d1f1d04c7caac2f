//! A message's values as they may be shown.

use super::message::{Clear, clear_of_reglogin};
use crate::dissect::Message;
use crate::protocol::layout::{COMMAND, DESCRIPTION, LENGTH, PASSWORD, STATUS, USER_NAME};
use crate::protocol::{Command, Field, MessageView, TextValue};

/// A value, or that there is one which is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masked<T> {
    /// The value.
    Clear(T),
    /// It may tell part of a password.
    Hidden,
}

impl<T> Masked<T> {
    fn new(is_clear: bool, value: T) -> Self {
        if is_clear {
            Self::Clear(value)
        } else {
            Self::Hidden
        }
    }

    /// The value, where it is shown.
    #[must_use]
    pub fn clear(self) -> Option<T> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Hidden => None,
        }
    }

    /// What is shown: of the value, or in its place.
    pub fn map_or<U>(self, hidden: U, shown: impl FnOnce(T) -> U) -> U {
        match self {
            Self::Clear(value) => shown(value),
            Self::Hidden => hidden,
        }
    }
}

/// A message's values as they may be shown. Each is `None` if the message has none.
#[derive(Debug, Clone, Copy)]
pub struct MaskedView<'a> {
    view: MessageView<'a>,
    clear: Clear,
}

/// A message's values; all of them where passwords are shown.
#[must_use]
pub fn view(message: &Message, show_passwords: bool) -> MaskedView<'_> {
    MaskedView {
        view: message.view(),
        clear: if show_passwords {
            Clear::ALL
        } else {
            clear_of_reglogin(message)
        },
    }
}

/// A request's user name as it may be shown, whether passwords are or not.
#[must_use]
#[inline]
pub fn user_name(message: &Message) -> Option<Masked<TextValue<'_>>> {
    view(message, false).user_name()
}

impl<'a> MaskedView<'a> {
    /// Which bytes are shown.
    #[must_use]
    pub const fn clear(self) -> Clear {
        self.clear
    }

    /// `totalLength`.
    #[must_use]
    pub fn length(self) -> Option<Masked<u32>> {
        let shown = self.clear.covers(&LENGTH.range());
        self.view.length().map(|length| Masked::new(shown, length))
    }

    /// `commandID`.
    #[must_use]
    pub fn command(self) -> Option<Masked<Command>> {
        let shown = self.clear.covers(&COMMAND.range());
        let command = self.view.command();
        command.map(|command| Masked::new(shown, command))
    }

    /// `userName` up to its first NUL.
    #[must_use]
    pub fn user_name(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&USER_NAME)
    }

    /// `password` up to its first NUL.
    #[must_use]
    pub fn password(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&PASSWORD)
    }

    /// `status`.
    #[must_use]
    pub fn status(self) -> Option<Masked<u8>> {
        let shown = self.clear.covers(&STATUS.range());
        self.view.status().map(|status| Masked::new(shown, status))
    }

    /// `description` up to its first NUL.
    #[must_use]
    pub fn description(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&DESCRIPTION)
    }

    /// A text field up to its first NUL; `None` if the command's messages do not have it, or
    /// where it is cut off.
    #[must_use]
    pub fn text(self, field: &Field) -> Option<Masked<TextValue<'a>>> {
        let kind = self.view.kind()?;
        let octets = field.slice(self.view.octets());
        if octets.is_empty() || !kind.fields().contains(&field) {
            return None;
        }
        let all = self.clear == Clear::ALL;
        if *field == PASSWORD && !all {
            // That it is empty, the notes say.
            return Some(Masked::Hidden);
        }
        let text = TextValue::new(octets);
        let end = field.offset + text.octets().len();
        let shown = all || self.clear.covers(&(field.offset..end));
        Some(Masked::new(shown, text))
    }

    /// Whether a field's bytes, as far as they are there, are all shown.
    #[must_use]
    pub fn shows(self, field: &Field) -> bool {
        let end = field.end().min(self.view.octets().len());
        self.clear.covers(&(field.offset..end))
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::clear;
    use super::*;
    use crate::stream::Role;

    #[test]
    fn numbers_that_read_as_text_are_hidden() {
        let octets = *b"\0\0\0:hunter2!";
        let view = MaskedView {
            view: MessageView::new(&octets),
            clear: clear(&octets, Role::Client),
        };
        // A colon is 58, and what follows is text: this is no header.
        assert_eq!(view.length(), Some(Masked::Hidden));
        assert_eq!(view.command(), Some(Masked::Hidden));
    }
}
