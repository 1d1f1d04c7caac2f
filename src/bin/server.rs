//! `authscope-server`: registers users and logs them in.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use authscope::accounts::{Accounts, HashPool, Progress, describe_meters};
use authscope::cli::{completions, usage};
use authscope::client::password::PasswordError;
use authscope::platform::console;
use authscope::platform::process::{self, ServiceState};
use authscope::server::control::Control;
use authscope::server::{self, Listeners, Log, Purpose};
use clap::CommandFactory;

#[path = "server/accounts.rs"]
mod accounts;
#[path = "server/cert.rs"]
mod cert;
#[path = "server/check.rs"]
mod check;
#[path = "server/config.rs"]
mod config;
#[path = "server/control.rs"]
mod control;
#[path = "server/listing.rs"]
mod listing;
#[path = "server/options.rs"]
mod options;
#[path = "server/panics.rs"]
mod panics;
#[path = "server/reload.rs"]
mod reload;
#[path = "server/signals.rs"]
mod signals;
#[path = "server/transfer.rs"]
mod transfer;
#[path = "server/users.rs"]
mod users;

use control::Running;
use options::{Cli, Command};
use reload::{Reload, Reloadable};
use signals::Signals;

/// What a command comes to: its exit code, or why it cannot be done.
type Outcome<T = ExitCode> = Result<T, Box<dyn Error>>;

/// Exit code for wrong usage and for a server that cannot run.
const FAILED: u8 = 2;

/// How long the process waits at its end for log lines to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// File descriptors that are reserved for other uses than clients' connections: standard streams, the runtime,
/// listeners, the passwd file and its successor, the log file and its successor, certificate and key, and the
/// connections of the metrics page.
const RESERVED_DESCRIPTORS: u64 = 40;

/// Number of threads that read users' lines; more would wait for the same disk.
const READERS: usize = 16;

fn main() -> ExitCode {
    console::prepare();
    completions::answer_shell(Cli::command);
    let arguments = config::arguments();
    let started = arguments.and_then(|cli| cli.map_or(Ok(ExitCode::SUCCESS), |cli| start(&cli)));
    started.unwrap_or_else(|error| {
        say(usage::folded(&format!("authscope-server: {error}")) + "\n");
        let interrupted = error
            .downcast_ref::<PasswordError>()
            .and_then(PasswordError::signal_exit_code);
        ExitCode::from(interrupted.unwrap_or(FAILED))
    })
}

fn start(cli: &Cli) -> Outcome {
    match &cli.command {
        Some(Command::Completions(arguments)) => return Ok(arguments.run("authscope-server")?),
        Some(Command::Man(arguments)) => return Ok(arguments.run(Cli::command())?),
        _ => {}
    }
    let cannot_start = |error: io::Error| format!("cannot start: {error}");
    let log = Log::start(cli.log.settings()).map_err(cannot_start)?;
    let result = match &cli.command {
        Some(Command::Users(command)) => {
            let context = users::Context {
                accounts: &cli.accounts,
                control: &cli.control,
                rules: cli.policy.rules()?,
                scheme: cli.hashing.scheme()?,
                audit: cli.policy.audit.as_deref(),
            };
            users::run(command.clone(), &context)
        }
        Some(Command::Throttle(command)) => ask(cli, &Running::Throttle(command.clone())),
        Some(Command::Status { json }) => ask(cli, &Running::Status { json: *json }),
        Some(Command::Reload) => ask(cli, &Running::Reload),
        Some(Command::Backup { file }) => ask(cli, &Running::Backup(file.clone())),
        Some(Command::Cert(command)) => cert::run(command),
        Some(Command::Accounts(command)) => accounts::run(*command, &cli.accounts),
        // These were handled above, without a log.
        Some(Command::Completions(_) | Command::Man(_)) => Ok(ExitCode::SUCCESS),
        None => {
            panics::watch(log.clone());
            let signals = Signals::install().map_err(cannot_start)?;
            let served = run(cli, &log, signals);
            if let (Err(error), true) = (&served, cli.log.file.is_some()) {
                tracing::error!("{error}");
            }
            served.map(|()| ExitCode::SUCCESS)
        }
    };
    log.flush(LAST_WORDS);
    result
}

fn ask(cli: &Cli, what: &Running) -> Outcome {
    control::run(what, &cli.control, &cli.accounts)
}

/// Writes to standard error, without waiting long if nobody reads it.
fn say(text: String) {
    let (done, written) = mpsc::channel();
    let writer = std::thread::Builder::new().spawn(move || {
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = done.send(());
    });
    if writer.is_ok() {
        let _ = written.recv_timeout(LAST_WORDS);
    }
}

