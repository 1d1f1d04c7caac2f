//! Which messages take part in exchanges.

use super::message::Message;
use super::note::{CutBy, Note};
use crate::layout::FaultKind;
use crate::protocol::{Command, Fault};

/// The command of a RegLogin message that takes part in an exchange; `None` otherwise. It must be known, sent by the
/// right side, and received completely by its receiver, even if it was not captured completely.
#[must_use]
#[inline]
pub fn exchanged(message: &Message) -> Option<Command> {
    if message.described.is_some() {
        return None;
    }
    let command = message.view().command()?;
    (command.kind().is_some() && !message.notes.iter().any(ends_exchange)).then_some(command)
}

/// Whether a message with this note takes no part in exchanges: its receiver never got all of it, or the wrong side
/// sent it.
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

/// Whether a message is a request or response that its receiver got completely, even if it was not captured completely.
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
