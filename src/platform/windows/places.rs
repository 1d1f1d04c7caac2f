//! Where Wireshark keeps a user's own additions, as it documents them, and where its programs are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folders of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiresharkFolders {
    /// Lua plugins.
    pub plugins: PathBuf,
    /// Capture sources.
    pub extcap: PathBuf,
    /// Profiles and preferences.
    pub configuration: PathBuf,
}

/// The folder that Wireshark's own are in, and what to set where there is none.
#[must_use]
pub fn of_user() -> Option<PathBuf> {
    let folder = std::env::var_os(OF_USER)?;
    (!folder.is_empty()).then(|| folder.into())
}

/// What says where [`of_user`] is.
pub const OF_USER: &str = "APPDATA";

/// Wireshark's folders in that one.
#[must_use]
pub fn wireshark(of_user: &Path) -> WiresharkFolders {
    let configuration = of_user.join("Wireshark");
    WiresharkFolders {
        plugins: configuration.join("plugins"),
        extcap: configuration.join("extcap"),
        configuration,
    }
}

/// What starts tshark: its installer does not put it into the path.
#[must_use]
pub fn tshark() -> OsString {
    let installed = std::env::var_os("ProgramFiles")
        .map(|programs| Path::new(&programs).join(r"Wireshark\tshark.exe"))
        .filter(|path| path.is_file());
    installed.map_or_else(|| "tshark".into(), PathBuf::into_os_string)
}
