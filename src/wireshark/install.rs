//! Installs the plugin and the capture source in Wireshark's personal folders, and removes them.
//!
//! Only files that this program wrote are replaced or removed. They are recognised by their first lines.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::plugin::{FILE_NAME, FIRST_LINE};
use super::profile;
use crate::platform::{self, places, places::WiresharkFolders};
use crate::text::trouble::Words;

/// The beginning of a launcher's comment, by which it is recognised.
const LAUNCHER_LINE: &str = "Starts Authscope as a capture source of Wireshark;";

/// Bytes at the start of a file that are examined to recognise it.
const LOOKED_AT: usize = 512;

/// Why nothing was installed or removed. The text is a sentence without the program's name.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A folder or file could not be read or written.
    #[error(
        "cannot {what} {path:?}: {}. Choose another folder with --folder",
        Words(error)
    )]
    File {
        /// What was being done.
        what: &'static str,
        /// The path of the folder or file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        error: io::Error,
    },
    /// Another program wrote the file.
    #[error(
        "will not touch {0:?}: this program did not write it. Move it away, or choose another folder with --folder"
    )]
    Foreign(PathBuf),
    /// There is no home folder to look for Wireshark's folders in.
    #[error(
        "cannot find Wireshark's personal folders: tshark did not say, and {} is not set. Name one with --folder",
        places::OF_USER
    )]
    NoHome,
}

/// The folders in which Wireshark looks for a user's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Lua plugins.
    pub plugins: PathBuf,
    /// Capture sources (extcap).
    pub extcap: PathBuf,
    /// Configuration profiles, each a folder.
    pub profiles: PathBuf,
    /// Whether the user named the folder, which is then not created.
    is_named: bool,
}

impl Folders {
    /// The folders that tshark reports, or those that Wireshark documents if there is no tshark.
    ///
    /// # Errors
    ///
    /// [`InstallError::NoHome`] if the user's home folder is needed and unknown.
    pub fn find() -> Result<Self, InstallError> {
        let out = Command::new(places::tshark())
            .args(["-G", "folders"])
            .output();
        let said = match out {
            Ok(out) => String::from_utf8_lossy(&out.stdout).into_owned(),
            Err(_) => String::new(),
        };
        let usual = places::of_user().map(|folder| places::wireshark(&folder));
        Self::from_text(&said, usual.as_ref()).ok_or(InstallError::NoHome)
    }

    /// Everything in one folder, which must exist.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            plugins: folder.to_owned(),
            extcap: folder.to_owned(),
            profiles: folder.join("profiles"),
            is_named: true,
        }
    }

    /// Checks that a folder that the user named exists. Wireshark's own folders are created if needed.
    fn check(&self) -> Result<(), InstallError> {
        if !self.is_named {
            return Ok(());
        }
        let folder = &self.plugins;
        let found = std::fs::metadata(folder).map_err(fails("use the folder", folder))?;
        if found.is_dir() {
            return Ok(());
        }
        Err(fails("use the folder", folder)(
            io::ErrorKind::NotADirectory.into(),
        ))
    }

    fn from_text(said: &str, usual: Option<&WiresharkFolders>) -> Option<Self> {
        let folder = |name: &str| {
            let lines = said.lines().filter_map(|line| line.split_once(':'));
            let mut named = lines.filter(|(label, _)| label.trim() == name);
            let (_, path) = named.next()?;
            Some(PathBuf::from(path.trim()))
        };
        // Wireshark 4.0 has a personal extcap folder but does not list it.
        let in_configuration =
            || folder("Personal configuration").map(|folder| folder.join("extcap"));
        Some(Self {
            plugins: folder("Personal Lua Plugins").or_else(|| Some(usual?.plugins.clone()))?,
            extcap: folder("Personal Extcap path")
                .or_else(in_configuration)
                .or_else(|| Some(usual?.extcap.clone()))?,
            profiles: folder("Personal configuration")
                .or_else(|| Some(usual?.configuration.clone()))?
                .join("profiles"),
            is_named: false,
        })
    }
}

