//! Users in PostgreSQL, shared by several servers: finds, adds and replaces them, and reports honestly if the outcome
//! is unknown.

mod failures;
mod schema;
mod session;
mod settings;
mod together;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::meters;
use super::scheme::HashError;
use super::store::{
    Answer, Entry, Found, LoggedIn, Reason, Store, StoreCounts, StoreError, Version,
};
use crate::locks::lock;
use crate::protocol::UserName;
use session::{Sessions, Trouble};
pub use settings::Settings;
use settings::with_causes;
use together::{Together, add_alone};

const FIND: &str = "SELECT hash, version FROM authscope_users WHERE name = $1";
const TAKEN: &str = "SELECT 1 FROM authscope_users WHERE name = $1";
/// The hash, whose salt is random, tells whether a row is ours. The row is written rather than read, because the
/// commit waits for the standbys: after a crash of the primary nothing else shows that they have the row.
const CONFIRM: &str =
    "UPDATE authscope_users SET hash = hash WHERE name = $1 AND hash = $2 RETURNING 1";
const REPLACE: &str = "UPDATE authscope_users SET hash = $3, version = version + 1
    WHERE name = $1 AND version = $2 RETURNING 1";
const REMOVE: &str = "WITH forgotten AS (DELETE FROM authscope_logins WHERE name = $1)
    DELETE FROM authscope_users WHERE name = $1 RETURNING 1";
/// By the database's clock, as `created` is. What a crash loses of it is no loss: no disk and no standby is waited for.
const NOTE_LOGINS: &str = "INSERT INTO authscope_logins AS l (name, at)
    SELECT k.name, now() - k.ago * interval '1 second'
    FROM (SELECT set_config('synchronous_commit', 'off', true)) AS commit,
        unnest($1::bytea[], $2::float8[]) AS k(name, ago)
    JOIN authscope_users u ON u.name = k.name
    ORDER BY k.name
    ON CONFLICT (name) DO UPDATE SET at = greatest(l.at, excluded.at)";
/// Logins noted by one statement.
const NOTED: usize = 1000;
const COUNT: &str = "SELECT count(*) FROM authscope_users";
/// What the database knows of the table's size without counting.
const ESTIMATE: &str =
    "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = 'authscope_users'";
/// A login before the registration was somebody else's, who had the name then.
const PAGE: &str =
    "SELECT u.name, u.hash, floor(extract(epoch FROM u.created))::bigint, floor(extract(epoch FROM l.at))::bigint
    FROM authscope_users u LEFT JOIN authscope_logins l ON l.name = u.name AND l.at >= u.created
    WHERE u.name > $1 ORDER BY u.name LIMIT 1000";
const ADD_ALL: &str = "INSERT INTO authscope_users (name, hash)
    SELECT name, hash FROM unnest($1::bytea[], $2::text[]) AS k(name, hash)
    ON CONFLICT (name) DO NOTHING RETURNING name";
const SAME: &str = "SELECT u.name FROM authscope_users u
    JOIN unnest($1::bytea[], $2::text[]) AS k(name, hash) ON u.name = k.name AND u.hash = k.hash";

/// A table of more rows than this is not counted row by row.
const COUNTABLE: i64 = 100_000;
/// How often users are counted and expired failures removed.
const UPKEEP: Duration = Duration::from_mins(1);

/// How long a registration whose outcome is unknown is asked after: a little less than a client waits, 10 s by default.
const CLIENTS_TIME: Duration = Duration::from_secs(8);
/// Between two such questions.
const PAUSE: Duration = Duration::from_millis(200);
/// How often a statement is repeated that conflicted with another one.
const TRIES: u32 = 3;

