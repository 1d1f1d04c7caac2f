//! Writes every generated file in `captures/`, their expected results, and the table of the README.
//! Each run writes the same files.

#![allow(clippy::cast_possible_truncation, reason = "numbers of its own making")]

mod catalogue;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// Write the generated captures, expected.json and the table in README.md.
#[derive(Parser)]
#[command(after_help = "Example: cargo run --example make-captures -- captures")]
struct Arguments {
    /// Folder to write to; its README.md must be there.
    #[arg(default_value = "captures")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match write(&arguments.folder) {
        Ok(count) => {
            let folder = arguments.folder.display();
            eprintln!("make-captures: {count} files in {folder}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("make-captures: {error}");
            ExitCode::from(2)
        }
    }
}

/// Writes everything. Returns the number of files.
fn write(folder: &Path) -> Result<usize, String> {
    let cases = catalogue::all().map_err(|error| format!("cannot build a capture: {error}"))?;
    let path = folder.join("README.md");
    let readme = std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let readme = catalogue::readme(&readme, &cases)?;
    let expected = catalogue::expected_json(&cases);
    let mut files = vec![
        ("README.md", readme.as_bytes()),
        ("expected.json", expected.as_bytes()),
    ];
    files.extend(cases.iter().map(|case| (case.file, case.octets.as_slice())));
    for (name, octets) in &files {
        let path = folder.join(name);
        std::fs::write(&path, octets)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(files.len())
}
