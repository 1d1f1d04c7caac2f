//! The tables: numbered migrations, each applied once.

use deadpool_postgres::Object;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::PostgresError;

/// What each version adds to the one before.
const MIGRATIONS: [&str; 2] = [
    "
CREATE TABLE authscope_users (
    name bytea PRIMARY KEY,
    hash text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE UNLOGGED TABLE authscope_failures (
    network bytea NOT NULL,
    name bytea NOT NULL,
    empty_at timestamptz NOT NULL,
    wait_until timestamptz NOT NULL,
    PRIMARY KEY (network, name)
);
",
    "
CREATE TABLE authscope_logins (
    name bytea PRIMARY KEY,
    at timestamptz NOT NULL
);
",
];

/// Taken by whoever migrates; the number means nothing.
const LOCK: i64 = 0x6175_7468;

/// The last one that was applied; 0 for none.
const APPLIED: &str = "SELECT coalesce(max(version), 0) FROM authscope_migrations";

fn applied(row: &Row) -> Result<usize, PostgresError> {
    let version: i32 = row.try_get(0)?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// The version that the database has; 0 for none.
async fn version(client: &Object) -> Result<usize, PostgresError> {
    match client.query_one(APPLIED, &[]).await {
        Ok(row) => applied(&row),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// An error unless the tables are those that this program knows.
pub async fn check(client: &Object) -> Result<(), PostgresError> {
    match version(client).await? {
        0 => Err(PostgresError::NoTables),
        found if found < MIGRATIONS.len() => Err(PostgresError::OldTables),
        found if found > MIGRATIONS.len() => Err(PostgresError::LaterTables(found)),
        _ => Ok(()),
    }
}

/// Applies what is missing, all of it or nothing; how many migrations that were.
pub async fn migrate(client: &mut Object) -> Result<usize, PostgresError> {
    let transaction = client.transaction().await?;
    let prepare = format!(
        "SELECT pg_advisory_xact_lock({LOCK});
         CREATE TABLE IF NOT EXISTS authscope_migrations (
             version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())"
    );
    transaction.batch_execute(&prepare).await?;
    let have = applied(&transaction.query_one(APPLIED, &[]).await?)?;
    if have > MIGRATIONS.len() {
        return Err(PostgresError::LaterTables(have));
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(have) {
        let number = index + 1;
        let statement =
            format!("{migration} INSERT INTO authscope_migrations (version) VALUES ({number})");
        transaction.batch_execute(&statement).await?;
    }
    transaction.commit().await?;
    Ok(MIGRATIONS.len() - have)
}
