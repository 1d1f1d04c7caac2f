//! Display filters and fields that only Authscope has, and the error messages for mistakes in them.

use crate::inspector::{Done, authscope, piped};

/// The rows that `read` gives with these arguments.
fn rows(capture: &str, arguments: &[&str]) -> Vec<String> {
    let path = crate::inspector::capture(capture);
    let mut all = vec!["read", &path];
    all.extend(arguments);
    let done = authscope(&all);
    assert!(done.code < 2, "{}", done.stderr);
    done.stdout.lines().map(str::to_owned).collect()
}

/// The numbers of the frames that a filter selects.
fn selected(capture: &str, filter: &str) -> String {
    let arguments = ["-Y", filter, "-T", "fields", "-e", "frame.number"];
    rows(capture, &arguments).join(",")
}

fn read(arguments: &[&str]) -> Done {
    let mut all = vec!["read", "captures/lab-report.pcap"];
    all.extend(arguments);
    authscope(&all)
}

#[test]
fn messages_are_found_by_their_fields() {
    for (capture, filter, frames) in [
        ("lab-report.pcap", "reglogin", "4,6,15,17"),
        ("lab-report.pcap", "reglogin.command == 3", "15"),
        (
            "lab-report.pcap",
            "reglogin.command == \"login response\"",
            "17",
        ),
        ("lab-report.pcap", "reglogin.status == success", "6,17"),
        ("lab-report.pcap", "reglogin.status == 0", ""),
        (
            "lab-report.pcap",
            "reglogin.type matches \"^login\"",
            "15,17",
        ),
        (
            "lab-report.pcap",
            "reglogin.request && tcp.stream == 1",
            "15",
        ),
        (
            "lab-report.pcap",
            "reglogin.outcome == \"login success\"",
            "17",
        ),
        (
            "lab-report.pcap",
            "reglogin.username contains \"user\"",
            "4,15",
        ),
        (
            "lab-report.pcap",
            "upper(reglogin.username)[0:4] == \"USER\"",
            "4,15",
        ),
        ("lab-report.pcap", "reglogin.password", "4,15"),
        ("lab-report.pcap", "reglogin.response_in == 6", "4"),
        (
            "lab-report.pcap",
            "reglogin.request and not reglogin.response_in",
            "",
        ),
        ("lab-report.pcap", "reglogin.response_to == 15", "17"),
        (
            "lab-report.pcap",
            "reglogin.time > 0.0001 and reglogin.time < 1",
            "6,17",
        ),
        ("lab-report.pcap", "reglogin.severity == note", "4,15"),
        ("lab-report.pcap", "reglogin.severity >= warning", ""),
        (
            "lab-report.pcap",
            "reglogin.note contains \"filled up\"",
            "4,15",
        ),
        (
            "lab-report.pcap",
            "reglogin.note.group == \"assumption\"",
            "4,15",
        ),
        ("tcp-pipelined.pcap", "count(reglogin.username) == 2", "4"),
        (
            "tcp-pipelined.pcap",
            "reglogin.note.group == \"sequence\"",
            "4",
        ),
        (
            "tcp-half-open.pcap",
            "reglogin.request and not reglogin.response_in",
            "4,6",
        ),
        (
            "tcp-one-octet-segments.pcap",
            "reglogin.fragment == 4",
            "61",
        ),
        (
            "wrong-length-57-of-58.pcap",
            "reglogin.length != 58 and reglogin.request",
            "4",
        ),
        ("wrong-command-5.pcap", "reglogin.command == 5", "4"),
        ("wrong-octets-after-nul.pcap", "reglogin.malformed", "4"),
        ("wrong-status-255.pcap", "reglogin.status == 255", "6"),
        (
            "ipv6-fragments.pcap",
            "reglogin and ipv6.fraghdr.nxt == 6",
            "6",
        ),
    ] {
        assert_eq!(selected(capture, filter), frames, "{capture}: {filter}");
    }
}

#[test]
fn messages_that_are_cut_off_are_selected_too() {
    let arguments = [
        "--messages",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "tcp.port",
    ];
    for (filter, expected) in [
        ("reglogin.note contains \"cut off\"", vec!["4\t40415,8888"]),
        (
            "ip.addr == 192.0.2.0/24 and tcp.dstport == 8888",
            vec!["4\t40415,8888"],
        ),
        (
            "reglogin.type == \"registration request\" and tcp.stream == 0",
            vec!["4\t40415,8888"],
        ),
        // Of what is cut off nobody knows whether the name is one.
        ("reglogin.username == \"alice\"", vec![]),
        ("reglogin.username == \"bob\"", vec![]),
    ] {
        let mut all = arguments.to_vec();
        all.extend(["-Y", filter]);
        assert_eq!(
            rows("capture-ends-in-message.pcap", &all),
            expected,
            "{filter}"
        );
    }
}

