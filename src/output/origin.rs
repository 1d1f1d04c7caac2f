//! Maps frames and streams to the capture that they are from.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthStr;

use crate::capture::{Aside, AsideContent};
use crate::session::FrameRecord;
use crate::text::escape::Escaped;

/// The maximum width of a capture's name in rows for people, in columns.
const COLUMNS: usize = 22;

/// The captures of a run, and the one that each frame and stream is from.
#[derive(Debug, Default)]
pub struct Origin {
    captures: Vec<Capture>,
    /// The capture that is read, if it is read alone.
    only: Option<usize>,
    /// Whether rows show the capture.
    is_told: bool,
    /// For merged captures: the capture of each interface.
    interfaces: Vec<u32>,
    /// For merged captures: the capture of each stream's last frame.
    streams: HashMap<u32, usize>,
    /// Streams that ended with the current frame.
    ended: Vec<u32>,
}

#[derive(Debug)]
struct Capture {
    path: String,
    /// A short name that differs from the others', for people.
    short: String,
}

impl Origin {
    /// Captures that are merged. Rows show the capture if there are several.
    #[must_use]
    pub fn merged(paths: &[PathBuf]) -> Self {
        Self {
            only: (paths.len() == 1).then_some(0),
            is_told: paths.len() > 1,
            captures: captures(paths),
            ..Self::default()
        }
    }

    /// One of several captures that are read separately. Rows show the capture.
    #[must_use]
    pub fn one_of(paths: &[PathBuf], index: usize) -> Self {
        Self {
            only: Some(index),
            is_told: true,
            captures: captures(paths),
            ..Self::default()
        }
    }

    /// Takes the description of an interface.
    pub fn aside(&mut self, aside: &Aside) {
        if let (None, AsideContent::Interface(interface)) = (self.only, &aside.what) {
            let index = interface.index as usize;
            if self.interfaces.len() <= index {
                self.interfaces.resize(index + 1, 0);
            }
            self.interfaces[index] = interface.file;
        }
    }

    /// Makes the next frame the current one.
    pub fn advance(&mut self, record: &FrameRecord<'_>) {
        if self.only.is_some() || self.captures.is_empty() {
            return;
        }
        for stream in self.ended.drain(..) {
            self.streams.remove(&stream);
        }
        if let (Some(placement), Some(index)) = (record.placement, self.index(record)) {
            self.streams.insert(placement.stream, index);
        }
        let ended = record.ended_flows.iter().map(|flow| flow.stream);
        self.ended.extend(ended);
    }

    fn index(&self, record: &FrameRecord<'_>) -> Option<usize> {
        let of_interface = || {
            let interface = record.frame.header.interface as usize;
            Some(*self.interfaces.get(interface)? as usize)
        };
        self.only.or_else(of_interface)
    }

    fn of_stream(&self, stream: u32) -> Option<&Capture> {
        let index = self.only.or_else(|| self.streams.get(&stream).copied());
        self.captures.get(index?)
    }

    fn of_record(&self, record: &FrameRecord<'_>) -> Option<&Capture> {
        self.captures.get(self.index(record)?)
    }

