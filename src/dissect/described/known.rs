//! Which protocols an inspector knows, and where it expects them.

use crate::layout::LayoutId;
use crate::packet::Endpoint;

/// The layouts that are looked for, and whether RegLogin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The layouts, each with the ports where it is expected.
    pub layouts: Vec<(LayoutId, Vec<u16>)>,
    /// Whether RegLogin is known: it is not where a layout takes its name.
    pub reglogin: bool,
    /// Ports where RegLogin is expected.
    pub reglogin_ports: Vec<u16>,
}

impl Known {
    /// RegLogin alone, expected on these ports.
    #[must_use]
    pub fn reglogin(ports: &[u16]) -> Self {
        Self {
            layouts: Vec::new(),
            reglogin: true,
            reglogin_ports: ports.to_vec(),
        }
    }

    /// All ports where something is expected.
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

    /// Whether RegLogin is expected on the port of one of these ends.
    pub(in crate::dissect) fn expects_reglogin(&self, ends: [Endpoint; 2]) -> bool {
        self.reglogin && is_on(&self.reglogin_ports, ends)
    }
}

/// Whether one of the ends has one of the ports.
pub(super) fn is_on(ports: &[u16], ends: [Endpoint; 2]) -> bool {
    ends.iter().any(|end| ports.contains(&end.port))
}
