//! Live capture with libpcap: lists and opens interfaces, and reads frames from them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "libpcap's own lengths have 32 bits"
)]

use std::io;
use std::time::Duration;

use authscope::capture::live::{
    Capturing, Counts, InterfaceInfo, LOOPBACK, LiveOptions, MOST_FRAMES, MOST_OCTETS,
    OpenInterface, filter, gather,
};
use authscope::capture::{Batch, FrameHeader, LinkType, SourceError, Timestamp};
use pcap::{Active, Capture, Device, Precision};

/// libpcap's name for all interfaces of Linux at once.
const ANY: &str = "any";

/// Capturing with libpcap.
pub struct Libpcap;

impl Capturing for Libpcap {
    fn open(&self, options: &LiveOptions) -> Result<Box<dyn OpenInterface>, SourceError> {
        Ok(Box::new(Opened::open(options)?))
    }

    fn interfaces(&self) -> Result<Vec<InterfaceInfo>, SourceError> {
        interfaces()
    }

    #[cfg(target_os = "linux")]
    fn renounce(&self) -> io::Result<()> {
        use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
        let to_capture = CapabilitySet::NET_RAW | CapabilitySet::NET_ADMIN;
        let mut sets = capabilities(None)?;
        sets.effective -= to_capture;
        sets.permitted -= to_capture;
        sets.inheritable -= to_capture;
        Ok(set_capabilities(None, sets)?)
    }

    /// On other systems, the permission is the user's right to open a device.
    #[cfg(not(target_os = "linux"))]
    fn renounce(&self) -> io::Result<()> {
        Ok(())
    }
}

/// An interface that libpcap has opened.
struct Opened {
    capture: Capture<Active>,
    name: String,
    link: LinkType,
    unit: u64,
    /// The system's counts from before the filter was set, when it took whatever came.
    unfiltered: Counts,
}

