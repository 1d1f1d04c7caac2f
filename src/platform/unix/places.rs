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
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

/// What says where [`of_user`] is.
pub const OF_USER: &str = "HOME";

/// Wireshark's folders in that one.
#[must_use]
pub fn wireshark(of_user: &Path) -> WiresharkFolders {
    WiresharkFolders {
        plugins: of_user.join(".local/lib/wireshark/plugins"),
        extcap: of_user.join(".config/wireshark/extcap"),
        configuration: of_user.join(".config/wireshark"),
    }
}

/// What starts tshark.
#[must_use]
pub fn tshark() -> OsString {
    "tshark".into()
}