#[test]
fn mistakes_are_shown_at_their_place() {
    for (filter, message, mark) in [
        (
            "tcp.prot == 8888",
            "no field is called \"tcp.prot\"; did you mean \"tcp.port\"?",
            "^~~~~~~~",
        ),
        (
            "tcp.port = 8888",
            "to compare, write == (two signs)",
            "         ^",
        ),
        ("tcp.port == 88888", "at most 65535", "            ^~~~~"),
        ("ip.src == ::1", "not an IPv4 address", "          ^~~"),
        (
            "ip.src == \"127.0.0.1\"",
            "without quotes",
            "          ^~~~~~~~~~~",
        ),
        (
            "ip.src contains \"127\"",
            "string(...) makes text of it",
            "^~~~~~",
        ),
        (
            "tcp.analysis.flags == 1",
            "name it alone",
            "^~~~~~~~~~~~~~~~~~",
        ),
        (
            "reglogin.status == yes",
            "failure, success",
            "                   ^~~",
        ),
        (
            "frame.time > yesterday",
            "not a point in time",
            "             ^~~~~~~~~",
        ),
        ("(tcp", "closing parenthesis", "    ^"),
        (
            "lenn(tcp.payload) > 1",
            "did you mean \"len\"?",
            "^~~~~~~~~~~~~~~~~",
        ),
        ("tcp.port[0:2] == 1", "has no slices", "^~~~~~~~"),
        (
            "tcp.flags.str matches \"(\"",
            "not a regular expression: unclosed group",
            "                      ^~~",
        ),
        (
            "ip.src == tcp.port",
            "cannot be compared with a number",
            "          ^~~~~~~~",
        ),
        (
            "reglogin.username == \"ä\" and tcp.prot",
            "did you mean",
            "                             ^~~~~~~~",
        ),
    ] {
        let done = read(&["-Y", filter]);
        assert_eq!(done.code, 2, "{filter}");
        assert_eq!(done.stdout, "");
        let lines: Vec<&str> = done.stderr.lines().collect();
        let [first, shown, marked] = lines.as_slice() else {
            panic!("{filter}: {}", done.stderr);
        };
        assert!(
            first.starts_with("authscope: cannot use the display filter: "),
            "{first}"
        );
        assert!(first.contains(message), "{filter}: {first}");
        assert_eq!(*shown, format!("    {filter}"));
        assert_eq!(*marked, format!("    {mark}"), "{filter}");
    }
}

#[test]
fn a_masked_password_cannot_be_found_out() {
    for filter in [
        "reglogin.password == \"password\"",
        "reglogin.password contains \"p\"",
        "reglogin.password matches \"^p\"",
        "reglogin.password in {\"password\"}",
        "len(reglogin.password) == 8",
        "reglogin.password[0] == 70",
        "upper(reglogin.password) == \"PASSWORD\"",
        "reglogin.username < reglogin.password",
        "not reglogin.password == \"x\"",
    ] {
        let done = read(&["-Y", filter]);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{filter}");
        assert!(
            done.stderr.contains("--show-passwords"),
            "{filter}: {}",
            done.stderr
        );
        // With them shown it is a filter like any other.
        let shown = read(&["-Y", filter, "--show-passwords"]);
        assert!(shown.code < 2, "{filter}: {}", shown.stderr);
    }
    // Nor through bytes of the frame, whether the message is whole in it, in pieces, in
    // fragments, or sent again.
    for capture in [
        "lab-report.pcap",
        "tcp-cut-anywhere.pcap",
        "tcp-one-octet-segments.pcap",
        "ipv4-fragments.pcap",
        "ipv6-fragments.pcap",
        "tcp-retransmission.pcap",
        "tcp-captured-twice.pcap",
    ] {
        let path = crate::inspector::capture(capture);
        let password = if capture == "lab-report.pcap" {
            "word00"
        } else {
            "rect"
        };
        for field in ["frame", "ip", "ipv6", "tcp", "tcp.payload", "reglogin"] {
            for filter in [
                format!("{field} contains \"{password}\""),
                format!("{field} matches \"{password}\""),
            ] {
                let done = authscope(&["read", &path, "-Y", &filter]);
                assert_eq!(done.code, 1, "{capture}: {filter}: {}", done.stdout);
                assert!(done.stderr.contains("count as '*'"), "{}", done.stderr);
            }
        }
        let filter = format!("frame contains \"{}\"", &password[..1]);
        let shown = authscope(&["read", &path, "--show-passwords", "-Y", &filter]);
        assert_eq!(shown.code, 0, "{capture}: {}", shown.stderr);
        for format in ["fields", "csv", "ek"] {
            let fields = [
                "reglogin.password",
                "tcp.payload",
                "frame",
                "tcp",
                "reglogin",
            ];
            let mut arguments = vec!["read", &path, "-T", format];
            arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
            let done = authscope(&arguments);
            let hex = authscope::text::escape::Hex(password.as_bytes()).to_string();
            let said = done.stdout + &done.stderr;
            assert!(said.contains("********"), "{capture}");
            assert!(
                !said.contains(password) && !said.contains(&hex),
                "{capture}: {said}"
            );
        }
    }
}

