//! Live capture from a network interface.
//!
//! The capturing library is behind the trait [`Capturing`], which only a program that links libpcap provides. Other
//! programs contain this module as well, and report why they cannot capture.

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
    /// Name of the interface; `None` for the loopback interface.
    pub interface: Option<String>,
    /// Ports whose TCP traffic is captured if there is no filter. Empty: all traffic.
    pub ports: Vec<u16>,
    /// A filter in libpcap's language, instead of `ports`. Empty: all traffic.
    pub filter: Option<String>,
    /// Size of the kernel's buffer in bytes, at most [`LiveOptions::MOST_BUFFER`]. As many bytes, but at least 16 MiB,
    /// can wait in memory after it.
    pub buffer: u32,
    /// Snapshot length: most bytes captured of a frame.
    pub snaplen: u32,
    /// Whether frames for other hosts are captured as well, if the interface sees them.
    pub promiscuous: bool,
    /// Whether no further interface is opened: the right to capture is then given up before the first frame is
    /// processed.
    pub last: bool,
    /// Ends the capture, for example from a signal handler. Frames that have arrived by then are still returned.
    pub stop: Stop,
}

impl LiveOptions {
    /// Default size of the kernel's buffer in bytes: without drops at full rate on loopback.
    pub const BUFFER: u32 = 16 << 20;
    /// Largest size of the kernel's buffer in bytes, a whole number of MiB: libpcap takes it as an `int`.
    pub const MOST_BUFFER: u32 = 2047 << 20;
    /// Default snapshot length in bytes: libpcap's limit.
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

/// The kernel's counts since the filter was set. Another thread can read them; they are updated several times a second.
#[derive(Debug, Default)]
pub struct LiveCounters {
    received: AtomicU64,
    dropped: AtomicU64,
    interface_dropped: AtomicU64,
}

impl LiveCounters {
    /// Frames that passed the filter, including dropped ones. Where all interfaces of Linux are captured on, each frame
    /// on loopback counts twice, as sent and as received, but only one is returned.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Frames lost because the kernel's buffer was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Frames lost in the interface or its driver, if the system reports them.
    #[must_use]
    pub fn interface_dropped(&self) -> u64 {
        self.interface_dropped.load(Ordering::Relaxed)
    }
}

/// An interface that can be captured on.
// Independent properties, as the system reports them.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// Its name, for `-i`.
    pub name: String,
    /// The system's description.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is a loopback interface.
    pub loopback: bool,
    /// Whether it is enabled.
    pub up: bool,
    /// Whether it is operational: for example, its cable is connected.
    pub running: bool,
    /// Whether it is Wi-Fi or another radio.
    pub wireless: bool,
}

/// Name of the loopback interface if the system does not report one.
pub const LOOPBACK: &str = if cfg!(target_os = "linux") {
    "lo"
} else if cfg!(windows) {
    // Npcap's adapter for loopback traffic.
    r"\Device\NPF_Loopback"
} else {
    "lo0"
};

/// A filter in libpcap's language for the TCP traffic of these ports over IPv4 and IPv6. It also passes every fragment
/// and every IPv6 extension header after which TCP can follow, because these hide the ports from the filter. `vlan`
/// adds the same after a VLAN tag. Empty without ports.
#[must_use]
pub fn filter(ports: &[u16], vlan: bool) -> String {
    if ports.is_empty() {
        return String::new();
    }
    let mut watched = String::new();
    for port in ports {
        let _ = write!(watched, "tcp port {port} or ");
    }
    // Later IPv4 fragments of TCP; IPv6 with hop-by-hop options, routing, fragment or destination options.
    watched.push_str(
        "(ip proto 6 and ip[6:2] & 0x1fff != 0) or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 60))",
    );
    if vlan {
        // `vlan` shifts the offsets of everything after it, so it must be last.
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
