//! Reads exchange rows from Parquet files.

use std::borrow::Cow;
use std::fs::File;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{Field, Row};

use super::told::RowValues;
use super::{Item, Why};
use crate::capture::Timestamp;

/// The key in a file's metadata that says that writing was interrupted.
pub(crate) const INTERRUPTED: &str = "authscope.interrupted";

/// The items of a file. If writing was interrupted, the last one says so.
pub(super) fn items(file: File) -> Result<impl Iterator<Item = Result<Item, Why>>, Why> {
    let broken = |error: &dyn std::fmt::Display| Why::Parquet(error.to_string());
    let reader = SerializedFileReader::new(file).map_err(|error| broken(&error))?;
    let said = reader.metadata().file_metadata().key_value_metadata();
    let interrupted = said.is_some_and(|said| said.iter().any(|one| one.key == INTERRUPTED));
    let mut number = 0_u64;
    let rows = reader.into_iter().map(move |row| {
        number += 1;
        let row = row.map_err(|error| broken(&error))?;
        told(&row)
            .and_then(|told| told.item())
            .map_err(|reason| Why::Row {
                place: format!("row {number}"),
                reason,
            })
    });
    Ok(rows.chain(interrupted.then_some(Ok(Item::Interrupted))))
}

fn told(row: &Row) -> Result<RowValues<'_>, String> {
    let mut told = RowValues::default();
    let mut missing = vec!["time", "client", "protocol", "outcome", "stream"];
    for (name, field) in row.get_column_iter() {
        if matches!(field, Field::Null) {
            continue;
        }
        let text = || match field {
            Field::Str(text) => Ok(Cow::Borrowed(text.as_str())),
            other => Err(format!("{name} is no text but {other}")),
        };
        let number = || match field {
            Field::Long(number) => Ok(*number),
            Field::Int(number) => Ok(i64::from(*number)),
            other => Err(format!("{name} is no whole number but {other}")),
        };
        let unsigned = || {
            let number = number()?;
            u64::try_from(number).map_err(|_| format!("{name} is below 0"))
        };
        match name.as_str() {
            "time" => told.time = time(field)?,
            "client" => told.client = text()?,
            "protocol" => told.protocol = text()?,
            "action" => told.action = Some(text()?),
            "user" => told.user = Some(text()?),
            "outcome" => told.outcome = text()?,
            "refusal" => told.refusal = Some(text()?),
            "milliseconds" => match field {
                Field::Double(number) => told.milliseconds = Some(*number),
                other => return Err(format!("{name} is no number but {other}")),
            },
            "stream" => {
                told.stream =
                    u32::try_from(number()?).map_err(|_| format!("{name} is no stream"))?;
            }
            "request" => told.request = Some(unsigned()?),
            "response" => told.response = Some(unsigned()?),
            "password_tag" => told.password_tag = Some(text()?),
            _ => continue,
        }
        missing.retain(|key| key != name);
    }
    match missing.first() {
        Some(key) => Err(format!("it has no {key:?}")),
        None => Ok(told),
    }
}

/// A time in nanoseconds, as this program writes it, or in the units of other programs.
fn time(field: &Field) -> Result<Timestamp, String> {
    match field {
        Field::Long(nanoseconds) => Ok(Timestamp(*nanoseconds)),
        Field::TimestampMicros(time) => Ok(Timestamp(time.saturating_mul(1000))),
        Field::TimestampMillis(time) => Ok(Timestamp(time.saturating_mul(1_000_000))),
        other => Err(format!("time is no time but {other}")),
    }
}
