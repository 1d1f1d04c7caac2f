//! Live capture on the loopback interface. Needs the privilege to capture; without it, the tests print that they were
//! skipped.
#![cfg(feature = "live")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::libpcap::Libpcap;
use crate::need::skip;
use authscope::capture::live::{LiveOptions, LiveSource, interfaces, provide};
use authscope::capture::{AsideContent, Batch, FrameSource, Stop};

/// Opens a capture, or says loudly that the test is skipped.
fn capture(options: &LiveOptions) -> Option<LiveSource> {
    provide(&Libpcap);
    match LiveSource::open(options) {
        Ok(source) => Some(source),
        Err(error) if error.to_string().contains("permission denied") => {
            assert!(error.to_string().contains("setcap cap_net_raw"), "{error}");
            skip("capture", error);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Opens a connection to `listener`, sends `octets` and closes it.
fn talk(listener: &TcpListener, octets: &[u8]) {
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(octets).unwrap();
    let mut read = vec![0; octets.len()];
    server.read_exact(&mut read).unwrap();
}

/// Does `open` while others send on the loopback interface, which they do before the filter is set, too.
fn among_others<T>(open: impl FnOnce() -> T) -> T {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let opened = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now(); // Ends as well if `open` panics.
            while !opened.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(10) {
                other.send_to(b"other", address).unwrap();
            }
        });
        let result = open();
        opened.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn frames_of_the_watched_ports_arrive_and_a_stop_ends_it() {
    let listeners: Vec<TcpListener> = ["127.0.0.1:0", "[::1]:0"]
        .iter()
        .filter_map(|address| match TcpListener::bind(address) {
            Ok(listener) => Some(listener),
            Err(error) => {
                skip("ipv6", format!("{address}: {error}"));
                None
            }
        })
        .collect();
    let unwatched = TcpListener::bind("127.0.0.1:0").unwrap();
    let stop = Stop::default();
    let options = LiveOptions {
        ports: listeners
            .iter()
            .map(|l| l.local_addr().unwrap().port())
            .collect(),
        stop: stop.clone(),
        ..LiveOptions::default()
    };
    let Some(mut source) = capture(&options) else {
        return;
    };
    let counters = source.counters();
    let large = vec![b'L'; 200_000];
    for (n, listener) in listeners.iter().enumerate() {
        talk(listener, format!("MARK{n}").as_bytes());
        talk(listener, &large);
    }
    talk(&unwatched, b"UNWATCHED");
    stop.ask();

    let (mut batch, mut octets, mut numbers) = (Batch::default(), Vec::<u8>::new(), Vec::new());
    let (mut interfaces, mut last) = (0, 0);
    loop {
        let more = source.fill(&mut batch).unwrap();
        for frame in batch.frames() {
            numbers.push(frame.number);
            octets.extend_from_slice(frame.octets);
            assert_eq!(frame.header.wire, frame.header.captured);
            assert!(frame.header.time.0 >= last, "time goes backwards");
            last = frame.header.time.0;
        }
        interfaces += batch
            .asides
            .iter()
            .filter(|a| matches!(a.what, AsideContent::Interface(_)))
            .count();
        if !more {
            // The last that a writer gets are the kernel's counts.
            let last = batch.asides.last().map(|aside| &aside.what);
            assert!(
                matches!(last, Some(AsideContent::Block { kind: 5, .. })),
                "{last:?}"
            );
            break;
        }
    }
    let has = |words: &[u8]| octets.windows(words.len()).any(|window| window == words);
    for n in 0..listeners.len() {
        assert!(has(format!("MARK{n}").as_bytes()));
    }
    assert!(!has(b"UNWATCHED"), "the filter lets other ports through");
    let sent = memchr::memchr_iter(b'L', &octets).count();
    assert!(sent >= 200_000 * listeners.len());
    assert_eq!(interfaces, 1);
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64));
    assert!(counters.received() >= numbers.len() as u64);
    assert_eq!(counters.dropped(), 0);
    // Nanoseconds since 1970, not microseconds in their place: later than 2020.
    assert!(last > 1_577_836_800 * 1_000_000_000, "{last}");
    assert!(matches!(source.fill(&mut batch), Ok(false)));
}

#[test]
fn what_had_arrived_is_given_after_a_stop_however_long_it_takes() {
    const DATAGRAMS: usize = 12_000; // More than a batch holds.
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    let stop = Stop::default();
    let options = LiveOptions {
        filter: Some(format!("udp port {}", address.port())),
        // libpcap's blocks of 256 KiB are closed every few milliseconds, however little is in them:
        // enough of them for a sender that takes a second.
        buffer: 64 << 20,
        stop: stop.clone(),
        ..LiveOptions::default()
    };
    let Some(mut source) = among_others(|| capture(&options)) else {
        return;
    };
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..DATAGRAMS {
        sender.send_to(b"datagram", address).unwrap();
    }
    stop.ask();
    let (mut batch, mut frames) = (Batch::default(), 0);
    while source.fill(&mut batch).unwrap() {
        frames += batch.headers.len();
        // Longer than a stop waits for frames that the kernel gathers.
        std::thread::sleep(Duration::from_millis(30));
    }
    frames += batch.headers.len();
    assert_eq!(source.counters().dropped(), 0);
    assert_eq!(frames, DATAGRAMS);
    // The kernel's buffer held each of them once, not as sent and as received.
    if cfg!(target_os = "linux") {
        assert_eq!(source.counters().received(), DATAGRAMS as u64);
    }
}

#[test]
fn frames_wait_by_their_octets_where_nobody_asks_for_them() {
    const DATAGRAMS: usize = 1000;
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    let stop = Stop::default();
    let Some(mut source) = capture(&LiveOptions {
        filter: Some(format!("udp port {}", address.port())),
        stop: stop.clone(),
        ..LiveOptions::default()
    }) else {
        return;
    };
    // Little, but for so long that the kernel closes more blocks than its buffer has.
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..DATAGRAMS {
        sender.send_to(b"datagram", address).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    stop.ask();
    let (mut batch, mut frames) = (Batch::default(), 0);
    while source.fill(&mut batch).unwrap() {
        frames += batch.headers.len();
    }
    frames += batch.headers.len();
    assert_eq!((frames, source.counters().dropped()), (DATAGRAMS, 0));
}

#[test]
fn errors_say_what_to_do() {
    let options = |filter: Option<&str>, interface: Option<&str>| LiveOptions {
        filter: filter.map(str::to_owned),
        interface: interface.map(str::to_owned),
        ..LiveOptions::default()
    };
    if capture(&LiveOptions::default()).is_none() {
        return;
    }
    let error = LiveSource::open(&options(Some("tcp prot 80"), None))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("\"tcp prot 80\"") && error.contains("syntax error"),
        "{error}"
    );
    let error = LiveSource::open(&options(None, Some("nonesuch0")))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.starts_with(
            "cannot capture on \"nonesuch0\": there is no such interface. Choose one of: "
        ),
        "{error}"
    );
    let loopback = interfaces()
        .unwrap()
        .into_iter()
        .find(|i| i.loopback)
        .unwrap();
    assert!(error.contains(&loopback.name), "{error}");
    assert!(loopback.up);
}
