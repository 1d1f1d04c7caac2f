//! `authscope-server users`: the users by hand; those of a passwd file while no server runs on it.

use std::error::Error;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use authscope::accounts::{Editor, End, Hasher, Scheme, Stored};
use authscope::client::password;
use authscope::protocol::UserName;
use clap::Subcommand;

use crate::accounts::{AccountsOptions, Place};
use crate::transfer;

/// Exit code where the answer is no.
pub const NO: u8 = 1;

#[derive(Clone, Subcommand)]
pub enum UsersCommand {
    /// Print each user's name and hash scheme, a tab between them.
    List,
    /// Remove a user.
    Remove {
        /// The user name.
        name: String,
    },
    /// Give a user another password.
    SetPassword {
        /// The user name.
        name: String,

        /// Read the password from the first line of standard input instead of asking on the
        /// terminal.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Read all users and tell every fault.
    Check,
    /// Write all users, a line each as in a passwd file, to standard output or to a file that is made for it.
    Export {
        /// The file to make.
        file: Option<PathBuf>,
    },
    /// Add the users of a passwd file. Those that are there already stay as they are.
    Import {
        /// The file to read.
        file: PathBuf,
    },
}

/// What can be asked of the users, wherever they are.
pub trait Users {
    /// Whether there is a user of that name.
    fn has(&self, name: &UserName) -> Result<bool, Box<dyn Error>>;

    /// Hands each user to `visit`: the name, and the hash as it is stored.
    fn for_each(
        &self,
        visit: &mut dyn FnMut(&str, &str) -> io::Result<()>,
    ) -> Result<(), Box<dyn Error>>;

    /// Removes a user; false where there is none of that name.
    fn remove(self: Box<Self>, name: &UserName) -> Result<bool, Box<dyn Error>>;

    /// Gives a user another hash; false where there is none of that name.
    fn set_hash(self: Box<Self>, name: &UserName, hash: &str) -> Result<bool, Box<dyn Error>>;
}

impl Users for Editor {
    fn has(&self, name: &UserName) -> Result<bool, Box<dyn Error>> {
        Ok(self.has(name)?)
    }

    fn for_each(
        &self,
        visit: &mut dyn FnMut(&str, &str) -> io::Result<()>,
    ) -> Result<(), Box<dyn Error>> {
        Ok(self.for_each_user(&mut |name, _, hash| visit(name.as_str(), hash))?)
    }

    fn remove(self: Box<Self>, name: &UserName) -> Result<bool, Box<dyn Error>> {
        Ok((*self).remove(name)?)
    }

    fn set_hash(self: Box<Self>, name: &UserName, hash: &str) -> Result<bool, Box<dyn Error>> {
        Ok((*self).set_hash(name, hash)?)
    }
}

/// The users at `place`.
fn open(options: &AccountsOptions) -> Result<Box<dyn Users>, Box<dyn Error>> {
    match options.place() {
        Place::File(path) => Ok(Box::new(Editor::open(&path)?)),
        #[cfg(feature = "postgres")]
        Place::Postgres(url) => Ok(Box::new(transfer::Database::open(options, &url)?)),
        #[cfg(not(feature = "postgres"))]
        Place::Postgres(_) => Err(crate::accounts::WITHOUT.into()),
    }
}

pub fn run(
    command: UsersCommand,
    options: &AccountsOptions,
    scheme: Scheme,
) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        UsersCommand::List => list(&*open(options)?),
        UsersCommand::Check => match options.place() {
            Place::File(path) => check(&path),
            Place::Postgres(_) => check_rows(&*open(options)?),
        },
        UsersCommand::Export { file } => transfer::export(&*open(options)?, file.as_deref()),
        UsersCommand::Import { file } => transfer::import(options, &file),
        UsersCommand::Remove { name } => {
            let name = user_name(name)?;
            done(&name, open(options)?.remove(&name)?, "removed")
        }
        UsersCommand::SetPassword {
            name,
            password_stdin,
        } => {
            let name = user_name(name)?;
            let users = open(options)?;
            if !users.has(&name)? {
                return done(&name, false, "");
            }
            let password = if password_stdin {
                password::from_stdin()?
            } else {
                password::from_terminal(true)?
            };
            let hash = Hasher::new(scheme).hash(password.expose())?;
            done(&name, users.set_hash(&name, &hash)?, "password set")
        }
    }
}

