//! A RegLogin message without notes, and what pairing needs of its fields.
//!
//! It is read where frames are decoded, while the message's bytes are in that processor's cache: the thread that
//! inspects has more to do than the others.

use super::password_tag::{PasswordKey, PasswordTag};
use super::refusal::{Outcome, Refusals};
use crate::dissect::Name;
use crate::dissect::reglogin::one_clean_message;
use crate::protocol::layout::{
    PASSWORD, REQUEST_LEN, RESPONSE_LEN, STATUS, STATUS_FAILURE, STATUS_SUCCESS, USER_NAME,
};
use crate::protocol::{Action, KnownCommand, MessageKind};

/// A message without notes. In half a line of the processor's cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clean {
    pub action: Action,
    pub fields: Fields,
}

/// What pairing needs of a message's fields.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fields {
    Request { user: Name, password: PasswordTag },
    Response(Outcome),
}

impl Clean {
    /// The message if the bytes are one message without notes.
    #[inline]
    pub fn one(octets: &[u8], key: &PasswordKey, refusals: &mut Refusals) -> Option<Self> {
        let command = one_clean_message(octets)?;
        Some(Self::of(command, octets, key, refusals))
    }

    /// The message with this command in these bytes, which are known to have no notes.
    #[inline]
    pub fn of(
        KnownCommand { kind, action }: KnownCommand,
        octets: &[u8],
        key: &PasswordKey,
        refusals: &mut Refusals,
    ) -> Self {
        let fields = match kind {
            MessageKind::Request => {
                let request = octets.first_chunk::<REQUEST_LEN>();
                let user = request.and_then(|request| USER_NAME.array(request));
                let password = request.and_then(|request| PASSWORD.array(request));
                Fields::Request {
                    user: user.map_or(Name::EMPTY, Name::of_filled),
                    password: password
                        .map_or(PasswordTag::NONE, |password| key.tag_of_filled(password)),
                }
            }
            MessageKind::Response => {
                let response = octets.first_chunk::<RESPONSE_LEN>();
                let status = response.map(|response| response[STATUS.offset]);
                Fields::Response(outcome(status, octets, refusals))
            }
        };
        Self { action, fields }
    }

    /// Its command.
    #[inline]
    pub const fn command(&self) -> KnownCommand {
        let kind = match self.fields {
            Fields::Request { .. } => MessageKind::Request,
            Fields::Response(_) => MessageKind::Response,
        };
        KnownCommand {
            kind,
            action: self.action,
        }
    }
}

/// The outcome that a response with this status states.
#[inline]
pub(super) fn outcome(status: Option<u8>, response: &[u8], refusals: &mut Refusals) -> Outcome {
    match status {
        Some(STATUS_SUCCESS) => Outcome::Success,
        Some(STATUS_FAILURE) => Outcome::Failure(refusals.of(response)),
        _ => Outcome::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_small() {
        assert!(size_of::<Clean>() <= 32);
    }
}
