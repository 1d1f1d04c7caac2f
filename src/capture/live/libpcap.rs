//! Live capture, as libpcap gives it: opening an interface, and what stands there to be captured on.

#![expect(
    clippy::cast_possible_truncation,
    reason = "times that the format has in halves, until the year 2554"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcap::{Active, Capture, Device, Precision};

use super::backlog::Backlog;
use super::taker::{GATHER, Taker};
use super::{InterfaceInfo, LOOPBACK, LiveCounters, LiveOptions, filter};
use crate::capture::batch::{Aside, Batch, FrameSource, Interface, LinkType, What};
use crate::capture::error::SourceError;
use crate::capture::options;

/// How long a call waits for the first frame before it answers with none.
const WAIT: Duration = Duration::from_millis(50);

/// A capture that runs on an interface.
pub struct LiveSource {
    backlog: Arc<Backlog>,
    name: String,
    link: LinkType,
    snaplen: u32,
    /// Nanoseconds in a unit of the frames' times.
    unit: u64,
    counters: Arc<LiveCounters>,
    /// Frames given so far.
    frames: u64,
    begun: bool,
    ended: bool,
}

impl LiveSource {
    /// Begins to capture. Errors are whole sentences and say what to do.
    pub fn open(options: &LiveOptions) -> Result<Self, SourceError> {
        let name = match &options.interface {
            Some(name) => name.clone(),
            None => loopback(),
        };
        let alone = name == "any" || name == loopback();
        let nanoseconds = cfg!(target_os = "linux");
        let mut capture = Capture::from_device(name.as_str())
            .and_then(|capture| {
                capture
                    .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
                    .buffer_size(i32::try_from(options.buffer).unwrap_or(i32::MAX))
                    .timeout(GATHER.as_millis() as i32)
                    .promisc(options.promiscuous && !alone)
                    .precision(if nanoseconds {
                        Precision::Nano
                    } else {
                        Precision::Micro
                    })
                    .open()
            })
            .and_then(Capture::setnonblock)
            .map_err(|error| cannot_open(&name, &error))?;
        let link = LinkType(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
        set_filter(&mut capture, link, options)?;
        let backlog = Arc::new(Backlog::new(options.buffer as usize));
        let source = Self {
            backlog: Arc::clone(&backlog),
            name: name.clone(),
            link,
            snaplen: options.snaplen,
            unit: if nanoseconds { 1 } else { 1000 },
            counters: Arc::default(),
            frames: 0,
            begun: false,
            ended: false,
        };
        let taker = Taker {
            capture,
            name,
            link,
            unit: source.unit,
            options: options.clone(),
            counters: Arc::clone(&source.counters),
        };
        std::thread::Builder::new()
            .name("capture".into())
            .spawn(move || taker.run(&backlog))?;
        Ok(source)
    }

    /// What the kernel counted, to be looked at while another thread captures.
    #[must_use]
    pub fn counters(&self) -> Arc<LiveCounters> {
        Arc::clone(&self.counters)
    }

    /// The name of the interface.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.name
    }

    /// The kernel's counts, as pcapng's interface statistics, for a file that is being written.
    fn statistics(&self, batch: &mut Batch) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos() as u64 / self.unit;
        let start = batch.buffer.len();
        for word in [0, (now >> 32) as u32, now as u32] {
            batch.buffer.extend(word.to_le_bytes());
        }
        for (code, counter) in [
            (options::RECEIVED, self.counters.received()),
            (
                options::INTERFACE_DROPPED,
                self.counters.interface_dropped(),
            ),
            (options::SYSTEM_DROPPED, self.counters.dropped()),
        ] {
            options::push(&mut batch.buffer, code, &counter.to_le_bytes());
        }
        options::push(&mut batch.buffer, options::END, &[]);
        batch.asides.push(Aside {
            before: batch.headers.len(),
            what: What::Block {
                kind: options::STATISTICS,
                body: start..batch.buffer.len(),
            },
        });
    }
}

