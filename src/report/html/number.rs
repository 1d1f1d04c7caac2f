//! Numbers that `stats` has too: each names its place in the JSON of `stats -T json`, so that the two can be compared. Of a
//! table with a row an entry of a list, the row names the entry (`data-row`) and the heading the key (`data-key`).

use std::fmt::Display;

use maud::{Markup, html};

use crate::report::times::milliseconds;
use crate::text::number::thousands;

/// A count.
pub fn count(place: impl Display, value: u64) -> Markup {
    html! { span data-stat=(place) { (thousands(value)) } }
}

/// A count as a cell.
pub fn cell(place: impl Display, value: u64) -> Markup {
    html! {
        td.n.z[value == 0] data-stat=(place) { (thousands(value)) }
    }
}

/// A count in a row that names its place, under a heading that names its key.
pub fn of_row(value: u64) -> Markup {
    html! { td.z[value == 0] { (thousands(value)) } }
}

/// Nanoseconds as a cell, in milliseconds.
pub fn time_cell(place: impl Display, nanoseconds: i64) -> Markup {
    html! { td.n data-stat=(place) { (milliseconds(nanoseconds)) } }
}

/// A key as a part of a JSON pointer (RFC 6901 section 3).
pub fn key(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
