//! Sends commands to a running server through its control socket; and the commands `throttle`, `status`, `reload` and
//! `backup`, which need a running server.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use authscope::platform;
use authscope::server::control::{Command, Reply};
use authscope::text::trouble::{Trouble, Words};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::Outcome;
use crate::accounts::AccountsOptions;
use crate::listing::{shown, write_out};
use crate::users::code;

#[derive(Args)]
#[command(next_help_heading = "Control")]
pub struct ControlOptions {
    /// Where a running server takes commands: a Unix socket (on Windows a named
    /// pipe) that its owner alone can open, or off
    /// [default: beside the passwd file, with .control behind its name; off with a database].
    #[arg(long, value_name = "PATH", global = true)]
    control: Option<PathBuf>,
}

impl ControlOptions {
    /// The path of the socket, and whether the user asked for it.
    pub fn path(&self, accounts: &AccountsOptions) -> Option<(PathBuf, bool)> {
        match &self.control {
            Some(path) if path == Path::new("off") => None,
            Some(path) => Some((path.clone(), true)),
            None => {
                let mut name = accounts.passwd_file()?.into_os_string();
                name.push(".control");
                Some((name.into(), false))
            }
        }
    }

    /// The running server, if there is one.
    pub fn server(&self, accounts: &AccountsOptions) -> Result<Option<Server>, String> {
        let Some((path, asked_for)) = self.path(accounts) else {
            return Ok(None);
        };
        let stream = match platform::control::connect(&path) {
            Ok(stream) => stream,
            Err(error) if !asked_for && NO_SERVER.contains(&error.kind()) => return Ok(None),
            Err(error) => {
                let (path, error) = (path.display(), Trouble(&error));
                return Err(format!("cannot reach the server at \"{path}\": {error}"));
            }
        };
        let stranger = platform::control::stranger(&stream, &path).map_err(|error| {
            let (path, error) = (path.display(), Words(&error));
            format!("cannot tell whose server is at \"{path}\": {error}")
        })?;
        if let Some(user) = stranger {
            let path = path.display();
            return Err(format!(
                "the server at \"{path}\" is user {user}'s, and anybody may make files in that folder, so nothing was sent; do this as that user, or name another socket with --control"
            ));
        }
        Ok(Some(Server { stream, path }))
    }
}

/// Errors that mean: no socket was created, its server is gone, or its path is too long for a socket.
const NO_SERVER: [ErrorKind; 3] = [
    ErrorKind::NotFound,
    ErrorKind::ConnectionRefused,
    ErrorKind::InvalidInput,
];

/// Errors that mean: the server was reached, but is gone.
const ENDED: [ErrorKind; 3] = [
    ErrorKind::UnexpectedEof,
    ErrorKind::ConnectionReset,
    ErrorKind::BrokenPipe,
];

/// A running server.
pub struct Server {
    stream: platform::control::Connection,
    path: PathBuf,
}

impl Server {
    /// Sends a command. `each` receives the lines before the last one, which is the result.
    pub fn ask(
        self,
        command: &Command,
        each: &mut dyn FnMut(Reply) -> io::Result<()>,
    ) -> Outcome<Reply> {
        let lost = |error: io::Error| {
            let path = self.path.display();
            if ENDED.contains(&error.kind()) {
                return format!(
                    "the server at \"{path}\" ended before it answered; what was done is told by: authscope-server users list"
                );
            }
            format!(
                "the server at \"{path}\" does not answer: {}",
                Words(&error)
            )
        };
        // It may hold a password.
        let mut line = Zeroizing::new(serde_json::to_vec(command)?);
        line.push(b'\n');
        (&self.stream).write_all(&line).map_err(lost)?;
        for line in BufReader::new(&self.stream).lines() {
            let reply: Reply = serde_json::from_str(&line.map_err(lost)?)?;
            match reply {
                Reply::User(_) | Reply::Wait(_) => each(reply)?,
                end => return Ok(end),
            }
        }
        Err(lost(ErrorKind::UnexpectedEof.into()).into())
    }
}

