//! The results of a check as JUnit's XML, which continuous integration shows.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::{Status, Verdict, count, without};
use crate::capture::{Inputs, Place, WriteError};
use crate::text::escape::{Xml, is_harmful};

/// What every XML file of this kind begins with.
const XML: &[u8] = b"<?xml";

/// What the file begins with.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Text for XML, which must not contain control characters other than these two.
fn fit(text: &str) -> String {
    let is_wrong = |character| is_harmful(character) && !matches!(character, '\n' | '\t');
    Xml(&without(text, is_wrong)).to_string()
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// The document: a suite with a case for each file.
pub(super) fn document(verdicts: &[Verdict]) -> String {
    let counts = format!(
        "name=\"authscope check\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\"",
        verdicts.len(),
        count(verdicts, Status::Wrong),
        count(verdicts, Status::Unread),
        seconds(verdicts.iter().map(|verdict| verdict.took).sum())
    );
    let mut out = String::from(DECLARATION);
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "<testsuites {counts}>\n<testsuite {counts} skipped=\"0\">"
    );
    for verdict in verdicts {
        let _ = write!(
            out,
            "<testcase classname=\"authscope.check\" name=\"{}\" time=\"{}\"",
            fit(&verdict.name),
            seconds(verdict.took)
        );
        let element = match verdict.status {
            Status::Right => {
                out.push_str("/>\n");
                continue;
            }
            Status::Wrong => "failure",
            Status::Unread => "error",
        };
        let mut text = verdict.failures.join("\n");
        if let Some(difference) = &verdict.difference {
            text.push('\n');
            text.push_str(difference);
        }
        let _ = writeln!(
            out,
            ">\n<{element} type=\"authscope.check\" message=\"{}\">{}</{element}>\n</testcase>",
            fit(&verdict.line()),
            fit(&text)
        );
    }
    out.push_str("</testsuite>\n</testsuites>\n");
    out
}

/// Writes the document. Replaces an existing document of this kind, and no other file.
pub(super) fn write(path: &Path, verdicts: &[Verdict]) -> Result<(), WriteError> {
    if fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) {
        let mut beginning = Vec::new();
        let wrong = File::open(path)
            .and_then(|file| {
                file.take(XML.len() as u64).read_to_end(&mut beginning)?;
                if beginning == XML {
                    Ok(())
                } else {
                    Err(io::Error::other("it exists and is no XML"))
                }
            })
            .err();
        if let Some(error) = wrong {
            let path = path.to_owned();
            return Err(WriteError { path, error });
        }
    }
    Place::write_whole(path, &Inputs::default(), document(verdicts).as_bytes())
}
