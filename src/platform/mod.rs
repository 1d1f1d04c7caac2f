//! What differs between systems, each thing under one name: callers have no `#[cfg]`.
//!
//! | what | Unix | Windows |
//! | --- | --- | --- |
//! | [`signals`] | SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP | Ctrl-C, Ctrl-Break, a console that closes, log-off, shutdown; a reload is asked for over the control channel |
//! | [`mod@file`] | positioned reads; identity by device and inode; locks; modes; directories are synced | the same reads; identity by volume and file index; a file that is opened so that nobody else may write it; what the folder's access list says; NTFS needs no sync of a folder |
//! | [`console`] | descriptors that a pager takes the place of | UTF-8 and colours switched on; the pager is handed its text |
//! | [`prompt`] | `/dev/tty`, signals while one types | the console |
//! | [`control`] | a Unix socket for its owner alone | a named pipe that its owner alone, and administrators, may write to |
//! | [`net`] | an address is reused, so that a restart need not wait | it is claimed for this program alone, as others could take the port there |
//! | [`process`] | limits, core dumps, the service manager (`sd_notify`) | no such limits; no service manager is told |
//! | [`words`] | the system's own words for an error | the same words for the same kinds of error, as Windows says them at length |
//! | [`places`] | Wireshark's folders in the home folder | those in `%APPDATA%`, and where its installer puts tshark |

#[cfg(unix)]
#[path = "unix/mod.rs"]
mod system;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;

pub use system::{console, control, file, net, places, process, prompt, signals, words};
