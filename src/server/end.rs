//! Why a connection ended: in words for the log, and as a label for the metrics.

use std::{fmt, io};

use super::words;
use crate::protocol::Fault;

/// Why a connection ended.
#[derive(Debug)]
pub enum End {
    /// The peer closed it between requests.
    ByPeer,
    /// The peer closed it in the middle of a request, and perhaps why.
    InRequest(Option<Fault>),
    /// The peer sent something that is not a request.
    Refused(String),
    /// No request came for too long.
    Idle,
    /// A request came too slowly, and perhaps why.
    TooSlow(Option<Fault>),
    /// The peer did not read its response.
    NotReading,
    /// The server is shutting down.
    Shutdown,
    /// The TLS handshake failed.
    Handshake(String),
    /// A request came without TLS where TLS is required.
    Plain,
    /// Too many requests in a row were refused.
    Throttled,
    /// The connection was closed to make room for others.
    MadeRoom,
    /// A proxy did not say for whom it connects, or the client behind it had too many connections.
    NotAdmitted(String),
    /// The connection broke.
    Broken(io::Error),
}

impl End {
    /// Whether the server closed the connection because of what the client did or did not do.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::TooSlow(_)
                | Self::NotReading
                | Self::Handshake(_)
                | Self::Plain
                | Self::Throttled
                | Self::NotAdmitted(_)
        )
    }

    /// A short name for counting.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::ByPeer => "client",
            Self::InRequest(_) => "in_request",
            Self::Refused(_) => "invalid",
            Self::Idle => "idle",
            Self::TooSlow(_) => "too_slow",
            Self::NotReading => "not_reading",
            Self::Shutdown => "shutdown",
            Self::Handshake(_) => "tls_handshake",
            Self::Plain => "tls_required",
            Self::Throttled => "throttled",
            Self::MadeRoom => "made_room",
            Self::NotAdmitted(_) => "not_admitted",
            Self::Broken(_) => "broken",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPeer => f.write_str("closed by the client"),
            Self::InRequest(why) => {
                f.write_str("closed by the client in the middle of a request")?;
                perhaps(*why, f)
            }
            Self::Refused(reason) => write!(f, "not a request: {reason}"),
            Self::Idle => f.write_str("idle for too long"),
            Self::TooSlow(why) => {
                f.write_str(words::TOO_SLOW)?;
                perhaps(*why, f)
            }
            Self::NotReading => f.write_str("the client does not read its response"),
            Self::Shutdown => f.write_str("server shutting down"),
            Self::Handshake(reason) => write!(f, "TLS handshake failed: {reason}"),
            Self::Plain => f.write_str("not encrypted, and this server requires TLS"),
            Self::Throttled => f.write_str("too many requests in a row were refused"),
            Self::MadeRoom => f.write_str("idle, and its place was needed"),
            Self::NotAdmitted(reason) => f.write_str(reason),
            Self::Broken(error) => write!(f, "broken: {error}"),
        }
    }
}

/// Appends what may be the reason.
fn perhaps(why: Option<Fault>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    why.map_or(Ok(()), |fault| write!(f, "; {fault}"))
}
