//! `authscope report`: HTML pages of captures, for other people.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::error::Failure;
use super::inspect::InspectArguments;
use super::run::{Ended, Plan, files};
use super::say;
use super::side_by_side::{Produced, side_by_side};
use super::signal::stop_on_signals;
use super::terminal::print;
use super::thresholds::ThresholdArguments;
use crate::capture::{Inputs, Place, WriteError};
use crate::output::OutputError;
use crate::report::{About, Collector, Digest, Digests, Entry, csv, index, page};
use crate::session::Options;
use crate::session::summary::Summary;
use crate::text::shell;

/// Make a page of captures that can be passed on: one HTML file that needs nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope report capture.pcapng -o report.html
  authscope report monday.pcap tuesday.pcap -o week.html   an index, and a page each in week_files/
  authscope report captures/ -o course.html                a whole folder
  authscope report --merge part-*.pcapng -o all.html       one page of all files together
  authscope report --tls-keylog keys.txt capture.pcapng -o report.html
  authscope report -L mine.toml capture.pcapng -o report.html

Passwords, and all that may be part of one, are on no page. docs/report.md says what is.")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; a folder means the captures in it, - is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The page that is written, or the index of several; - is standard output.
    #[arg(short, long, required = true, value_name = "FILE")]
    output: PathBuf,

    /// An index with a row a file, and a page for each beside it; so it is with several files.
    #[arg(long)]
    each: bool,

    /// One page of all files together, read as one capture in order of time.
    #[arg(long, conflicts_with = "each")]
    merge: bool,

    #[command(flatten)]
    thresholds: ThresholdArguments,

    /// Stop after this many frames of a file.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    #[command(flatten)]
    inspect: InspectArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let inspection = arguments.inspect.options(false)?;
    let given = files(&arguments.files)?;
    if arguments.each || given.len() > 1 && !arguments.merge {
        several(arguments, &given.into(), &inspection)
    } else {
        single(arguments, inspection)
    }
}

/// The result of reading some files.
struct Read {
    files: Vec<PathBuf>,
    collector: Collector,
    ended: Ended,
    digests: Vec<Option<Digest>>,
}

impl Arguments {
    fn read(&self, mut plan: Plan) -> Result<Read, Failure> {
        plan.limits.frames = self.count;
        plan.rows = false;
        plan.keep = true;
        let files = plan.paths().to_vec();
        let digests = Digests::start(&files);
        let mut collector = Collector::new(Summary::new(self.thresholds.thresholds()));
        let ended = plan.run_alone(&mut collector)?;
        if let Some(interrupted) = ended.interruption() {
            return Err(interrupted);
        }
        Ok(Read {
            files,
            collector,
            ended,
            digests: digests.finish(),
        })
    }
}

impl Read {
    /// The page of these files, with a link to the index that it belongs to.
    fn page(&self, index: Option<String>) -> String {
        let names = self.files.iter().map(|file| file.to_string_lossy());
        let arguments: Vec<String> = names.clone().map(|name| shell::word(&name)).collect();
        let names = names.map(std::borrow::Cow::into_owned);
        let about = About {
            files: names.zip(self.digests.iter().cloned()).collect(),
            command: command(std::env::args_os()),
            arguments: arguments.join(" "),
            damage: self.ended.damage(),
            index,
        };
        page(&self.collector, &about)
    }
}

/// The command line without the output path, which does not belong on the page.
fn command(arguments: impl Iterator<Item = OsString>) -> String {
    let mut words = vec!["authscope".to_owned()];
    let mut is_output = false;
    for argument in arguments.skip(1) {
        let argument = argument.to_string_lossy();
        if std::mem::take(&mut is_output) {
            continue;
        }
        match &*argument {
            "-o" | "--output" => is_output = true,
            other if other.starts_with("--output=") || other.starts_with("-o") => {}
            other => words.push(shell::word(other)),
        }
    }
    words.join(" ")
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    let path = path.to_owned();
    Failure::Output(OutputError::Capture(WriteError { path, error }))
}

/// A page that replaces the file at its path once it is complete.
struct Out<'a> {
    path: &'a Path,
    place: Place,
}

impl<'a> Out<'a> {
    fn open(path: &'a Path, inputs: &Inputs) -> Result<Self, Failure> {
        let place = Place::beside(path, inputs).map_err(|error| unwritable(path, error))?;
        Ok(Self { path, place })
    }

    fn finish(mut self, content: &[u8]) -> Result<(), Failure> {
        let written = self.place.write_all(content);
        written
            .and_then(|()| self.place.finish())
            .map_err(|error| unwritable(self.path, error))
    }
}

fn single(arguments: &Arguments, inspection: Options) -> Result<ExitCode, Failure> {
    let plan = Plan::files(&arguments.files, inspection)?;
    let out = match arguments.output.as_os_str() {
        out if out == "-" => None,
        _ => Some(Out::open(&arguments.output, &Inputs::of(plan.paths()))?),
    };
    let read = arguments.read(plan)?;
    let text = read.page(None);
    if let Some(out) = out {
        out.finish(text.as_bytes())?;
    } else {
        print(&text)?;
    }
    read.ended.conclude(|| ExitCode::SUCCESS)
}

/// Pages that are written beside their folder until all are complete.
struct Pages {
    folder: PathBuf,
    beside: PathBuf,
    /// The name of each capture's page.
    names: Vec<String>,
}

