//! Reading the whole passwd file: every line checked, the index built. Changes nothing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::index::{Candidates, Index};
use super::line::{Line, MAX_LINE, PENDING};
use super::open::OpenError;
use crate::protocol::UserName;
use crate::protocol::layout::USER_NAME;

/// Octets read at once.
const CHUNK: usize = 1 << 20;

/// Octets in a line with an Argon2id hash and a name of usual length; for a first guess at the
/// number of lines.
const USUAL_LINE: u64 = 110;

/// Most octets in a user name and the `:` after it.
const NAME_AND_COLON: usize = USER_NAME.width + 1;

/// How far the reading is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Lines read.
    pub lines: u64,
    /// Octets read.
    pub octets: u64,
    /// Octets in the file.
    pub total: u64,
}

/// What stands in the file.
pub struct Loaded {
    /// Where each user's line is.
    pub index: Index,
    /// Octets up to the last line break: what is left when a torn line is cut off.
    pub len: u64,
    /// Lines out of use.
    pub dead: u64,
    /// Replacements that were not yet put in place.
    pub pending: Vec<Pending>,
    /// What follows the last line break.
    pub tail: Option<Tail>,
}

/// A replacement that was not yet put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Whose.
    pub name: UserName,
    /// Where the name stands on the line that is replaced; `None` where that is out of use already.
    pub old: Option<u64>,
    /// Where the name stands on the replacing line.
    pub new: u64,
}

/// What follows the last line break of a file that does not end with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Its line number, from 1.
    pub line: u64,
    /// Its octets.
    pub len: u64,
    /// The user name in it, where there is one.
    pub name: Option<UserName>,
    /// Whether it is a user's whole line, of which only the line break is missing.
    pub whole: bool,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Number, from 1.
    pub line: u64,
    /// Octets before it.
    pub offset: u64,
}

/// What follows the last line break, octets that are past a line's limit only counted.
pub struct Rest {
    octets: Vec<u8>,
    skipped: u64,
}

/// What is done with a line and its octets.
pub type Visit<'a> = dyn FnMut(Place, &[u8]) -> Result<(), OpenError> + 'a;

/// Hands each line to `visit`, without its line break; of a line that is too long, the first
/// `MAX_LINE + 1` octets. Returns where the last line break is, and what follows it.
pub fn for_each_line(
    file: &File,
    path: &Path,
    progress: &mut dyn FnMut(Progress),
    visit: &mut Visit<'_>,
) -> Result<(Place, Rest), OpenError> {
    let total = file
        .metadata()
        .map_err(OpenError::io("examine", path))?
        .len();
    let mut chunk = vec![0; CHUNK];
    // `chunk[..kept]` is the start of a line whose end has not been read; `skipped` counts those
    // of its octets that were dropped from behind that start.
    let (mut kept, mut skipped) = (0, 0_u64);
    let mut place = Place { line: 1, offset: 0 };
    loop {
        let at = place.offset + kept as u64 + skipped;
        let read = match file.read_at(&mut chunk[kept..], at) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(OpenError::io("read", path)(error)),
        };
        let filled = kept + read;
        let mut start = 0;
        while let Some(end) = memchr::memchr(b'\n', &chunk[start..filled]) {
            visit(place, &chunk[start..start + end])?;
            place.line += 1;
            place.offset += (end as u64) + skipped + 1;
            skipped = 0;
            start += end + 1;
        }
        progress(Progress {
            lines: place.line - 1,
            octets: place.offset,
            total,
        });
        if read == 0 {
            chunk.truncate(filled);
            let octets = chunk;
            return Ok((place, Rest { octets, skipped }));
        }
        chunk.copy_within(start..filled, 0);
        kept = filled - start;
        if kept > MAX_LINE + 1 {
            skipped += (kept - MAX_LINE - 1) as u64;
            kept = MAX_LINE + 1;
        }
    }
}

