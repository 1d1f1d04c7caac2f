//! The wire format: layout, messages, encode and decode. No I/O, no clock, no log.
//!
//! Two readings of the same bytes: [`MessageView`] reads anything without judgement (the
//! inspector's side), [`Request`] and [`Response`] hold legal values only (the endpoints' side).
//! Both go through the one table in [`layout`].

mod command;
mod fault;
pub mod header;
mod judge;
pub mod layout;
mod message;
mod name;
pub mod rules;
mod text;
mod view;

pub use command::{Action, Command};
pub use fault::Fault;
pub use judge::{judge, judge_beginning};
pub use layout::{Field, FieldKind, MessageKind};
pub use message::{Framing, Request, RequestOctets, Response, frame};
pub use name::{UserName, spaces, unregistrable_runs};
pub use text::{Description, Password, TextError};
pub use view::{
    HeaderNumber, MAX_SHORT_LENGTH, MessageView, TextValue, is_header, is_strict,
    length_reads_as_text, reads_as_text, right_header,
};