/// Why the database cannot be used. Never holds a password or a hash.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The URL, or another setting.
    #[error("cannot use the URL of --accounts: {0}")]
    Url(String),
    /// A password where everybody can see it.
    #[error(
        "the URL of --accounts holds a password, which the list of processes shows; take it out and give --accounts-password-file FILE, or the environment variable PGPASSWORD"
    )]
    PasswordInUrl,
    /// No encrypted connections.
    #[error("cannot use TLS to the database: {0}")]
    Tls(String),
    /// No connection came about.
    #[error("cannot connect to the database: {0}")]
    Connecting(String),
    /// A statement failed.
    #[error("the database says: {0}")]
    Asking(String),
    /// No answer.
    #[error("the database did not answer in time")]
    NotInTime,
    /// Commits wait for a standby that does not confirm them.
    #[error("the database does not confirm commits; is its synchronous standby there?")]
    Unconfirmed,
    /// A warning while a commit was waited for.
    #[error("the database warned while a commit was waited for")]
    Warned,
    /// Commits that a crash loses.
    #[error(
        "{0} in the database, so that a crash can lose registrations that were acknowledged; set it to on, or give --accounts-weak-commit"
    )]
    WeakCommit(String),
    /// No tables yet.
    #[error(
        "the database has no tables for users yet; make them with authscope-server --accounts URL accounts init, or start with --migrate"
    )]
    NoTables,
    /// Tables of an earlier version.
    #[error(
        "the database's tables are of an earlier version; bring them up to date with authscope-server --accounts URL accounts init, or start with --migrate"
    )]
    OldTables,
    /// Tables of a later version.
    #[error(
        "the database's tables are of version {0}, which this program does not know; use the later version of it"
    )]
    LaterTables(usize),
    /// A row that makes no sense.
    #[error("the row of user \"{name}\" in the database cannot be used: {reason}")]
    Row {
        /// The user name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl PostgresError {
    fn connecting(error: &tokio_postgres::Error) -> Self {
        Self::Connecting(with_causes(error))
    }
}

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Asking(with_causes(&error))
    }
}

/// The error for rows that cannot be read.
fn unreadable(error: tokio_postgres::Error) -> StoreError {
    StoreError::Corrupt(Arc::new(PostgresError::from(error)))
}

/// Users in a PostgreSQL database.
pub struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    sessions: Sessions,
    together: Together,
    users: AtomicUsize,
    stored: AtomicU64,
    replaced: AtomicU64,
    /// Why the last statement failed, until one succeeds.
    trouble: Mutex<Option<StoreError>>,
}

impl Postgres {
    /// Connects, and checks that the tables are there.
    pub async fn open(settings: &Settings) -> Result<Self, PostgresError> {
        let sessions = Sessions::new(settings)?;
        let mut client = sessions.connection().await?;
        if settings.migrate {
            let applied = schema::migrate(&mut client).await?;
            if applied > 0 {
                tracing::info!(applied, "the database's tables are brought up to date");
            }
        } else {
            schema::check(&client).await?;
        }
        drop(client);
        let shared = Arc::new(Shared {
            sessions,
            together: Together::new(settings.connections),
            users: AtomicUsize::new(0),
            stored: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            trouble: Mutex::new(None),
        });
        shared.count_users().await;
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                let Some(shared) = weak.upgrade() else {
                    return;
                };
                shared.count_users().await;
                // What cannot be removed now is removed next time.
                let _ = shared.sessions.read(failures::EXPIRE, &[]).await;
            }
        });
        Ok(Self { shared })
    }

    /// Makes missing tables; how many migrations were applied.
    pub async fn init(settings: &Settings) -> Result<usize, PostgresError> {
        let sessions = Sessions::new(settings)?;
        let mut client = sessions.connection().await?;
        schema::migrate(&mut client).await
    }

    /// The next users in the order of their names' bytes, with their hashes as they are stored.
    async fn page(&self, after: Option<&str>) -> Result<Vec<Entry>, StoreError> {
        let after = after.unwrap_or_default().as_bytes();
        let rows = self.shared.sessions.read(PAGE, &[&after]).await?;
        let read = |row: &tokio_postgres::Row| {
            let name: Vec<u8> = row.try_get(0)?;
            Ok(Entry {
                name: String::from_utf8_lossy(&name).into_owned(),
                hash: row.try_get(1)?,
                created: row.try_get(2)?,
                last_login: row.try_get(3)?,
            })
        };
        let users: Result<Vec<_>, tokio_postgres::Error> = rows.iter().map(read).collect();
        users.map_err(unreadable)
    }
}

