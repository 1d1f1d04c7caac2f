//! Resolves the name of a capture: a file, standard input, or a folder with captures.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::octets::Octets;
use super::sniff;
use crate::platform::file::{
    Identity, identity, identity_at, is_known_by_name, is_regular, standard_input,
};

/// Whether a path means standard input.
fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Length in bytes of the regular file at a path (`-` for standard input); `None` for a pipe or a device.
pub(super) fn regular_length(path: &Path) -> io::Result<Option<u64>> {
    if is_standard(path) {
        let file = standard_input()?;
        return Ok(if is_regular(&file)? {
            Some(file.metadata()?.len())
        } else {
            None
        });
    }
    if is_known_by_name(path) {
        return Ok(None);
    }
    let found = path.metadata()?;
    Ok(found.is_file().then_some(found.len()))
}

/// Identity of the file at a path.
pub(super) fn identified(path: &Path) -> io::Result<Identity> {
    if is_standard(path) {
        return identity(&standard_input()?);
    }
    identity_at(path)
}

/// Whether a path is a pipe or a device: it may still be written, or can be read only once.
#[must_use]
pub fn is_pipe(path: &Path) -> bool {
    regular_length(path).is_ok_and(|length| length.is_none())
}

/// Opens the file at a path. If it is standard input and a regular file, also returns the offset to read from. The
/// file's own position does not move then, so it can be read again.
pub(super) fn open(path: &Path) -> io::Result<(File, Option<u64>)> {
    if !is_standard(path) {
        return Ok((File::open(path)?, None));
    }
    let mut file = standard_input()?;
    let at = if is_regular(&file)? {
        Some(file.stream_position()?)
    } else {
        None
    };
    Ok((file, at))
}

/// Resolves paths to captures. A file stays as it is named. A folder is replaced by the captures in it and its folders,
/// sorted by name. A file in a folder is a capture by its content, or if its name ends in `.pcap`, `.pcapng` or `.cap`,
/// possibly followed by `.gz` or `.zst`. Names that begin with a dot are skipped, and so are links to folders.
///
/// # Errors
///
/// If a folder cannot be read, or contains no capture.
pub fn captures_of<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        if is_standard(path) || !path.is_dir() {
            found.push(path.to_owned());
            continue;
        }
        let before = found.len();
        captures_in(path, &mut found).map_err(|error| FileError::new(path, error))?;
        found[before..].sort();
        if found.len() == before {
            let error = io::Error::other("there is no capture in this folder");
            return Err(FileError::new(path, error));
        }
    }
    Ok(found)
}

fn captures_in(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            captures_in(&path, found)?;
        } else if path.is_file() && (is_named_so(&path) || begins_so(&path)) {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a file's name is that of a capture.
fn is_named_so(path: &Path) -> bool {
    let ending = |path: &Path| {
        let ending = path.extension()?.to_str()?;
        Some(ending.to_ascii_lowercase())
    };
    let is_compressed = matches!(ending(path).as_deref(), Some("gz" | "zst"));
    let plain = if is_compressed {
        path.file_stem().map(Path::new)
    } else {
        Some(path)
    };
    plain
        .and_then(ending)
        .is_some_and(|ending| matches!(&*ending, "pcap" | "pcapng" | "cap"))
}

/// Whether a file's content, decompressed if needed, begins like a capture.
fn begins_so(path: &Path) -> bool {
    let mut first = Vec::new();
    Octets::open(path, &mut first, None).is_ok() && sniff::format(&first).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PCAP: [u8; 4] = [0xd4, 0xc3, 0xb2, 0xa1];

    #[test]
    fn a_folder_is_replaced_by_the_captures_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("week/two")).unwrap();
        std::fs::create_dir(at(".git")).unwrap();
        for (name, content) in [
            ("b.pcap", &b"damaged, but named so"[..]),
            ("a", &PCAP),
            ("README.md", b"# captures"),
            ("week/two/z.PCAPNG.gz", b""),
            ("week/other.cap", &PCAP),
            ("week/pcap.txt", b"text"),
            (".hidden.pcap", &PCAP),
            (".git/x.pcap", &PCAP),
        ] {
            std::fs::write(at(name), content).unwrap();
        }
        let found = captures_of(&[folder.path(), Path::new("named"), Path::new("-")]).unwrap();
        let expected = [
            at("a"),
            at("b.pcap"),
            at("week/other.cap"),
            at("week/two/z.PCAPNG.gz"),
            "named".into(),
            "-".into(),
        ];
        assert_eq!(found, expected);
        let error = captures_of(&[at(".git/x.pcap"), at("week/none")]).map(|found| found.len());
        assert_eq!(error.unwrap(), 2, "what is no folder is left as it is");
        std::fs::create_dir(at("empty")).unwrap();
        let error = captures_of(&[at("empty")]).unwrap_err().to_string();
        assert!(
            error.ends_with(r#"empty": there is no capture in this folder"#),
            "{error}"
        );
    }
}
