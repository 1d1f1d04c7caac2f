//! Finds messages in a direction's bytes: recognises the protocol, splits the bytes into messages, and notes faults.
//!
//! Input: bytes in order, gaps and ends of directions. Output: [`Message`]s with their [`Note`]s.

pub mod described;
mod dissector;
mod exchanged;
pub mod http;
pub mod http2;
pub mod identify;
mod message;
mod name;
pub mod named;
mod note;
mod probe;
mod protocol;
pub mod proxy;
pub mod reglogin;
pub mod rtsp;
pub mod smpp;
pub mod ssh;
mod stream;
pub mod tls;

pub use described::Known;
pub use dissector::{
    DissectRemains, DissectState, Finding, Finds, StreamOpening, Wanted, ended, gap,
    is_message_alone, octets, remark,
};
pub use exchanged::{exchanged, is_exchanged};
pub use message::{Answered, AskedFor, Described, Message, Peer, SourceBytes, side_of};
pub use name::Name;
pub use note::{CutBy, Goes, Group, Note, Severity};
pub use protocol::Protocol;
pub use reglogin::judge;
pub use stream::Stream;
