//! `users export` and `users import`: copy all users, with their hashes, from one place to another.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use authscope::accounts::{Editor, Entry, Found, Store};
use authscope::platform;
use authscope::protocol::UserName;
use authscope::text::trouble::Trouble;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::Outcome;
use crate::accounts::{AccountsOptions, runtime};
use crate::listing::{same_kind, write_each, write_out};
use crate::users::{Users, code};

/// Users handed over at once.
const BATCH: usize = 1000;

/// A store of users that is open for a command.
pub struct Opened {
    runtime: Runtime,
    store: Arc<dyn Store>,
}

impl Opened {
    pub fn of(options: &AccountsOptions) -> Outcome<Self> {
        let runtime = runtime()?;
        let store = options.open(&runtime, &mut |_| {})?.store;
        Ok(Self { runtime, store })
    }

    /// Adds one user; false if the name is taken.
    pub fn add(&self, name: &UserName, hash: &str) -> Outcome<bool> {
        let _inside = self.runtime.enter();
        let adding = self.store.add(name.clone(), hash.into());
        Ok(self.runtime.block_on(adding)?)
    }

    fn find(&self, name: &UserName) -> Outcome<Option<Found>> {
        let _inside = self.runtime.enter();
        Ok(self.runtime.block_on(self.store.find(name))?)
    }
}

impl Users for Opened {
    fn hash(&self, name: &UserName) -> Outcome<Option<String>> {
        Ok(self.find(name)?.map(|found| found.hash))
    }

    fn for_each(&self, visit: &mut dyn FnMut(Entry) -> io::Result<()>) -> Outcome<()> {
        let _inside = self.runtime.enter();
        let (sender, mut users) = mpsc::channel(BATCH);
        let visiting = async move {
            while let Some(user) = users.recv().await {
                visit(user)?;
            }
            io::Result::Ok(())
        };
        let both = async { tokio::join!(visiting, self.store.list(sender)) };
        let (visited, listed) = self.runtime.block_on(both);
        visited?;
        Ok(listed?)
    }

    fn remove(self: Box<Self>, name: &UserName) -> Outcome<bool> {
        let _inside = self.runtime.enter();
        let removing = self.store.remove(name.clone());
        Ok(self.runtime.block_on(removing)?)
    }

    fn set_hash(self: Box<Self>, name: &UserName, hash: &str) -> Outcome<bool> {
        let _inside = self.runtime.enter();
        // A login can replace the hash meanwhile.
        while let Some(found) = self.find(name)? {
            let replacing = self.store.replace(name.clone(), found.version, hash.into());
            if self.runtime.block_on(replacing)? {
                return Ok(true);
            }
        }
        Ok(false)
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
    let into = Opened::of(options)?;
    let inside = into.runtime.enter();
    for batch in users.chunks(BATCH) {
        let (added, same) = into.runtime.block_on(into.store.add_all(batch))?;
        tally.added += added;
        tally.same += same.len().saturating_sub(added);
        let others = batch
            .iter()
            .filter(|(name, _)| !same.contains(name.as_str()));
        tally.other.extend(others.map(|(name, _)| name.to_string()));
    }
    drop(inside);
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
