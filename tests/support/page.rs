//! Parses a page of `authscope report`.

use serde_json::Value;

use crate::inspector::authscope;

/// What stands on a page.
pub struct Page {
    pub html: String,
    /// Every number that names its place in the statistics, with that place.
    pub numbers: Vec<(String, String)>,
    /// The statistics that are in the page.
    pub statistics: Value,
    /// How many users, addresses and connections those have at most.
    pub top: usize,
}

/// Text as it was before it was escaped for HTML.
fn text(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// What stands between two marks, behind the first.
pub fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = html.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

impl Page {
    pub fn of(html: String) -> Self {
        let mut numbers = Vec::new();
        for part in html.split(" data-stat=\"").skip(1) {
            let (place, rest) = part.split_once('"').expect("an attribute ends");
            let shown = between(rest, ">", "<");
            numbers.push((text(place), text(shown)));
        }
        for table in html.split("<table").skip(1) {
            let table = table.split("</table>").next().expect("a table ends");
            numbers.extend(of_rows(table));
        }
        let script = between(
            &html,
            "<script id=\"statistics\" type=\"application/json\" ",
            "</script>",
        );
        let (attribute, json) = script.split_once('>').expect("the element begins");
        let top = between(attribute, "data-top=\"", "\"")
            .parse()
            .expect("a number");
        let statistics = serde_json::from_str(json).expect("the statistics are JSON");
        Self {
            html,
            numbers,
            statistics,
            top,
        }
    }

    /// The page that `authscope report` writes to standard output, without anything said on standard error.
    pub fn read(arguments: &[&str]) -> Self {
        let done = authscope(&[&["report", "-o", "-"], arguments].concat());
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{arguments:?}");
        Self::of(done.stdout)
    }
}

/// Numbers of a table whose rows name an entry and whose headings name keys.
fn of_rows(table: &str) -> Vec<(String, String)> {
    let mut numbers = Vec::new();
    let keys: Vec<Option<&str>> = table
        .split("<th")
        .skip(1)
        .filter(|head| !head.starts_with("ead"))
        .map(|head| {
            head.strip_prefix(" data-key=\"")
                .and_then(|rest| rest.split('"').next())
        })
        .collect();
    for row in table.split("<tr data-row=\"").skip(1) {
        let (place, cells) = row.split_once('"').expect("an attribute ends");
        let cells: Vec<&str> = cells.split("<td").skip(1).collect();
        assert_eq!(cells.len(), keys.len(), "{row}");
        for (key, cell) in keys.iter().zip(cells) {
            if let Some(key) = key {
                numbers.push((format!("{place}/{key}"), text(between(cell, ">", "<"))));
            }
        }
    }
    numbers
}

/// A count with commas.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}
