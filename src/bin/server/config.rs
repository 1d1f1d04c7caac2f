//! The configuration file and the environment. A setting that is not on the command line is looked up in the
//! environment, then in the file, and passed to the command-line parser as if it had been typed.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use authscope::cli::usage;
use authscope::text::trouble::Trouble;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use toml::de::{DeTable, DeValue};

use crate::Outcome;
use crate::listing::write_out;
use crate::options::Cli;

/// Options that only make sense on the command line.
const NOT_IN_A_FILE: [&str; 4] = ["config", "print-config", "help", "version"];
/// Two options for one setting: giving one of them overrides the other in environment and file.
const ONE_THING: [&str; 2] = ["passwd", "accounts"];
/// Prefix of environment variables.
const PREFIX: &str = "AUTHSCOPE_";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Default,
    CommandLine,
    Environment(String),
    File(PathBuf, usize),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::File(path, line) => write!(f, "{}, line {line}", path.display()),
        }
    }
}

/// A value of an option that is not on the command line.
struct Given {
    long: String,
    values: Vec<String>,
    origin: Origin,
}

/// The program's arguments, completed from environment and file; `None` if they were only to be printed.
pub fn arguments() -> Outcome<Option<Cli>> {
    let command = Cli::command();
    let said: Vec<OsString> = std::env::args_os().collect();
    let mut given = from_environment(&command)?;
    if let Some(path) = config_path(&said) {
        given.extend(from_file(&command, &path)?);
    }
    let is_set = |long: &str| {
        let of_line = |long: &str| is_said(&said, long);
        of_line(long) || (ONE_THING.contains(&long) && ONE_THING.into_iter().any(of_line))
    };
    given.retain(|given| !is_set(&given.long));
    // Of two options for one setting, the environment's value wins, because it comes first.
    let mut kept: Vec<Given> = Vec::new();
    for given in given {
        let is_same = |kept: &Given| {
            kept.long == given.long
                || (ONE_THING.contains(&&*kept.long) && ONE_THING.contains(&&*given.long))
        };
        if !kept.iter().any(is_same) {
            kept.push(given);
        }
    }
    let line = without_values(&command, &said);
    let arguments = with(&command, &line, &kept);
    let matches = command.clone().try_get_matches_from(arguments);
    let matches = matches.unwrap_or_else(|error| usage::exit(told(error, &kept)));
    if matches.get_flag("print_config") {
        print(&command, &matches, &kept, &said)?;
        return Ok(None);
    }
    let cli = Cli::from_arg_matches(&matches);
    let cli = cli.unwrap_or_else(|error| usage::exit(told(error, &kept)));
    Ok(Some(cli))
}

/// The error about a value, with the value's origin, and without the password of a database's URL.
fn told(mut error: clap::Error, given: &[Given]) -> clap::Error {
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        let shown = without_password(value);
        error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let long = argument.trim_start_matches('-').split(' ').next();
    if let Some(given) = given.iter().find(|given| Some(&*given.long) == long) {
        let shown = format!("{} ({})", given.long, given.origin);
        error.insert(ContextKind::InvalidArg, ContextValue::String(shown));
    }
    error
}

/// A setting as it may be shown: the password in a URL is replaced by dots.
fn without_password(value: &str) -> String {
    const HIDDEN: &str = "...";
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    // A password may contain anything, but it ends before the last @.
    let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user = match user.split_once(':') {
        Some((user, _)) => format!("{user}:{HIDDEN}@"),
        None if user.is_empty() => String::new(),
        None => format!("{user}@"),
    };
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let parameters = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((key @ "password", _)) => format!("{key}={HIDDEN}"),
            _ => parameter.to_owned(),
        });
    let parameters: Vec<String> = parameters.collect();
    let mark = if rest.contains('?') { "?" } else { "" };
    format!("{scheme}://{user}{base}{mark}{}", parameters.join("&"))
}

/// The command line, with these options before its own.
fn with(command: &Command, line: &[OsString], given: &[Given]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = line.iter().take(1).cloned().collect();
    for given in given {
        let is_flag = option(command, &given.long).is_some_and(is_flag);
        for value in &given.values {
            match (is_flag, value == "true") {
                (true, true) => arguments.push(format!("--{}", given.long).into()),
                (true, false) => {}
                (false, _) => arguments.push(format!("--{}={value}", given.long).into()),
            }
        }
    }
    arguments.extend(line.iter().skip(1).cloned());
    arguments
}

