//! Prepares the passwd file at a start: cuts off what an interrupted write left and keeps it beside the file, compacts
//! the file or adds a commit line to what has none, and syncs the rest before anyone is told of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Shared;
use super::append::{Appender, Uncommitted};
use super::compact::{Change, Compacted, compact, remove_copy};
use super::load::{Loaded, Torn, load};
use super::open::{MODE, Passwd, PasswdError, Place, sync_directory};
use super::report::OpenReport;
use super::scan::Progress;
use super::writer::Writer;
use crate::platform::file::{mode, read_exact_at, with_mode, write_all_at};

/// The suffix of a file with torn lines, after the passwd file's name.
const TORN: &str = ".torn";

/// Most files with torn lines beside one passwd file.
const MAX_TORN: u32 = 100;

/// Bytes copied at once.
const CHUNK: usize = 1 << 16;

/// Opens the file at `path`, or creates it. Returns its users, and its writer.
pub fn start(
    path: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Writer, Arc<Shared>, OpenReport), PasswdError> {
    let passwd = Passwd::open(path, true)?;
    let Passwd { file, place, .. } = passwd;
    remove_copy(&place);
    let loaded = load(&file, &place.real, progress, &mut Err)?;
    let mut report = OpenReport {
        path: place.real.clone(),
        users: loaded.index.len(),
        created: passwd.created,
        torn: loaded.torn.clone().map(|torn| {
            let kept = keep(&file, &place, &torn);
            (torn, kept)
        }),
        unended: loaded.unended,
        edited: loaded.edited,
        compacted: Ok(false),
        mode: mode(&file).map_err(PasswdError::io("examine", path))?,
        index_octets: loaded.index.allocation(),
    };
    if loaded.is_worth_compacting() {
        match compact(&file, &place, &loaded.index, Change::Nothing) {
            Ok(compacted) => {
                report.compacted = Ok(true);
                let (writer, shared) = of_compacted(compacted, place)?;
                return Ok((writer, shared, report));
            }
            Err(error) => report.compacted = Err(error),
        }
    }
    let replaced = loaded.replaced > 0;
    let (mut appender, index) = mend(file, &place, loaded)?;
    // Where that fails, the commit line of the next change covers them.
    let _ = appender.cover();
    let shared = Shared::new(Arc::clone(appender.file()), index, &place);
    let shared = Arc::new(shared);
    let mut writer = Writer::new(Arc::clone(&shared), appender, place);
    if replaced {
        writer.compact_later();
    }
    Ok((writer, shared, report))
}

fn of_compacted(compacted: Compacted, place: Place) -> Result<(Writer, Arc<Shared>), PasswdError> {
    compacted.renamed?;
    let file = Arc::new(compacted.file);
    let uncommitted = Uncommitted::after(compacted.len);
    let appender = Appender::new(Arc::clone(&file), compacted.len, uncommitted);
    let shared = Shared::new(file, compacted.index, &place);
    let shared = Arc::new(shared);
    Ok((Writer::new(Arc::clone(&shared), appender, place), shared))
}

/// Cuts off torn lines, adds a missing line break to a complete one, and syncs the rest.
fn mend(
    file: File,
    place: &Place,
    loaded: Loaded,
) -> Result<(Appender, super::index::Index), PasswdError> {
    let path = &place.real;
    let mut len = loaded.len;
    let mended = if loaded.torn.is_some() {
        file.set_len(len)
    } else if loaded.unended.is_some() {
        len += 1;
        write_all_at(&file, b"\n", len - 1)
    } else {
        Ok(())
    };
    mended.map_err(PasswdError::io("mend the end of", path))?;
    file.sync_all().map_err(PasswdError::io("sync", path))?;
    match sync_directory(path) {
        // A user who may not read the directory did not create the file.
        Err(PasswdError::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
        }
        result => result?,
    }
    let appender = Appender::new(Arc::new(file), len, loaded.uncommitted);
    Ok((appender, loaded.index))
}

/// Copies torn lines into a file of their own, beside the passwd file, for its owner alone.
pub fn keep(file: &File, place: &Place, torn: &Torn) -> Result<PathBuf, PasswdError> {
    let (kept, mut copy) = create_torn(place)?;
    let mut copied = 0;
    let mut chunk = vec![0; CHUNK];
    let mut copy_all = || {
        while copied < torn.octets {
            let left = usize::try_from(torn.octets - copied).unwrap_or(CHUNK);
            let part = &mut chunk[..left.min(CHUNK)];
            read_exact_at(file, part, torn.offset + copied)?;
            copy.write_all(part)?;
            copied += part.len() as u64;
        }
        copy.sync_all()
    };
    copy_all().map_err(PasswdError::io("write", &kept))?;
    sync_directory(&kept)?;
    Ok(kept)
}

fn create_torn(place: &Place) -> Result<(PathBuf, File), PasswdError> {
    let mut number = 0;
    loop {
        let kept = match number {
            0 => place.beside(TORN),
            _ => place.beside(&format!("{TORN}.{number}")),
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let created = with_mode(&mut options, MODE).open(&kept);
        match created {
            Ok(copy) => return Ok((kept, copy)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MAX_TORN => {
                number += 1;
            }
            Err(error) => return Err(PasswdError::io("create", &kept)(error)),
        }
    }
}