impl Opened {
    fn open(options: &LiveOptions) -> Result<Self, SourceError> {
        let name = match &options.interface {
            Some(name) => name.clone(),
            None => loopback(),
        };
        let alone = name == ANY || name == loopback();
        let nanoseconds = cfg!(target_os = "linux");
        let mut capture = Capture::from_device(name.as_str())
            .and_then(|capture| {
                capture
                    .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
                    .buffer_size(i32::try_from(options.buffer).unwrap_or(i32::MAX))
                    .timeout(gather(options.buffer).as_millis() as i32)
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
        let program = set_filter(&mut capture, link, options)?;
        if name == loopback() && link == LinkType::ETHERNET {
            leave_out_sent(&capture, &program);
        }
        let unfiltered = counts(&mut capture).unwrap_or_default();
        Ok(Self {
            capture,
            name,
            link,
            unit: if nanoseconds { 1 } else { 1000 },
            unfiltered,
        })
    }
}

impl OpenInterface for Opened {
    fn name(&self) -> &str {
        &self.name
    }

    fn link(&self) -> LinkType {
        self.link
    }

    fn unit(&self) -> u64 {
        self.unit
    }

    fn wait(&self, time: Duration) -> Result<(), SourceError> {
        Ok(wait(&self.capture, time)?)
    }

    #[allow(
        clippy::useless_conversion,
        reason = "libpcap's times have 32 bits on Windows, and fractions of a second on macOS"
    )]
    fn take(&mut self, batch: &mut Batch) -> Result<(), SourceError> {
        let link = self.link;
        // If the system gives nanoseconds, they are in the field for microseconds.
        let fraction = self.unit.cast_signed();
        while batch.headers.len() < MOST_FRAMES && batch.buffer.len() < MOST_OCTETS {
            let taken = self
                .capture
                .dispatch(Some(MOST_FRAMES - batch.headers.len()), |packet| {
                    batch.headers.push(FrameHeader {
                        time: Timestamp::new(
                            i64::from(packet.header.ts.tv_sec),
                            i64::from(packet.header.ts.tv_usec) * fraction,
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

    fn counts(&mut self) -> Option<Counts> {
        Some(counts(&mut self.capture)?.since(self.unfiltered))
    }

    fn counts_what_it_gives(&self) -> bool {
        // libpcap itself leaves out half of what the kernel counts on loopback.
        cfg!(target_os = "linux") && self.name != ANY
    }
}

/// The system's counts since libpcap opened the interface.
fn counts(capture: &mut Capture<Active>) -> Option<Counts> {
    let counted = capture.stats().ok()?;
    Some(Counts {
        received: counted.received,
        dropped: counted.dropped,
        interface_dropped: counted.if_dropped,
    })
}

/// Waits until frames have arrived, but at most for `limit`, which is less than a second.
#[cfg(unix)]
fn wait(capture: &Capture<Active>, limit: Duration) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(limit.subsec_nanos()),
    };
    let mut waited = [PollFd::new(capture, PollFlags::IN)];
    match poll(&mut waited, Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits for the time in which frames may be buffered, or less: waiting for Npcap's event of an adapter would need
/// unsafe calls.
#[cfg(windows)]
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
fn wait(_: &Capture<Active>, limit: Duration) -> io::Result<()> {
    std::thread::sleep(limit.min(authscope::capture::live::GATHER));
    Ok(())
}

/// Sets the capture filter. Returns it in libpcap's language.
fn set_filter(
    capture: &mut Capture<Active>,
    link: LinkType,
    options: &LiveOptions,
) -> Result<String, SourceError> {
    let program = match &options.filter {
        Some(filter) => filter.clone(),
        None => filter(&options.ports, link == LinkType::ETHERNET),
    };
    match capture.filter(&program, true) {
        Ok(()) => Ok(program),
        Err(error) => Err(SourceError::Live(format!(
            "cannot capture with the filter {program:?}: {}. The language is described in pcap-filter(7), for instance: tcp port 8888 and host 192.0.2.1",
            words(&error)
        ))),
    }
}

/// Linux shows libpcap each frame on loopback twice, as sent and as received, and libpcap returns the second only. This
/// leaves the first out of the kernel's buffer, which then holds twice as many frames: it replaces the kernel's copy of
/// the filter `program` by one that begins with that test. libpcap's word for it, `inbound`, would lose the first
/// frames: libpcap itself filters those that the kernel's first block holds, and cannot tell the two apart. If the
/// kernel refuses, its filter stays as libpcap has set it.
#[cfg(target_os = "linux")]
fn leave_out_sent(capture: &Capture<Active>, program: &str) {
    use socket2::{SockFilter, SockRef};
    /// Loads the packet's type, as `<linux/filter.h>` has it: `BPF_LD | BPF_W | BPF_ABS` at `SKF_AD_OFF +
    /// SKF_AD_PKTTYPE`.
    const LOAD_TYPE: [u32; 4] = [0x20, 0, 0, 0xffff_f004];
    /// Skips the next instruction unless it is `PACKET_OUTGOING`: `BPF_JMP | BPF_JEQ | BPF_K`.
    const IS_SENT: [u32; 4] = [0x15, 0, 1, 4];
    /// Takes none of its bytes: `BPF_RET | BPF_K`.
    const LEAVE_OUT: [u32; 4] = [0x06, 0, 0, 0];

    let Ok(compiled) = capture.compile(program, true) else {
        return;
    };
    // The crate shows the fields of an instruction only as text. Jumps are relative, so they stay right.
    let compiled = compiled.get_instructions().iter().map(|instruction| {
        let fields = instruction.to_string();
        let mut fields = fields.split(' ').map(str::parse);
        let mut next = || fields.next()?.ok();
        Some([next()?, next()?, next()?, next()?])
    });
    let filter: Option<Vec<SockFilter>> = [LOAD_TYPE, IS_SENT, LEAVE_OUT]
        .map(Some)
        .into_iter()
        .chain(compiled)
        .map(|instruction| {
            let [code, yes, no, operand] = instruction?;
            Some(SockFilter::new(code as u16, yes as u8, no as u8, operand))
        })
        .collect();
    if let Some(filter) = filter {
        let _ = SockRef::from(capture).attach_filter(&filter);
    }
}

/// Other systems show a frame on loopback once.
#[cfg(not(target_os = "linux"))]
const fn leave_out_sent(_: &Capture<Active>, _: &str) {}

fn interfaces() -> Result<Vec<InterfaceInfo>, SourceError> {
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

/// libpcap's error text, without the interface name that it may begin with.
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
        } else if cfg!(windows) {
            "permission denied. Run it as administrator, to whom Npcap was restricted when it was installed".to_owned()
        } else {
            "permission denied. Run it with sudo, or get read access to /dev/bpf*".to_owned()
        }
    } else if cfg!(windows) && name == LOOPBACK {
        format!("{said}. Install Npcap (https://npcap.com) with its support for loopback traffic")
    } else if [
        "no such device",
        "doesn't exist",
        "cannot find the device",
        "adapter name",
    ]
    .iter()
    .any(|part| lower.contains(part))
    {
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
