//! Writes the secrets of the saved streams, and only those, before their packets.

use std::collections::HashMap;

use zeroize::Zeroizing;

use crate::capture::{Aside, AsideContent, CaptureWriter};
use crate::session::{FrameRecord, KeyLogSource, KeyLogs};
use crate::tls::{Body, KeyLog, Random};

/// A stream with TLS.
#[derive(Debug, Default)]
struct Stream {
    /// Its connections whose hello was seen, and how many bytes of secrets were written for each.
    connections: Vec<(Random, usize)>,
    /// Whether a frame of it was saved.
    saved: bool,
}

/// Knows which secrets belong to which stream.
#[derive(Debug)]
pub struct Embed {
    keys: KeyLog,
    logs: KeyLogs,
    streams: HashMap<u32, Stream>,
    /// How many secrets there were when all streams were last checked.
    written: u64,
}

impl Embed {
    /// Uses the secrets of these key logs, and those in the capture itself.
    #[must_use]
    pub fn new(sources: &[KeyLogSource]) -> Self {
        let mut keys = KeyLog::default();
        let logs = KeyLogs::new(sources, &mut keys);
        Self {
            keys,
            logs,
            streams: HashMap::new(),
            written: 0,
        }
    }

    pub(super) fn aside(&mut self, aside: &Aside) {
        if let AsideContent::KeyLog(text) = &aside.what {
            self.keys.read_all(text.bytes());
        }
    }

    /// Writes the secrets of the frame's stream that are known and not written yet, before the
    /// frame, where that is `saved`.
    pub(super) fn frame(
        &mut self,
        record: &FrameRecord<'_>,
        saved: bool,
        writer: &mut CaptureWriter,
    ) {
        for found in record.tls {
            for message in &found.messages {
                if let Body::ClientHello(hello) = &message.body {
                    let stream = self.streams.entry(found.stream).or_default();
                    let known = |(random, _): &(Random, usize)| *random == hello.random;
                    if !stream.connections.iter().any(known) {
                        stream.connections.push((hello.random, 0));
                    }
                }
            }
        }
        if let (true, Some(placed)) = (saved, record.placement)
            && let Some(stream) = self.streams.get_mut(&placed.stream)
        {
            stream.saved = true;
            stream.write(&self.keys, writer);
        }
        for flow in record.ended_flows {
            self.streams.remove(&flow.stream);
        }
    }

    /// Writes secrets of streams saved earlier that have arrived since.
    pub(super) fn late(&mut self, writer: &mut CaptureWriter) {
        self.logs.read(&mut self.keys);
        let added = self.keys.added();
        if std::mem::replace(&mut self.written, added) != added {
            let saved = self.streams.values_mut().filter(|stream| stream.saved);
            saved.for_each(|stream| stream.write(&self.keys, writer));
        }
    }
}

impl Stream {
    fn write(&mut self, keys: &KeyLog, writer: &mut CaptureWriter) {
        let mut text = Zeroizing::<Vec<u8>>::default();
        for (random, written) in &mut self.connections {
            let mut lines = Zeroizing::<Vec<u8>>::default();
            keys.write(random, &mut lines);
            if lines.len() > *written {
                *written = lines.len();
                text.extend_from_slice(&lines);
            }
        }
        if !text.is_empty() {
            writer.secrets(&text);
        }
    }
}
