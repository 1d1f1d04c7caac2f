//! The protocols that streams are recognised as.

use std::fmt;

use crate::layout::LayoutId;

/// A protocol that a stream can be recognised as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Protocol {
    /// No data seen, or too little to tell.
    #[default]
    Unknown,
    /// The registration and login protocol.
    RegLogin,
    /// Short Message Peer-to-Peer.
    Smpp,
    /// Transport Layer Security.
    Tls,
    /// HTTP/1.
    Http,
    /// HTTP/2, of which gRPC is one use.
    Http2,
    /// Secure Shell.
    Ssh,
    /// Real-Time Streaming Protocol.
    Rtsp,
    /// A protocol that a layout file describes.
    Layout(LayoutId),
    /// None of these.
    Data,
}

impl Protocol {
    /// Protocols that streams are counted by, in the order of output.
    pub const COUNTED: [Self; 9] = [
        Self::RegLogin,
        Self::Smpp,
        Self::Tls,
        Self::Http,
        Self::Http2,
        Self::Ssh,
        Self::Rtsp,
        Self::Data,
        Self::Unknown,
    ];

    /// The protocol's name in display filters.
    #[must_use]
    pub fn filter_name(self) -> &'static str {
        match self {
            Self::Unknown | Self::Data => "data",
            Self::RegLogin => crate::protocol::layout::FILTER_PREFIX,
            Self::Layout(layout) => &layout.plan().layout.prefix,
            Self::Smpp => "smpp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Ssh => "ssh",
            Self::Rtsp => "rtsp",
        }
    }

    /// The name in Wireshark's Protocol column. Without a recognised protocol, that is TCP.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown | Self::Data => "TCP",
            Self::RegLogin => crate::protocol::layout::PROTOCOL_NAME,
            Self::Layout(layout) => layout.name(),
            Self::Smpp => "SMPP",
            Self::Tls => "TLS",
            Self::Http => "HTTP",
            Self::Http2 => "HTTP2",
            Self::Ssh => "SSH",
            Self::Rtsp => "RTSP",
        }
    }

    /// Whether the stream certainly has a protocol that is recognised but not decoded here.
    #[must_use]
    pub const fn is_named(self) -> bool {
        !matches!(
            self,
            Self::Unknown | Self::RegLogin | Self::Layout(_) | Self::Data
        )
    }

    /// Whether its messages are decoded.
    #[must_use]
    pub const fn has_messages(self) -> bool {
        matches!(self, Self::RegLogin | Self::Layout(_))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no data",
            Self::Data => "other",
            known => known.name(),
        })
    }
}
