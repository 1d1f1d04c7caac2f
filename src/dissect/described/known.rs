//! The protocols that an inspector looks for, and the ports where it expects them.

use crate::layout::LayoutId;
use crate::packet::Endpoint;

/// The protocols to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The layouts, each with the ports where its protocol is expected.
    pub layouts: Vec<(LayoutId, Vec<u16>)>,
    /// Whether to look for RegLogin: false if a layout with its name is used instead.
    pub reglogin: bool,
    /// Ports where RegLogin is expected.
    pub reglogin_ports: Vec<u16>,
}

impl Known {
    /// RegLogin alone, expected on `ports`.
    #[must_use]
    pub fn reglogin(ports: &[u16]) -> Self {
        Self {
            layouts: Vec::new(),
            reglogin: true,
            reglogin_ports: ports.to_vec(),
        }
    }

    /// All ports where a protocol is expected.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let own = self.layouts.iter().flat_map(|(_, ports)| ports);
        let mut ports: Vec<u16> = own.copied().collect();
        if self.reglogin {
            ports.extend(&self.reglogin_ports);
        }
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Whether RegLogin is expected on one of the two ports.
    pub(in crate::dissect) fn expects_reglogin(&self, ends: [Endpoint; 2]) -> bool {
        self.reglogin && is_on(&self.reglogin_ports, ends)
    }
}

/// Whether one of the two ends has one of the ports.
pub(super) fn is_on(ports: &[u16], ends: [Endpoint; 2]) -> bool {
    ends.iter().any(|end| ports.contains(&end.port))
}