fn run(cli: &Cli, log: &Log, signals: Signals) -> Outcome<()> {
    // No file is created before the arguments were checked and the ports were opened.
    let mut config = cli.config(log.client_lines())?;
    let scheme = cli.hashing.scheme()?;
    discourage_dumps();
    config.limits.connections = raise_descriptor_limit(config.limits.connections);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .max_blocking_threads(READERS)
        .thread_name("connections")
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let inside = runtime.enter();
    let listeners = Listeners::bind(&cli.listen, Purpose::Service)?;
    let page = cli
        .metrics
        .as_ref()
        .map(|place| Listeners::bind(std::slice::from_ref(place), Purpose::Metrics))
        .transpose()?;
    if let Some(path) = &cli.log.file {
        log.open_file(path)?;
    }
    let audit = cli.policy.audit.as_deref();
    config.audit = audit.map(server::Audit::open).transpose()?;
    if let Some(page) = page {
        let metrics = server::install_meters()?;
        for address in page.addresses() {
            tracing::info!("metrics on http://{address}/metrics");
        }
        // From here on, so that the progress of a long start is visible.
        server::offer_page(page, metrics, Arc::clone(&config.health));
    }
    config.tls.tell();

    let (threads, queue) = (cli.hashing.threads(cores), cli.hashing.queue(cores));
    let pool = Arc::new(HashPool::start(scheme, threads, queue)?);
    let uniform = config.policy.uniform_failures;
    let started = Instant::now();
    let hashing = Arc::clone(&pool);
    let opened = cli.accounts.open(&runtime, &mut progress())?;
    opened.log(started.elapsed());
    config.failures = opened.failures;
    let accounts = Accounts::new(opened.store, hashing, uniform);
    describe_meters(accounts.users());
    tracing::info!(scheme = %scheme, threads, queue, "password hashing");
    let accounts = Arc::new(accounts);

    let reload = Reload::start(Reloadable {
        log: log.clone(),
        tls: config.tls.clone(),
        audit: config.audit.clone(),
    })
    .map_err(|error| format!("cannot start: {error}"))?;
    config.control = open_control(cli, &reload)?;
    let audit = config.audit.clone();
    let stop = signals.serve(reload, config.limits.drain, log.clone());
    for address in listeners.addresses() {
        tracing::info!("listening on {address}");
    }
    notify(ServiceState::Ready);
    let stopping = async {
        stop.await;
        notify(ServiceState::Stopping);
    };
    let served = server::run(listeners, Arc::clone(&accounts), config, stopping);
    let summary = runtime
        .block_on(served)
        .map_err(|error| format!("cannot go on accepting connections: {error}"))?;
    drop(inside);
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Some(audit) = audit {
        audit.flush(LAST_WORDS);
    }
    let counts = accounts.counts();
    tracing::info!(
        connections = summary.connections,
        requests = summary.requests,
        refused = summary.refused,
        slow = summary.slow,
        cut = summary.cut,
        busy = pool.refused(),
        registrations = counts.stored,
        upgrades = counts.replaced,
        syncs = counts.syncs,
        "stopped"
    );
    Ok(())
}

/// The control socket. If it was not asked for and cannot be opened, the server runs without it.
fn open_control(cli: &Cli, reload: &Reload) -> Outcome<Option<Arc<Control>>> {
    let Some((path, asked_for)) = cli.control.path(&cli.accounts) else {
        return Ok(None);
    };
    let reload = reload.clone();
    match Control::bind(&path, Arc::new(move || reload.request())) {
        Ok(control) => Ok(Some(Arc::new(control))),
        Err(error) if asked_for => Err(error.into()),
        Err(error) => {
            tracing::warn!("{error}; users cannot be changed while the server runs");
            Ok(None)
        }
    }
}

/// Prevents a crash from writing passwords in memory to disk, and other processes of the same user from reading them.
fn discourage_dumps() {
    for (what, error) in process::discourage_dumps() {
        tracing::warn!(%error, "{what}");
    }
}

/// Raises the limit on open files as far as the system allows. Returns the number of connections that there is room
/// for: `connections`, or fewer.
fn raise_descriptor_limit(connections: usize) -> usize {
    let wanted = connections as u64 + RESERVED_DESCRIPTORS;
    let Some(descriptors) = process::allow_open_files(wanted) else {
        return connections;
    };
    let room = descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(1);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    tracing::warn!(
        wanted = connections,
        connections = room,
        descriptors,
        "fewer open files are allowed than --max-connections needs; serving fewer at once"
    );
    room
}

/// Notifies the service manager, if there is one.
fn notify(state: ServiceState) {
    if let Err(error) = process::tell_service_manager(state) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}

/// Logs the progress of a long load, every two seconds.
fn progress() -> impl FnMut(Progress) {
    const EVERY: Duration = Duration::from_secs(2);
    let mut last = Instant::now();
    move |progress| {
        if last.elapsed() >= EVERY {
            last = Instant::now();
            let percent = progress.octets * 100 / progress.total.max(1);
            tracing::info!(lines = progress.lines, percent, "loading the passwd file");
        }
    }
}
