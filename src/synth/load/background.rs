//! Background traffic: TCP to port 443 that looks encrypted, and DNS queries.

use std::io::{self, Write};

use fastrand::Rng;

use super::frames::{ACK, FIN, FrameWriter, PSH, Path, SYN, TcpFields};

/// Background connections at the same time.
const FLOWS: usize = 2000;
/// Frames of one connection, including opening and closing.
const FRAMES_PER_FLOW: u32 = 60;
/// One in this many frames is DNS.
const DNS: u32 = 16;
/// Connections of one client address before the next address is used.
const PORTS: u64 = 50_000;

#[derive(Debug, Clone)]
struct Flow {
    path: Path,
    next: [u32; 2],
    frames: u32,
}

/// State of the background traffic.
#[derive(Debug)]
pub struct Background {
    flows: Vec<Flow>,
    begun: u64,
    sizes: Vec<usize>,
    noise: Vec<u8>,
}

impl Background {
    pub fn new(sizes: &[usize]) -> Self {
        // A TLS application data header, then arbitrary bytes.
        let longest = sizes.iter().copied().max().unwrap_or(0).min(1460);
        let mut noise = vec![0x17, 3, 3, 0x40, 0];
        noise.extend((0_u32..1460).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8));
        noise.truncate(longest.max(32));
        Self {
            flows: Vec::new(),
            begun: 0,
            sizes: sizes.iter().map(|size| (*size).min(longest)).collect(),
            noise,
        }
    }

    /// Number of TCP connections with at least one frame.
    pub const fn streams(&self) -> u64 {
        self.begun
    }

    fn begin(&mut self, random: &mut Rng) -> Flow {
        let [.., a, b, c] = (self.begun / PORTS + 1).to_be_bytes();
        let source_port = 10_000 + (self.begun % PORTS) as u16;
        self.begun += 1;
        Flow {
            path: Path {
                source: [172, 16 | (a & 15), b, c],
                destination: [198, 51, 100, random.u8(1..)],
                source_port,
                destination_port: 443,
            },
            next: [random.u32(..), random.u32(..)],
            frames: 0,
        }
    }

    /// Writes the next frame.
    pub fn frame<W: Write>(
        &mut self,
        frames: &mut FrameWriter<W>,
        random: &mut Rng,
    ) -> io::Result<()> {
        if random.u32(..DNS) == 0 {
            let path = Path {
                source: [172, 16, 0, random.u8(1..)],
                destination: [198, 51, 100, 53],
                source_port: random.u16(10_000..),
                destination_port: 53,
            };
            // A query for the address of www.example.
            let mut question = *b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\0\0\x01\0\x01";
            question[..2].copy_from_slice(&random.u16(..).to_be_bytes());
            return frames.udp(path, &question);
        }
        let index = random.usize(..FLOWS);
        let index = if index < self.flows.len() {
            index
        } else {
            let flow = self.begin(random);
            self.flows.push(flow);
            self.flows.len() - 1
        };
        if self.flows[index].frames == FRAMES_PER_FLOW {
            self.flows[index] = self.begin(random);
        }
        let flow = &mut self.flows[index];
        let (side, flags) = match flow.frames {
            0 => (0, SYN),
            1 => (1, SYN | ACK),
            2 => (0, ACK),
            at if at == FRAMES_PER_FLOW - 2 => (0, FIN | ACK),
            at if at == FRAMES_PER_FLOW - 1 => (1, FIN | ACK),
            _ => (random.usize(..2), ACK),
        };
        let len = match self.sizes.as_slice() {
            sizes if !sizes.is_empty() && flags == ACK && flow.frames > 2 => {
                sizes[random.usize(..sizes.len())]
            }
            _ => 0,
        };
        let payload = &self.noise[..len];
        let fields = TcpFields {
            sequence: flow.next[side],
            acknowledgment: if flags == SYN { 0 } else { flow.next[1 - side] },
            flags: if len > 0 { flags | PSH } else { flags },
        };
        let takes = len as u32 + u32::from(flags & (SYN | FIN) != 0);
        flow.next[side] = flow.next[side].wrapping_add(takes);
        flow.frames += 1;
        let path = if side == 0 {
            flow.path
        } else {
            flow.path.reversed()
        };
        frames.tcp(path, fields, payload)
    }
}
