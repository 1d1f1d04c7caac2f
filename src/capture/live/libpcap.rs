//! Live capture, as libpcap gives it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pcap::{Active, Capture, Device, Precision};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{InterfaceInfo, LOOPBACK, LiveCounters, LiveOptions, filter};
use crate::capture::batch::{Aside, Batch, FrameHeader, FrameSource, Interface, LinkType, What};
use crate::capture::error::SourceError;
use crate::capture::options;
use crate::capture::time::Timestamp;

/// How long the kernel may gather frames before it hands them on. Gathering instead of libpcap's
/// immediate mode, because that gives every frame a slot of the largest size: on loopback 31
/// frames in 2 MiB.
const GATHER: Duration = Duration::from_millis(5);

/// How long a call waits for the first frame before it answers with none.
const WAIT: Duration = Duration::from_millis(50);

/// The most frames, and about the most octets, in one batch.
const FRAMES: usize = 8192;
const OCTETS: usize = 4 << 20;

/// How often the kernel's counters are asked for.
const COUNT_EVERY: Duration = Duration::from_millis(200);

/// When the capture was told to stop, and what was given since.
struct Stopped {
    at: Instant,
    /// The same by the clock that gives frames their times.
    time: Timestamp,
    octets: usize,
}

impl Stopped {
    fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            at: Instant::now(),
            time: Timestamp(now.unwrap_or_default().as_nanos() as i64),
            octets: 0,
        }
    }

    /// Whether the kernel has handed on what it had gathered by then.
    fn is_over(&self) -> bool {
        self.at.elapsed() > GATHER * 3
    }

    /// Whether nothing waits any more that had arrived by then. What waited fitted in `buffer`
    /// octets; that holds also where the clock was set back.
    fn has_all(&mut self, batch: &Batch, buffer: u32) -> bool {
        self.octets += batch.buffer.len();
        let last = batch.headers.last();
        last.is_none_or(|last| last.time > self.time) || self.octets > buffer as usize
    }
}

/// A capture that runs on an interface.
pub struct LiveSource {
    capture: Capture<Active>,
    name: String,
    link: LinkType,
    /// Whether the system gives nanoseconds.
    nanoseconds: bool,
    options: LiveOptions,
    counters: Arc<LiveCounters>,
    counted: Instant,
    /// Frames given so far.
    frames: u64,
    begun: bool,
    stopped: Option<Stopped>,
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
        let capture = Capture::from_device(name.as_str())
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
        let mut source = Self {
            capture,
            name,
            link,
            nanoseconds,
            options: options.clone(),
            counters: Arc::default(),
            counted: Instant::now(),
            frames: 0,
            begun: false,
            stopped: None,
            ended: false,
        };
        source.set_filter()?;
        Ok(source)
    }

    fn set_filter(&mut self) -> Result<(), SourceError> {
        let program = match &self.options.filter {
            Some(filter) => filter.clone(),
            None => filter(&self.options.ports, self.link == LinkType::ETHERNET),
        };
        self.capture.filter(&program, true).map_err(|error| {
            SourceError::Live(format!(
                "cannot capture with the filter {program:?}: {}. The language is described in pcap-filter(7), for instance: tcp port 8888 and host 192.0.2.1",
                words(&error)
            ))
        })
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

    /// Nanoseconds in a unit of the frames' times.
    fn unit(&self) -> u64 {
        if self.nanoseconds { 1 } else { 1000 }
    }

    /// Waits until frames have arrived; not for longer than `time`.
    fn wait(&self, time: Duration) -> Result<(), SourceError> {
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        let mut waited = [PollFd::new(&self.capture, PollFlags::IN)];
        match poll(&mut waited, Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(std::io::Error::from(error).into()),
        }
    }

    /// Takes over what has arrived.
    fn take(&mut self, batch: &mut Batch) -> Result<(), SourceError> {
        let link = self.link;
        // Where the system gives nanoseconds they stand in the field for microseconds.
        let fraction = self.unit().cast_signed();
        while batch.headers.len() < FRAMES && batch.buffer.len() < OCTETS {
            let taken = self
                .capture
                .dispatch(Some(FRAMES - batch.headers.len()), |packet| {
                    batch.headers.push(FrameHeader {
                        time: Timestamp::new(
                            packet.header.ts.tv_sec,
                            packet.header.ts.tv_usec * fraction,
                        ),
                        start: batch.buffer.len(),
                        captured: packet.data.len() as u32,
                        wire: packet.header.len,
                        interface: 0,
                        link,
                    });
                    batch.buffer.extend_from_slice(packet.data);
                });
            match taken {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    self.ended = true;
                    return Err(SourceError::Live(format!(
                        "the capture on {:?} stopped: {}",
                        self.name,
                        words(&error)
                    )));
                }
            }
        }
        Ok(())
    }

    /// The kernel's counts, as pcapng's interface statistics, for a file that is being written.
    fn statistics(&self, batch: &mut Batch) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos() as u64 / self.unit();
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

    fn count(&mut self) {
        self.counted = Instant::now();
        let Ok(now) = self.capture.stats() else {
            return;
        };
        // The system's counters have 32 bits and wrap.
        for (counter, now) in [
            (&self.counters.received, now.received),
            (&self.counters.dropped, now.dropped),
            (&self.counters.interface_dropped, now.if_dropped),
        ] {
            let before = counter.load(Ordering::Relaxed);
            let more = now.wrapping_sub(before as u32);
            counter.store(before + u64::from(more), Ordering::Relaxed);
        }
    }
}

impl FrameSource for LiveSource {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        batch.clear();
        batch.first_number = self.frames + 1;
        if self.ended {
            return Ok(false);
        }
        if !self.begun {
            self.begun = true;
            batch.asides.push(Aside {
                before: 0,
                what: What::Interface(Box::new(Interface {
                    index: 0,
                    link: self.link,
                    snaplen: self.options.snaplen,
                    resolution: if self.nanoseconds { 9 } else { 6 },
                    offset: 0,
                    name: Some(self.name.clone()),
                    options: Vec::new(),
                })),
            });
        }
        if self.stopped.is_none() && self.options.stop.load(Ordering::Relaxed) {
            self.stopped = Some(Stopped::now());
        }
        // After the stop, what the kernel still gathers is waited for.
        let last = self.stopped.as_ref().is_some_and(Stopped::is_over);
        let mut outcome = self.take(batch);
        if outcome.is_ok() && batch.headers.is_empty() && !last {
            self.wait(self.stopped.as_ref().map_or(WAIT, |_| GATHER))?;
            outcome = self.take(batch);
        }
        self.frames += batch.headers.len() as u64;
        if let Some(stopped) = &mut self.stopped {
            self.ended |= stopped.has_all(batch, self.options.buffer) && last;
        }
        if self.ended || self.counted.elapsed() > COUNT_EVERY {
            self.count();
        }
        if self.ended {
            self.statistics(batch);
        }
        outcome.map(|()| !self.ended)
    }
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
fn words(error: &pcap::Error) -> String {
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
