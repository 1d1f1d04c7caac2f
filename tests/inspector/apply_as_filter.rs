//! The filter beside a line of `read -V --field-names` selects the frame that has the line, as Wireshark's "apply as filter" does.

use std::collections::BTreeMap;

use crate::inspector::{authscope, capture, captures};

/// A frame's number, and the filters beside its lines.
type Lines = Vec<(u64, Vec<String>)>;

fn filters(out: &str) -> Lines {
    let mut frames = Lines::new();
    for line in out.lines() {
        if let Some(rest) = line.strip_prefix("Frame ") {
            let number = rest.split([':', ',']).next().expect("a part");
            frames.push((number.parse().expect("a number"), Vec::new()));
        }
        if let (Some((_, filter)), Some((_, own))) = (line.rsplit_once("  ("), frames.last_mut()) {
            let filter = filter.strip_suffix(')').expect("a filter in parentheses");
            own.push(filter.to_owned());
        }
    }
    frames
}

/// The filters of a capture's first frames, each once, with the frames that it stands in.
fn by_filter(frames: &Lines) -> BTreeMap<&str, Vec<u64>> {
    let mut all: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (number, filters) in frames {
        for filter in filters {
            let frames = all.entry(filter).or_default();
            if frames.last() != Some(number) {
                frames.push(*number);
            }
        }
    }
    all
}

/// How many filters of each kind of field are tried in a capture.
const OF_A_FIELD: usize = 2;

#[test]
fn each_lines_filter_selects_its_frame() {
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for name in captures() {
        let path = capture(&name);
        let done = authscope(&["read", "-V", "--field-names", "--frames", &path]);
        let frames = filters(&done.stdout);
        let mut of_field: BTreeMap<&str, usize> = BTreeMap::new();
        for (filter, stands_in) in by_filter(&frames) {
            let field = filter.split(' ').next().expect("a field");
            let count = of_field.entry(field).or_default();
            *count += 1;
            // A value more of a field that was tried in other captures tells nothing.
            if *count > OF_A_FIELD || tried.get(field).is_some_and(|tried| *tried > 40) {
                continue;
            }
            *tried.entry(field.to_owned()).or_default() += 1;
            let found = authscope(&["read", "-V", "-Y", filter, "--frames", &path]);
            let selected: Vec<u64> = filters(&found.stdout)
                .into_iter()
                .map(|(frame, _)| frame)
                .collect();
            for frame in stands_in {
                assert!(
                    selected.contains(&frame),
                    "{name}: {filter} stands in frame {frame}, selects {selected:?}: {}",
                    found.stderr
                );
            }
        }
    }
    for field in [
        "ip.src",
        "ipv6.dst",
        "tcp.flags",
        "frame.time",
        "reglogin.username",
        "reglogin.response_in",
    ] {
        assert!(tried.contains_key(field), "{field} stands beside no line");
    }
}

#[test]
fn no_password_stands_in_a_filter_unless_it_is_asked_for() {
    let path = capture("in-order.pcap");
    let read = ["read", "-V", "--field-names", &path];
    let hidden = authscope(&read).stdout;
    assert!(
        hidden.contains("Password: ********  (reglogin.password)\n"),
        "{hidden}"
    );
    let shown = authscope(&[&read[..], &["--show-passwords"]].concat()).stdout;
    assert!(shown.contains("  (reglogin.password == \""), "{shown}");
}
