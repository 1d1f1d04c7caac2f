//! `authscope-server users`: the passwd file by hand, while no server runs on it.

use std::error::Error;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use authscope::accounts::{Editor, End, Hasher, Scheme};
use authscope::client::password;
use authscope::protocol::UserName;
use clap::Subcommand;

/// Exit code where the answer is no.
const NO: u8 = 1;

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
    /// Read the whole file and tell every fault in it.
    Check,
}

pub fn run(
    command: UsersCommand,
    passwd: &Path,
    scheme: Scheme,
) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        UsersCommand::List => list(passwd),
        UsersCommand::Check => check(passwd),
        UsersCommand::Remove { name } => {
            let name = user_name(name)?;
            done(&name, Editor::open(passwd)?.remove(&name)?, "removed")
        }
        UsersCommand::SetPassword {
            name,
            password_stdin,
        } => {
            let name = user_name(name)?;
            let editor = Editor::open(passwd)?;
            if !editor.has(&name)? {
                return done(&name, false, "");
            }
            let password = if password_stdin {
                password::from_stdin()?
            } else {
                password::from_terminal(true)?
            };
            let hash = Hasher::new(scheme).hash(password.expose())?;
            done(&name, editor.set_hash(&name, &hash)?, "password set")
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

fn list(passwd: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let editor = Editor::open(passwd)?;
    let mut trouble = None;
    write_out(|out| {
        let mut written = Ok(());
        let listed = editor.for_each_user(&mut |name, stored| {
            written = writeln!(out, "{}\t{}", name.shown(), stored.scheme_name());
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
    match trouble {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    }
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
fn write_out(
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
