//! The control channel: whoever may open it can change users and query the server while it runs. The system controls
//! access, through the permissions of a Unix socket or a named pipe.
//!
//! One request per connection, a line of JSON. Answers are lines of JSON; the last one says how the request ended.

mod protocol;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::WriteHalf;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::log::audit::Event;
use super::serve::Server;
use super::words;
use crate::accounts::{Caller, Entry, Registration, StoreError, Stored};
use crate::locks::lock;
use crate::platform;
use crate::platform::control::{Listener, Stream};
use crate::protocol::{Password, UserName};
use crate::text::trouble::{Trouble, Words};
pub use protocol::{Command, Reply, Status, User, Wait};

/// The longest request, in bytes.
const LONGEST: u64 = 64 * 1024;
/// Conversations at once. Each may occupy one of the threads that read users' lines, for example for a list that
/// nobody reads; the other threads are for logins.
const CONVERSATIONS: usize = 8;
/// How long a connected client may take to send its request.
const ASKING: Duration = Duration::from_secs(10);
/// Users buffered for a client that asked for a list.
const AHEAD: usize = 256;

/// The socket, and what its commands act on.
pub struct Control {
    /// `None` once it is being served.
    listener: Mutex<Option<Listener>>,
    /// Asks for a reload.
    pub reload: Arc<dyn Fn() + Send + Sync>,
    started: Instant,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the control socket \"{}\": {}; name another place with --control", path.display(), Words(source))]
pub struct ControlError {
    path: PathBuf,
    source: io::Error,
}

impl Control {
    /// Creates the socket, for its owner only. Replaces a socket left by a server that is gone. Must be called inside
    /// the runtime.
    pub fn bind(path: &Path, reload: Arc<dyn Fn() + Send + Sync>) -> Result<Self, ControlError> {
        let failed = |source| ControlError {
            path: path.into(),
            source,
        };
        let listener = Listener::bind(path).map_err(failed)?;
        Ok(Self {
            listener: Mutex::new(Some(listener)),
            reload,
            started: Instant::now(),
        })
    }
}

