//! Live capture from a network interface.
//!
//! The library that captures is reached through [`Capturing`], which only a program that links libpcap provides. Other
//! programs have this module too, and say why they cannot capture.

mod backlog;
mod capturing;
mod source;
mod taker;

pub use backlog::{MOST_FRAMES, MOST_OCTETS};
pub use capturing::{Capturing, Counts, OpenInterface, provide};
pub(crate) use capturing::{is_here, refuse, renounce};
pub use source::{LiveSource, interfaces};
pub use taker::{GATHER, gather};

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::capture::Stop;

/// What to capture, and how.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// The interface's name; the loopback interface where it is `None`.
    pub interface: Option<String>,
    /// Ports whose TCP traffic is captured, where no filter is given. None: all traffic.
    pub ports: Vec<u16>,
    /// A filter in libpcap's language in place of the ports; empty: all traffic.
    pub filter: Option<String>,
    /// Bytes of the kernel's buffer, [`LiveOptions::MOST_BUFFER`] at most. As many may wait in
    /// memory behind it, 16 MiB at least.
    pub buffer: u32,
    /// The most bytes captured of a frame.
    pub snaplen: u32,
    /// Whether frames for other hosts are captured too, where the interface sees them.
    pub promiscuous: bool,
    /// Whether no other interface is opened after this one: the right to do so is given up before the first frame is looked at.
    pub last: bool,
    /// Set, by a signal handler for instance, to end the capture: what has arrived by then is
    /// still given.
    pub stop: Stop,
}

impl LiveOptions {
    /// Bytes of the kernel's buffer where nothing else is asked for: what came out with no drops
    /// at full rate on loopback.
    pub const BUFFER: u32 = 16 << 20;
    /// The most bytes of the kernel's buffer, in whole MiB: libpcap takes their number as an `int`.
    pub const MOST_BUFFER: u32 = 2047 << 20;
    /// The most bytes captured of a frame where nothing else is asked for; libpcap's own limit.
    pub const SNAPLEN: u32 = 262_144;
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            interface: None,
            ports: vec![8888],
            filter: None,
            buffer: Self::BUFFER,
            snaplen: Self::SNAPLEN,
            promiscuous: true,
            last: false,
            stop: Stop::default(),
        }
    }
}

/// What the kernel counted since the capture began; safe to look at from another thread, and
/// brought up to date several times a second.
#[derive(Debug, Default)]
pub struct LiveCounters {
    received: AtomicU64,
    dropped: AtomicU64,
    interface_dropped: AtomicU64,
}

impl LiveCounters {
    /// Frames that passed the filter, those dropped included. Linux counts each frame on loopback
    /// twice, as sent and as received, of which one is given.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Frames lost because the kernel's buffer was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Frames lost in the interface or its driver, where the system tells.
    #[must_use]
    pub fn interface_dropped(&self) -> u64 {
        self.interface_dropped.load(Ordering::Relaxed)
    }
}

/// An interface that can be captured on.
// Each of these is a fact of its own, as the system tells it.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// Its name, as `-i` takes it.
    pub name: String,
    /// What the system says it is.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is the host's own, which no wire leaves.
    pub loopback: bool,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it works: its cable is in, or what it stands on works.
    pub running: bool,
    /// Whether it is Wi-Fi or another radio.
    pub wireless: bool,
}

/// The name of the loopback interface where the system does not tell.
pub const LOOPBACK: &str = if cfg!(target_os = "linux") {
    "lo"
} else if cfg!(windows) {
    // Npcap's adapter for loopback traffic capture.
    r"\Device\NPF_Loopback"
} else {
    "lo0"
};

/// A filter, in libpcap's language, for the TCP traffic of some ports: over IPv4 and IPv6, and
/// with every fragment or IPv6 extension header behind which TCP may stand, as these hide the
/// ports from the filter. `vlan` adds the same behind a VLAN tag.
#[must_use]
pub fn filter(ports: &[u16], vlan: bool) -> String {
    if ports.is_empty() {
        return String::new();
    }
    let mut watched = String::new();
    for port in ports {
        let _ = write!(watched, "tcp port {port} or ");
    }
    // Later IPv4 fragments of TCP; IPv6 with hop-by-hop options, routing, fragment, options.
    watched.push_str(
        "(ip proto 6 and ip[6:2] & 0x1fff != 0) or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 60))",
    );
    if vlan {
        // `vlan` moves the offsets of everything that follows it, so it has to come last.
        watched = format!("{watched} or (vlan and ({watched}))");
    }
    watched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ports_is_no_filter() {
        assert_eq!(filter(&[], true), "");
        assert!(filter(&[8888, 9], false).starts_with("tcp port 8888 or tcp port 9 or (ip"));
    }
}