impl Pages {
    /// Creates the pages of these captures, for the index at this path: in `report_files` for `report.html`.
    fn create(index: &Path, captures: &[PathBuf]) -> Result<Self, Failure> {
        const MOST: u32 = 1000;
        let stem = index.file_stem().unwrap_or_default().to_string_lossy();
        let folder = index.with_file_name(format!("{stem}_files"));
        let mut number = 1;
        loop {
            let end = match number {
                1 => ".partial".to_owned(),
                number => format!(".partial-{number}"),
            };
            let beside = index.with_file_name(format!("{stem}_files{end}"));
            match std::fs::create_dir(&beside) {
                Ok(()) => {
                    let names = names(captures);
                    return Ok(Self {
                        folder,
                        beside,
                        names,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST => {
                    number += 1;
                }
                Err(error) => return Err(unwritable(&beside, error)),
            }
        }
    }

    fn write(&self, capture: usize, text: &str) -> Result<(), Failure> {
        let path = self.beside.join(&self.names[capture]);
        std::fs::write(&path, text).map_err(|error| unwritable(&path, error))
    }

    /// The link to a capture's page, relative to the index.
    fn linked(&self, capture: usize) -> String {
        let folder = self.folder.file_name().unwrap_or_default();
        format!("{}/{}", folder.to_string_lossy(), self.names[capture])
    }

    /// Moves all finished pages to their final paths.
    fn finish(&self) -> Result<(), Failure> {
        let folder = &self.folder;
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        for name in &self.names {
            let (written, place) = (self.beside.join(name), folder.join(name));
            if written.exists() {
                std::fs::rename(written, &place).map_err(|error| unwritable(&place, error))?;
            }
        }
        Ok(())
    }
}

impl Drop for Pages {
    /// Incomplete pages are removed.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.beside);
    }
}

/// Distinct names for the pages of captures.
fn names(captures: &[PathBuf]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut name = |capture: &PathBuf| {
        let name = match capture.file_name() {
            Some(name) if capture.as_os_str() != "-" => name.to_string_lossy().into_owned(),
            _ => "standard-input".to_owned(),
        };
        let mut page = format!("{name}.html");
        let mut number = 1;
        // Some file systems do not distinguish a and A.
        while !taken.insert(page.to_lowercase()) {
            number += 1;
            page = format!("{name}-{number}.html");
        }
        page
    };
    captures.iter().map(&mut name).collect()
}

/// The result for a file: its row, and the lines to print about it.
struct Made {
    entry: Entry,
    said: Vec<String>,
}

fn several(
    arguments: &Arguments,
    files: &Arc<[PathBuf]>,
    inspection: &Options,
) -> Result<ExitCode, Failure> {
    let output = &arguments.output;
    if output.as_os_str() == "-" || output.extension().is_some_and(|end| end == "csv") {
        let text = "the index of several files stands beside their pages and a CSV: name it with -o, as report.html";
        return Err(Failure::Text(text.to_owned()));
    }
    let inputs = Inputs::of(files);
    let out = Out::open(output, &inputs)?;
    let table = output.with_extension("csv");
    let out_table = Out::open(&table, &inputs)?;
    let pages = Pages::create(output, files)?;
    let stop = stop_on_signals()?;
    let index_name = output.file_name().unwrap_or_default().to_string_lossy();
    let made = |number: usize| -> Result<Made, Failure> {
        let name = files[number].to_string_lossy().into_owned();
        let plan = Plan::one_of(files, number, inspection, &stop);
        let read = match arguments.read(plan) {
            Err(failure @ Failure::File(_)) => {
                let entry = Entry::unreadable(name, &failure.reasons().join("; "));
                let said = failure.lines();
                return Ok(Made { entry, said });
            }
            read => read?,
        };
        pages.write(number, &read.page(Some(format!("../{index_name}"))))?;
        let digest = read.digests.first().cloned().flatten();
        let entry = Entry::new(name, digest, &read.collector, pages.linked(number));
        let said = read.ended.damage();
        Ok(Made { entry, said })
    };
    let mut entries = Vec::new();
    let mut failed = false;
    side_by_side(
        files.len(),
        |number, _| made(number),
        |_, handed| {
            if let Produced::Done(made) = handed {
                let Made { entry, said } = made?;
                failed |= !said.is_empty();
                for line in &said {
                    say(line);
                }
                entries.push(entry);
            }
            Ok::<(), Failure>(())
        },
    )?;
    let table_name = table.file_name().unwrap_or_default().to_string_lossy();
    let text = index(&entries, &command(std::env::args_os()), &table_name);
    pages.finish()?;
    out_table.finish(&csv(&entries))?;
    out.finish(text.as_bytes())?;
    Ok(if failed {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_does_not_say_where_the_page_went() {
        let of = |words: &[&str]| command(words.iter().map(OsString::from));
        for words in [
            &["x/authscope", "report", "a b.pcap", "-o", "page.html"][..],
            &["authscope", "report", "--output=page.html", "a b.pcap"],
            &["authscope", "report", "-opage.html", "a b.pcap"],
        ] {
            assert_eq!(of(words), "authscope report 'a b.pcap'");
        }
    }

    #[test]
    fn pages_of_files_with_one_name_have_several() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a/x.pcap", "b/x.pcap", "b/X.pcap", "-"].map(PathBuf::from);
        let pages = Pages::create(&folder.path().join("report.html"), &files).unwrap();
        let names = [
            "x.pcap.html",
            "x.pcap-2.html",
            "X.pcap-3.html",
            "standard-input.html",
        ];
        assert_eq!(pages.names, names);
        pages.write(0, "page").unwrap();
        assert_eq!(pages.linked(0), "report_files/x.pcap.html");
        drop(pages);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
