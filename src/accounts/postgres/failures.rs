//! Failed logins in a separate table, counted by the database's clock.

use std::time::Duration;

use tokio_postgres::Row;

use super::{Postgres, unreadable};
use crate::accounts::failures::{Count, Failures, Seen, Whom};
use crate::accounts::store::{Answer, StoreError};
use crate::protocol::UserName;

const SEEN: &str = "
SELECT f.network, f.name,
    extract(epoch FROM f.wait_until - now())::float8,
    extract(epoch FROM f.empty_at - now())::float8
FROM authscope_failures f
JOIN unnest($1::bytea[], $2::bytea[]) AS k(network, name)
    ON f.network = k.network AND f.name = k.name
WHERE f.empty_at > now() OR f.wait_until > now()";

/// Leaky buckets, as those in memory: a failure fills one by `forgotten` seconds, to `most` of them at the most.
const COUNT: &str = "
INSERT INTO authscope_failures AS f (network, name, empty_at, wait_until)
SELECT k.network, k.name,
    now() + k.forgotten * interval '1 second',
    now() + CASE WHEN k.allowed <= 1 THEN power(2, 1 - k.allowed) ELSE 0 END * interval '1 second'
FROM unnest($1::bytea[], $2::bytea[], $3::float8[], $4::float8[], $5::float8[])
    AS k(network, name, forgotten, allowed, most)
ORDER BY k.network, k.name
ON CONFLICT (network, name) DO UPDATE SET (empty_at, wait_until) = (
    SELECT b.empty_at, CASE WHEN b.failures >= b.allowed
        THEN now() + least(power(2, least(b.failures - b.allowed, 16)), 900) * interval '1 second'
        ELSE f.wait_until END
    FROM (
        SELECT a.empty_at, a.allowed,
            ceil(extract(epoch FROM a.empty_at - now())::float8 / a.forgotten - 0.000001) AS failures
        FROM (
            SELECT k.allowed, k.forgotten, least(
                greatest(f.empty_at, now()) + k.forgotten * interval '1 second',
                now() + k.forgotten * k.most * interval '1 second') AS empty_at
            FROM unnest($1::bytea[], $2::bytea[], $3::float8[], $4::float8[], $5::float8[])
                AS k(network, name, forgotten, allowed, most)
            WHERE k.network = f.network AND k.name = f.name
        ) a
    ) b
)";

const FORGIVE: &str = "
DELETE FROM authscope_failures f
USING unnest($1::bytea[], $2::bytea[]) AS k(network, name)
WHERE f.network = k.network AND f.name = k.name";

const WAITING: &str = "
SELECT network, name,
    extract(epoch FROM wait_until - now())::float8, extract(epoch FROM empty_at - now())::float8
FROM authscope_failures WHERE wait_until > now() ORDER BY wait_until DESC LIMIT 1000";

const CLEAR: &str = "
DELETE FROM authscope_failures
WHERE ($1::bytea IS NULL OR network = $1) AND ($2::bytea IS NULL OR name = $2)";

/// Removes what no longer matters.
pub const EXPIRE: &str =
    "DELETE FROM authscope_failures WHERE empty_at < now() AND wait_until < now()";

/// Never reached: the limit for keys that never wait.
const UNLIMITED: f64 = 1e18;

fn network_column((bits, prefix): (u128, u8)) -> Vec<u8> {
    let mut octets = bits.to_be_bytes().to_vec();
    octets.push(prefix);
    octets
}

fn seen(rows: &[Row]) -> Result<Vec<Seen>, StoreError> {
    let read = |row: &Row| -> Result<Option<Seen>, tokio_postgres::Error> {
        let (network, name): (&[u8], Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        let (wait, left) = (row.try_get(2)?, row.try_get(3)?);
        Ok(whom(network, name).map(|whom| Seen {
            whom,
            wait: seconds(wait),
            left: seconds(left),
        }))
    };
    let seen: Result<Vec<_>, _> = rows.iter().map(read).collect();
    Ok(seen.map_err(unreadable)?.into_iter().flatten().collect())
}

/// The columns of a key: an empty byte string means no network, and an empty name means no user name.
fn columns<'a>(whom: impl Iterator<Item = &'a Whom>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    whom.map(|whom| {
        let network = whom.network.map_or_else(Vec::new, network_column);
        let name = whom.name.as_ref();
        let name = name.map_or_else(Vec::new, |name| name.as_str().as_bytes().to_vec());
        (network, name)
    })
    .unzip()
}

fn whom(network: &[u8], name: Vec<u8>) -> Option<Whom> {
    let network = match network {
        [] => None,
        [bits @ .., prefix] => Some((u128::from_be_bytes(bits.try_into().ok()?), *prefix)),
    };
    let name = match String::from_utf8(name).ok()? {
        name if name.is_empty() => None,
        name => Some(UserName::new(name).ok()?),
    };
    Some(Whom { network, name })
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::ZERO)
}

impl Failures for Postgres {
    fn seen(&self, asked: Vec<Whom>) -> Answer<'_, Vec<Seen>> {
        Box::pin(async move {
            let (networks, names) = columns(asked.iter());
            let sessions = &self.shared.sessions;
            seen(&sessions.read(SEEN, &[&networks, &names]).await?)
        })
    }

    fn count(&self, counts: Vec<Count>) -> Answer<'_, ()> {
        Box::pin(async move {
            let (networks, names) = columns(counts.iter().map(|count| &count.whom));
            let numbers =
                |number: fn(&Count) -> f64| -> Vec<f64> { counts.iter().map(number).collect() };
            let forgotten = numbers(|count| count.forgotten.as_secs_f64());
            let allowed = numbers(|count| count.allowed.map_or(UNLIMITED, f64::from));
            let most = numbers(|count| f64::from(count.most));
            let sessions = &self.shared.sessions;
            let counted = sessions
                // If it were sent twice, it would count twice.
                .once(COUNT, &[&networks, &names, &forgotten, &allowed, &most])
                .await;
            counted.map(drop)
        })
    }

    fn forgive(&self, whom: Vec<Whom>) -> Answer<'_, ()> {
        Box::pin(async move {
            let (networks, names) = columns(whom.iter());
            let sessions = &self.shared.sessions;
            let forgiven = sessions.read(FORGIVE, &[&networks, &names]).await;
            forgiven.map(drop)
        })
    }

    fn waiting(&self) -> Answer<'_, Vec<Seen>> {
        Box::pin(async move { seen(&self.shared.sessions.read(WAITING, &[]).await?) })
    }

    fn clear(&self, name: Option<UserName>, network: Option<(u128, u8)>) -> Answer<'_, ()> {
        Box::pin(async move {
            let network = network.map(network_column);
            let name = name.map(|name| name.as_str().as_bytes().to_vec());
            let sessions = &self.shared.sessions;
            let cleared = sessions.read(CLEAR, &[&network, &name]).await;
            cleared.map(drop)
        })
    }
}