/// The command line with `--FLAG=true` in the parser's form, and without `--FLAG=false`, which only overrides
/// environment and file.
fn without_values(command: &Command, line: &[OsString]) -> Vec<OsString> {
    let mut ended = false;
    let kept = |argument: &OsString| {
        ended |= argument == "--";
        let flag = argument.to_str().and_then(|text| {
            let (long, value) = text.strip_prefix("--")?.split_once('=')?;
            let value = value.parse().ok()?;
            (!ended && option(command, long).is_some_and(is_flag)).then_some((long, value))
        });
        match flag {
            Some((_, false)) => None,
            Some((long, true)) => Some(format!("--{long}").into()),
            None => Some(argument.clone()),
        }
    };
    line.iter().filter_map(kept).collect()
}

fn is_said(line: &[OsString], long: &str) -> bool {
    let option = format!("--{long}");
    let behind = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        let rest = argument.strip_prefix(&*option).map(str::to_owned);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    line.iter()
        .take_while(|argument| *argument != "--")
        .any(behind)
}

fn config_path(line: &[OsString]) -> Option<PathBuf> {
    let mut arguments = line.iter().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--config="))
        {
            return Some(path.into());
        }
    }
    std::env::var_os("AUTHSCOPE_CONFIG").map(PathBuf::from)
}

/// The options that a file can contain, by their long names.
fn options(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    command.get_arguments().filter_map(|argument| {
        let long = argument.get_long()?;
        (!NOT_IN_A_FILE.contains(&long)).then_some((long, argument))
    })
}

fn option<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    options(command).find_map(|(name, argument)| (name == long).then_some(argument))
}

fn is_flag(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::SetTrue)
}

fn takes_several(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Append)
}

fn from_environment(command: &Command) -> Result<Vec<Given>, String> {
    let mut given = Vec::new();
    for (long, argument) in options(command) {
        let name = format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"));
        let Some(value) = std::env::var_os(&name) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| format!("the environment variable {name} is not UTF-8"))?;
        let values = if is_flag(argument) {
            match &*value {
                "1" | "true" => vec!["true".into()],
                "" | "0" | "false" => vec!["false".into()],
                _ => {
                    return Err(format!(
                        "the environment variable {name} takes true or false"
                    ));
                }
            }
        } else if takes_several(argument) {
            value.split(',').map(str::to_owned).collect()
        } else {
            vec![value]
        };
        given.push(Given {
            long: long.into(),
            values,
            origin: Origin::Environment(name),
        });
    }
    Ok(given)
}

fn from_file(command: &Command, path: &Path) -> Result<Vec<Given>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!(
            "cannot read the configuration \"{}\": {}",
            path.display(),
            Trouble(&error)
        )
    })?;
    read(command, path, &text)
}

/// Parses a configuration file; an invalid setting is an error with its line.
fn read(command: &Command, path: &Path, text: &str) -> Result<Vec<Given>, String> {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let fault = |at: usize, reason: &str| {
        Err(format!(
            "cannot use \"{}\": line {}: {reason}",
            path.display(),
            line(at)
        ))
    };
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => return fault(error.span().map_or(0, |span| span.start), error.message()),
    };
    let mut given = Vec::new();
    for (key, value) in table.get_ref() {
        let (long, at) = (key.get_ref().as_ref(), key.span().start);
        let Some(argument) = option(command, long) else {
            let all = options(command).map(|(long, _)| long);
            let nearest = all.min_by_key(|known| strsim::damerau_levenshtein(known, long));
            let most = 3.min(long.len() / 2);
            let nearest = nearest.filter(|known| strsim::damerau_levenshtein(known, long) <= most);
            let meant =
                nearest.map_or_else(String::new, |known| format!("; did you mean {known}?"));
            return fault(at, &format!("there is no setting {long}{meant}"));
        };
        let wanted = match (is_flag(argument), takes_several(argument)) {
            (true, _) => "true or false",
            (_, true) => "a string, or an array of them",
            _ => "a string or a number",
        };
        let values = match value.get_ref() {
            DeValue::Array(items) if takes_several(argument) => {
                items.iter().map(|item| written(item.get_ref())).collect()
            }
            value => written(value).map(|value| vec![value]),
        };
        let is_boolean = matches!(value.get_ref(), DeValue::Boolean(_));
        let values = values.filter(|_| is_boolean == is_flag(argument));
        let Some(values) = values else {
            return fault(value.span().start, &format!("{long} takes {wanted}"));
        };
        given.push(Given {
            long: long.into(),
            values,
            origin: Origin::File(path.into(), line(at)),
        });
    }
    Ok(given)
}