/// What was done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was created.
    Installed(PathBuf),
    /// It was there and was replaced.
    Replaced(PathBuf),
    /// It was removed.
    Removed(PathBuf),
    /// There was nothing to remove.
    Absent(PathBuf),
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (word, path) = match self {
            Self::Installed(path) => ("installed", path),
            Self::Replaced(path) => ("replaced", path),
            Self::Removed(path) => ("removed", path),
            Self::Absent(path) => ("was not there:", path),
        };
        write!(f, "{word} {}", path.display())
    }
}

/// Installs a plugin with this text.
///
/// # Errors
///
/// If a file cannot be written, or belongs to another program.
pub fn install_plugin(folders: &Folders, text: &str) -> Result<Done, InstallError> {
    folders.check()?;
    write_ours(&folders.plugins, FILE_NAME, text, 0o644)
}

/// Removes the plugin.
///
/// # Errors
///
/// If the file cannot be removed, or belongs to another program.
pub fn remove_plugin(folders: &Folders) -> Result<Done, InstallError> {
    folders.check()?;
    remove_ours(folders.plugins.join(FILE_NAME))
}

/// File name of the launcher that Wireshark starts as a capture source.
pub const LAUNCHER_NAME: &str = if cfg!(windows) {
    "authscope-extcap.bat"
} else {
    "authscope-extcap"
};

/// Installs a launcher that starts `program` as a capture source.
///
/// # Errors
///
/// If a file cannot be written, or belongs to another program.
pub fn install_launcher(folders: &Folders, program: &Path) -> Result<Done, InstallError> {
    folders.check()?;
    write_ours(&folders.extcap, LAUNCHER_NAME, &launcher(program), 0o755)
}

/// Removes the launcher.
///
/// # Errors
///
/// If the file cannot be removed, or belongs to another program.
pub fn remove_launcher(folders: &Folders) -> Result<Done, InstallError> {
    folders.check()?;
    remove_ours(folders.extcap.join(LAUNCHER_NAME))
}

fn launcher(program: &Path) -> String {
    let program = program.display().to_string();
    let what = format!("{LAUNCHER_LINE} `authscope wireshark extcap --uninstall` removes it.");
    if cfg!(windows) {
        // The program's path may have letters of any script, and % begins a variable's name.
        let program = program.replace('%', "%%");
        format!("@echo off\r\nrem {what}\r\nchcp 65001 >nul\r\n\"{program}\" extcap %*\r\n")
    } else {
        let quoted = program.replace('\'', r"'\''");
        format!("#!/bin/sh\n# {what}\nexec '{quoted}' extcap \"$@\"\n")
    }
}

fn is_ours(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    [FIRST_LINE, profile::FIRST_LINE]
        .iter()
        .any(|first| text.starts_with(first))
        || text
            .lines()
            .take(3)
            .any(|line| line.contains(LAUNCHER_LINE))
}