impl FrameSource for LiveSource {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        if self.ended {
            batch.clear();
            return Ok(false);
        }
        let outcome = self.backlog.next(batch, WAIT);
        batch.first_number = self.frames + 1;
        self.frames += batch.headers.len() as u64;
        if !self.begun {
            self.begun = true;
            batch.asides.push(Aside {
                before: 0,
                what: What::Interface(Box::new(Interface {
                    index: 0,
                    file: 0,
                    link: self.link,
                    snaplen: self.snaplen,
                    resolution: if self.unit == 1 { 9 } else { 6 },
                    offset: 0,
                    name: Some(self.name.clone()),
                    options: Vec::new(),
                })),
            });
        }
        if !matches!(outcome, Ok(true)) {
            self.ended = true;
            self.statistics(batch);
        }
        outcome
    }
}

impl Drop for LiveSource {
    /// The thread ends in a moment; it need not be waited for.
    fn drop(&mut self) {
        self.backlog.leave();
    }
}

/// Sets what is captured.
fn set_filter(
    capture: &mut Capture<Active>,
    link: LinkType,
    options: &LiveOptions,
) -> Result<(), SourceError> {
    let program = match &options.filter {
        Some(filter) => filter.clone(),
        None => filter(&options.ports, link == LinkType::ETHERNET),
    };
    capture.filter(&program, true).map_err(|error| {
        SourceError::Live(format!(
            "cannot capture with the filter {program:?}: {}. The language is described in pcap-filter(7), for instance: tcp port 8888 and host 192.0.2.1",
            words(&error)
        ))
    })
}

/// The interfaces that can be captured on, as the system orders them.
pub fn interfaces() -> Result<Vec<InterfaceInfo>, SourceError> {
    let devices = Device::list().map_err(|error| {
        SourceError::Live(format!("cannot list the interfaces: {}", words(&error)))
    })?;
    Ok(devices
        .into_iter()
        .map(|device| InterfaceInfo {
            name: device.name,
            description: device.desc,
            addresses: device.addresses.iter().map(|a| a.addr).collect(),
            loopback: device.flags.is_loopback(),
            up: device.flags.is_up(),
            running: device.flags.is_running(),
            wireless: device.flags.is_wireless(),
        })
        .collect())
}

/// The name of the loopback interface.
fn loopback() -> String {
    interfaces()
        .ok()
        .and_then(|all| all.into_iter().find(|interface| interface.loopback))
        .map_or_else(|| LOOPBACK.to_owned(), |interface| interface.name)
}

/// What libpcap says, without the name of the interface that it may put before it.
pub(super) fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

fn cannot_open(name: &str, error: &pcap::Error) -> SourceError {
    let said = words(error);
    let lower = said.to_lowercase();
    let reason = if lower.contains("permission") || lower.contains("not permitted") {
        let program = std::env::current_exe().map_or_else(
            |_| "PATH".to_owned(),
            |path| path.to_string_lossy().escape_debug().to_string(),
        );
        if cfg!(target_os = "linux") {
            format!("permission denied. Run it with sudo, or: sudo setcap cap_net_raw=ep {program}")
        } else {
            "permission denied. Run it with sudo, or get read access to /dev/bpf*".to_owned()
        }
    } else if lower.contains("no such device") || lower.contains("doesn't exist") {
        let names: Vec<String> = interfaces()
            .unwrap_or_default()
            .into_iter()
            .map(|interface| interface.name)
            .collect();
        format!(
            "there is no such interface. Choose one of: {}",
            names.join(", ")
        )
    } else if lower.contains("is not up") || lower.contains("network is down") {
        format!("the interface is down. Switch it on: sudo ip link set {name:?} up")
    } else {
        said
    };
    SourceError::Live(format!("cannot capture on {name:?}: {reason}"))
}
