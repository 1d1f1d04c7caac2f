//! How much memory the process can still use, on Linux: the free memory of the machine, and what its control groups
//! leave of their limits.

use std::path::Path;

/// Bytes that can still be used; `None` if the system does not tell.
#[must_use]
pub fn available() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| free_on_machine(&text));
    let group = std::fs::read_to_string("/proc/self/cgroup").ok();
    let group = group.and_then(|text| left_in_groups(&text, Path::new("/sys/fs/cgroup")));
    machine.into_iter().chain(group).min()
}

/// `MemAvailable` of /proc/meminfo (proc(5)), which is in KiB.
fn free_on_machine(meminfo: &str) -> Option<u64> {
    let value = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The least that `memory.max` leaves in the group of version 2 that the process is in, or in one
/// above it. The page cache counts as used there, but is given up when it is needed.
fn left_in_groups(cgroup: &str, root: &Path) -> Option<u64> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let group = root.join(path);
    let left = |group: &Path| {
        let read = |name: &str| std::fs::read_to_string(group.join(name)).ok();
        let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
        let cache = read("memory.stat").and_then(|stat| {
            let line = stat
                .lines()
                .find_map(|line| line.strip_prefix("inactive_file "));
            line?.parse::<u64>().ok()
        });
        let used = number("memory.current")?.saturating_sub(cache.unwrap_or(0));
        Some(number("memory.max")?.saturating_sub(used))
    };
    let groups = group
        .ancestors()
        .take_while(|group| group.starts_with(root));
    groups.filter_map(left).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_and_the_groups_leave_is_found() {
        let meminfo = "MemTotal:       16000 kB\nMemFree:  1 kB\nMemAvailable:    8000 kB\n";
        assert_eq!(free_on_machine(meminfo), Some(8000 * 1024));
        assert_eq!(free_on_machine("MemTotal: 1 kB\n"), None);
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("outer/inner");
        std::fs::create_dir_all(&inner).unwrap();
        let write = |group: &Path, name: &str, text: &str| {
            std::fs::write(group.join(name), text).unwrap();
        };
        write(&inner, "memory.max", "max\n");
        write(&inner, "memory.current", "700\n");
        let outer = inner.parent().unwrap();
        write(outer, "memory.max", "1000\n");
        write(outer, "memory.current", "800\n");
        write(outer, "memory.stat", "anon 5\ninactive_file 100\n");
        assert_eq!(left_in_groups("0::/outer/inner\n", root.path()), Some(300));
        assert_eq!(left_in_groups("0::/\n", root.path()), None);
        assert_eq!(left_in_groups("1:memory:/x\n", root.path()), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_may_take_some() {
        assert!(available().is_some_and(|bytes| bytes > 0));
    }
}