/// Answers on the socket until it is dropped.
pub async fn serve(control: Arc<Control>, server: Arc<Server>) {
    let Some(mut listener) = lock(&control.listener).take() else {
        return;
    };
    let places = Arc::new(Semaphore::new(CONVERSATIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, by)) => {
                let (control, server) = (Arc::clone(&control), Arc::clone(&server));
                super::task::spawn(async move {
                    let _place = place;
                    if let Err(error) = converse(&control, &server, stream, by).await {
                        tracing::debug!(%error, "control connection broken");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the control socket");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse(
    control: &Control,
    server: &Server,
    stream: Stream,
    by: platform::control::Peer,
) -> io::Result<()> {
    let (reader, writer) = tokio::io::split(stream);
    let mut line = Zeroizing::new(Vec::new());
    let mut reader = BufReader::new(reader.take(LONGEST));
    timeout(ASKING, reader.read_until(b'\n', &mut line)).await??;
    let mut answers = Answers(writer);
    let command: Command = match serde_json::from_slice(&line) {
        Ok(command) => command,
        // Does not repeat the error: the line may contain a password.
        Err(_) => return answers.send(&Reply::Error("no such command".into())).await,
    };
    let (what, user) = (command.what(), command.user().map(str::to_owned));
    let reply = Asked { control, server }.run(command, &mut answers).await;
    if what.1 {
        let (success, outcome) = match &reply {
            Reply::Done(text) => (true, text.as_str()),
            Reply::No(text) | Reply::Error(text) => (false, text.as_str()),
            _ => (true, ""),
        };
        let event = Event {
            what: what.0,
            user: user.as_deref(),
            success,
            outcome,
            by_uid: by.uid,
            by_pid: by.pid,
            ..Event::default()
        };
        server.service.audit(&event);
        let uid = event.by_uid;
        tracing::info!(user, outcome, uid, success, "control: {}", what.0);
    }
    answers.send(&reply).await
}

struct Answers(WriteHalf<Stream>);

impl Answers {
    async fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.0.write_all(&line).await?;
        self.0.flush().await
    }
}

struct Asked<'a> {
    control: &'a Control,
    server: &'a Server,
}

/// The reply about a change to a user that may not exist.
fn done(found: Result<bool, impl std::fmt::Display>, words: &str) -> Reply {
    match found {
        Ok(true) => Reply::Done(words.into()),
        Ok(false) => Reply::No("no such user".into()),
        Err(error) => Reply::Error(error.to_string()),
    }
}

impl Asked<'_> {
    async fn run(&self, command: Command, answers: &mut Answers) -> Reply {
        match self.try_run(command, answers).await {
            Ok(reply) | Err(reply) => reply,
        }
    }

    async fn try_run(&self, command: Command, answers: &mut Answers) -> Result<Reply, Reply> {
        let accounts = &self.server.service.accounts;
        let name = |name: String| {
            UserName::new(name)
                .map_err(|error| Reply::No(format!("cannot use this user name: {error}")))
        };
        Ok(match command {
            Command::Add {
                name: user,
                password,
            } => {
                let (user, password) = (name(user)?, self.chosen(password)?);
                let added = accounts.register(&user, password, Caller::operator()).await;
                match added {
                    Ok(Registration::Registered) => Reply::Done("added".into()),
                    Ok(Registration::NameTaken) => Reply::No(words::NAME_TAKEN.into()),
                    Ok(Registration::NameRefused(error)) => Reply::No(error.to_string()),
                    Err(error) => Reply::Error(error.to_string()),
                }
            }
            Command::SetPassword {
                name: user,
                password,
            } => {
                let (user, password) = (name(user)?, self.chosen(password)?);
                let set = accounts.set_password(&user, password, Caller::operator());
                done(set.await, "password set")
            }
            Command::Remove { name: user } => {
                let user = name(user)?;
                let removed = accounts.remove(&user).await;
                self.server.service.logins.forget(&user);
                done(removed, "removed")
            }
            Command::Disable { name: user } => {
                done(accounts.set_disabled(&name(user)?, true).await, "disabled")
            }
            Command::Enable { name: user } => {
                done(accounts.set_disabled(&name(user)?, false).await, "enabled")
            }
            Command::Unlock { name: user } => {
                let (user, guesses) = (name(user)?, &self.server.service.guesses);
                // Failures are counted even for names that do not exist.
                let cleared = guesses.clear(Some(user.clone()), None).await;
                let has = accounts.has(&user).await;
                done(cleared.and(has), "unlocked")
            }
            Command::List => self.list(answers).await?,
            Command::Backup { file } => self.backup(&file).await?,
            Command::ThrottleList => {
                let (waiting, asked) = self.server.service.guesses.waiting().await;
                for waiting in waiting {
                    let wait = Reply::Wait(Wait {
                        network: waiting.network,
                        user: waiting.name,
                        seconds: waiting.wait.as_secs() + 1,
                    });
                    answers.send(&wait).await.map_err(|error| gone(&error))?;
                }
                asked.map_err(|error| Reply::Error(error.to_string()))?;
                Reply::Done(String::new())
            }
            Command::ThrottleClear {
                name: user,
                address,
            } => {
                let user = user.map(name).transpose()?;
                let cleared = self.server.service.guesses.clear(user, address).await;
                done(cleared.map(|()| true), "failed logins forgotten")
            }
            Command::Status => Reply::Status(self.status()),
            Command::Reload => {
                (self.control.reload)();
                Reply::Done("reload asked for; the log says how it went".into())
            }
        })
    }

    fn chosen(&self, mut password: Zeroizing<Vec<u8>>) -> Result<Password, Reply> {
        let password = Password::new(std::mem::take(&mut *password));
        let password =
            password.map_err(|error| Reply::No(format!("cannot use this password: {error}")))?;
        let judged = self.server.service.rules.judge(&password);
        judged.map_err(|reason| Reply::No(reason.into_owned()))?;
        Ok(password)
    }

    /// All users, as the store tells them.
    fn users(&self) -> (mpsc::Receiver<Entry>, JoinHandle<Result<(), StoreError>>) {
        let (sender, users) = mpsc::channel(AHEAD);
        let accounts = Arc::clone(&self.server.service.accounts);
        let listing = tokio::spawn(async move { accounts.list(sender).await });
        (users, listing)
    }

    async fn list(&self, answers: &mut Answers) -> Result<Reply, Reply> {
        // What the shared store cannot tell now is left out of the list.
        let (waiting, _) = self.server.service.guesses.waiting().await;
        let mut locked: HashMap<String, u64> = HashMap::new();
        for waiting in waiting {
            let Some(name) = waiting.name else { continue };
            let seconds = locked.entry(name).or_default();
            *seconds = (waiting.wait.as_secs() + 1).max(*seconds);
        }
        let (mut users, listing) = self.users();
        while let Some(entry) = users.recv().await {
            let locked = locked.get(&entry.name).copied();
            let untold = self.server.service.logins.untold_of(&entry.name);
            let mut user = User::new(entry, locked);
            user.last_login = user.last_login.max(untold);
            answers
                .send(&Reply::User(user))
                .await
                .map_err(|error| gone(&error))?;
        }
        ended(listing).await?;
        Ok(Reply::Done(String::new()))
    }

    /// Writes all users to a file that is made for it.
    async fn backup(&self, path: &Path) -> Result<Reply, Reply> {
        let failed = |error: io::Error| {
            let (path, error) = (path.display(), Trouble(&error));
            Reply::Error(format!("cannot make \"{path}\": {error}"))
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        platform::file::with_mode(&mut options, 0o600);
        let made = tokio::fs::OpenOptions::from(options).open(path).await;
        let written = self.write_users(made.map_err(failed)?, &failed).await;
        if written.is_err() {
            // An incomplete backup is removed.
            let _ = tokio::fs::remove_file(path).await;
        }
        Ok(Reply::Done(format!("{} users written", written?)))
    }

    async fn write_users(
        &self,
        file: tokio::fs::File,
        failed: &(dyn Fn(io::Error) -> Reply + Sync),
    ) -> Result<u64, Reply> {
        let mut out = tokio::io::BufWriter::new(file);
        let mut count = 0;
        let (mut users, listing) = self.users();
        while let Some(entry) = users.recv().await {
            count += 1;
            let line = format!("{}:{}\n", entry.name, entry.hash);
            out.write_all(line.as_bytes()).await.map_err(failed)?;
        }
        ended(listing).await?;
        out.flush().await.map_err(failed)?;
        out.get_ref().sync_all().await.map_err(failed)?;
        Ok(count)
    }

    fn status(&self) -> Status {
        let accounts = &self.server.service.accounts;
        let counts = accounts.counts();
        let ready = self.server.service.ready();
        Status {
            version: crate::VERSION.into(),
            pid: std::process::id(),
            uptime_seconds: self.control.started.elapsed().as_secs(),
            ready: ready.is_ok(),
            reason: ready.err(),
            users: counts.users,
            registrations: counts.stored,
            passwords_waiting: accounts.waiting(),
            connections: self.server.open(),
        }
    }
}

async fn ended(listing: JoinHandle<Result<(), StoreError>>) -> Result<(), Reply> {
    let listed = listing.await.unwrap_or(Err(StoreError::Stopped));
    listed.map_err(|error| Reply::Error(error.to_string()))
}

/// The client is gone.
fn gone(error: &io::Error) -> Reply {
    Reply::Error(error.to_string())
}

impl User {
    /// The row of a user.
    #[must_use]
    pub fn new(entry: Entry, locked: Option<u64>) -> Self {
        let stored = Stored::parse(&entry.hash);
        Self {
            scheme: stored
                .as_ref()
                .map_or_else(|_| "unusable".into(), Stored::scheme_name),
            disabled: stored.is_ok_and(|stored| stored.is_disabled()),
            name: entry.name,
            created: entry.created,
            last_login: entry.last_login,
            locked_seconds: locked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_ends_leaves_the_socket_of_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let bind = || Control::bind(&path, Arc::new(|| {})).unwrap();
        let first = bind();
        // It no longer listens, while a conversation continues.
        drop(lock(&first.listener).take());
        assert!(!path.exists());
        let second = bind();
        drop(first);
        assert!(platform::control::connect(&path).is_ok());
        drop(second);
        assert!(!path.exists());
    }
}
