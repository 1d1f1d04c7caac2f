//! `authscope wireshark`: installs the plugin and the capture source in Wireshark.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::error::Failure;
use super::layouts::load;
use super::terminal::print;
use crate::layout::Layout;
use crate::wireshark::install::{
    Done, Folders, InstallError, install_launcher, install_plugin, remove_launcher, remove_plugin,
};
use crate::wireshark::layout_plugin::plugin_of;
use crate::wireshark::names::Names;
use crate::wireshark::plugin::plugin;
use crate::wireshark::profile;

/// Fix Wireshark: a dissector plugin, and Authscope as a capture source.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope wireshark plugin --install     Wireshark shows RegLogin, in colours, from its next start on
  authscope wireshark plugin > reglogin.lua
  tshark -X lua_script:reglogin.lua -r capture.pcapng
  authscope wireshark plugin -L my.toml > my.lua
  authscope wireshark extcap --install     a capture source in Wireshark's list of interfaces

docs/wireshark.md tells why Wireshark is wrong without it.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: WiresharkCommand,
}

#[derive(Debug, Subcommand)]
enum WiresharkCommand {
    /// The dissector plugin, in Lua: printed, or put into Wireshark's personal plugin folder.
    Plugin(Plugin),
    /// The launcher that makes Authscope a capture source of Wireshark (extcap).
    Extcap(InstallArguments),
}

#[derive(Debug, Args)]
struct Plugin {
    /// A layout file whose protocol the plugin is for, in place of RegLogin; may be given several times.
    #[arg(short = 'L', long = "layout", value_name = "FILE")]
    layouts: Vec<PathBuf>,

    /// With --install, leave out the profile "Authscope": colour rules, and columns wide enough.
    #[arg(long, requires = "install")]
    no_profile: bool,

    #[command(flatten)]
    folder: InstallArguments,
}

impl Plugin {
    /// Whether the profile is installed too; its rules are about RegLogin.
    const fn has_profile(&self) -> bool {
        self.layouts.is_empty() && !self.no_profile
    }

    fn install(&self) -> Result<(), Failure> {
        let folders = self.folder.folders()?;
        said(&install_plugin(&folders, &self.text()?)?)?;
        if self.has_profile() {
            profile::install(&folders)?.iter().try_for_each(said)?;
        }
        print("Wireshark and tshark use the plugin from their next start on.\n")?;
        if self.has_profile() {
            print(&format!(
                "Colours and columns are those of the profile \"{0}\", once it is chosen: Edit, Configuration Profiles, or \
                 wireshark -C {0}.\n",
                profile::NAME
            ))?;
        }
        Ok(print(
            "`authscope wireshark plugin --uninstall` undoes it.\n",
        )?)
    }

    fn uninstall(&self) -> Result<(), Failure> {
        let folders = self.folder.folders()?;
        said(&remove_plugin(&folders)?)?;
        let removed = profile::remove(&folders)?;
        let removed = removed
            .iter()
            .filter(|done| !matches!(done, Done::Absent(_)));
        removed.into_iter().try_for_each(said)
    }

    /// The plugin for the layouts given, or for RegLogin.
    fn text(&self) -> Result<String, Failure> {
        if self.layouts.is_empty() {
            return Ok(plugin());
        }
        let layouts: Vec<Layout> = self
            .layouts
            .iter()
            .map(|path| load(path))
            .collect::<Result<_, _>>()?;
        plugin_of(&layouts, &Names::find())
            .map_err(|error| Failure::Text(format!("cannot make a plugin: {error}")))
    }
}

#[derive(Debug, Args)]
struct InstallArguments {
    /// Put it where Wireshark finds it.
    #[arg(long, conflicts_with = "uninstall")]
    install: bool,

    /// Take it away again.
    #[arg(long)]
    uninstall: bool,

    /// A folder that is there, in place of Wireshark's personal ones (`tshark -G folders`).
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl InstallArguments {
    fn folders(&self) -> Result<Folders, InstallError> {
        match &self.folder {
            Some(folder) => Ok(Folders::at(folder)),
            None => Folders::find(),
        }
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        Self::Text(error.to_string())
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        WiresharkCommand::Plugin(plugin) if plugin.folder.install => plugin.install()?,
        WiresharkCommand::Plugin(plugin) if plugin.folder.uninstall => plugin.uninstall()?,
        WiresharkCommand::Plugin(plugin) => print(&plugin.text()?)?,
        WiresharkCommand::Extcap(folder) if folder.install => {
            let program = std::env::current_exe().map_err(|error| {
                Failure::Text(format!("cannot tell where this program is: {error}"))
            })?;
            said(&install_launcher(&folder.folders()?, &program)?)?;
            print("Wireshark lists \"Authscope: RegLogin on loopback\" from its next start on.\n")?;
        }
        WiresharkCommand::Extcap(folder) if folder.uninstall => {
            said(&remove_launcher(&folder.folders()?)?)?;
        }
        WiresharkCommand::Extcap(folder) => {
            let path = folder.folders()?.extcap;
            print(&format!(
                "Wireshark's folder for capture sources is {}; --install puts a launcher there.\n",
                path.display()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn said(done: &Done) -> Result<(), Failure> {
    Ok(print(&format!("{done}\n"))?)
}
