//! The secrets of the streams that are saved, and only those, before their packets.

use std::collections::HashMap;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::capture::{Aside, CaptureWriter, What};
use crate::session::{FrameRecord, KeyLogFile};
use crate::tls::{Body, KeyLog, Random};

/// A connection whose hello was seen, and how many bytes of secrets were written for it.
type Connections = HashMap<u32, Vec<(Random, usize)>>;

/// Knows which secrets belong to which stream.
#[derive(Debug)]
pub struct Embed {
    keys: KeyLog,
    files: Vec<KeyLogFile>,
    connections: Connections,
}

impl Embed {
    /// With the secrets of these files, and those that the capture itself holds.
    #[must_use]
    pub fn new(files: &[PathBuf]) -> Self {
        let mut embed = Self {
            keys: KeyLog::default(),
            files: files.iter().map(|path| KeyLogFile::new(path)).collect(),
            connections: HashMap::new(),
        };
        embed.read();
        embed
    }

    /// Reads what was added to the files.
    pub(super) fn read(&mut self) {
        for file in &mut self.files {
            // One that cannot be read has nothing to add: it may come.
            let _ = file.read(&mut self.keys);
        }
    }

    pub(super) fn aside(&mut self, aside: &Aside) {
        if let What::KeyLog(text) = &aside.what {
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
                    let of_stream = self.connections.entry(found.stream).or_default();
                    if of_stream.iter().all(|(random, _)| *random != hello.random) {
                        of_stream.push((hello.random, 0));
                    }
                }
            }
        }
        if let (true, Some(placed)) = (saved, record.placement)
            && let Some(of_stream) = self.connections.get_mut(&placed.stream)
        {
            let mut text = Zeroizing::<Vec<u8>>::default();
            for (random, written) in of_stream {
                let mut lines = Zeroizing::<Vec<u8>>::default();
                self.keys.write(random, &mut lines);
                if lines.len() > *written {
                    *written = lines.len();
                    text.extend_from_slice(&lines);
                }
            }
            if !text.is_empty() {
                writer.secrets(&text);
            }
        }
        for flow in record.ended_flows {
            self.connections.remove(&flow.stream);
        }
    }
}
