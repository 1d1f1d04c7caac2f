//! Every alert of TLS has the name that Wireshark gives it.

use crate::tls::{Sessions, inspect, text};
use crate::tshark::Tshark;
use crate::wire::{End, Flights, capture, conversation};

#[test]
fn alerts_are_named_as_wireshark_names_them() {
    let Some(tshark) = Tshark::find() else { return };
    let sessions = Sessions::new();
    // What the client says first, and an alert for an answer.
    let (from, hello) = &sessions.flights[0][0];
    assert_eq!(*from, End::Client);
    let refused = |description: u8| -> Flights {
        let alert = vec![21, 3, 3, 0, 2, 2, description];
        vec![(End::Client, hello.clone()), (End::Server, alert)]
    };
    let talks: Vec<_> = (0..=u8::MAX)
        .map(|description| conversation(description.into(), &refused(description)))
        .collect();
    let path = sessions.write("alerts.pcap", &capture(&talks.iter().collect::<Vec<_>>()));
    let keys = sessions.all_keys();
    let theirs = tshark.plain(
        &path,
        &[
            "-Y",
            "tls.alert_message",
            "-T",
            "fields",
            "-e",
            "_ws.col.Info",
        ],
    );
    let done = inspect(&[
        "read",
        "-T",
        "text",
        "--frames",
        "--tls-keylog",
        text(&keys),
        text(&path),
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let name = |line: &str, before: &str| -> Option<String> {
        let (_, name) = line.split_once(before)?;
        Some(name.split(')').next()?.to_owned())
    };
    let theirs: Vec<_> = theirs
        .lines()
        .filter_map(|line| name(line, "Description: "))
        .collect();
    let ours: Vec<_> = done
        .stdout
        .lines()
        .filter_map(|line| name(line, "Alert ("))
        .collect();
    assert_eq!(theirs.len(), 256);
    assert_eq!(ours, theirs);
}
