//! Golden files on disk: the path of a capture's, and how it is written.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::capture::{FileError, FileName, Inputs, Place, WriteError};
use crate::output::golden::{HEADER, parts};
use crate::text::escape::Local;

/// What golden files' names end in.
const ENDING: &str = ".golden";

/// Unchanged lines around a difference.
const CONTEXT: usize = 3;

/// Limit, in bytes, on what is read from a file that is not regular and may never end.
const MOST_BYTES: u64 = 1 << 26;

/// Where the golden files of captures are.
#[derive(Debug, Clone)]
pub(super) enum GoldenFiles {
    /// One file, for all captures.
    File(PathBuf),
    /// In this folder, each named as its capture and `.golden`.
    Folder(PathBuf),
    /// Beside each capture, named likewise.
    Beside,
}

impl GoldenFiles {
    /// What was named with `--expect`; a folder is one that exists, or whose name ends in a slash.
    pub fn of(named: Option<&Path>) -> Self {
        match named {
            None => Self::Beside,
            Some(path) if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                Self::Folder(path.to_owned())
            }
            Some(path) => Self::File(path.to_owned()),
        }
    }

    /// The golden file of a capture; standard input has none of its own.
    pub fn file(&self, capture: &Path) -> Option<PathBuf> {
        let named = |name: &OsStr| {
            let mut name: OsString = name.to_owned();
            name.push(ENDING);
            name
        };
        let is_file = capture.as_os_str() != "-";
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Folder(folder) if is_file => Some(folder.join(named(capture.file_name()?))),
            Self::Beside if is_file => Some(named(capture.as_os_str()).into()),
            _ => None,
        }
    }
}

/// The difference between a conversation and a golden file, as a unified diff; `None` if there is none.
pub(super) fn difference(
    path: &Path,
    capture: &Path,
    body: &str,
) -> Result<Option<String>, String> {
    let text = read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "there is no golden file {}: --update writes it",
            FileName(path.to_owned())
        ),
        _ => FileError::new(path, error).to_string(),
    })?;
    let (header, kept) = parts(&text);
    if kept == body {
        return Ok(None);
    }
    let said = format!("{header}{body}");
    let kept = format!("{header}{kept}");
    let name = |path: &Path| Local(&path.to_string_lossy()).to_string();
    let diff = TextDiff::from_lines(&kept, &said);
    let mut diff = diff.unified_diff();
    diff.context_radius(CONTEXT)
        .header(&name(path), &name(capture));
    Ok(Some(diff.to_string()))
}

/// The text of a golden file. A file that is not regular, such as a pipe, is read up to [`MOST_BYTES`].
fn read(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let most = if file.metadata()?.is_file() {
        u64::MAX
    } else {
        MOST_BYTES
    };
    let mut text = String::new();
    let read = file.take(most).read_to_string(&mut text)?;
    if most == MOST_BYTES && read as u64 == most {
        return Err(io::Error::other("it is too long, or has no end"));
    }
    Ok(text)
}

/// Writes a golden file and keeps its header. Returns whether the file changed. A file that is not a golden file is
/// left alone; a pipe or a device is written without being read.
pub(super) fn update(path: &Path, body: &str) -> Result<bool, String> {
    let is_other = fs::metadata(path).is_ok_and(|found| !found.is_file());
    let text = if is_other {
        Ok(String::new())
    } else {
        read(path)
    };
    let header = match text {
        Ok(text) => {
            let (header, kept) = parts(&text);
            if kept == body && !is_other {
                return Ok(false);
            }
            if header.is_empty() && !text.is_empty() {
                return Err(not_golden(path));
            }
            header
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEADER.to_owned(),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(not_golden(path)),
        Err(error) => return Err(FileError::new(path, error).to_string()),
    };
    let header = if header.is_empty() { HEADER } else { &header };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| {
            let path = path.to_owned();
            WriteError { path, error }.to_string()
        })?;
    }
    let text = format!("{header}{body}");
    Place::write_whole(path, &Inputs::default(), text.as_bytes())
        .map_err(|error| error.to_string())?;
    Ok(true)
}

fn not_golden(path: &Path) -> String {
    format!(
        "cannot write {}: it is no golden file, which begins with #",
        FileName(path.to_owned())
    )
}
