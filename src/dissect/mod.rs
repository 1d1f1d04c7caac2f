//! From a direction's octets to messages: which protocol it is, where messages begin and end,
//! what each field says and what is wrong with it.
//!
//! Enters: octets in order, gaps and ends. Leaves: [`Message`]s with their [`Note`]s.

mod direction;
mod dissector;
pub mod framing;
pub mod identify;
mod judge;
mod message;
mod note;
mod plain;

pub use direction::Arrival;
pub use dissector::{DissectState, Finds, HasDissectState, ended, exchanged, gap, octets, remark};
pub use identify::Protocol;
pub use judge::judge;
pub use message::{Message, Peer, Source};
pub use note::{CutBy, Group, Note, Severity};
