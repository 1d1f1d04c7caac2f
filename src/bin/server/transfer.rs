//! `users export` and `users import`: copy all users, with their hashes, from one place to another.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

#[cfg(feature = "postgres")]
use authscope::accounts::Postgres;
use authscope::accounts::{Editor, Entry, PasswdFile, Store};
use authscope::platform;
use authscope::protocol::UserName;
use authscope::text::trouble::Trouble;
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::accounts::{AccountsOptions, Place, runtime};
use crate::listing::{same_kind, write_each, write_out};
use crate::users::{Users, code};

/// Users handed over at once.
const BATCH: usize = 1000;

/// The users of a database, for a command.
#[cfg(feature = "postgres")]
pub struct Database {
    runtime: Runtime,
    users: Postgres,
}

#[cfg(feature = "postgres")]
impl Database {
    pub fn open(options: &AccountsOptions, url: &str) -> Outcome<Self> {
        let runtime = runtime()?;
        let users = options.database(&runtime, url)?;
        Ok(Self { runtime, users })
    }
}

#[cfg(feature = "postgres")]
impl Users for Database {
    fn hash(&self, name: &UserName) -> Outcome<Option<String>> {
        Ok(self.runtime.block_on(self.users.hash(name))?)
    }

    fn for_each(&self, visit: &mut dyn FnMut(Entry) -> io::Result<()>) -> Outcome<()> {
        let mut last: Option<String> = None;
        loop {
            let page = self.runtime.block_on(self.users.page(last.as_deref()))?;
            let Some(end) = page.last() else {
                return Ok(());
            };
            last = Some(end.name.clone());
            for user in page {
                visit(user)?;
            }
        }
    }

    fn remove(self: Box<Self>, name: &UserName) -> Outcome<bool> {
        let _inside = self.runtime.enter();
        let removing = self.users.remove(name.clone());
        Ok(self.runtime.block_on(removing)?)
    }

    fn set_hash(self: Box<Self>, name: &UserName, hash: &str) -> Outcome<bool> {
        Ok(self.runtime.block_on(self.users.set_hash(name, hash))?)
    }
}

/// Writes a line a user to standard output, or to a file that only its owner can read.
pub fn export(users: &dyn Users, file: Option<&Path>) -> Outcome {
    let line = |out: &mut dyn Write, user: &Entry| writeln!(out, "{}:{}", user.name, user.hash);
    let Some(path) = file else {
        write_each(|visit| users.for_each(visit), &mut |out, user| {
            line(out, &user)
        })?;
        return Ok(ExitCode::SUCCESS);
    };
    let cannot =
        |error: io::Error| format!("cannot make \"{}\": {}", path.display(), Trouble(&error));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    let file = platform::file::with_mode(&mut options, 0o600)
        .open(path)
        .map_err(cannot)?;
    let mut out = BufWriter::new(file);
    let (mut count, mut written) = (0_u64, Ok(()));
    let listed = users.for_each(&mut |user| {
        count += 1;
        written = line(&mut out, &user);
        same_kind(&written)
    });
    let synced = written.and_then(|()| out.into_inner()?.sync_all());
    let whole = synced.map_err(|error| cannot(error).into()).and(listed);
    if let Err(error) = whole {
        // An incomplete export is removed.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    write_out(|out| writeln!(out, "users written: {count}"))?;
    Ok(ExitCode::SUCCESS)
}

/// A store of users that one user can be added to.
pub struct Adding {
    store: Box<dyn Store>,
    runtime: Runtime,
}

impl Adding {
    pub fn open(options: &AccountsOptions) -> Outcome<Self> {
        let runtime = runtime()?;
        let store: Box<dyn Store> = match options.place() {
            Place::File(path) => Box::new(PasswdFile::open(&path, &mut |_| {})?.0),
            #[cfg(feature = "postgres")]
            Place::Postgres(url) => Box::new(options.database(&runtime, &url)?),
            #[cfg(not(feature = "postgres"))]
            Place::Postgres(_) => return Err(crate::accounts::WITHOUT.into()),
        };
        Ok(Self { store, runtime })
    }

    /// Adds one user; false where the name is taken.
    pub fn add(&self, name: &UserName, hash: &str) -> Outcome<bool> {
        let _inside = self.runtime.enter();
        let adding = self.store.add(name.clone(), hash.into());
        Ok(self.runtime.block_on(adding)?)
    }
}

/// The results for a batch of users.
#[derive(Default)]
struct Tally {
    added: usize,
    same: usize,
    /// Names that already have another hash at the destination.
    other: Vec<String>,
}

/// Adds the users of the passwd file `from`.
pub fn import(options: &AccountsOptions, from: &Path) -> Outcome {
    let source = Editor::open(from)?;
    let mut users = Vec::new();
    source.for_each_user(&mut |name, _, hash| {
        users.push((name, hash.to_owned()));
        Ok(())
    })?;
    let mut tally = Tally::default();
    match options.place() {
        Place::File(path) => into_file(&path, &users, &mut tally)?,
        #[cfg(feature = "postgres")]
        Place::Postgres(url) => into_database(options, &url, &users, &mut tally)?,
        #[cfg(not(feature = "postgres"))]
        Place::Postgres(_) => return Err(crate::accounts::WITHOUT.into()),
    }
    let mut stderr = io::stderr().lock();
    for name in &tally.other {
        let name = name.escape_debug();
        writeln!(
            stderr,
            "authscope-server: user \"{name}\" is there with another password, which stays"
        )?;
    }
    write_out(|out| {
        writeln!(
            out,
            "added: {}\nthere already: {}\nthere with another password: {}",
            tally.added,
            tally.same,
            tally.other.len()
        )
    })?;
    Ok(code(tally.other.is_empty()))
}

fn into_file(path: &Path, users: &[(UserName, String)], tally: &mut Tally) -> Outcome<()> {
    let mut there = HashMap::new();
    if path.exists() {
        Editor::open(path)?.for_each_user(&mut |name, _, hash| {
            there.insert(name.to_string(), hash.to_owned());
            Ok(())
        })?;
    }
    let (store, _) = PasswdFile::open(path, &mut |_| {})?;
    let runtime = runtime()?;
    let inside = runtime.enter();
    for batch in users.chunks(BATCH) {
        let mut adding = Vec::new();
        for (name, hash) in batch {
            match there.get(name.as_str()) {
                Some(have) if have == hash => tally.same += 1,
                Some(_) => tally.other.push(name.to_string()),
                // All are handed to the writer before the first result is awaited, so that they share a sync.
                None => adding.push(store.add(name.clone(), hash.clone())),
            }
        }
        for added in adding {
            tally.added += usize::from(runtime.block_on(added)?);
        }
    }
    drop(inside);
    Ok(())
}

#[cfg(feature = "postgres")]
fn into_database(
    options: &AccountsOptions,
    url: &str,
    users: &[(UserName, String)],
    tally: &mut Tally,
) -> Outcome<()> {
    let runtime = runtime()?;
    let database = options.database(&runtime, url)?;
    for batch in users.chunks(BATCH) {
        let (added, same) = runtime.block_on(database.add_all(batch))?;
        tally.added += added;
        tally.same += same.len().saturating_sub(added);
        let others = batch
            .iter()
            .filter(|(name, _)| !same.contains(name.as_str()));
        tally.other.extend(others.map(|(name, _)| name.to_string()));
    }
    Ok(())
}
