//! The passwd file from start to end, line by line. Changes nothing and judges nothing.

use std::fs::File;
use std::io;
use std::path::Path;

use super::line::MAX_LINE;
use super::open::PasswdError;
use crate::platform::file::read_at;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// How far the reading is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub octets: u64,
    /// Bytes in the file.
    pub total: u64,
}

/// A line of the file, unchecked.
#[derive(Debug, Clone, Copy)]
pub struct RawLine<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// Bytes before it.
    pub offset: u64,
    /// Its bytes without the line break; of a line that is too long, the first `MAX_LINE + 1`.
    pub bytes: &'a [u8],
    /// All of its bytes, the line break not counted.
    pub len: u64,
    /// Whether a line break follows. Only the last line may have none.
    pub ended: bool,
}

/// What is done with a line.
pub type Visit<'a> = dyn FnMut(RawLine<'_>) -> Result<(), PasswdError> + 'a;

/// Hands each line to `visit`, the last one also where it has no line break.
pub fn scan(
    file: &File,
    path: &Path,
    progress: &mut dyn FnMut(Progress),
    visit: &mut Visit<'_>,
) -> Result<(), PasswdError> {
    let metadata = file.metadata().map_err(PasswdError::io("examine", path))?;
    let total = metadata.len();
    let mut chunk = vec![0; CHUNK];
    // `chunk[..kept]` is the start of a line whose end has not been read; `skipped` counts those
    // of its bytes that were dropped from behind that start.
    let (mut kept, mut skipped) = (0, 0_u64);
    let (mut number, mut offset) = (1, 0);
    loop {
        let at = offset + kept as u64 + skipped;
        let read = match read_at(file, &mut chunk[kept..], at) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(PasswdError::io("read", path)(error)),
        };
        let filled = kept + read;
        let mut start = 0;
        while let Some(end) = memchr::memchr(b'\n', &chunk[start..filled]) {
            let bytes = &chunk[start..start + end];
            let len = end as u64 + skipped;
            visit(RawLine {
                number,
                offset,
                bytes,
                len,
                ended: true,
            })?;
            number += 1;
            offset += len + 1;
            skipped = 0;
            start += end + 1;
        }
        progress(Progress {
            lines: number - 1,
            octets: offset,
            total,
        });
        if read == 0 {
            if filled > 0 {
                visit(RawLine {
                    number,
                    offset,
                    bytes: &chunk[..filled],
                    len: filled as u64 + skipped,
                    ended: false,
                })?;
            }
            return Ok(());
        }
        chunk.copy_within(start..filled, 0);
        kept = filled - start;
        if kept > MAX_LINE + 1 {
            skipped += (kept - MAX_LINE - 1) as u64;
            kept = MAX_LINE + 1;
        }
    }
}

/// The number of the line that contains `offset`, from 1.
pub fn line_number(file: &File, path: &Path, offset: u64) -> Result<u64, PasswdError> {
    let mut chunk = vec![0; CHUNK];
    let (mut at, mut line) = (0, 1);
    while at < offset {
        let want = usize::try_from(offset - at).map_or(CHUNK, |left| left.min(CHUNK));
        let read = read_at(file, &mut chunk[..want], at).map_err(PasswdError::io("read", path))?;
        if read == 0 {
            break;
        }
        line += memchr::memchr_iter(b'\n', &chunk[..read]).count() as u64;
        at += read as u64;
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_found_across_chunks_and_long_ones_are_cut_short() {
        let mut text = "line\n".repeat(CHUNK / 2);
        text += &"x".repeat(3 * CHUNK);
        text += "\nlast";
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let (mut lines, mut at) = (0, 0);
        scan(&file, Path::new("passwd"), &mut |_| {}, &mut |line| {
            lines += 1;
            assert_eq!((line.number, line.offset), (lines, at));
            let whole = &text.as_bytes()[usize::try_from(at).unwrap()..]
                [..usize::try_from(line.len).unwrap()];
            assert!(whole.starts_with(line.bytes));
            assert!(line.bytes.len() == whole.len() || line.bytes.len() > MAX_LINE);
            at += line.len + u64::from(line.ended);
            Ok(())
        })
        .unwrap();
        assert_eq!((lines, at), (CHUNK as u64 / 2 + 2, text.len() as u64));
        let last = line_number(&file, Path::new("passwd"), at - 1).unwrap();
        assert_eq!(last, lines);
    }
}
