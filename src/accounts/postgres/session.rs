//! Connections to the database, and statements on them: each has a deadline, and a commit under way is never cancelled.
//!
//! PostgreSQL answers "committed" to a commit whose wait for a standby is cancelled, though no standby has it. So nothing
//! here asks the database to cancel: at the deadline the connection is dropped, and the outcome is unknown.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool_postgres::{
    Connect, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod,
    Runtime, TimeoutType,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Row, Socket};

use super::PostgresError;
use super::settings::{Settings, Target};
use crate::accounts::store::{Reason, StoreError};
use crate::locks::lock;

/// How long a statement may take, with the wait for a connection: clients are to be answered within two seconds.
pub const DEADLINE: Duration = Duration::from_millis(1500);
/// How long a statement waits for one of the connections before the server counts as busy.
pub const WAIT: Duration = Duration::from_millis(500);
/// How long making a connection may take when nobody waits for it.
const CREATE: Duration = Duration::from_secs(5);
/// How often a commit is tried while commits are not confirmed.
const PROBE: Duration = Duration::from_secs(1);

/// What every session starts with: nothing may end a commit's wait, and nobody waits for a row for long.
const SESSION: &str = "SET statement_timeout = 0; SET lock_timeout = '1s'";

/// Why a statement has no result.
#[derive(Debug)]
pub enum Trouble {
    /// All connections are in use.
    Busy,
    /// It was not sent.
    Unavailable(Reason),
    /// The database refused. Nothing was changed.
    Refused(tokio_postgres::Error),
    /// It was sent, and may have been executed or not.
    Lost(Reason),
}

impl Trouble {
    fn unavailable(error: PostgresError) -> Self {
        Self::Unavailable(Arc::new(error))
    }

    fn lost(error: PostgresError) -> Self {
        Self::Lost(Arc::new(error))
    }

    /// Whether the same statement may well succeed when it is sent again.
    pub fn is_passing(&self) -> bool {
        let Self::Refused(error) = self else {
            return false;
        };
        error.code().is_some_and(|code| {
            [
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::LOCK_NOT_AVAILABLE,
            ]
            .contains(code)
        })
    }

    /// For a statement that changes nothing.
    fn of_read(self) -> StoreError {
        match self {
            Self::Busy => StoreError::Busy,
            Self::Unavailable(reason) | Self::Lost(reason) => StoreError::Unavailable(reason),
            Self::Refused(error) => StoreError::Unavailable(Arc::new(PostgresError::from(error))),
        }
    }

    /// For one that changes something.
    pub fn of_write(self) -> StoreError {
        match self {
            Self::Lost(reason) => StoreError::OutcomeUnknown(reason),
            other => other.of_read(),
        }
    }
}

/// The connections.
pub struct Sessions {
    pool: Pool,
    /// Commits since the last confirmed one that were given up at their deadline. Each may hold one of the database's
    /// own connections still.
    unconfirmed: AtomicUsize,
    probed: Mutex<Option<Instant>>,
    /// Warnings that came on any connection.
    warnings: Arc<AtomicU64>,
}

