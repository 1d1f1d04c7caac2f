//! `authscope-server`: registers users and logs them in.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use authscope::accounts::{Accounts, HashPool, OpenReport, Progress};
use authscope::server::{self, Config, Summary};
use clap::Parser;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[path = "server/options.rs"]
mod options;
#[path = "server/users.rs"]
mod users;

use options::{Cli, Command, LogFormat, LogLevel, LogOptions};

/// Exit code for wrong usage and for a server that cannot run.
const FAILED: u8 = 2;

/// Descriptors beside those of connections: listener, passwd file, standard streams, runtime.
const OTHER_DESCRIPTORS: u64 = 64;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli.log);
    let result = match cli.command {
        Some(Command::Users(command)) => cli
            .hashing
            .scheme()
            .map_err(Into::into)
            .and_then(|scheme| users::run(command, &cli.passwd, scheme)),
        None => run(&cli).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "authscope-server: {error}");
        ExitCode::from(FAILED)
    })
}

fn start_log(options: &LogOptions) {
    let level = match options.log_level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(level)
        .with_target(false)
        .with_ansi(colours);
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn run(cli: &Cli) -> Result<(), Box<dyn Error>> {
    let config = cli.config()?;
    let scheme = cli.hashing.scheme()?;
    discourage_dumps();
    raise_descriptor_limit(config.limits.connections);
    // A file that may not grow is an error to answer, not a reason to die.
    let too_large = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, too_large)
        .map_err(|error| format!("cannot handle signals: {error}"))?;

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (threads, queue) = (cli.hashing.threads(cores), cli.hashing.queue(cores));
    let pool = Arc::new(HashPool::start(scheme, threads, queue)?);
    let uniform = config.policy.uniform_failures;
    let started = Instant::now();
    let hashing = Arc::clone(&pool);
    let (accounts, report) = Accounts::open(&cli.passwd, hashing, uniform, &mut progress())?;
    tell(&report, started.elapsed());
    tracing::info!(scheme = %scheme, threads, queue, "password hashing");
    let accounts = Arc::new(accounts);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let summary = runtime.block_on(listen(cli, config, Arc::clone(&accounts)))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
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

async fn listen(
    cli: &Cli,
    config: Config,
    accounts: Arc<Accounts>,
) -> Result<Summary, Box<dyn Error>> {
    if let Some(address) = cli.metrics {
        server::publish(address, accounts.users())?;
        tracing::info!("metrics on http://{address}/metrics");
    }
    let cannot_listen = |error: io::Error| {
        format!(
            "cannot listen on {}: {error}; choose another address with --listen",
            cli.listen
        )
    };
    let listener = TcpListener::bind(&cli.listen)
        .await
        .map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let shutdown = shutdown().map_err(|error| format!("cannot handle signals: {error}"))?;
    tracing::info!("listening on {address}");
    notify(sd_notify::NotifyState::Ready);
    let summary = server::run(listener, accounts, config, shutdown)
        .await
        .map_err(|error| format!("cannot go on accepting connections: {error}"))?;
    Ok(summary)
}

/// Keeps passwords that are in memory from being written to disk by a crash, and other processes
/// of the same user from reading them.
fn discourage_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = rustix::process::setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "cannot forbid core dumps");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "cannot make the process undumpable");
    }
}

/// Allows as many open files as connections need, as far as the system lets it.
fn raise_descriptor_limit(connections: usize) {
    let wanted = connections as u64 + OTHER_DESCRIPTORS;
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if enough(limit.current) {
        return;
    }
    let current = if enough(limit.maximum) {
        Some(wanted)
    } else {
        limit.maximum
    };
    let raised = Rlimit {
        current,
        maximum: limit.maximum,
    };
    let result = rustix::process::setrlimit(Resource::Nofile, raised);
    if result.is_err() || !enough(current) {
        tracing::warn!(
            connections,
            descriptors = rustix::process::getrlimit(Resource::Nofile).current,
            "fewer open files are allowed than connections; accepting will pause when they run out"
        );
    }
}

/// Tells the service manager, where there is one.
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}

/// Ready when the server is to stop. A second signal ends the process at once.
fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hang_up.recv() => "SIGHUP",
        };
        tracing::info!(signal = name, "told to stop");
        notify(sd_notify::NotifyState::Stopping);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::warn!("told to stop again; stopping at once");
            std::process::exit(i32::from(FAILED));
        });
    })
}

/// Says how far a long load is, every two seconds.
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

fn tell(report: &OpenReport, took: Duration) {
    let path = report.path.display();
    if let Some(tail) = &report.tail {
        let user = tail.name.as_ref().map_or("unknown", |name| name.as_str());
        if tail.whole {
            tracing::warn!(
                %path, line = tail.line, user,
                "the last line had no line break; it is whole and has one now"
            );
        } else {
            tracing::warn!(
                %path, line = tail.line, octets = tail.len, user,
                "the last line was torn; cut it off"
            );
        }
    }
    if report.finished > 0 {
        tracing::warn!(%path, replacements = report.finished, "finished replacing hashes");
    }
    if report.mode & 0o077 != 0 {
        tracing::warn!(
            %path, mode = %format_args!("{:04o}", report.mode),
            "others than its owner can use the passwd file; chmod 600 it"
        );
    }
    tracing::info!(
        %path,
        users = report.users,
        created = report.created,
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        index_octets = report.index_octets,
        "passwd file ready"
    );
}