/// The exit code for the last line of an answer; `subject` names what was changed.
pub fn ended(reply: Reply, subject: Option<&str>) -> Outcome {
    let before = subject.map_or_else(String::new, |subject| format!("{subject}: "));
    match reply {
        Reply::Done(words) if words.is_empty() => Ok(ExitCode::SUCCESS),
        Reply::Done(words) => {
            write_out(|out| writeln!(out, "{before}{words}"))?;
            Ok(ExitCode::SUCCESS)
        }
        Reply::No(words) => {
            writeln!(io::stderr(), "authscope-server: {before}{words}")?;
            Ok(code(false))
        }
        Reply::Error(words) => Err(words.into()),
        Reply::User(_) | Reply::Wait(_) | Reply::Status(_) => {
            Err("the server answered something else".into())
        }
    }
}

#[derive(Clone, Subcommand)]
pub enum ThrottleCommand {
    /// Print who has to wait after failed logins: network, user, seconds, a tab between them.
    List,
    /// Forget failed logins, so that nobody has to wait for them.
    Clear {
        /// Only those for this user name.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,

        /// Only those from this address and its networks.
        #[arg(long, value_name = "ADDR")]
        address: Option<IpAddr>,
    },
}

/// The hint for users in a database, which does not say where servers are.
pub const NAME_THE_SOCKET: &str = "name the server's control socket with --control PATH";

/// Commands that only a running server can execute.
#[derive(Clone)]
pub enum Running {
    Throttle(ThrottleCommand),
    Status { json: bool },
    Reload,
    Backup(PathBuf),
}

pub fn run(what: &Running, options: &ControlOptions, accounts: &AccountsOptions) -> Outcome {
    let command = match what {
        Running::Throttle(ThrottleCommand::List) => Command::ThrottleList,
        Running::Throttle(ThrottleCommand::Clear { user, address }) => Command::ThrottleClear {
            name: user.clone(),
            address: *address,
        },
        Running::Status { .. } => Command::Status,
        Running::Reload => Command::Reload,
        Running::Backup(file) => Command::Backup {
            file: std::path::absolute(file)?,
        },
    };
    let Some(server) = options.server(accounts)? else {
        let hint = match accounts.passwd_file() {
            Some(_) => {
                "no server runs on this passwd file with a control socket; start one, or name its passwd file with --passwd"
            }
            None => NAME_THE_SOCKET,
        };
        return Err(hint.into());
    };
    let mut waits = Vec::new();
    let reply = server.ask(&command, &mut |reply| {
        if let Reply::Wait(wait) = reply {
            waits.push(wait);
        }
        Ok(())
    })?;
    if let Reply::Status(status) = &reply {
        write_out(|out| {
            if matches!(what, Running::Status { json: true }) {
                serde_json::to_writer(&mut *out, status)?;
                return writeln!(out);
            }
            let ready = status.reason.as_deref().unwrap_or("yes");
            writeln!(out, "version: {}", status.version)?;
            writeln!(out, "process: {}", status.pid)?;
            writeln!(out, "uptime: {} s", status.uptime_seconds)?;
            writeln!(out, "ready: {ready}")?;
            writeln!(out, "users: {}", status.users)?;
            writeln!(out, "registrations: {}", status.registrations)?;
            writeln!(out, "passwords waiting: {}", status.passwords_waiting)?;
            writeln!(out, "connections: {}", status.connections)
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    write_out(|out| {
        for wait in &waits {
            let user = wait.user.as_deref().map(shown);
            let user = user.as_deref().unwrap_or("(any)");
            writeln!(out, "{}\t{user}\t{}", wait.network, wait.seconds)?;
        }
        Ok(())
    })?;
    ended(reply, None)
}