impl Sessions {
    pub fn new(settings: &Settings) -> Result<Self, PostgresError> {
        let Target { config, tls } = settings.target()?;
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let warnings = Arc::new(AtomicU64::new(0));
        let manager = match tls {
            Some(tls) => Manager::from_connect(config, Listening::new(tls, &warnings), recycling),
            None => Manager::from_connect(config, Listening::new(NoTls, &warnings), recycling),
        };
        let weak_commit = settings.weak_commit;
        let begin = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                client
                    .batch_execute(SESSION)
                    .await
                    .map_err(HookError::Backend)?;
                let row = client
                    .query_one(
                        "SELECT current_setting('synchronous_commit', true), current_setting('synchronous_standby_names', true)",
                        &[],
                    )
                    .await
                    .map_err(HookError::Backend)?;
                let setting = |index| row.try_get::<_, Option<String>>(index).ok().flatten();
                let (commit, standbys) = (setting(0), setting(1));
                match weak(commit.as_deref(), standbys.as_deref()) {
                    Some(reason) if !weak_commit => Err(HookError::message(reason)),
                    _ => Ok(()),
                }
            })
        });
        let pool = Pool::builder(manager)
            .max_size(settings.connections)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CREATE))
            .recycle_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .post_create(begin)
            .build()
            .map_err(|error| PostgresError::Url(error.to_string()))?;
        Ok(Self {
            pool,
            unconfirmed: AtomicUsize::new(0),
            probed: Mutex::new(None),
            warnings,
        })
    }

    /// A connection, for as long as it takes.
    pub async fn connection(&self) -> Result<Object, PostgresError> {
        self.pool.get().await.map_err(connecting)
    }

    /// Sends one statement that changes nothing, or nothing more when it is sent twice. One whose connection breaks is sent
    /// again, on another.
    pub async fn read(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.send(statement, values, deadline).await {
                Err(Trouble::Lost(_)) if Instant::now() < deadline => {}
                result => return result.map_err(Trouble::of_read),
            }
        }
    }

    /// Sends one statement once whose change need not survive a crash, so that no standby is waited for.
    pub async fn once(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let sent = self.send(statement, values, Instant::now() + DEADLINE);
        sent.await.map_err(Trouble::of_read)
    }

    /// Sends one statement that changes something, and commits it. A warning meanwhile makes the outcome unknown: it may say
    /// that somebody cancelled the wait for a standby, with the commit done on this host alone, and is read before the
    /// answer. On whichever connection it came; they are rare.
    pub async fn write(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Trouble> {
        if !self.may_commit() {
            return Err(Trouble::unavailable(PostgresError::Unconfirmed));
        }
        let deadline = Instant::now() + DEADLINE;
        let warnings = self.warnings.load(Ordering::Acquire);
        let mut result = self.send(statement, values, deadline).await;
        if result.is_ok() && self.warnings.load(Ordering::Acquire) != warnings {
            result = Err(Trouble::lost(PostgresError::Warned));
        }
        match &result {
            Ok(_) => self.unconfirmed.store(0, Ordering::Relaxed),
            Err(Trouble::Lost(_)) if Instant::now() >= deadline => {
                self.unconfirmed.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        result
    }

    /// Whether another commit may be begun: past so many that were not confirmed, now and then one, or they would take
    /// all of the database's connections.
    fn may_commit(&self) -> bool {
        if self.unconfirmed.load(Ordering::Relaxed) < self.pool.status().max_size {
            return true;
        }
        let mut probed = lock(&self.probed);
        let due = probed.is_none_or(|probed| probed.elapsed() >= PROBE);
        if due {
            *probed = Some(Instant::now());
        }
        due
    }

    async fn send(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
        deadline: Instant,
    ) -> Result<Vec<Row>, Trouble> {
        let client = match timeout_at(deadline, self.pool.get()).await {
            Ok(Ok(client)) => client,
            Ok(Err(PoolError::Timeout(TimeoutType::Wait))) => return Err(Trouble::Busy),
            Ok(Err(error)) => return Err(Trouble::unavailable(connecting(error))),
            Err(_) => return Err(Trouble::unavailable(PostgresError::NotInTime)),
        };
        let prepared = timeout_at(deadline, client.prepare_cached(statement)).await;
        let prepared = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(error)) => {
                // If the connection broke, the statement can safely be sent on another.
                let lost = is_fatal(&error) || client.is_closed();
                discard(client);
                let error = PostgresError::from(error);
                return Err(if lost {
                    Trouble::lost(error)
                } else {
                    Trouble::unavailable(error)
                });
            }
            Err(_) => {
                discard(client);
                return Err(Trouble::unavailable(PostgresError::NotInTime));
            }
        };
        match timeout_at(deadline, client.query(&prepared, values)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) if error.as_db_error().is_some() && !is_fatal(&error) => {
                if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                    // This host does not accept writes any more.
                    discard(client);
                }
                Err(Trouble::Refused(error))
            }
            Ok(Err(error)) => {
                discard(client);
                Err(Trouble::lost(error.into()))
            }
            Err(_) => {
                discard(client);
                Err(Trouble::lost(PostgresError::NotInTime))
            }
        }
    }
}

/// Makes connections whose warnings are counted.
struct Listening<T> {
    tls: T,
    warnings: Arc<AtomicU64>,
}

impl<T> Listening<T> {
    fn new(tls: T, warnings: &Arc<AtomicU64>) -> Self {
        Self {
            tls,
            warnings: Arc::clone(warnings),
        }
    }
}

impl<T> Connect for Listening<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let (config, tls) = (config.clone(), self.tls.clone());
        let warnings = Arc::clone(&self.warnings);
        Box::pin(async move {
            let (client, mut connection) = config.connect(tls).await?;
            let task = tokio::spawn(async move {
                while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                    if let AsyncMessage::Notice(notice) = message
                        && notice.parsed_severity() == Some(Severity::Warning)
                    {
                        warnings.fetch_add(1, Ordering::Release);
                        tracing::warn!(
                            code = notice.code().code(),
                            "the database warns: {}",
                            notice.message()
                        );
                    }
                }
            });
            Ok((client, task))
        })
    }
}

type Connecting<'a> = Pin<
    Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>,
>;

/// Drops a connection instead of giving it back.
fn discard(client: Object) {
    drop(Object::take(client));
}

fn connecting(error: PoolError) -> PostgresError {
    match error {
        PoolError::PostCreateHook(HookError::Message(reason)) => {
            PostgresError::WeakCommit(reason.into_owned())
        }
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            PostgresError::connecting(&error)
        }
        PoolError::Timeout(_) => PostgresError::NotInTime,
        other => PostgresError::Url(other.to_string()),
    }
}

/// Whether the database, or a proxy before it, ended the connection, so that what was sent may have been executed.
fn is_fatal(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else {
        return true;
    };
    // Connection exceptions, shutdowns, and "statement completion unknown".
    code.code().starts_with("08") || code.code().starts_with("57P") || code.code() == "40003"
}

/// Why a commit that is acknowledged can be lost.
fn weak(commit: Option<&str>, standbys: Option<&str>) -> Option<&'static str> {
    match (commit, standbys) {
        (Some("off"), _) => Some("synchronous_commit is off"),
        (Some("local"), Some(names)) if !names.is_empty() => {
            Some("synchronous_commit is local, though standbys are named")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_that_a_crash_can_lose_are_known() {
        assert!(weak(Some("off"), Some("")).is_some());
        assert!(weak(Some("local"), Some("one")).is_some());
        for strong in ["on", "remote_apply", "remote_write"] {
            assert_eq!(weak(Some(strong), Some("one")), None);
        }
        assert_eq!(weak(Some("local"), Some("")), None);
        assert_eq!(weak(None, None), None);
    }
}