/// Reads the file from start to end. `on_fault` is told each bad line and says whether to go on.
pub fn load(
    file: &File,
    path: &Path,
    progress: &mut dyn FnMut(Progress),
    on_fault: &mut dyn FnMut(OpenError) -> Result<(), OpenError>,
) -> Result<Loaded, OpenError> {
    let total = file
        .metadata()
        .map_err(OpenError::io("examine", path))?
        .len();
    let mut loaded = Loaded {
        index: Index::with_capacity(usize::try_from(total / USUAL_LINE).unwrap_or(0)),
        len: 0,
        dead: 0,
        pending: Vec::new(),
        tail: None,
    };
    let (place, rest) = for_each_line(file, path, progress, &mut |place, line| {
        add(&mut loaded, file, path, place, line).or_else(&mut *on_fault)
    })?;
    loaded.len = place.offset;
    if !rest.octets.is_empty() {
        let tail = tail(&rest, place.line);
        if let (Some(name), true) = (&tail.name, tail.whole) {
            refuse_duplicate(&loaded.index, file, path, place, name).or_else(on_fault)?;
        }
        loaded.tail = Some(tail);
    }
    Ok(loaded)
}

fn add(
    loaded: &mut Loaded,
    file: &File,
    path: &Path,
    place: Place,
    line: &[u8],
) -> Result<(), OpenError> {
    let line = Line::parse(line).map_err(|reason| OpenError::BadLine {
        path: path.into(),
        line: place.line,
        reason,
    })?;
    match line {
        Line::Dead => loaded.dead += 1,
        Line::User(name, _) => {
            refuse_duplicate(&loaded.index, file, path, place, &name)?;
            loaded.index.insert(&name, place.offset);
        }
        Line::Pending(name) => {
            let new = place.offset + PENDING.len() as u64;
            let old = find(&loaded.index, file, path, &name)?;
            match old {
                Some(old) => {
                    loaded.index.repoint(&name, old, new);
                }
                None => loaded.index.insert(&name, new),
            }
            loaded.pending.push(Pending { name, old, new });
        }
    }
    Ok(())
}

fn refuse_duplicate(
    index: &Index,
    file: &File,
    path: &Path,
    place: Place,
    name: &UserName,
) -> Result<(), OpenError> {
    match find(index, file, path, name)? {
        None => Ok(()),
        Some(earlier) => Err(OpenError::Duplicate {
            path: path.into(),
            line: place.line,
            name: name.to_string(),
            first: line_number(file, path, earlier)?,
        }),
    }
}

fn find(
    index: &Index,
    file: &File,
    path: &Path,
    name: &UserName,
) -> Result<Option<u64>, OpenError> {
    name_at(file, name, &index.candidates(name)).map_err(OpenError::io("read", path))
}

