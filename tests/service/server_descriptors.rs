//! When the system gives no more descriptors, accepting pauses and goes on; the server does not
//! end and does not spin.

use std::io::Write;

use crate::programs::{Place, described, receive, request};
use authscope::protocol::Action;

/// Clock ticks of processor time that the process has used.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process's times");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .expect("fields")
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().expect("user time") + fields[12].parse::<u64>().expect("system time")
}

#[test]
fn accepting_pauses_and_goes_on() {
    let place = Place::new();
    let mut server = place.start_under("ulimit -n 40", &[]);
    assert!(
        server.log().contains("fewer open files are allowed"),
        "{}",
        server.log()
    );
    let mut streams: Vec<_> = (0..60).map(|_| server.connect()).collect();
    server.wait_for("accepting pauses");
    let before = ticks(server.pid());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let used = ticks(server.pid()) - before;
    assert!(used < 50, "{used} ticks in a second of pause");
    // Who is connected is served.
    let login = request(Action::Login, "a", "x");
    streams[0].write_all(login.as_ref()).unwrap();
    assert_eq!(described(&receive(&mut streams[0])), "no: no such user");
    // Who waits is served when others go.
    let mut last = streams.pop().unwrap();
    drop(streams);
    last.write_all(login.as_ref()).unwrap();
    assert_eq!(described(&receive(&mut last)), "no: no such user");
    server.wait_for("accepting again");
    let pauses = server.log().matches("accepting pauses").count();
    assert!(pauses < 10, "{pauses} pauses");
    assert_eq!(server.stop().code(), Some(0));
}
