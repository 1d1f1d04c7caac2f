//! The fields of a message as pairs of label and value.

use std::borrow::Cow;

use super::described;
use crate::dissect::Message;
use crate::protocol::layout::{DESCRIPTION, PASSWORD, STATUS_FAILURE, STATUS_SUCCESS, USER_NAME};
use crate::text::escape::EscapedOctets;
use crate::text::secret::{self, MASK, Masked};

/// The fields of a message's body, in wire order; the status comes first.
#[must_use]
pub fn lines(message: &Message, show_passwords: bool) -> Vec<(Cow<'static, str>, String)> {
    if message.described.is_some() {
        let lines = described::lines(message, show_passwords).into_iter();
        return lines.map(|(label, value)| (label.into(), value)).collect();
    }
    let view = secret::view(message, show_passwords);
    let mut lines: Vec<(Cow<'static, str>, String)> = Vec::new();
    if let Some(status) = view.status() {
        let status = match status {
            Masked::Clear(STATUS_SUCCESS) => "success".to_owned(),
            Masked::Clear(STATUS_FAILURE) => "failure".to_owned(),
            Masked::Clear(other) => other.to_string(),
            Masked::Hidden => MASK.to_owned(),
        };
        lines.push(("Status".into(), status));
    }
    for field in [&USER_NAME, &PASSWORD, &DESCRIPTION] {
        let value = match view.text(field) {
            Some(Masked::Clear(text)) => EscapedOctets(text.octets()).to_string(),
            Some(Masked::Hidden) => MASK.to_owned(),
            None => continue,
        };
        lines.push((field.label.into(), value));
    }
    lines
}
