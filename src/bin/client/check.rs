//! `authscope-client check`: tests whether a server follows the protocol.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use authscope::client::check::{Report, Setup, Verdict, json, run as make, text};
use authscope::hostport::HostPort;
use clap::{Args, ValueEnum};

use super::{Reach, code, print, runtime, seconds};

/// How a run is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line a check; for what is wrong, expected bytes beside received ones
    Text,
    /// One object, with all bytes of all checks
    Json,
}

#[derive(Args)]
#[command(after_help = "\
Each check sends a server what a good or a bad client would, and holds what comes against
docs/protocol.md. A few users of its own making are registered: their names begin with
\"check-\" and are told at the end. Some logins fail, as they should.

Examples:
  authscope-client check 127.0.0.1:8888
  authscope-client check 127.0.0.1:8888 -T json | jq '.checks[] | select(.why)'
  authscope-client check auth.example:8888 --tls --ca-file ca.pem
  authscope-client check 127.0.0.1:8888 --patience 310     # also sees a silent client's end
  authscope-client check --list

Exit codes:
  0  nothing is wrong (see also what was not tried)
  1  something is wrong
  2  wrong usage, or the server cannot be reached")]
pub(crate) struct Arguments {
    // Said here, since it would be a link in a comment.
    #[arg(
        value_name = "HOST:PORT",
        required_unless_present = "list",
        help = "Where the server listens, such as 127.0.0.1:8888, auth.example:8888 or [::1]:8888"
    )]
    server: Option<HostPort>,

    /// Say what is checked, and do nothing.
    #[arg(long, exclusive = true)]
    list: bool,

    /// How what was found is written.
    #[arg(short = 'T', value_name = "FORM", default_value = "text")]
    form: Form,

    /// Show the bytes of every check, not only of those that are wrong.
    #[arg(short = 'x', long = "octets")]
    octets: bool,

    /// How long to wait for the server to lose its patience with a client that sends half a request, or nothing.
    /// docs/protocol.md allows 10 s for the one and 5 minutes for the other: what is still open after a shorter time
    /// is not called wrong.
    #[arg(long, value_name = "SECONDS", default_value = "12", value_parser = seconds)]
    patience: Duration,

    /// The server is meant to answer a wrong user name and a wrong password alike, as `authscope-server
    /// --uniform-failures` does.
    #[arg(long)]
    uniform_failures: bool,

    #[command(flatten)]
    reach: Reach,
}

/// Where results are written during the run.
enum Out {
    Text(Vec<Verdict>),
    Json(json::Run),
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Some(server) = arguments.server else {
        let mut list = String::new();
        text::list(&mut list);
        print(&list)?;
        return Ok(ExitCode::SUCCESS);
    };
    let (uniform, octets) = (arguments.uniform_failures, arguments.octets);
    let mut out = match arguments.form {
        Form::Text => Out::Text(Vec::new()),
        Form::Json => Out::Json(json::Run::new(server.to_string(), arguments.reach.tls)),
    };
    let setup = Setup {
        server,
        tls: arguments.reach.tls()?,
        timeout: arguments.reach.timeout,
        patience: arguments.patience,
        uniform_failures: uniform,
    };
    let mut wrong = false;
    let mut written = Ok(());
    let runtime = runtime()?;
    let names = runtime.block_on(make(setup, |report: &Report| {
        wrong |= matches!(report.verdict, Verdict::Wrong(_));
        match &mut out {
            Out::Text(verdicts) => {
                let mut lines = String::new();
                text::report(&mut lines, report, uniform, octets);
                verdicts.push(report.verdict.clone());
                if written.is_ok() {
                    written = print(&lines);
                }
            }
            Out::Json(run) => run.add(report, uniform),
        }
    }));
    // Does not wait for a name look-up that is still in progress.
    runtime.shutdown_background();
    let names = names?;
    written?;
    print(&match out {
        Out::Text(verdicts) => {
            let mut lines = String::new();
            text::summary(&mut lines, &verdicts, &names);
            lines
        }
        Out::Json(run) => run.finish(names),
    })?;
    Ok(code(!wrong))
}