fn user_name(name: String) -> Result<UserName, String> {
    UserName::new(name).map_err(|error| format!("cannot use this user name: {error}"))
}

fn done(name: &UserName, found: bool, what: &str) -> Result<ExitCode, Box<dyn Error>> {
    if found {
        write_out(|out| writeln!(out, "{}: {what}", name.shown()))?;
        Ok(ExitCode::SUCCESS)
    } else {
        writeln!(
            io::stderr(),
            "authscope-server: no such user: {}",
            name.shown()
        )?;
        Ok(ExitCode::from(NO))
    }
}

fn list(users: &dyn Users) -> Result<ExitCode, Box<dyn Error>> {
    for_each_written(users, &mut |out, name, hash| {
        let scheme = Stored::parse(hash)
            .map_or_else(|_| "unusable".to_owned(), |stored| stored.scheme_name());
        writeln!(out, "{}\t{scheme}", shown(name))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A name as it may be shown on a terminal.
fn shown(name: &str) -> String {
    match UserName::new(name) {
        Ok(name) => name.shown(),
        Err(_) => name.escape_debug().to_string(),
    }
}

/// Writes something of each user to standard output, as long as somebody reads it.
pub fn for_each_written(
    users: &dyn Users,
    write: &mut dyn FnMut(&mut dyn Write, &str, &str) -> io::Result<()>,
) -> Result<(), Box<dyn Error>> {
    let mut trouble = None;
    write_out(|out| {
        let mut written = Ok(());
        let listed = users.for_each(&mut |name, hash| {
            written = write(out, name, hash);
            // The reason is kept: it may be a reader that has seen enough.
            match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(error.kind().into()),
            }
        });
        written?;
        trouble = listed.err();
        Ok(())
    })?;
    trouble.map_or(Ok(()), Err)
}

/// Tells which of a database's rows cannot be used.
fn check_rows(users: &dyn Users) -> Result<ExitCode, Box<dyn Error>> {
    let (mut sound, mut faults) = (0_u64, 0_u64);
    let mut stderr = io::stderr().lock();
    users.for_each(&mut |name, hash| {
        let name_fault = UserName::new(name).err().map(|error| error.to_string());
        let hash_fault = Stored::parse(hash).err().map(|error| error.to_string());
        match name_fault.or(hash_fault) {
            None => {
                sound += 1;
                Ok(())
            }
            Some(fault) => {
                faults += 1;
                let name = name.escape_debug();
                writeln!(stderr, "authscope-server: user \"{name}\": {fault}")
            }
        }
    })?;
    write_out(|out| writeln!(out, "users: {sound}\nfaults: {faults}"))?;
    Ok(if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    })
}

fn check(passwd: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let editor = Editor::check(passwd)?;
    let report = editor.report();
    let mut stderr = io::stderr().lock();
    for fault in report.faults {
        writeln!(stderr, "authscope-server: {fault}")?;
    }
    write_out(|out| {
        writeln!(out, "users: {}", report.users)?;
        writeln!(out, "lines out of use: {}", report.unused)?;
        writeln!(out, "replaced hashes: {}", report.replaced)?;
        let changed = if report.edited { "yes" } else { "no" };
        writeln!(out, "lines changed by hand: {changed}")?;
        let end = match report.end {
            End::Complete => "complete".to_owned(),
            End::Unended(line) => format!("line {line} has no line break"),
            End::Torn(torn) => format!("line {} is torn ({} octets)", torn.line, torn.octets),
        };
        writeln!(out, "end of the file: {end}")?;
        writeln!(out, "faults: {}", report.faults.len())
    })?;
    Ok(if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    })
}

/// Writes to standard output; a reader that has gone is no error.
pub fn write_out(
    write: impl FnOnce(&mut BufWriter<io::StdoutLock<'_>>) -> io::Result<()>,
) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
