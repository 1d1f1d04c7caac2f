//! Reads exchange rows from JSON lines.

use std::borrow::Cow;
use std::io::{BufRead, Read as _};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::told::RowValues;
use super::{Item, Why};
use crate::capture::Timestamp;

/// The longest line in bytes. A row has a few hundred.
const LONGEST: u64 = 1 << 20;

/// The keys of a line. Others are ignored.
#[derive(Deserialize)]
struct Line<'a> {
    /// The number as text, with all its decimals.
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    client: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    protocol: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    outcome: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
    milliseconds: Option<f64>,
    stream: Option<u32>,
    request: Option<u64>,
    response: Option<u64>,
    #[serde(borrow, default)]
    password_tag: Option<Cow<'a, str>>,
    interrupted: Option<bool>,
}

impl Line<'_> {
    fn item(self) -> Result<Item, String> {
        if self.interrupted == Some(true) {
            return Ok(Item::Interrupted);
        }
        let missing = |key: &str| format!("it has no {key:?}");
        let time = self.time.ok_or_else(|| missing("time"))?.get();
        let told = RowValues {
            time: nanoseconds(time).ok_or_else(|| format!("time {time} is no time"))?,
            client: self.client.ok_or_else(|| missing("client"))?,
            protocol: self.protocol.ok_or_else(|| missing("protocol"))?,
            action: self.action,
            user: self.user,
            outcome: self.outcome.ok_or_else(|| missing("outcome"))?,
            refusal: self.refusal,
            milliseconds: self.milliseconds,
            stream: self.stream.ok_or_else(|| missing("stream"))?,
            request: self.request,
            response: self.response,
            password_tag: self.password_tag,
        };
        told.item()
    }
}

/// Parses seconds as a decimal number exactly. Decimals after the ninth are dropped.
fn nanoseconds(text: &str) -> Option<Timestamp> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (seconds, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let decimals = &decimals[..decimals.len().min(9)];
    let number = |text: &str| -> Option<i64> {
        let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        is_number.then(|| text.parse().ok())?
    };
    number(decimals)?;
    let rest = number(&format!("{decimals:0<9}"))?;
    let whole = number(seconds)?.checked_mul(Timestamp::SECOND)?;
    Some(Timestamp(sign * whole.checked_add(rest)?))
}

/// The items in the lines of a reader. They end at the first error.
pub(super) fn items(mut from: impl BufRead) -> impl Iterator<Item = Result<Item, Why>> {
    let mut octets = Vec::new();
    let mut number = 0_u64;
    let mut ended = false;
    std::iter::from_fn(move || {
        loop {
            if ended {
                return None;
            }
            octets.clear();
            number += 1;
            let read = from.by_ref().take(LONGEST).read_until(b'\n', &mut octets);
            match read {
                Err(error) => {
                    ended = true;
                    return Some(Err(error.into()));
                }
                Ok(0) => return None,
                Ok(_) => {}
            }
            let line = octets.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let read = serde_json::from_slice::<Line<'_>>(line);
            let item = read.map_err(|error| error.to_string()).and_then(Line::item);
            ended = item.is_err();
            return Some(item.map_err(|reason| Why::Row {
                place: format!("line {number}"),
                reason,
            }));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Outcome, Refusal};

    const ROW: &str = r#"{"time":1705312800.000300007,"client":"192.0.2.10:40700","server":"192.0.2.1:8888","protocol":"RegLogin","action":"login","user":"al\u001bice","outcome":"failure","refusal":"wrong password","description":"wrong password","milliseconds":0.200001,"stream":3,"request":4,"response":6,"password_tag":"0000abcd","file":"a.pcap"}"#;

    fn read(text: &str) -> Vec<Result<Item, String>> {
        let all = items(text.as_bytes());
        all.map(|item| item.map_err(|why| why.to_string()))
            .collect()
    }

    #[test]
    fn a_row_is_read_exactly() {
        let [Ok(Item::Row(row))] = &read(ROW)[..] else {
            panic!("{:?}", read(ROW));
        };
        assert_eq!(row.time, Timestamp(1_705_312_800_000_300_007));
        assert_eq!(row.elapsed, Some(200_001));
        assert_eq!(row.ended(), Timestamp(1_705_312_800_000_500_008));
        assert_eq!(row.client.to_string(), "192.0.2.10:40700");
        assert_eq!(&*row.user, b"al\x1bice");
        assert_eq!(row.outcome, Outcome::Failure(Refusal::WrongPassword));
        assert_eq!(row.password, Some(0xabcd));
        assert_eq!(
            (row.request, row.response, row.stream),
            (Some(4), Some(6), 3)
        );
    }

    #[test]
    fn what_is_no_row_ends_the_file() {
        let other = ROW.replace("RegLogin", "Pascal");
        let text =
            format!("{other}\n\n{{\"interrupted\":true,\"frames\":5}}\n{ROW}\n{{}}\n{ROW}\n");
        let all = read(&text);
        assert_eq!(all[..2], [Ok(Item::OtherProtocol), Ok(Item::Interrupted)]);
        assert!(matches!(all[2], Ok(Item::Row(_))));
        assert_eq!(
            all[3],
            Err(r#"line 5 is no exchange (it has no "time"); `authscope read --exchanges -T jsonl` writes those"#.to_owned())
        );
        assert_eq!(all.len(), 4);
        for (wrong, said) in [
            (
                ROW.replace("192.0.2.10:40700", "x"),
                "client \"x\" is no address",
            ),
            (ROW.replace("failure", "odd"), "unknown outcome \"odd\""),
            (ROW.replace("1705312800.0003", "1e9"), "is no time"),
            ("17".to_owned(), "invalid type"),
        ] {
            let all = read(&wrong);
            assert!(
                matches!(&all[..], [Err(why)] if why.contains(said)),
                "{all:?}"
            );
        }
    }

    #[test]
    fn times_have_all_their_decimals() {
        for (text, time) in [
            ("0", 0),
            ("1.5", 1_500_000_000),
            ("-0.000000001", -1),
            ("1.0000000019", 1_000_000_001),
        ] {
            assert_eq!(nanoseconds(text), Some(Timestamp(time)));
        }
        for text in ["", "-", "1.", "1.x", "1e3", "99999999999999999999"] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}