/// The one of `candidates` at which `name` and a `:` stand.
pub fn name_at(file: &File, name: &UserName, candidates: &Candidates) -> io::Result<Option<u64>> {
    let name = name.as_str().as_bytes();
    let mut octets = [0; NAME_AND_COLON];
    let octets = &mut octets[..=name.len()];
    for offset in candidates {
        match file.read_exact_at(octets, *offset) {
            Ok(()) if octets.starts_with(name) && octets.ends_with(b":") => {
                return Ok(Some(*offset));
            }
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn line_number(file: &File, path: &Path, offset: u64) -> Result<u64, OpenError> {
    let mut chunk = vec![0; CHUNK];
    let (mut at, mut line) = (0, 1);
    while at < offset {
        let want = usize::try_from(offset - at).map_or(CHUNK, |left| left.min(CHUNK));
        let read = file
            .read_at(&mut chunk[..want], at)
            .map_err(OpenError::io("read", path))?;
        if read == 0 {
            break;
        }
        line += memchr::memchr_iter(b'\n', &chunk[..read]).count() as u64;
        at += read as u64;
    }
    Ok(line)
}

fn tail(rest: &Rest, line: u64) -> Tail {
    let Rest { octets, skipped } = rest;
    let parsed = (*skipped == 0).then(|| Line::parse(octets));
    let whole = matches!(&parsed, Some(Ok(Line::User(_, stored))) if stored.is_full_length());
    let name = octets
        .split(|octet| *octet == b':')
        .next()
        .filter(|name| name.len() < octets.len())
        .and_then(|name| UserName::from_octets(name).ok());
    Tail {
        line,
        len: octets.len() as u64 + skipped,
        name,
        whole,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::accounts::line::LineError;

    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn load_text(text: &[u8]) -> Result<Loaded, OpenError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        load(&file, Path::new("passwd"), &mut |_| {}, &mut Err)
    }

    fn users(names: &[&str]) -> String {
        names
            .iter()
            .flat_map(|name| [*name, ":", HEX, "\n"])
            .collect()
    }

    #[test]
    fn every_user_is_found_at_its_line() {
        let loaded = load_text(users(&["alice", "bob"]).as_bytes()).unwrap();
        assert_eq!(loaded.index.len(), 2);
        let bob = UserName::new("bob").unwrap();
        assert_eq!(loaded.index.candidates(&bob)[..], [6 + 64 + 1]);
        assert_eq!(loaded.tail, None);
    }

    #[test]
    fn lines_are_found_across_chunks() {
        let names: Vec<String> = (0..30_000).map(|n| format!("user{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = users(&names);
        assert!(text.len() > 2 * CHUNK);
        let loaded = load_text(text.as_bytes()).unwrap();
        assert_eq!(loaded.index.len(), names.len());
        assert_eq!(loaded.len, text.len() as u64);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let text = users(&["alice"]) + "bob\n" + &users(&["carol"]);
        let error = load_text(text.as_bytes()).err().unwrap().to_string();
        assert!(
            error.contains("\"passwd\": line 2: there is no ':'"),
            "{error}"
        );
    }

    #[test]
    fn a_line_longer_than_a_chunk_is_refused_wherever_it_ends() {
        let long = "x".repeat(3 * CHUNK);
        let error = load_text(format!("{}{long}\n", users(&["a"])).as_bytes())
            .err()
            .unwrap();
        assert!(matches!(
            error,
            OpenError::BadLine {
                line: 2,
                reason: LineError::TooLong,
                ..
            }
        ));
        let loaded = load_text(format!("{}{long}", users(&["a"])).as_bytes()).unwrap();
        let tail = loaded.tail.unwrap();
        assert_eq!(
            (tail.line, tail.len, tail.whole),
            (2, long.len() as u64, false)
        );
    }

    #[test]
    fn a_name_twice_is_refused_with_both_lines() {
        let error = load_text(users(&["alice", "bob", "alice"]).as_bytes())
            .err()
            .unwrap();
        assert!(
            matches!(&error, OpenError::Duplicate { line: 3, first: 1, name, .. } if name == "alice"),
            "{error}"
        );
    }

    #[test]
    fn a_torn_line_is_told_from_a_whole_one() {
        let argon = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let whole = format!("bob:{argon}");
        for cut in 1..=whole.len() {
            let loaded = load_text((users(&["alice"]) + &whole[..cut]).as_bytes()).unwrap();
            let tail = loaded.tail.unwrap();
            assert_eq!(tail.whole, cut == whole.len(), "{cut}");
            assert_eq!(tail.name.is_some(), cut > 3, "{cut}");
            assert_eq!(loaded.len, users(&["alice"]).len() as u64);
        }
    }

    #[test]
    fn a_pending_replacement_counts() {
        let text = format!("bob:{HEX}\n:=bob:{HEX}\n:\n");
        let loaded = load_text(text.as_bytes()).unwrap();
        let bob = UserName::new("bob").unwrap();
        let new = (4 + 64 + 1) + 2;
        assert_eq!(loaded.index.candidates(&bob)[..], [new]);
        assert_eq!((loaded.index.len(), loaded.dead), (1, 1));
        assert_eq!(
            loaded.pending,
            [Pending {
                name: bob,
                old: Some(0),
                new
            }]
        );
    }
}
