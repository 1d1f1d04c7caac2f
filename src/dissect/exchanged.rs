//! Which messages are part of an exchange.

use super::message::Message;
use super::note::{CutBy, Note};
use crate::layout::FaultKind;
use crate::protocol::{Command, Fault};

/// The command of a message that counts in an exchange: known, sent in the right direction, and
/// received whole by its receiver, captured whole or not.
#[must_use]
#[inline]
pub fn exchanged(message: &Message) -> Option<Command> {
    if message.described.is_some() {
        return None;
    }
    let command = message.view().command()?;
    (command.kind().is_some() && !message.notes.iter().any(ends_exchange)).then_some(command)
}

/// Whether a message that has this note is no part of an exchange: its receiver never had all of it, or its sender's side
/// does not send such.
const fn ends_exchange(note: &Note) -> bool {
    match note {
        Note::CutOff { by, .. } => !matches!(by, CutBy::Gap),
        Note::Fault(Fault::WrongSender(_))
        | Note::Described {
            fault: FaultKind::Side,
            ..
        } => true,
        _ => false,
    }
}

/// Whether a message asks or answers, and was received whole by its receiver, captured whole or not.
#[must_use]
#[inline]
pub fn is_exchanged(message: &Message) -> bool {
    match &message.described {
        None => exchanged(message).is_some_and(|command| command.kind().is_some()),
        Some(described) => {
            (described.is_request() || described.is_response())
                && !message.notes.iter().any(ends_exchange)
        }
    }
}
