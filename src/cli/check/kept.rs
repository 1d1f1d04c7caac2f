//! Golden files on disk: where a capture's stands, and how it is written.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::capture::{FileError, FileName, WriteError};
use crate::output::golden::{HEADER, parts};
use crate::text::escape::Escaped;

/// What golden files' names end in.
const ENDING: &str = ".golden";

/// Unchanged lines around a difference.
const CONTEXT: usize = 3;

/// Where the golden files of captures stand.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// One file, for all captures.
    File(PathBuf),
    /// In this folder, each named as its capture and `.golden`.
    Folder(PathBuf),
    /// Beside each capture, named likewise.
    Beside,
}

impl Place {
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

/// How what was said differs from a golden file, as a unified diff; `None` where it does not.
pub(super) fn difference(
    path: &Path,
    capture: &Path,
    body: &str,
) -> Result<Option<String>, String> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
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
    let name = |path: &Path| Escaped(&path.to_string_lossy()).to_string();
    let diff = TextDiff::from_lines(&kept, &said);
    let mut diff = diff.unified_diff();
    diff.context_radius(CONTEXT)
        .header(&name(path), &name(capture));
    Ok(Some(diff.to_string()))
}

/// Writes a golden file, below the header that it has; whether it changed. What is no golden file is left alone.
pub(super) fn update(path: &Path, body: &str) -> Result<bool, String> {
    let header = match fs::read_to_string(path) {
        Ok(text) => {
            let (header, kept) = parts(&text);
            if kept == body {
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
        fs::create_dir_all(folder).map_err(|error| cannot_write(path, error))?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    fs::write(&beside, format!("{header}{body}"))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| cannot_write(path, error))?;
    Ok(true)
}

fn not_golden(path: &Path) -> String {
    format!(
        "cannot write {}: it is no golden file, which begins with #",
        FileName(path.to_owned())
    )
}

fn cannot_write(path: &Path, error: io::Error) -> String {
    let path = path.to_owned();
    WriteError { path, error }.to_string()
}
