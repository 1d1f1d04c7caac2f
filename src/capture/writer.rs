//! Writes frames as pcapng, together with everything else that the original contains.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::batch::{AsideContent, Batch, Frame};
use super::encode::{BEFORE_FRAME, Encoder, NAMES};
use super::options::{self, STATISTICS};
use super::place::{Inputs, Place, is_input};
use super::rotate::{Ring, RotationLimits};
use super::secrets::{self, SECRETS};
use super::texts::{self, HideText};
use super::time::Timestamp;
use crate::text::trouble::Trouble;

/// Bytes that are collected before they are written.
const GATHERED: usize = 256 << 10;

/// `epb_hash`: would show whether a guess at a frame's bytes is right.
const HASH: u16 = 3;
/// Length in bytes of the enterprise number at the start of a custom block.
const ENTERPRISE: usize = 4;

/// How to write.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Whether to write each batch at once instead of collecting bytes, and directly at the final path if no file
    /// exists there: for live captures that another program reads meanwhile.
    pub packet_buffered: bool,
    /// When to begin the next file. Durations are measured by the frames' times, so a replayed file is split as it
    /// would have been live.
    pub rotate: Option<RotationLimits>,
    /// Whether the frames' bytes were changed to hide information. Then everything that could reveal it is dropped:
    /// hashes of frames, secrets, and the content of blocks of other types.
    pub redacted: bool,
    /// Whether to drop the secrets of the original. Secrets to be written come through [`CaptureWriter::secrets`].
    pub own_secrets: bool,
}

/// Writing failed. The text is a whole sentence without the program's name.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {}", output(.path), Trouble(.error))]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// The cause.
    #[source]
    pub error: io::Error,
}

impl WriteError {
    /// Whether the reader closed the pipe, which is no failure.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        self.error.kind() == io::ErrorKind::BrokenPipe
    }
}

fn output(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "standard output".into()
    } else {
        format!("{:?}", path.to_string_lossy())
    }
}

/// Writes one or several pcapng files.
///
/// From a source that was opened with [`keep`](super::ReadOptions::keep), it also writes the section header's options,
/// interfaces, names, secrets, statistics, custom and unknown blocks, and the frames' own options. All sections become
/// one. Frames without a time (simple packet blocks) get that of the previous frame.
pub struct CaptureWriter {
    out: Out,
    inputs: Inputs,
    path: PathBuf,
    encoder: Encoder,
    gathered: Vec<u8>,
    packet_buffered: bool,
    redacted: bool,
    hide: Option<HideText>,
    own_secrets: bool,
    ring: Option<Ring>,
    files: u64,
    /// The options of the next frame.
    options: Vec<u8>,
    /// Bytes and frames of the current file that were written.
    octets: u64,
    in_file: u64,
    frames: u64,
    /// Offset of the last frame's bytes in the current file.
    place: u64,
}

impl CaptureWriter {
    /// Creates a file, or several if [`WriteOptions::rotate`] is set; `-` is standard output. A single file is written
    /// beside its final path, so that an existing file stays unchanged until [`finish`](Self::finish). With
    /// [`WriteOptions::packet_buffered`], it is written at its final path if no file exists there.
    ///
    /// # Errors
    ///
    /// If the file cannot be created, or is one of `inputs`, which are being read, under any name.
    pub fn create(
        path: &Path,
        inputs: &[PathBuf],
        options: &WriteOptions,
    ) -> Result<Self, WriteError> {
        let fails = |error| WriteError {
            path: path.to_owned(),
            error,
        };
        let mut writer = Self {
            out: Out::Any(Box::new(io::sink())),
            inputs: Inputs::of(inputs),
            path: path.to_owned(),
            encoder: Encoder::default(),
            gathered: Vec::with_capacity(GATHERED * 2),
            packet_buffered: options.packet_buffered,
            redacted: options.redacted,
            hide: None,
            own_secrets: options.own_secrets,
            ring: options.rotate.map(|limits| Ring::new(path, limits)),
            files: 0,
            options: Vec::new(),
            octets: 0,
            in_file: 0,
            frames: 0,
            place: 0,
        };
        if path.as_os_str() == "-" {
            if writer.ring.is_some() {
                return Err(fails(io::Error::other(
                    "several files need a name. Give one with -w",
                )));
            }
            if writer.inputs.has_standard_output() {
                return Err(fails(is_input()));
            }
            writer.out = Out::Any(Box::new(io::stdout()));
            writer.files = 1;
        } else {
            writer.open()?;
        }
        Ok(writer)
    }