/// A value in the form of the command line.
fn written(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.as_ref().to_owned()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Prints all settings as a configuration file, each with its origin.
fn print(
    command: &Command,
    matches: &ArgMatches,
    given: &[Given],
    line: &[OsString],
) -> Outcome<()> {
    let mut page = String::new();
    for (long, argument) in options(command) {
        let id = argument.get_id().as_str();
        let origin = if is_said(line, long) {
            Origin::CommandLine
        } else {
            let found = given.iter().find(|given| given.long == long);
            found.map_or(Origin::Default, |given| given.origin.clone())
        };
        let values: Vec<String> = if is_flag(argument) {
            vec![matches.get_flag(id).to_string()]
        } else {
            let raw = matches.get_raw(id).into_iter().flatten();
            raw.map(|value: &OsStr| quoted(&without_password(&value.to_string_lossy())))
                .collect()
        };
        match &values[..] {
            [] => writeln!(page, "# {long} is not set")?,
            [value] if !takes_several(argument) => writeln!(page, "{long} = {value}  # {origin}")?,
            several => writeln!(page, "{long} = [{}]  # {origin}", several.join(", "))?,
        }
    }
    Ok(write_out(|out| {
        std::io::Write::write_all(out, page.as_bytes())
    })?)
}

/// A value in TOML; numbers are not quoted.
fn quoted(value: &str) -> String {
    if value.parse::<i64>().is_ok() || (value.parse::<f64>().is_ok() && value.contains('.')) {
        return value.to_owned();
    }
    format!("{value:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
        let given = read(&Cli::command(), Path::new("server.toml"), text)?;
        Ok(given
            .into_iter()
            .map(|given| (given.long, given.values))
            .collect())
    }

    #[test]
    fn a_file_says_what_options_say() {
        let text =
            "listen = [':8888', '[::1]:1']\nmin-password = 8\nmigrate = true\nidle-timeout = 2.5\n";
        let mut told = told(text).unwrap();
        told.sort();
        let expected = [
            ("idle-timeout", vec!["2.5"]),
            ("listen", vec![":8888", "[::1]:1"]),
            ("migrate", vec!["true"]),
            ("min-password", vec!["8"]),
        ];
        let expected = expected.map(|(long, values)| {
            (
                long.to_owned(),
                values.into_iter().map(str::to_owned).collect::<Vec<_>>(),
            )
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn what_it_cannot_say_is_told_with_its_line() {
        for (text, part) in [
            (
                "\nlisten = ':1'\nmin-passwords = 8\n",
                "line 3: there is no setting min-passwords; did you mean min-password?",
            ),
            ("xy = 'x'\n", "line 1: there is no setting xy\n"),
            ("config = 'x'\n", "line 1: there is no setting config"),
            ("migrate = 'yes'\n", "line 1: migrate takes true or false"),
            ("hash = [1]\n", "line 1: hash takes a string or a number"),
            (
                "passwd = true\n",
                "line 1: passwd takes a string or a number",
            ),
            ("x = \n", "line 1: "),
        ] {
            let error = told(text).unwrap_err();
            assert!(format!("{error}\n").contains(part), "{error}");
        }
    }

    #[test]
    fn the_password_of_a_url_is_not_shown() {
        for (url, shown) in [
            ("postgres://a:hid@den/x@h:1,i/d", "postgres://a:...@h:1,i/d"),
            (
                "postgres://a@h/d?x=1&password=hidden&y=2",
                "postgres://a@h/d?x=1&password=...&y=2",
            ),
            ("postgres://a@h/d", "postgres://a@h/d"),
            ("postgres:///d?host=/run", "postgres:///d?host=/run"),
            ("/var/lib/x:y@z", "/var/lib/x:y@z"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
