//! Writes every generated file in `captures/`, what each should be read as, and the table of its
//! README. The same files come out every time.

mod catalogue;

use std::path::PathBuf;
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
    let cases = match catalogue::all() {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("make-captures: cannot build a capture: {error}");
            return ExitCode::from(2);
        }
    };
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    let readme = arguments.folder.join("README.md");
    let written = std::fs::read_to_string(&readme)
        .map_err(|error| format!("cannot read {}: {error}", readme.display()))
        .and_then(|text| catalogue::readme(&text, &cases))
        .and_then(|text| {
            files.push(("README.md", text.into_bytes()));
            files.push((
                "expected.json",
                catalogue::expected_json(&cases).into_bytes(),
            ));
            Ok(())
        })
        .and_then(|()| {
            files.extend(cases.iter().map(|case| (case.file, case.octets.clone())));
            for (name, octets) in &files {
                let path = arguments.folder.join(name);
                std::fs::write(&path, octets)
                    .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
            }
            Ok(())
        });
    match written {
        Ok(()) => {
            eprintln!(
                "make-captures: {} files in {}",
                files.len(),
                arguments.folder.display()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("make-captures: {error}");
            ExitCode::from(2)
        }
    }
}