impl Shared {
    async fn count_users(&self) {
        let number = |rows: Result<Vec<tokio_postgres::Row>, StoreError>| {
            rows.ok()?.first()?.try_get::<_, i64>(0).ok()
        };
        let mut users = number(self.sessions.read(ESTIMATE, &[]).await);
        if users.is_none_or(|users| users < COUNTABLE) {
            users = number(self.sessions.read(COUNT, &[]).await).or(users);
        }
        if let Some(users) = users.and_then(|users| usize::try_from(users).ok()) {
            self.users.store(users, Ordering::Relaxed);
            meters::stored(0, 0, users);
        }
    }

    /// Records how a statement ended.
    fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let trouble = match &result {
            Ok(_) | Err(StoreError::Corrupt(_)) => None,
            Err(error) => Some(error.clone()),
        };
        *lock(&self.trouble) = trouble;
        result
    }

    async fn find(&self, name: &UserName) -> Result<Option<Found>, StoreError> {
        let octets = name.as_str().as_bytes();
        let rows = self.note(self.sessions.read(FIND, &[&octets]).await)?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let hash: String = row.try_get(0).map_err(|error| unusable(name, &error))?;
        let version: i64 = row.try_get(1).map_err(|error| unusable(name, &error))?;
        Ok(Some(Found {
            hash,
            version: Version(version.cast_unsigned()),
        }))
    }

    /// Adds a user. A statement whose connection is lost is sent again, as often as there is time: it adds nothing twice,
    /// and the row tells whose it is.
    async fn add(&self, name: &UserName, hash: &str) -> Result<bool, StoreError> {
        let octets = name.as_str().as_bytes();
        let started = Instant::now();
        let mut unknown: Option<Reason> = None;
        let mut tries = 0;
        loop {
            tries += 1;
            let added = if tries == 1 {
                self.together.add(&self.sessions, octets, hash).await
            } else {
                add_alone(&self.sessions, octets, hash).await
            };
            let mut trouble = match added {
                Ok(true) => return Ok(true),
                Ok(false) if unknown.is_none() => return Ok(false),
                Ok(false) => match self.sessions.write(CONFIRM, &[&octets, &hash]).await {
                    Ok(rows) => return Ok(!rows.is_empty()),
                    Err(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            if let Trouble::Lost(reason) = &mut trouble {
                unknown = Some(Arc::clone(reason));
            }
            match &unknown {
                None if trouble.is_passing() && tries < TRIES => {}
                None => return Err(trouble.of_write()),
                Some(_) if started.elapsed() < CLIENTS_TIME => tokio::time::sleep(PAUSE).await,
                Some(reason) => return Err(StoreError::OutcomeUnknown(Arc::clone(reason))),
            }
        }
    }

    async fn remove(&self, name: &UserName) -> Result<bool, StoreError> {
        let octets = name.as_str().as_bytes();
        let rows = self.sessions.write(REMOVE, &[&octets]).await;
        let removed = !rows.map_err(Trouble::of_write)?.is_empty();
        if removed {
            let fewer = |users: usize| users.checked_sub(1);
            let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
            let _ = self.users.fetch_update(set, fetch, fewer);
        }
        Ok(removed)
    }

    async fn replace(
        &self,
        name: &UserName,
        version: Version,
        hash: &str,
    ) -> Result<bool, StoreError> {
        let octets = name.as_str().as_bytes();
        let version = version.0.cast_signed();
        let replaced = self
            .sessions
            .write(REPLACE, &[&octets, &version, &hash])
            .await;
        replaced
            .map(|rows| !rows.is_empty())
            .map_err(Trouble::of_write)
    }
}

/// The error for a user whose row makes no sense.
fn unusable(name: &UserName, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt(Arc::new(PostgresError::Row {
        name: name.to_string(),
        reason: reason.to_string(),
    }))
}

impl Store for Postgres {
    fn find<'a>(&'a self, name: &'a UserName) -> Answer<'a, Option<Found>> {
        Box::pin(self.shared.find(name))
    }

    fn unusable(&self, name: &UserName, reason: &HashError) -> StoreError {
        unusable(name, reason)
    }

    fn is_taken<'a>(&'a self, name: &'a UserName) -> Answer<'a, bool> {
        Box::pin(async {
            let octets = name.as_str().as_bytes();
            let rows = self.shared.sessions.read(TAKEN, &[&octets]).await;
            let rows = self.shared.note(rows)?;
            Ok(!rows.is_empty())
        })
    }

    // In a separate task: a client that disconnects does not end a commit in progress.
    fn add(&self, name: UserName, hash: String) -> Answer<'_, bool> {
        let shared = Arc::clone(&self.shared);
        let adding = tokio::spawn(async move {
            let started = Instant::now();
            let added = shared.add(&name, &hash).await;
            meters::synced(started.elapsed());
            match &added {
                Ok(true) => {
                    shared.stored.fetch_add(1, Ordering::Relaxed);
                    let users = shared.users.fetch_add(1, Ordering::Relaxed) + 1;
                    meters::stored(1, 0, users);
                }
                Ok(false) => {}
                Err(_) => meters::failed(1),
            }
            shared.note(added)
        });
        Box::pin(async { adding.await.unwrap_or(Err(StoreError::Stopped)) })
    }

    fn add_all<'a>(
        &'a self,
        users: &'a [(UserName, String)],
    ) -> Answer<'a, (usize, HashSet<String>)> {
        Box::pin(async move {
            let names: Vec<&[u8]> = users
                .iter()
                .map(|(name, _)| name.as_str().as_bytes())
                .collect();
            let hashes: Vec<&str> = users.iter().map(|(_, hash)| hash.as_str()).collect();
            let sessions = &self.shared.sessions;
            let added = sessions.write(ADD_ALL, &[&names, &hashes]).await;
            let added = added.map_err(Trouble::of_write)?.len();
            let rows = sessions.read(SAME, &[&names, &hashes]).await?;
            let read = |row: &tokio_postgres::Row| {
                let name: Vec<u8> = row.try_get(0)?;
                Ok(String::from_utf8_lossy(&name).into_owned())
            };
            let same: Result<HashSet<_>, tokio_postgres::Error> = rows.iter().map(read).collect();
            Ok((added, same.map_err(unreadable)?))
        })
    }

    fn replace(&self, name: UserName, version: Version, hash: String) -> Answer<'_, bool> {
        let shared = Arc::clone(&self.shared);
        let replacing = tokio::spawn(async move {
            let replaced = shared.replace(&name, version, &hash).await;
            match &replaced {
                Ok(true) => {
                    shared.replaced.fetch_add(1, Ordering::Relaxed);
                    meters::stored(0, 1, shared.users.load(Ordering::Relaxed));
                }
                Ok(false) => {}
                Err(_) => meters::failed(1),
            }
            shared.note(replaced)
        });
        Box::pin(async { replacing.await.unwrap_or(Err(StoreError::Stopped)) })
    }

    fn replaces_later(&self) -> bool {
        true
    }

    fn remove(&self, name: UserName) -> Answer<'_, bool> {
        let shared = Arc::clone(&self.shared);
        let removing = tokio::spawn(async move { shared.remove(&name).await });
        Box::pin(async { removing.await.unwrap_or(Err(StoreError::Stopped)) })
    }

    fn note_logins(&self, logins: Vec<LoggedIn>) -> Answer<'_, ()> {
        Box::pin(async move {
            for some in logins.chunks(NOTED) {
                let names: Vec<&[u8]> = some
                    .iter()
                    .map(|login| login.name.as_str().as_bytes())
                    .collect();
                let ago: Vec<f64> = some.iter().map(|login| login.ago.as_secs_f64()).collect();
                let sessions = &self.shared.sessions;
                sessions.read(NOTE_LOGINS, &[&names, &ago]).await?;
            }
            Ok(())
        })
    }

    fn list(&self, users: mpsc::Sender<Entry>) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut last: Option<String> = None;
            loop {
                let page = self.page(last.as_deref()).await?;
                let Some(end) = page.last() else {
                    return Ok(());
                };
                last = Some(end.name.clone());
                for entry in page {
                    if users.send(entry).await.is_err() {
                        return Ok(());
                    }
                }
            }
        })
    }

    fn counts(&self) -> StoreCounts {
        StoreCounts {
            users: self.shared.users.load(Ordering::Relaxed),
            stored: self.shared.stored.load(Ordering::Relaxed),
            replaced: self.shared.replaced.load(Ordering::Relaxed),
            syncs: 0,
        }
    }

    fn ready(&self) -> Result<(), StoreError> {
        lock(&self.shared.trouble).clone().map_or(Ok(()), Err)
    }
}
