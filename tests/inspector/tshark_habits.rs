//! Commands that users of tshark type work, or an error of one line says what to type instead.

use crate::inspector::{authscope, capture};

#[test]
fn lines_of_tshark_show_what_ours_show() {
    let lab = &capture("lab-report.pcap");
    let attached = &format!("-r{lab}");
    for (typed, ours) in [
        (&["-r", lab][..], &["read", lab][..]),
        (&[attached], &["read", lab]),
        (&["-n", "-r", lab], &["read", lab]),
        (&["-nn", "-l", "-2", "-r", lab], &["read", lab]),
        (&["-nr", lab, "-V"], &["read", lab, "-V"]),
        (&["-Vr", lab], &["read", lab, "-V"]),
        (&["-p", "-r", lab], &["read", lab]),
        (&["-t", "ad", "-r", lab], &["read", lab, "-t", "absolute"]),
        (&["-tud", "-r", lab], &["read", lab, "-t", "utc"]),
        (&["-r", lab, "reglogin"], &["read", lab, "-Y", "reglogin"]),
        (
            &["-r", lab, "reglogin.status", "==", "1"],
            &["read", lab, "-Y", "reglogin.status == 1"],
        ),
        (
            &[lab, "reglogin.status == 1"],
            &["read", lab, "-Y", "reglogin.status == 1"],
        ),
        (
            &["-r", lab, "-Tfields", "-eframe.number", "-Y", "reglogin"],
            &[
                "read",
                lab,
                "-T",
                "fields",
                "-e",
                "frame.number",
                "-Y",
                "reglogin",
            ],
        ),
        (&["-qz", "conv,tcp", "-r", lab], &["stats", lab]),
        (
            &["-r", lab, "-q", "-z", "follow,tcp,hex,0"],
            &["follow", lab, "--stream", "0", "-T", "hex"],
        ),
        (&["stats", "-r", lab], &["stats", lab]),
        (&["-D"], &["interfaces"]),
        (&["-v"], &["--version"]),
        (&["-V"], &["--version"]),
    ] {
        let [typed_done, ours_done] = [typed, ours].map(authscope);
        assert_eq!(
            typed_done.code, ours_done.code,
            "{typed:?}: {}",
            typed_done.stderr
        );
        assert_eq!(typed_done.stdout, ours_done.stdout, "{typed:?}");
    }
}

#[test]
fn what_means_something_else_is_said_beside_it() {
    let lab = &capture("lab-report.pcap");
    for (typed, ours, said) in [
        (
            &["-r", lab, "-O", "reglogin"][..],
            &["read", "-V", lab][..],
            "-V shows",
        ),
        (
            &["-r", lab, "--disable-heuristic", "smpp_tcp"],
            &["read", lab],
            "recognised",
        ),
        (&["-r", lab, "-N", "m"], &["read", lab], "no names"),
    ] {
        let [typed_done, ours_done] = [typed, ours].map(authscope);
        assert_eq!(
            (typed_done.code, &typed_done.stdout),
            (0, &ours_done.stdout),
            "{typed:?}"
        );
        assert_eq!(
            typed_done.stderr.lines().count(),
            1,
            "{}",
            typed_done.stderr
        );
        assert!(typed_done.stderr.contains(said), "{}", typed_done.stderr);
    }
}

#[test]
fn what_cannot_be_done_is_told_in_one_line() {
    let lab = &capture("lab-report.pcap");
    for (typed, ours) in [
        (&["-i", "lo", "-L"][..], "-L FILE"),
        (&["-r", lab, "-R", "tcp", "-2"], "-Y FILTER"),
        (&["-r", lab, "-f", "tcp"], "-Y FILTER"),
        (&["-r", lab, "-T", "psml"], "-T csv"),
        (&["-r", lab, "-z", "http,tree"], "authscope stats"),
        (&["-r", lab, "-X", "lua_script:x.lua"], "-L FILE"),
        (&["-r", lab, "-i", "lo"], "authscope live"),
        (&["-G", "fields"], "authscope fields"),
        (&["live", "nosuchinterface"], "authscope interfaces"),
        (&["-r", lab, "-Y", "tcp", "reglogin"], "&&"),
        (&["-r"], "needs a value"),
    ] {
        let done = authscope(typed);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{typed:?}");
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.contains(ours), "{}", done.stderr);
    }
}
