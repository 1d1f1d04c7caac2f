//! `authscope-server users`: shows and changes users. Without a running server, it works on the passwd file itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use authscope::accounts::{DISABLED, Editor, Entry, Hasher, PasswdError, Scheme, marked};
use authscope::client::password;
use authscope::platform;
use authscope::protocol::{Password, UserName};
use authscope::server::control::Command;
use authscope::server::words::NAME_TAKEN;
use authscope::server::{Audit, AuditEvent, PasswordRules};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::Outcome;
use crate::accounts::AccountsOptions;
use crate::check::{check, check_rows};
use crate::control::{self, ControlOptions};
use crate::listing::{ListFormat, list, write_out};
use crate::transfer::{self, Opened};

/// Exit code if the answer is no.
const NO: u8 = 1;

/// The exit code of an answer.
pub fn code(yes: bool) -> ExitCode {
    if yes {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    }
}

#[derive(Clone, Subcommand)]
pub enum UsersCommand {
    /// Print all users.
    List {
        /// In which form.
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Add a user.
    Add {
        /// The user name.
        name: String,

        /// Read the password from the first line of standard input instead of asking on the
        /// terminal.
        #[arg(long, conflicts_with = "generate")]
        password_stdin: bool,

        /// Make a password, and print it.
        #[arg(long)]
        generate: bool,
    },
    /// Keep a user from logging in, whose password stays as it is.
    Disable(Named),
    /// Let a user log in again.
    Enable(Named),
    /// Forget a user's failed logins, so that nobody has to wait for them.
    Unlock(Named),
    /// Remove a user.
    Remove(Named),
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

// No comment for documentation: it would be taken for the commands' help.
#[derive(Clone, Args)]
pub struct Named {
    /// The user name.
    name: String,
}

/// Operations on users, wherever they are stored.
pub trait Users {
    /// A user's hash as it is stored; `None` if the name does not exist.
    fn hash(&self, name: &UserName) -> Outcome<Option<String>>;

    /// Calls `visit` for each user.
    fn for_each(&self, visit: &mut dyn FnMut(Entry) -> io::Result<()>) -> Outcome<()>;

    /// Removes a user; false if the name does not exist.
    fn remove(self: Box<Self>, name: &UserName) -> Outcome<bool>;

    /// Replaces a user's hash; false if the name does not exist.
    fn set_hash(self: Box<Self>, name: &UserName, hash: &str) -> Outcome<bool>;
}

impl Users for Editor {
    fn hash(&self, name: &UserName) -> Outcome<Option<String>> {
        if !self.has(name)? {
            return Ok(None);
        }
        let mut found = None;
        self.for_each_user(&mut |user, _, hash| {
            if user == *name {
                found = Some(hash.to_owned());
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn for_each(&self, visit: &mut dyn FnMut(Entry) -> io::Result<()>) -> Outcome<()> {
        let last = self.last_logins();
        Ok(self.for_each_user(&mut |name, _, hash| {
            visit(Entry {
                last_login: last.get(name.as_str()),
                name: name.to_string(),
                hash: hash.to_owned(),
                created: None,
            })
        })?)
    }

    fn remove(self: Box<Self>, name: &UserName) -> Outcome<bool> {
        Ok((*self).remove(name)?)
    }

    fn set_hash(self: Box<Self>, name: &UserName, hash: &str) -> Outcome<bool> {
        Ok((*self).set_hash(name, hash)?)
    }
}

/// The users at `place`.
pub fn open(options: &AccountsOptions) -> Outcome<Box<dyn Users>> {
    match options.passwd_file() {
        Some(path) => Ok(Box::new(Editor::open(&path)?)),
        None => Ok(Box::new(Opened::of(options)?)),
    }
}

/// How long to wait for a passwd file that another process has locked: another command holds it briefly, and a server
/// that starts can soon be asked instead.
const HELD: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);

/// A running server, or the users themselves.
pub enum Reached<T> {
    Server(control::Server),
    Here(T),
}

/// The running server, or the result of `open` if there is none.
pub fn reach<T>(
    context: &Context<'_>,
    mut open: impl FnMut() -> Outcome<T>,
) -> Outcome<Reached<T>> {
    let started = Instant::now();
    loop {
        if let Some(server) = context.control.server(context.accounts)? {
            return Ok(Reached::Server(server));
        }
        match open() {
            Err(error)
                if started.elapsed() < HELD
                    && matches!(error.downcast_ref(), Some(PasswdError::Held { .. })) =>
            {
                std::thread::sleep(AGAIN);
            }
            opened => return opened.map(Reached::Here),
        }
    }
}

/// Where users are stored, and the settings for changes.
pub struct Context<'a> {
    pub accounts: &'a AccountsOptions,
    pub control: &'a ControlOptions,
    pub rules: PasswordRules,
    pub scheme: Scheme,
    /// The audit stream for changes made by this command; a running server writes its own.
    pub audit: Option<&'a Path>,
}

impl Context<'_> {
    /// Opens the audit stream before anything is changed: a change that cannot be recorded is not made.
    fn trail(&self) -> Outcome<Trail> {
        Ok(Trail(self.audit.map(Audit::open).transpose()?))
    }

    /// The users, to be changed, and the audit stream.
    fn changing(&self) -> Outcome<(Trail, Box<dyn Users>)> {
        Ok((self.trail()?, open(self.accounts)?))
    }
}

/// The audit stream, if there is one.
struct Trail(Option<Audit>);

impl Trail {
    /// Reports a change to a user that was made here, and records it in the audit stream.
    fn done(&self, event: &str, name: &UserName, found: bool, outcome: &str) -> Outcome {
        let told = if found { outcome } else { NO_SUCH_USER };
        self.add(event, Some(name), found, told);
        done(name, found, outcome)
    }

    /// Reports why a change was not made, and records it in the audit stream.
    fn refused(&self, event: &str, name: &UserName, reason: &str) -> Result<ExitCode, io::Error> {
        self.add(event, Some(name), false, reason);
        let name = name.shown();
        writeln!(io::stderr(), "authscope-server: {name}: {reason}")?;
        Ok(code(false))
    }

    fn add(&self, event: &str, name: Option<&UserName>, success: bool, outcome: &str) {
        let Some(audit) = &self.0 else {
            return;
        };
        audit.add(&AuditEvent {
            what: event,
            user: name.map(UserName::as_str),
            success,
            outcome,
            by_uid: platform::process::user_id(),
            by_pid: i32::try_from(std::process::id()).ok(),
            ..AuditEvent::default()
        });
        audit.flush(AUDIT_WRITTEN);
        if audit.has_lost() {
            // The change is done nevertheless, and there is no other place to report this.
            let _ = writeln!(
                io::stderr(),
                "authscope-server: the line for the audit stream was not written: {event}"
            );
        }
    }
}

const NO_SUCH_USER: &str = "no such user";

/// Names of events in the audit stream.
const ADDED: &str = "user added";
const PASSWORD_SET: &str = "password set";

/// How long a command waits for its line of the audit stream to be written.
const AUDIT_WRITTEN: Duration = Duration::from_secs(5);

pub fn run(command: UsersCommand, context: &Context<'_>) -> Outcome {
    let options = context.accounts;
    match command {
        UsersCommand::List { format } => list(format, context),
        UsersCommand::Check => match options.passwd_file() {
            Some(path) => check(&path),
            None => check_rows(&*open(options)?),
        },
        UsersCommand::Export { file } => {
            if options.passwd_file().is_some() && context.control.server(options)?.is_some() {
                return Err("a server runs on this passwd file; while it does, all users are written by: authscope-server backup FILE".into());
            }
            transfer::export(&*open(options)?, file.as_deref())
        }
        UsersCommand::Import { file } => {
            let trail = context.trail()?;
            let code = transfer::import(options, &file)?;
            let words = format!("from {}", file.display());
            trail.add("users imported", None, true, &words);
            Ok(code)
        }
        UsersCommand::Add {
            name,
            password_stdin,
            generate,
        } => add(name, password_stdin, generate, context),
        UsersCommand::Remove(Named { name }) => {
            let name = user_name(name)?;
            match reach(context, || context.changing())? {
                Reached::Server(server) => {
                    let command = Command::Remove {
                        name: name.to_string(),
                    };
                    told(server, &command, &name)
                }
                Reached::Here((trail, users)) => {
                    let removed = users.remove(&name)?;
                    trail.done("user removed", &name, removed, "removed")
                }
            }
        }
        UsersCommand::Disable(Named { name }) => set_disabled(name, true, context),
        UsersCommand::Enable(Named { name }) => set_disabled(name, false, context),
        UsersCommand::Unlock(Named { name }) => {
            let name = user_name(name)?;
            let Some(server) = context.control.server(options)? else {
                let hint = match options.passwd_file() {
                    Some(_) => {
                        "failed logins are in the memory of a running server, and none runs here with a control socket"
                    }
                    None => control::NAME_THE_SOCKET,
                };
                return Err(hint.into());
            };
            let command = Command::Unlock {
                name: name.to_string(),
            };
            told(server, &command, &name)
        }
        UsersCommand::SetPassword {
            name,
            password_stdin,
        } => set_password(name, password_stdin, context),
    }
}

/// Asks a running server to do it.
fn told(server: control::Server, command: &Command, name: &UserName) -> Outcome {
    let reply = server.ask(command, &mut |_| Ok(()))?;
    control::ended(reply, Some(&name.shown()))
}

fn asked_for(stdin: bool) -> Result<Password, password::PasswordError> {
    if stdin {
        password::from_stdin()
    } else {
        password::from_terminal(true)
    }
}

/// Characters of generated passwords: none looks like another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Default length of a generated password: a hundred bits.
const GENERATED: usize = 20;

/// Generates a password of at least `least` characters.
fn generated(least: usize) -> Outcome<Password> {
    let mut octets = Zeroizing::new(vec![0; least.max(GENERATED)]);
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut octets)
        .map_err(|_| "the system gives no random bytes")?;
    let character = |octet: &u8| ALPHABET[usize::from(octet % 32)];
    let password: Vec<u8> = octets.iter().map(character).collect();
    Ok(Password::new(password)?)
}

fn add(name: String, stdin: bool, generate: bool, context: &Context<'_>) -> Outcome {
    let name = user_name(name)?.registrable()?;
    let password = if generate {
        generated(context.rules.least)?
    } else {
        asked_for(stdin)?
    };
    let adding = || Ok((context.trail()?, Opened::of(context.accounts)?));
    let code = match reach(context, adding)? {
        Reached::Server(server) => {
            let command = Command::Add {
                name: name.to_string(),
                password: password.expose().to_vec().into(),
            };
            told(server, &command, &name)?
        }
        Reached::Here((trail, adding)) => {
            if let Err(reason) = context.rules.judge(&password) {
                return Ok(trail.refused(ADDED, &name, &reason)?);
            }
            let hash = Hasher::new(context.scheme).hash(password.expose())?;
            if adding.add(&name, &hash)? {
                trail.done(ADDED, &name, true, "added")?
            } else {
                trail.refused(ADDED, &name, NAME_TAKEN)?
            }
        }
    };
    if generate && code == ExitCode::SUCCESS {
        let password = String::from_utf8_lossy(password.expose());
        write_out(|out| writeln!(out, "password: {password}"))?;
    }
    Ok(code)
}

fn set_password(name: String, stdin: bool, context: &Context<'_>) -> Outcome {
    let name = user_name(name)?;
    let (trail, users) = match reach(context, || context.changing())? {
        Reached::Server(server) => {
            let command = Command::SetPassword {
                name: name.to_string(),
                password: asked_for(stdin)?.expose().to_vec().into(),
            };
            return told(server, &command, &name);
        }
        Reached::Here(here) => here,
    };
    let Some(before) = users.hash(&name)? else {
        return trail.done(PASSWORD_SET, &name, false, "");
    };
    let password = asked_for(stdin)?;
    if let Err(reason) = context.rules.judge(&password) {
        return Ok(trail.refused(PASSWORD_SET, &name, &reason)?);
    }
    let hash = Hasher::new(context.scheme).hash(password.expose())?;
    let hash = marked(&hash, before.starts_with(DISABLED));
    let set = users.set_hash(&name, &hash)?;
    trail.done(PASSWORD_SET, &name, set, "password set")
}

fn set_disabled(name: String, disabled: bool, context: &Context<'_>) -> Outcome {
    let name = user_name(name)?;
    let (trail, users) = match reach(context, || context.changing())? {
        Reached::Server(server) => {
            let user = name.to_string();
            let command = if disabled {
                Command::Disable { name: user }
            } else {
                Command::Enable { name: user }
            };
            return told(server, &command, &name);
        }
        Reached::Here(here) => here,
    };
    let (event, outcome) = if disabled {
        ("user disabled", "disabled")
    } else {
        ("user enabled", "enabled")
    };
    let Some(hash) = users.hash(&name)? else {
        return trail.done(event, &name, false, outcome);
    };
    let set = users.set_hash(&name, &marked(&hash, disabled))?;
    trail.done(event, &name, set, outcome)
}

fn user_name(name: String) -> Result<UserName, String> {
    UserName::new(name).map_err(|error| format!("cannot use this user name: {error}"))
}

fn done(name: &UserName, found: bool, what: &str) -> Outcome {
    let name = name.shown();
    if found {
        write_out(|out| writeln!(out, "{name}: {what}"))?;
    } else {
        writeln!(io::stderr(), "authscope-server: {name}: {NO_SUCH_USER}")?;
    }
    Ok(code(found))
}
