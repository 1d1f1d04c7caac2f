//! A RegLogin message's values, as far as they may be shown.

use super::message::{Clear, clear_of_reglogin};
use crate::dissect::Message;
use crate::protocol::layout::{COMMAND, DESCRIPTION, LENGTH, PASSWORD, STATUS, USER_NAME};
use crate::protocol::{Command, Field, MessageKind, MessageView, TextValue};

/// A value that may be shown, or a hidden one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masked<T> {
    /// The value.
    Clear(T),
    /// The value may reveal a part of a password.
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

    /// The value, unless it is hidden.
    #[must_use]
    pub fn clear(self) -> Option<T> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Hidden => None,
        }
    }

    /// The result of `shown` for the value, or `hidden` if it is hidden.
    pub fn map_or<U>(self, hidden: U, shown: impl FnOnce(T) -> U) -> U {
        match self {
            Self::Clear(value) => shown(value),
            Self::Hidden => hidden,
        }
    }
}

/// A message's values, as far as they may be shown. Each is `None` if the message does not have it.
#[derive(Debug, Clone, Copy)]
pub struct MaskedView<'a> {
    view: MessageView<'a>,
    kind: Option<MessageKind>,
    clear: Clear,
}

/// The values of a message; none is hidden if passwords are shown.
#[must_use]
#[inline]
pub fn view(message: &Message, show_passwords: bool) -> MaskedView<'_> {
    let clear = if show_passwords {
        Clear::ALL
    } else {
        clear_of_reglogin(message)
    };
    MaskedView::new(message.view(), clear)
}

/// A request's user name, hidden if it may be part of a password.
#[must_use]
#[inline]
pub fn user_name(message: &Message) -> Option<Masked<TextValue<'_>>> {
    view(message, false).user_name()
}

impl<'a> MaskedView<'a> {
    #[inline]
    fn new(view: MessageView<'a>, clear: Clear) -> Self {
        let kind = view.kind();
        Self { view, kind, clear }
    }

    /// Which bytes may be shown.
    #[must_use]
    pub const fn clear(self) -> Clear {
        self.clear
    }

    /// `totalLength`.
    #[must_use]
    #[inline]
    pub fn length(self) -> Option<Masked<u32>> {
        let shown = self.clear.covers(&LENGTH.range());
        self.view.length().map(|length| Masked::new(shown, length))
    }

    /// `commandID`.
    #[must_use]
    #[inline]
    pub fn command(self) -> Option<Masked<Command>> {
        let shown = self.clear.covers(&COMMAND.range());
        let command = self.view.command();
        command.map(|command| Masked::new(shown, command))
    }

    /// `userName` up to its first NUL.
    #[must_use]
    #[inline]
    pub fn user_name(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&USER_NAME)
    }

    /// `password` up to its first NUL.
    #[must_use]
    #[inline]
    pub fn password(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&PASSWORD)
    }

    /// `status`.
    #[must_use]
    #[inline]
    pub fn status(self) -> Option<Masked<u8>> {
        let shown = self.clear.covers(&STATUS.range());
        self.view.status().map(|status| Masked::new(shown, status))
    }

    /// `description` up to its first NUL.
    #[must_use]
    #[inline]
    pub fn description(self) -> Option<Masked<TextValue<'a>>> {
        self.text(&DESCRIPTION)
    }

    /// A text field up to its first NUL. `None` if the command's messages do not have it, or the message ends before it.
    #[must_use]
    #[inline]
    pub fn text(self, field: &Field) -> Option<Masked<TextValue<'a>>> {
        let kind = self.kind?;
        let octets = field.slice(self.view.octets());
        if octets.is_empty() || !kind.fields().contains(&field) {
            return None;
        }
        let all = self.clear == Clear::ALL;
        if *field == PASSWORD && !all {
            // Even an empty one: the notes say that it is empty.
            return Some(Masked::Hidden);
        }
        let text = TextValue::new(octets);
        let end = field.offset + text.octets().len();
        let shown = all || self.clear.covers(&(field.offset..end));
        Some(Masked::new(shown, text))
    }

    /// Whether all bytes of a field that are there may be shown.
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
        let view = MaskedView::new(MessageView::new(&octets), clear(&octets, Role::Client));
        // A colon is 58, and what follows is text: this is no header.
        assert_eq!(view.length(), Some(Masked::Hidden));
        assert_eq!(view.command(), Some(Masked::Hidden));
    }
}