    /// Writes to any writer, for tests and pipes.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Out::Any(Box::new(out)),
            inputs: Inputs::default(),
            path: "-".into(),
            encoder: Encoder::default(),
            gathered: Vec::new(),
            packet_buffered: false,
            redacted: false,
            hide: None,
            own_secrets: false,
            ring: None,
            files: 1,
            options: Vec::new(),
            octets: 0,
            in_file: 0,
            frames: 0,
            place: 0,
        }
    }

    /// From now on, changes every text of the original: comments, names and descriptions.
    pub fn hide_texts(&mut self, hide: HideText) {
        self.hide = Some(hide);
    }

    /// Writes a batch: everything between the frames, and each frame for which `choose` returns `Some`, with these
    /// comments added.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn write<'c>(
        &mut self,
        batch: &Batch,
        choose: impl FnMut(&Frame<'_>) -> Option<&'c [String]>,
    ) -> Result<(), WriteError> {
        self.each(batch, choose, |_| ())
    }

    /// Writes a whole batch, and appends the offset of each frame's bytes in the file to `places`.
    pub(super) fn write_whole(
        &mut self,
        batch: &Batch,
        places: &mut Vec<u64>,
    ) -> Result<(), WriteError> {
        self.each(batch, |_| Some(&[]), |place| places.push(place))
    }

    fn each<'c>(
        &mut self,
        batch: &Batch,
        mut choose: impl FnMut(&Frame<'_>) -> Option<&'c [String]>,
        mut written: impl FnMut(u64),
    ) -> Result<(), WriteError> {
        let mut asides = batch.asides.iter().peekable();
        for (index, frame) in batch.frames().enumerate() {
            while let Some(aside) = asides.next_if(|aside| aside.before <= index) {
                self.aside(batch, &aside.what);
            }
            self.frame(&frame, choose(&frame))?;
            written(self.place);
        }
        for aside in asides {
            self.aside(batch, &aside.what);
        }
        self.pause()
    }

    /// Writes the next frame with these comments added, or skips it for `None`.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn frame(
        &mut self,
        frame: &Frame<'_>,
        chosen: Option<&[String]>,
    ) -> Result<(), WriteError> {
        let options = std::mem::take(&mut self.options);
        if let Some(comments) = chosen {
            self.write_frame(frame, &options, comments)?;
        }
        self.options = options;
        self.options.clear();
        if self.gathered.len() >= GATHERED {
            self.write_out()?;
        }
        Ok(())
    }

    /// Writes a TLS key log in NSS format before the next frames.
    pub fn secrets(&mut self, text: &[u8]) {
        self.begin(&[]);
        let body = secrets::block_body(text);
        self.encoder.block(SECRETS, &body, &mut self.gathered);
    }

    /// Writes the collected bytes if [`packet_buffered`](WriteOptions::packet_buffered) is set.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn pause(&mut self) -> Result<(), WriteError> {
        if self.packet_buffered {
            self.flush()?;
        }
        Ok(())
    }

    /// Number of frames written so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Number of files begun so far.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Whether a frame of this time would begin the next file.
    #[must_use]
    pub fn would_begin_file(&self, time: Timestamp) -> bool {
        let ring = self.ring.as_ref();
        ring.is_some_and(|ring| ring.would_be_due(time, self.octets(), self.in_file))
    }

    /// Length of the current file so far, in bytes.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets + self.gathered.len() as u64
    }

    /// Path of the current file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the collected bytes.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.write_out()?;
        self.out.flush().map_err(|error| self.fails(error))
    }

    /// Completes the file, and moves it to its final path. A file without frames has at least a header.
    ///
    /// # Errors
    ///
    /// If writing or moving the file fails.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        self.begin(&[]);
        self.flush()?;
        match &mut self.out {
            Out::Any(_) => Ok(()),
            Out::Place(place) => place.finish().map_err(|error| self.fails(error)),
        }
    }

    /// Whether [`finish`](Self::finish) replaces an existing file.
    #[must_use]
    pub fn replaces(&self) -> bool {
        matches!(&self.out, Out::Place(place) if place.replaces())
    }

    /// The path where the file is until it is complete; `None` if that is the final path.
    #[must_use]
    pub fn path_beside(&self) -> Option<&Path> {
        match &self.out {
            Out::Place(place) => place.path_beside(),
            Out::Any(_) => None,
        }
    }

    /// Ends a file that is known to be incomplete, and leaves it beside its final path. Returns its path; `None` if it
    /// was written at its final path, such as a pipe or a ring.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn leave_beside(&mut self) -> Result<Option<PathBuf>, WriteError> {
        self.begin(&[]);
        self.flush()?;
        Ok(match &mut self.out {
            Out::Any(_) => None,
            Out::Place(place) => place.keep(),
        })
    }

    fn fails(&self, error: io::Error) -> WriteError {
        WriteError {
            path: self.path.clone(),
            error,
        }
    }

    fn write_out(&mut self) -> Result<(), WriteError> {
        let outcome = self.out.write_all(&self.gathered);
        self.octets += self.gathered.len() as u64;
        self.gathered.clear();
        outcome.map_err(|error| self.fails(error))
    }

    /// Writes the section header, if it was not written yet.
    fn begin(&mut self, options: &[u8]) {
        if self.encoder.fresh() {
            self.encoder.section(options, &mut self.gathered);
        }
    }

    /// Writes what precedes the next frame, or keeps it if it belongs to that frame.
    pub fn aside(&mut self, batch: &Batch, what: &AsideContent) {
        match what {
            AsideContent::Section(range) => {
                let list = &batch.buffer[range.clone()];
                match &self.hide {
                    Some(hide) => {
                        let list = texts::of_section(list, hide);
                        self.begin(&list);
                    }
                    None => self.begin(list),
                }
            }
            AsideContent::Interface(interface) => {
                self.begin(&[]);
                let changed = self.hide.as_ref();
                let changed = changed.map(|hide| texts::of_interface(interface, hide));
                let interface = changed.as_ref().unwrap_or(interface);
                self.encoder.interface(interface, &mut self.gathered);
            }
            AsideContent::Block { kind, body } => {
                self.begin(&[]);
                let body = &batch.buffer[body.clone()];
                match *kind {
                    NAMES | STATISTICS => {
                        let changed = match &self.hide {
                            Some(hide) if *kind == NAMES => texts::of_names(body, hide),
                            Some(hide) => Some(texts::of_statistics(body, hide)),
                            None => Some(body.to_vec()),
                        };
                        if let Some(body) = changed {
                            self.encoder.block(*kind, &body, &mut self.gathered);
                        }
                    }
                    SECRETS if self.redacted || self.own_secrets => {}
                    // Their content is zeroed, so that programs that count such blocks as frames still do.
                    _ if self.redacted => {
                        let kept = body.len().min(ENTERPRISE);
                        let mut hidden = body[..kept].to_vec();
                        hidden.resize(body.len(), 0);
                        self.encoder.block(*kind, &hidden, &mut self.gathered);
                    }
                    _ => self.encoder.block(*kind, body, &mut self.gathered),
                }
            }
            // Written as the block that it came from, if at all.
            AsideContent::KeyLog(_) => {}
            // Written with its frame.
            AsideContent::FrameOptions(range) => {
                self.options.clear();
                let given = &batch.buffer[range.clone()];
                if !self.redacted {
                    self.options.extend_from_slice(given);
                    return;
                }
                for (code, value) in options::list(given).filter(|(code, _)| *code != HASH) {
                    options::push(&mut self.options, code, value);
                }
                if let Some(hide) = &self.hide {
                    self.options = texts::of_frame(&self.options, hide);
                }
            }
        }
    }

    fn write_frame(
        &mut self,
        frame: &Frame<'_>,
        options: &[u8],
        comments: &[String],
    ) -> Result<(), WriteError> {
        self.begin(&[]);
        self.encoder.complete(frame.header, &mut self.gathered);
        let (octets, frames) = (self.octets(), self.in_file);
        if let Some(ring) = &mut self.ring
            && ring.due(frame.header.time, octets, frames)
        {
            self.flush()?;
            self.open()?;
            self.gathered.extend_from_slice(self.encoder.preamble());
        }
        self.place = self.octets() + BEFORE_FRAME;
        self.encoder.frame(
            frame.header,
            frame.octets,
            options,
            comments,
            &mut self.gathered,
        );
        self.in_file += 1;
        self.frames += 1;
        Ok(())
    }

    /// Opens the file, or the next one of several, and removes the oldest if there are too many.
    fn open(&mut self) -> Result<(), WriteError> {
        if let Some(ring) = &mut self.ring {
            let stamp = jiff::ZonedDateTime::now()
                .strftime("%Y%m%d%H%M%S")
                .to_string();
            let (path, old) = ring.next(&stamp);
            self.path = path;
            if let Some(old) = old
                && let Err(error) = std::fs::remove_file(&old)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(WriteError { path: old, error });
            }
        }
        let place = if self.ring.is_some() {
            Place::at(&self.path, &self.inputs)
        } else if self.packet_buffered {
            Place::growing(&self.path, &self.inputs)
        } else {
            Place::beside(&self.path, &self.inputs)
        };
        self.out = Out::Place(Box::new(place.map_err(|error| self.fails(error))?));
        self.files += 1;
        (self.octets, self.in_file) = (0, 0);
        Ok(())
    }
}

/// Where bytes go.
enum Out {
    Any(Box<dyn Write + Send>),
    Place(Box<Place>),
}

impl Write for Out {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Any(out) => out.write(octets),
            Self::Place(place) => place.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Any(out) => out.flush(),
            Self::Place(place) => place.flush(),
        }
    }
}

impl Drop for CaptureWriter {
    /// Writes what was collected, so that a pipe or ring loses nothing if a run ends early.
    fn drop(&mut self) {
        let _ = self.flush();
    }
}
