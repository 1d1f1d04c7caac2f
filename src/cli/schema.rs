//! `authscope schema`: the JSON Schema of everything that the programs write as JSON.

use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::Value;

use super::error::Failure;
use super::terminal::print;
use crate::output::summary_definitions;

/// The schema, in the 2020-12 form, with a definition for each kind of output but the summary, which tells its own.
const SCHEMA: &str = include_str!("../output/schema.json");

/// The outputs, each with its own definition: a whole document, one object per line, or an array.
const OUTPUTS: [&str; 16] = [
    "line",
    "rows",
    "message",
    "exchange",
    "frame",
    "rest",
    "stats",
    "stats-each",
    "follow",
    "fields",
    "bulk",
    "client-check",
    "server-user",
    "server-status",
    "server-audit",
    "interrupted",
];

/// Print the JSON Schema of what the programs write as JSON, for validators.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope schema > authscope.schema.json    of every output; each may be any of them
  authscope schema stats > stats.schema.json  of one: validators then say more exactly what is wrong
  authscope schema line > line.schema.json    of a line of -T jsonl

The schema has a version, the number at the end of its $id. Keys may be added within a version; none changes its \
meaning or goes.")]
pub(super) struct Arguments {
    /// Only this output. [default: any of them]
    #[arg(value_name = "OUTPUT", value_parser = PossibleValuesParser::new(OUTPUTS))]
    output: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let failed = |error| Failure::Text(format!("cannot read the schema: {error}"));
    let mut schema = whole().map_err(failed)?;
    if let (Some(output), Some(root)) = (&arguments.output, schema.as_object_mut()) {
        root.remove("anyOf");
        root.insert("$ref".into(), format!("#/$defs/{output}").into());
    }
    let text = serde_json::to_string_pretty(&schema).map_err(failed)?;
    print(&(text + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The schema of all outputs.
fn whole() -> serde_json::Result<Value> {
    let mut schema: Value = serde_json::from_str(SCHEMA)?;
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.extend(summary_definitions());
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_has_a_definition_and_every_definition_is_used() {
        let schema = whole().expect("it is JSON");
        let text = schema.to_string();
        let defined = schema["$defs"].as_object().expect("definitions");
        for output in OUTPUTS {
            assert!(defined.contains_key(output), "{output}");
        }
        for name in defined.keys() {
            let used = text.contains(&format!("\"#/$defs/{name}\""));
            assert!(used || OUTPUTS.contains(&name.as_str()), "{name}");
        }
    }
}