    /// Whether rows show the capture.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.is_told
    }

    /// The path of a frame's capture, as the user gave it.
    #[must_use]
    pub fn path(&self, record: &FrameRecord<'_>) -> Option<&str> {
        self.of_record(record).map(|capture| &*capture.path)
    }

    /// The path of the capture of a stream's last frame.
    #[must_use]
    pub fn path_of_stream(&self, stream: u32) -> Option<&str> {
        self.of_stream(stream).map(|capture| &*capture.path)
    }

    /// The path of a frame's capture, if rows show it.
    #[must_use]
    pub fn told(&self, record: &FrameRecord<'_>) -> Option<&str> {
        self.path(record).filter(|_| self.is_told)
    }

    /// The path of a stream's capture, if rows show it. If a record is given, it is the capture of its frame.
    #[must_use]
    pub fn told_of(&self, stream: u32, record: Option<&FrameRecord<'_>>) -> Option<&str> {
        match record {
            Some(record) => self.told(record),
            None => self.path_of_stream(stream).filter(|_| self.is_told),
        }
    }

    /// The short name of a frame's capture; empty if rows do not show it.
    #[must_use]
    pub fn short(&self, record: &FrameRecord<'_>) -> &str {
        let capture = self.of_record(record).filter(|_| self.is_told);
        capture.map_or("", |capture| &capture.short)
    }

    /// The short name of a stream's capture; empty if rows do not show it. If a record is given, it is the capture of its
    /// frame.
    #[must_use]
    pub fn short_of(&self, stream: u32, record: Option<&FrameRecord<'_>>) -> &str {
        let capture = match record {
            Some(record) => self.of_record(record),
            None => self.of_stream(stream),
        };
        let told = capture.filter(|_| self.is_told);
        told.map_or("", |capture| &capture.short)
    }

    /// The width of the longest short name in columns; 0 if rows do not show it.
    #[must_use]
    pub fn width(&self) -> usize {
        let widths = self.captures.iter().map(|capture| capture.short.width());
        widths.max().filter(|_| self.is_told).unwrap_or(0)
    }
}

fn captures(paths: &[PathBuf]) -> Vec<Capture> {
    let folder = common_folder(paths);
    let own = |path: &PathBuf| {
        let own = path.strip_prefix(&folder).unwrap_or(path);
        own.to_string_lossy().into_owned()
    };
    let whole: Vec<String> = paths.iter().map(own).collect();
    let stems: Vec<&str> = whole.iter().map(|name| stem(name)).collect();
    // Extensions are left out if the names differ without them.
    let different: HashSet<&str> = stems.iter().copied().collect();
    let are_enough = different.len() == paths.len();
    let names = whole.iter().zip(stems);
    let names = names.map(|(whole, stem)| if are_enough { stem } else { whole });
    let captures = paths.iter().zip(names).map(|(path, name)| Capture {
        path: path.to_string_lossy().into_owned(),
        short: shortened(&Escaped(name).to_string()),
    });
    captures.collect()
}

/// A capture's name without the usual extensions.
fn stem(name: &str) -> &str {
    let plain = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    let endings = [".pcap", ".pcapng", ".cap"];
    let mut stems = endings
        .iter()
        .filter_map(|ending| plain.unwrap_or(name).strip_suffix(ending));
    stems.next().filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// The innermost folder that contains all paths.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let mut folders = paths.iter().filter_map(|path| path.parent());
    let mut common: PathBuf = folders.next().unwrap_or(Path::new("")).to_owned();
    for folder in folders {
        // Every path starts with the empty one, but not every path with the root.
        while !folder.starts_with(&common) {
            if !common.pop() {
                common = PathBuf::new();
            }
        }
    }
    common
}

/// The name, with its middle left out if it is too long.
fn shortened(name: &str) -> String {
    if name.width() <= COLUMNS {
        return name.to_owned();
    }
    let characters: Vec<char> = name.chars().collect();
    let half = (COLUMNS - 1) / 2;
    let (head, tail) = (&characters[..half], &characters[characters.len() - half..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shorts(paths: &[&str]) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let captures = captures(&paths).into_iter();
        captures.map(|capture| capture.short).collect()
    }

    #[test]
    fn rows_have_what_tells_captures_apart() {
        assert_eq!(shorts(&["c/x/a.pcap", "c/b.pcapng.gz"]), ["x/a", "b"]);
        assert_eq!(shorts(&["c/a.pcap", "c/a.pcapng"]), ["a.pcap", "a.pcapng"]);
        assert_eq!(shorts(&["c/a.pcap"]), ["a"]);
        assert_eq!(shorts(&["/c/a.pcap", "d/a.pcap"]), ["/c/a", "d/a"]);
        assert_eq!(shorts(&["-", "a\u{1b}"]), ["-", "a\\u{1b}"]);
        let long = shorts(&["a-very-long-name-of-a-capture-this-one"]);
        assert_eq!(long, ["a-very-lon…e-this-one"]);
        assert!(long[0].width() <= COLUMNS);
    }
}