#[test]
fn what_looks_ahead_is_refused_where_there_is_no_ahead() {
    let done = read_standard_input(&["-Y", "reglogin.response_in == 6"]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("save it as a file"), "{}", done.stderr);
    let done = read_standard_input(&["-Y", "reglogin.response_to == 4"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
}

fn read_standard_input(arguments: &[&str]) -> Done {
    let mut all = vec!["read", "-"];
    all.extend(arguments);
    let output = crate::inspector::command(&all)
        .stdin(piped(std::fs::read("captures/lab-report.pcap").unwrap()))
        .output()
        .unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn fields_are_written_in_three_forms() {
    let fields = [
        "-e",
        "frame.number",
        "-e",
        "tcp.port",
        "-e",
        "reglogin.description",
    ];
    let mut arguments = vec!["-Y", "reglogin.response", "-T", "csv"];
    arguments.extend(fields);
    assert_eq!(
        rows("lab-report.pcap", &arguments),
        [
            "frame.number,tcp.port,reglogin.description",
            "6,\"8888,5893\",Registration successful",
            "17,\"8888,5894\",Login successful",
        ]
    );
    arguments[3] = "ek";
    assert_eq!(
        rows("lab-report.pcap", &arguments)[..2],
        [
            r#"{"index":{"_index":"packets-2024-01-15"}}"#,
            r#"{"timestamp":"1705312800000","layers":{"frame_number":["6"],"tcp_port":["8888","5893"],"reglogin_description":["Registration successful"]}}"#,
        ]
    );
    arguments[3] = "fields";
    arguments.extend(["-E", "header=y,separator=;,occurrence=l"]);
    assert_eq!(
        rows("lab-report.pcap", &arguments),
        [
            "frame.number;tcp.port;reglogin.description",
            "6;5893;Registration successful",
            "17;5894;Login successful",
        ]
    );
    for (arguments, message) in [
        (vec!["-T", "fields"], "none is named"),
        (vec!["-e", "frame.number"], "-T fields"),
        (
            vec!["-T", "fields", "-e", "frame.numbr"],
            "did you mean \"frame.number\"?",
        ),
        (
            vec!["-T", "fields", "-e", "ip", "-E", "colour=y"],
            "separator=",
        ),
        (
            vec!["-T", "fields", "-e", "ip", "-E", "separator=ab"],
            "separator=ab",
        ),
    ] {
        let done = read(&arguments);
        assert_eq!(done.code, 2, "{arguments:?}");
        assert!(done.stderr.contains(message), "{}", done.stderr);
    }
}

#[test]
fn text_from_the_wire_is_escaped() {
    let shown = rows(
        "wrong-text-control-characters.pcap",
        &[
            "-T",
            "fields",
            "-e",
            "reglogin.username",
            "-e",
            "reglogin.note",
            "-Y",
            "reglogin",
        ],
    );
    let all = shown.join("\n");
    assert!(
        !all.chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t'),
        "{all:?}"
    );
    assert!(all.contains("\\u{"), "{all}");
}

#[test]
fn the_list_of_fields_can_be_searched() {
    let done = authscope(&["fields", "tcp.port"]);
    assert_eq!(done.code, 0);
    assert_eq!(
        done.stdout,
        "tcp.port  number  Source and destination port\n"
    );
    let done = authscope(&["fields", "--json", "reglogin.status"]);
    let list: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(list[0]["name"], "reglogin.status");
    assert_eq!(list[0]["type"], "number");
    assert_eq!(list[0]["values"][0]["name"], "failure");
    assert_eq!(authscope(&["fields", "nothing.of.it"]).code, 1);
    assert!(authscope(&["fields"]).stdout.lines().count() > 100);
}

#[test]
fn rows_tell_what_the_tcp_analysis_found() {
    for (capture, frame, finding) in [
        (
            "tcp-zero-window-probe.pcap",
            5,
            "[TCP ZeroWindow] 8888 → 40310 [ACK]",
        ),
        (
            "tcp-zero-window-probe.pcap",
            6,
            "[TCP ZeroWindowProbe] 40310 → 8888",
        ),
        (
            "tcp-captured-twice.pcap",
            6,
            "[TCP Dup ACK 5#1] 40407 → 8888",
        ),
        ("tcp-keep-alive.pcap", 8, "[TCP Keep-Alive] "),
        ("tcp-port-reuse.pcap", 12, "[TCP Port numbers reused] "),
    ] {
        for format in ["table", "text"] {
            let rows = rows(capture, &["-T", format]);
            let number = frame.to_string();
            let row = rows
                .iter()
                .find(|row| row.split_whitespace().next() == Some(&number));
            assert!(
                row.unwrap().contains(finding),
                "{capture} {format}: {rows:#?}"
            );
        }
    }
}
