//! The process: its limits, its user, and the service manager that started it.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitStatus};

use rustix::process::{Resource, Rlimit};
#[cfg(target_os = "linux")]
use rustix::thread::CpuSet;
use sd_notify::NotifyState;

/// Prevents a crash from writing memory to disk, and other processes of the same user from reading it. Each error
/// says what could not be done.
#[must_use]
pub fn discourage_dumps() -> Vec<(&'static str, io::Error)> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let mut failed = Vec::new();
    if let Err(error) = rustix::process::setrlimit(Resource::Core, none) {
        failed.push(("cannot forbid core dumps", error.into()));
    }
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        failed.push(("cannot make the process undumpable", error.into()));
    }
    failed
}

/// Raises the limit on open files as far as the system allows. Returns the limit if it is lower than wanted.
#[must_use]
pub fn allow_open_files(wanted: u64) -> Option<u64> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if enough(limit.current) {
        return None;
    }
    let raised = Rlimit {
        current: if enough(limit.maximum) {
            Some(wanted)
        } else {
            limit.maximum
        },
        maximum: limit.maximum,
    };
    let _ = rustix::process::setrlimit(Resource::Nofile, raised);
    let current = rustix::process::getrlimit(Resource::Nofile).current;
    if enough(current) { None } else { current }
}

/// Gives this thread priority over others, so that it gets a processor soon after it wakes. Does nothing without the
/// right to do so (on Linux root, `CAP_SYS_NICE` or `RLIMIT_NICE`), nor where only whole processes have a priority.
pub fn hurry_this_thread() {
    #[cfg(target_os = "linux")]
    {
        /// As far as a daemon that must not be late usually goes; the kernel's own threads are still before it.
        const NICE: i32 = -10;
        let _ = rustix::process::setpriority_process(None, NICE);
    }
}

/// The processors that this process may use, in two halves: one for each of two threads that wait for each other.
///
/// Linux wakes such threads on the same processor, over and over, even where another one is idle: on a virtual machine half
/// of the runs of a shell took up to 0.055 s instead of 0.035 s. In halves they cannot meet.
#[derive(Clone, Copy)]
pub struct Halves {
    #[cfg(target_os = "linux")]
    all: CpuSet,
    /// The half with the processor that the thread was running on that asked, and the other one.
    #[cfg(target_os = "linux")]
    halves: [CpuSet; 2],
}

impl Halves {
    /// The halves as this thread sees them. `None` if there is only one processor, or the system does not tell.
    #[must_use]
    pub fn of_this_thread() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            let all = rustix::thread::sched_getaffinity(None).ok()?;
            let here = rustix::thread::sched_getcpu();
            let numbers = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number));
            let half = all.count() as usize / 2;
            if half == 0 {
                return None;
            }
            let mut halves = [CpuSet::new(); 2];
            for (at, number) in numbers.enumerate() {
                halves[usize::from(at >= half)].set(number);
            }
            if halves[1].is_set(here) {
                halves.swap(0, 1);
            }
            Some(Self { all, halves })
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Keeps this thread in its half until the result is dropped.
    #[must_use]
    pub fn keep(&self) -> Kept {
        self.bind(0);
        Kept(*self)
    }

    /// Moves this thread to the other half.
    pub fn cross(&self) {
        self.bind(1);
    }

    #[cfg_attr(not(target_os = "linux"), expect(clippy::unused_self))]
    fn bind(&self, half: usize) {
        // Where it is not allowed, all is as if it had not been asked for.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::sched_setaffinity(None, &self.halves[half]);
        #[cfg(not(target_os = "linux"))]
        let _ = half;
    }
}

/// A thread that is kept in its half of the processors.
pub struct Kept(Halves);

impl Drop for Kept {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::sched_setaffinity(None, &self.0.all);
    }
}

/// The number of the user whom the process acts for.
#[must_use]
pub fn user_id() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// Ends the process without anything more being run in it.
pub fn exit_at_once(code: i32) -> ! {
    signal_hook::low_level::exit(code)
}

/// What captures on this system.
pub const CAPTURE_LIBRARY: &str = "libpcap";

/// Where to get it.
pub const GET_CAPTURE_LIBRARY: &str =
    "Install it (Debian, Ubuntu: apt install libpcap0.8; Fedora, Arch: libpcap)";

/// How else to capture.
pub const CAPTURE_OTHERWISE: &str =
    "or capture with another tool: tcpdump -U -w - | authscope read -";

/// Whether a program did not start because that library is missing, by its loader's message.
#[must_use]
pub fn lacks_capture_library(_: ExitStatus, said: &str) -> bool {
    said.contains(CAPTURE_LIBRARY)
}

/// Always true: the loader reports a missing library.
#[must_use]
pub const fn has_capture_library() -> bool {
    true
}

/// Lets a program find that library: nothing to do on Unix.
pub const fn let_find_capture_library(_: &mut Command) {}

/// Replaces this process by another program; folder, open files and process ID stay the same. `own` is the name of
/// this program.
pub fn become_it(command: &mut Command, own: OsString) -> io::Error {
    use std::os::unix::process::CommandExt;
    command.arg0(own).exec()
}

/// The state reported to a service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// It serves.
    Ready,
    /// It reads its files again; [`Ready`](Self::Ready) follows.
    Reloading,
    /// It was told to stop.
    Stopping,
}

/// Notifies the service manager, if there is one.
pub fn tell_service_manager(state: ServiceState) -> io::Result<()> {
    match state {
        ServiceState::Ready => sd_notify::notify(&[NotifyState::Ready]),
        ServiceState::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        ServiceState::Reloading => sd_notify::notify(&[
            NotifyState::Reloading,
            NotifyState::monotonic_usec_now().unwrap_or(NotifyState::MonotonicUsec(0)),
        ]),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::sched_getaffinity;

    use super::*;

    fn own() -> Vec<usize> {
        let own = sched_getaffinity(None).unwrap();
        (0..CpuSet::MAX_CPU)
            .filter(|number| own.is_set(*number))
            .collect()
    }

    #[test]
    fn two_threads_have_half_of_the_processors_each_until_it_is_over() {
        let all = own();
        let Some(halves) = Halves::of_this_thread() else {
            assert_eq!(all.len(), 1);
            return;
        };
        let kept = halves.keep();
        let crossed = std::thread::spawn(move || {
            halves.cross();
            own()
        });
        let mut both = [own(), crossed.join().unwrap()].concat();
        both.sort_unstable();
        assert_eq!(both, all);
        drop(kept);
        assert_eq!(own(), all);
    }
}
