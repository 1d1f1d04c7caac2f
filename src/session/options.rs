//! Settings of an inspector.

use super::found::Followed;
use super::keylog::KeyLogSource;
use crate::dissect::Known;
use crate::layout::LayoutId;
use crate::packet::DefragmentLimits;
use crate::protocol::layout::DEFAULT_PORT;
use crate::stream::{StreamLimits, StreamNumbers};

/// Settings of an inspector.
// Independent settings.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone)]
pub struct Options {
    /// Ports where RegLogin is expected.
    pub ports: Vec<u16>,
    /// Layouts to look for, each with the ports where its protocol is expected.
    pub layouts: Vec<(LayoutId, Vec<u16>)>,
    /// Whether to look for RegLogin: false if a layout with its name is used instead.
    pub reglogin: bool,
    /// Whether RegLogin's own layout was given as a file, so that its messages are written like those of other layouts.
    pub reglogin_in_fields: bool,
    /// Whether to note wrong TCP checksums. They are normal if the capturing host's network
    /// card fills them in, and on loopback.
    pub checksums: bool,
    /// The streams whose reassembled bytes are part of the records.
    pub follow: Followed,
    /// Whether to ignore VLAN tags: the same addresses and ports on two VLANs are then one connection. For captures
    /// from both sides of a device that changes tags.
    pub ignore_vlan_tags: bool,
    /// Limits on the memory for streams.
    pub streams: StreamLimits,
    /// Limits on the memory for IP fragments.
    pub fragments: DefragmentLimits,
    /// TLS secrets in the NSS key log format.
    pub key_logs: Vec<KeyLogSource>,
    /// Whether to pass on data that waited for TLS secrets as soon as they arrive, as in a live capture, even without a
    /// frame. Otherwise it comes with the next frame.
    pub live: bool,
    /// Whether to report TLS records that cannot be decrypted.
    pub tls_records: bool,
    /// Stream numbers from an earlier pass; `None` numbers streams in order.
    pub stream_numbers: Option<StreamNumbers>,
}

impl Options {
    /// All ports where RegLogin or a layout's protocol is expected.
    #[must_use]
    pub fn all_ports(&self) -> Vec<u16> {
        self.known().ports()
    }

    pub(super) fn known(&self) -> Known {
        Known {
            layouts: self.layouts.clone(),
            reglogin: self.reglogin,
            reglogin_ports: self.ports.clone(),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: vec![DEFAULT_PORT],
            layouts: Vec::new(),
            reglogin: true,
            reglogin_in_fields: false,
            checksums: false,
            follow: Followed::Nothing,
            ignore_vlan_tags: false,
            streams: StreamLimits::default(),
            fragments: DefragmentLimits::default(),
            key_logs: Vec::new(),
            live: false,
            tls_records: false,
            stream_numbers: None,
        }
    }
}