/// Whether a file exists.
///
/// # Errors
///
/// If it cannot be read, or belongs to another program.
fn exists(path: &Path) -> Result<bool, InstallError> {
    match std::fs::read(path) {
        Ok(text) if is_ours(&text[..text.len().min(LOOKED_AT)]) => Ok(true),
        Ok(_) => Err(InstallError::Foreign(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(fails("read", path)(error)),
    }
}

fn fails(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    move |error| InstallError::File {
        what,
        path: path.to_owned(),
        error,
    }
}

/// Writes a file atomically: through a temporary file that is renamed.
pub(super) fn write_ours(
    folder: &Path,
    name: &str,
    text: &str,
    mode: u32,
) -> Result<Done, InstallError> {
    let path = folder.join(name);
    let existed = exists(&path)?;
    std::fs::create_dir_all(folder).map_err(fails("create", folder))?;
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let written = write(&temporary, text, mode).and_then(|()| std::fs::rename(&temporary, &path));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(fails("write", &path)(error));
    }
    Ok(if existed {
        Done::Replaced(path)
    } else {
        Done::Installed(path)
    })
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = platform::file::with_mode(&mut options, mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

pub(super) fn remove_ours(path: PathBuf) -> Result<Done, InstallError> {
    if !exists(&path)? {
        return Ok(Done::Absent(path));
    }
    forget(&path)?;
    Ok(Done::Removed(path))
}

/// Removes a file.
pub(super) fn forget(path: &Path) -> Result<(), InstallError> {
    std::fs::remove_file(path).map_err(fails("remove", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wireshark::plugin::plugin;

    #[test]
    fn tshark_says_where() {
        let said = "Temp:                \t/tmp\n\
                    Personal configuration:\t/home/u/.config/wireshark\n\
                    Personal Lua Plugins:\t/home/u/.local/lib/wireshark/plugins\n\
                    Extcap path:         \t/usr/lib/wireshark/extcap\n";
        let folders = Folders::from_text(said, None).unwrap();
        assert_eq!(
            folders.plugins,
            Path::new("/home/u/.local/lib/wireshark/plugins")
        );
        assert_eq!(
            folders.extcap,
            Path::new("/home/u/.config/wireshark/extcap")
        );
        let newer = format!("{said}Personal Extcap path:\t/home/u/.local/lib/wireshark/extcap\n");
        let folders = Folders::from_text(&newer, None).unwrap();
        assert_eq!(
            folders.extcap,
            Path::new("/home/u/.local/lib/wireshark/extcap")
        );
    }

    #[test]
    fn without_tshark_the_documented_folders_are_taken() {
        let folders =
            Folders::from_text("", Some(&places::wireshark(Path::new("/home/u")))).unwrap();
        assert_eq!(
            folders.plugins,
            Path::new("/home/u/.local/lib/wireshark/plugins")
        );
        assert_eq!(
            folders.extcap,
            Path::new("/home/u/.config/wireshark/extcap")
        );
        assert_eq!(Folders::from_text("", None), None);
    }

    #[test]
    fn what_is_installed_can_be_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let path = folders.plugins.join(FILE_NAME);
        assert_eq!(remove_plugin(&folders).unwrap(), Done::Absent(path.clone()));
        assert_eq!(
            install_plugin(&folders, &plugin()).unwrap(),
            Done::Installed(path.clone())
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), plugin());
        assert_eq!(
            install_plugin(&folders, &plugin()).unwrap(),
            Done::Replaced(path.clone())
        );
        assert_eq!(
            remove_plugin(&folders).unwrap(),
            Done::Removed(path.clone())
        );
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_a_user_names_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let text = install_plugin(&Folders::at(&missing), &plugin())
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("missing") && text.contains("--folder"),
            "{text}"
        );
        assert!(!missing.exists());
    }

    #[test]
    fn a_foreign_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        for name in [FILE_NAME, LAUNCHER_NAME] {
            std::fs::write(folder.path().join(name), "-- mine\n").unwrap();
        }
        let program = Path::new("/usr/bin/authscope");
        for outcome in [
            install_plugin(&folders, &plugin()),
            remove_plugin(&folders),
            install_launcher(&folders, program),
            remove_launcher(&folders),
        ] {
            assert!(matches!(outcome, Err(InstallError::Foreign(_))));
        }
        let kept = std::fs::read(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(kept, b"-- mine\n");
    }

    #[cfg(unix)]
    #[test]
    fn the_launcher_can_be_started_whatever_the_path() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("it's a program");
        std::fs::write(&program, "#!/bin/sh\necho \"$@\"\n").unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let folders = Folders::at(folder.path());
        install_launcher(&folders, &program).unwrap();
        let out = Command::new("sh")
            .arg(folder.path().join(LAUNCHER_NAME))
            .args(["--extcap-interfaces", "a b"])
            .output()
            .unwrap();
        assert_eq!(out.stdout, b"extcap --extcap-interfaces a b\n");
        assert!(matches!(remove_launcher(&folders), Ok(Done::Removed(_))));
    }
}
