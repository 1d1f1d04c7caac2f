//! Which frames are shown and which of their fields: `-Y`, `-e` and `-E`.

use std::ffi::OsStr;

use clap::Args;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::error::Failure;
use crate::filter::{Field, Filter, FilterOptions, Needs, field, fields, unknown_field};
use crate::output::{Columns, Occurrence};

#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub(super) struct QueryArguments {
    /// Show the frames that match, in Wireshark's display filter language; `authscope fields`
    /// lists what can be asked for.
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER", add = ArgValueCompleter::new(complete_filter))]
    display_filter: Option<String>,

    /// A field to write, with -T fields, csv or ek; may be given several times.
    #[arg(short = 'e', long = "field", value_name = "FIELD", add = ArgValueCompleter::new(complete_filter))]
    fields: Vec<String>,

    /// How -T fields looks: header=y|n, separator=/t|/s|CHARACTER, quote=d|s|n, occurrence=f|l|a,
    /// aggregator=,|/s|CHARACTER, bom=y|n; several may be joined with commas.
    #[arg(short = 'E', long = "field-option", value_name = "OPTION")]
    options: Vec<String>,
}

/// What to select from a capture.
pub(super) struct Query {
    pub filter: Option<Filter>,
    pub fields: Vec<&'static Field>,
    /// Whether the fields are the default ones.
    pub has_default_fields: bool,
    pub columns: Columns,
    /// Whether options for columns were given.
    pub has_options: bool,
}

impl Query {
    /// What the query needs to know about frames.
    pub fn needs(&self) -> Needs {
        let filter = needs_of(self.filter.as_ref());
        let fields = self.fields.iter().map(|field| field.needs);
        fields.fold(filter, Needs::or)
    }

    /// The warning about bytes that are masked for the filter, if it looks at bytes.
    pub fn warning(&self, show_passwords: bool) -> Option<&'static str> {
        let is_masked = needs_of(self.filter.as_ref()).octets && !show_passwords;
        is_masked.then_some(
            "bytes that may be a password's count as '*' in this filter; --show-passwords compares them as they are",
        )
    }
}

/// What a filter needs to know about frames.
pub(super) fn needs_of(filter: Option<&Filter>) -> Needs {
    filter.map(Filter::needs).unwrap_or_default()
}

/// Reads the filter of -Y.
pub(super) fn display_filter(
    text: Option<&str>,
    options: FilterOptions,
) -> Result<Option<Filter>, Failure> {
    let filter = text.map(|text| Filter::parse(text, options)).transpose();
    filter.map_err(|error| Failure::Text(format!("cannot use the display filter: {error}")))
}

/// Completes the last word of a filter to names of fields, for a shell; the words before it stay.
pub(super) fn complete_filter(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let start = current.rfind(is_between).map_or(0, |at| at + 1);
    let (before, word) = current.split_at(start);
    let own = fields().iter().filter(|field| field.name.starts_with(word));
    own.map(|field| {
        let text = format!("{before}{}", field.name);
        CompletionCandidate::new(text).help(Some(field.meaning.to_string().into()))
    })
    .collect()
}

impl QueryArguments {
    /// The query, checked.
    pub fn query(&self, show_passwords: bool) -> Result<Query, Failure> {
        let options = FilterOptions { show_passwords };
        let filter = display_filter(self.display_filter.as_deref(), options)?;
        let named = |name: &String| {
            let unknown = || format!("cannot show -e {name}: {}", unknown_field(name));
            field(name).ok_or_else(|| Failure::Text(unknown()))
        };
        let fields = self.fields.iter().map(named).collect::<Result<_, _>>()?;
        let mut columns = Columns::default();
        for options in &self.options {
            for (key, value) in split(options)? {
                set(&mut columns, key, value).ok_or_else(|| unknown(&format!("{key}={value}")))?;
            }
        }
        Ok(Query {
            filter,
            fields,
            has_default_fields: false,
            columns,
            has_options: !self.options.is_empty(),
        })
    }
}

const KEYS: [&str; 6] = [
    "bom",
    "header",
    "separator",
    "quote",
    "occurrence",
    "aggregator",
];

fn unknown(option: &str) -> Failure {
    Failure::Text(format!(
        "-E does not take {option:?}; it takes header=y|n, separator=/t|/s|CHARACTER, quote=d|s|n, occurrence=f|l|a, aggregator=,|/s|CHARACTER and bom=y|n"
    ))
}

/// Splits options at commas; a value can be a comma too.
fn split(options: &str) -> Result<Vec<(&str, &str)>, Failure> {
    let starts_option = |text: &str| {
        let key = text.split_once('=').map(|(key, _)| key);
        key.is_some_and(|key| KEYS.contains(&key))
    };
    if !starts_option(options) {
        return Err(unknown(options));
    }
    let mut found = Vec::new();
    let mut rest = options;
    while let Some((key, behind)) = rest.split_once('=') {
        let commas = behind.match_indices(',');
        let end = commas
            .map(|(at, _)| at)
            .find(|at| starts_option(&behind[at + 1..]));
        let (value, next) = match end {
            Some(at) => (&behind[..at], &behind[at + 1..]),
            None => (behind, ""),
        };
        found.push((key, value));
        rest = next;
    }
    Ok(found)
}

fn set(columns: &mut Columns, key: &str, value: &str) -> Option<()> {
    let yes = match value {
        "y" => Some(true),
        "n" => Some(false),
        _ => None,
    };
    let between = || match value {
        "/t" => Some("\t".to_owned()),
        "/s" => Some(" ".to_owned()),
        other if other.chars().count() == 1 => Some(other.to_owned()),
        _ => None,
    };
    match key {
        "bom" => columns.mark = yes?,
        "header" => columns.header = yes?,
        "separator" => columns.separator = between()?,
        "aggregator" => columns.aggregator = between()?,
        "quote" => {
            columns.quote = match value {
                "d" => Some('"'),
                "s" => Some('\''),
                "n" => None,
                _ => return None,
            }
        }
        _ => {
            columns.occurrence = match value {
                "f" => Occurrence::First,
                "l" => Occurrence::Last,
                "a" => Occurrence::All,
                _ => return None,
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_joined_with_commas_and_may_be_one() {
        assert_eq!(
            split("header=y,separator=,").unwrap(),
            [("header", "y"), ("separator", ",")]
        );
        assert_eq!(
            split("separator=,,header=n,quote=d").unwrap(),
            [("separator", ","), ("header", "n"), ("quote", "d")]
        );
        assert!(split("colour=y").is_err());
        let mut columns = Columns::default();
        assert_eq!(set(&mut columns, "separator", "ab"), None);
        assert_eq!(set(&mut columns, "occurrence", "x"), None);
        assert_eq!(set(&mut columns, "aggregator", "/s"), Some(()));
        assert_eq!(columns.aggregator, " ");
    }
}
