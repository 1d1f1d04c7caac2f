//! `authscope extcap`: the interface through which Wireshark uses Authscope as a capture source.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::Failure;
use super::layouts::{self, LayoutArguments};
use super::run::Plan;
use super::terminal::print;
use crate::capture::live::LiveOptions;
use crate::protocol::layout::DEFAULT_PORT;
use crate::session::{KeyLogSource, Options};
use crate::wireshark::extcap::{self, AnnotateSink, INTERFACE};

/// Be a capture source of Wireshark (extcap); Wireshark itself calls this.
// Each of these is a flag of its own in Wireshark's calls.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(after_help = "\
`authscope wireshark extcap --install` puts a launcher into Wireshark's folder,
which then calls, for example:

  authscope extcap --extcap-interfaces --extcap-version=4.0
  authscope extcap --extcap-interface authscope --extcap-config
  authscope extcap --extcap-interface authscope --capture --fifo /tmp/pipe")]
pub(super) struct Arguments {
    /// List the interfaces.
    #[arg(long)]
    extcap_interfaces: bool,

    /// The version of the Wireshark that asks.
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    extcap_version: Option<String>,

    /// The interface that is meant.
    #[arg(long, value_name = "NAME")]
    extcap_interface: Option<String>,

    /// List the interface's link types.
    #[arg(long)]
    extcap_dlts: bool,

    /// List what can be set.
    #[arg(long)]
    extcap_config: bool,

    /// Capture.
    #[arg(long, requires = "fifo")]
    capture: bool,

    /// The pipe, or file, to capture into.
    #[arg(long, value_name = "PATH")]
    fifo: Option<PathBuf>,

    /// What to capture, in libpcap's language; without --capture it is only checked.
    #[arg(long, value_name = "BPF")]
    extcap_capture_filter: Option<String>,

    /// The network interface; loopback where it is empty.
    #[arg(long, value_name = "IFACE", default_value = "")]
    interface: String,

    /// The port where RegLogin is expected, or the protocol of the one layout that is given. [default: 8888, or the
    /// layout's own]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// All TCP ports.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    layouts: LayoutArguments,

    /// A file with secrets of TLS connections in the NSS key log format.
    #[arg(long, value_name = "FILE")]
    tls_keylog: Vec<OsString>,
}

impl Arguments {
    /// Whether Wireshark asks for a capture, and not only for what there is.
    pub(super) const fn captures(&self) -> bool {
        self.capture
    }

    /// Wireshark passes an empty name if none was chosen. A file that does not exist yet may appear later.
    fn key_logs(&self) -> Vec<KeyLogSource> {
        let named = self
            .tls_keylog
            .iter()
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let source =
            |path: PathBuf| KeyLogSource::open(&path).unwrap_or_else(|_| KeyLogSource::File(path));
        named.map(source).collect()
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.extcap_interfaces {
        print(&extcap::interfaces())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = arguments.extcap_interface.as_deref()
        && name != INTERFACE
    {
        return Err(Failure::Text(format!(
            "there is no capture source {name:?} here, only {INTERFACE:?}. Ask with --extcap-interfaces"
        )));
    }
    match &arguments.fifo {
        _ if arguments.extcap_dlts => print(&extcap::dlts())?,
        _ if arguments.extcap_config => print(&extcap::config())?,
        Some(fifo) if arguments.capture => return capture(arguments, fifo),
        _ => {
            let message =
                "extcap was asked for nothing; Wireshark calls it. See authscope extcap --help";
            return Err(Failure::Text(message.to_owned()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn capture(arguments: &Arguments, fifo: &std::path::Path) -> Result<ExitCode, Failure> {
    // Must come first: Wireshark waits for the pipe, and shows errors only when the pipe closes.
    let mut sink = AnnotateSink::open(fifo)?;
    let wanted = arguments.extcap_capture_filter.clone();
    let filter = wanted.filter(|filter| !filter.trim().is_empty());
    let mut options = Options {
        key_logs: arguments.key_logs(),
        ..Options::default()
    };
    let layouts = arguments.layouts.load()?;
    // Wireshark names the port that its dialog shows, chosen or not.
    let is_chosen = |port: &u16| layouts.is_empty() || *port != DEFAULT_PORT;
    let ports: Vec<u16> = arguments.port.into_iter().filter(is_chosen).collect();
    layouts::apply(&mut options, &layouts, &ports, &[])?;
    let wanted = LiveOptions {
        interface: Some(&*arguments.interface)
            .filter(|name| !name.is_empty())
            .map(super::interfaces::named),
        ports: options.all_ports(),
        filter: filter.or_else(|| arguments.all.then(|| "tcp".to_owned())),
        ..LiveOptions::default()
    };
    let ended = Plan::live(wanted, options)?.run_alone(&mut sink)?;
    ended.conclude(|| ExitCode::SUCCESS)
}
