//! What users of tshark type, and what is done then.

use std::ffi::OsString;

use clap::CommandFactory;

use super::translate;

fn understood(typed: &str) -> Result<String, String> {
    let mut given = vec![OsString::from("authscope")];
    given.extend(
        typed
            .split_ascii_whitespace()
            .map(|word| OsString::from(word.replace('~', " "))),
    );
    let translated = translate(given, &crate::cli::Cli::command())?;
    let shown = translated.arguments[1..]
        .iter()
        .map(|one| one.to_string_lossy());
    Ok(shown.collect::<Vec<_>>().join(" "))
}

#[test]
fn what_users_of_tshark_type_is_understood() {
    for (typed, is) in [
        ("a.pcap", "read --exchanges-of-files a.pcap"),
        ("-r a.pcap", "read a.pcap"),
        ("-ra.pcap", "read a.pcap"),
        ("-nra.pcap", "read a.pcap"),
        ("-nn -r a.pcap -V", "read -V a.pcap"),
        ("-Vnr a.pcap", "read -V a.pcap"),
        ("-V -r a.pcap", "read -V a.pcap"),
        ("-V", "-V"),
        ("-v", "--version"),
        ("-D", "interfaces"),
        (
            "-n -r a.pcap -Y reglogin -T fields -e frame.number",
            "read -Y reglogin -T fields -e frame.number a.pcap",
        ),
        (
            "-r a.pcap -Tfields -eframe.number",
            "read -T fields -e frame.number a.pcap",
        ),
        (
            "-r a.pcap reglogin.status == 0",
            "read -Y reglogin.status == 0 a.pcap",
        ),
        (
            "-r a.pcap reglogin.status~==~0",
            "read -Y reglogin.status == 0 a.pcap",
        ),
        (
            "a.pcap reglogin.status~==~0",
            "read -Y reglogin.status == 0 a.pcap",
        ),
        ("read a.pcap reglogin", "read -Y reglogin a.pcap"),
        (
            "a.pcap b.pcapng",
            "read --exchanges-of-files a.pcap b.pcapng",
        ),
        ("-r a.pcap -t ad -l -2", "read -t ad a.pcap"),
        ("-tad -r a.pcap", "read -t ad a.pcap"),
        ("-r a.pcap -q -z conv,tcp", "read -q --stats a.pcap"),
        ("-qz io,stat,0 -r a.pcap", "read -q --stats a.pcap"),
        (
            "-r a.pcap -qz follow,tcp,hex,3",
            "follow --stream 3 -T hex -- a.pcap",
        ),
        ("-r a.pcap -O reglogin", "read -V a.pcap"),
        ("-i lo", "live -i lo"),
        ("-ilo", "live -i lo"),
        ("-i lo -f tcp~port~9999", "live -i lo -f tcp port 9999"),
        ("-i lo -p", "live -i lo --no-promiscuous"),
        ("-i lo -p 9999", "live -i lo -p 9999"),
        ("-i lo -c 5 tcp port 9999", "live -i lo -c 5 tcp port 9999"),
        ("-c 5", "live -c 5"),
        ("live lo tcp port 9999", "live lo tcp port 9999"),
        ("-r a.pcap -p", "read a.pcap"),
        ("-p 9999 -r a.pcap", "read -p 9999 a.pcap"),
        ("-L my.toml -r a.pcap", "read -L my.toml a.pcap"),
        ("-r a.pcap --color", "read --color=always a.pcap"),
        (
            "-r a.pcap -o tls.keylog_file:k.log",
            "read --tls-keylog k.log a.pcap",
        ),
        ("stats -r a.pcap", "stats a.pcap"),
        ("follow -n -r a.pcap -s 3", "follow -s 3 a.pcap"),
        ("stats a.pcap", "stats a.pcap"),
        ("raed a", "raed a"),
    ] {
        assert_eq!(understood(typed).as_deref(), Ok(is), "{typed}");
    }
}

#[test]
fn what_cannot_be_done_is_told_in_a_line() {
    for (typed, part) in [
        ("-i lo -L", "-L"),
        ("-r a.pcap -i lo", "one of them"),
        ("-r a.pcap -R tcp", "-Y"),
        ("-r a.pcap -T psml", "-T csv"),
        ("-r a.pcap -X lua_script:x.lua", "-L"),
        ("-r a.pcap -z http,tree", "authscope stats"),
        ("-r", "needs a value"),
        ("read -i lo", "authscope live"),
        ("-r a.pcap -Y tcp reglogin", "&&"),
    ] {
        let told = understood(typed).expect_err(typed);
        assert!(
            told.contains(part) && !told.contains('\n'),
            "{typed}: {told}"
        );
    }
}
