//! The inspector: takes frames, finds messages, and pairs requests with responses.
//!
//! Push frames into an [`Inspector`]; get one [`FrameRecord`] per frame, live and in replay. It keeps no more than open
//! flows need.

pub mod begun;
mod clean;
mod decoded;
mod described;
mod exchange;
mod exchanged;
mod exchanges;
mod findings;
mod flow_state;
mod found;
mod given_up;
mod hold;
mod holding;
mod inspected;
mod inspector;
mod keylog;
mod lanes;
mod layer;
mod options;
mod pass;
mod password_tag;
mod record;
mod refusal;
mod resolution;
mod run;
mod schedule;
mod sink;
pub mod summary;
mod sweeps;
mod tracker;
mod waiting;
mod without_tcp;

pub use crate::dissect::Name;
pub use decoded::{Decoded, Decoding};
pub use exchange::ExchangeState;
pub(crate) use exchange::MAX_WAITING;
pub use exchanges::{Exchange, Exchanges, Half, PairedFrom, Pairing, action_of, user_of};
pub use flow_state::FlowState;
pub use found::{CleanMessage, Content, FlowEnd, Followed, Piece, StreamNote};
pub use given_up::GivenUp;
pub use hold::{Held, Hold, MAX_HELD};
pub use holding::Holding;
pub use inspected::{Brought, Inspected};
pub use inspector::Inspector;
pub use keylog::{KeyLogSource, KeyLogs};
pub use layer::TlsRecord;
pub use options::Options;
pub use pass::{Pass, PassLimits, Passed};
pub use password_tag::PasswordTag;
pub use record::{Ending, FrameRecord, Remainder};
pub use refusal::{Outcome, Refusal};
pub use resolution::{EarlyResponse, Resolution, Subject};
pub use run::run;
pub use sink::{EmptySegments, Sink};

pub use without_tcp::WithoutTcp;
