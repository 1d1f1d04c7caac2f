//! The RegLogin wire format: layout, messages, encoding and decoding. No I/O, no clock, no logging.
//!
//! The same bytes can be read in two ways. [`MessageView`] reads anything without judging it, for the inspector.
//! [`Request`] and [`Response`] contain only valid values, for client and server. Both use the table in [`layout`].

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

pub use command::{Action, Command, KnownCommand};
pub use fault::Fault;
pub use judge::{judge, judge_beginning};
pub use layout::{Field, FieldKind, MessageKind};
pub use message::{Framing, Request, RequestOctets, Response, frame};
pub use name::{UserName, spaces, unregistrable_runs};
pub use text::{Description, Password, TextError};
pub use view::{
    HeaderNumber, MAX_SHORT_LENGTH, MessageView, TextValue, is_header, is_strict,
    length_reads_as_text, reads_as_text, right_command, right_header,
};
