//! The tables: numbered migrations, each applied once.

use deadpool_postgres::Object;
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

/// The version that the database has; 0 for none.
pub async fn version(client: &Object) -> Result<usize, PostgresError> {
    let found = client
        .query_one(
            "SELECT coalesce(max(version), 0) FROM authscope_migrations",
            &[],
        )
        .await;
    match found {
        Ok(row) => {
            let version: i32 = row
                .try_get(0)
                .map_err(|error| PostgresError::asking(&error))?;
            Ok(usize::try_from(version).unwrap_or(usize::MAX))
        }
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(PostgresError::asking(&error)),
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
    let transaction = client
        .transaction()
        .await
        .map_err(|error| PostgresError::asking(&error))?;
    let prepare = format!(
        "SELECT pg_advisory_xact_lock({LOCK});
         CREATE TABLE IF NOT EXISTS authscope_migrations (
             version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())"
    );
    transaction
        .batch_execute(&prepare)
        .await
        .map_err(|error| PostgresError::asking(&error))?;
    let row = transaction
        .query_one(
            "SELECT coalesce(max(version), 0) FROM authscope_migrations",
            &[],
        )
        .await
        .map_err(|error| PostgresError::asking(&error))?;
    let have: i32 = row
        .try_get(0)
        .map_err(|error| PostgresError::asking(&error))?;
    let have = usize::try_from(have).unwrap_or(usize::MAX);
    if have > MIGRATIONS.len() {
        return Err(PostgresError::LaterTables(have));
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(have) {
        let number = index + 1;
        let statement =
            format!("{migration} INSERT INTO authscope_migrations (version) VALUES ({number})");
        transaction
            .batch_execute(&statement)
            .await
            .map_err(|error| PostgresError::asking(&error))?;
    }
    transaction
        .commit()
        .await
        .map_err(|error| PostgresError::asking(&error))?;
    Ok(MIGRATIONS.len() - have)
}
