//! Ctrl-C and SIGTERM: no further connections are accepted, requests in progress are answered, and the exit code is 0.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::programs::{Place, described, receive, request};
use authscope::protocol::Action;
use rustix::process::Signal;

#[test]
fn what_is_in_flight_is_answered() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let mut server = place.start(&["--log-level", "debug"]);
        let mut idle = server.connect();
        let mut busy: Vec<TcpStream> = (0..20)
            .map(|n| {
                let mut stream = server.connect();
                let request = request(Action::Register, &format!("user{n}"), "secret");
                stream.write_all(request.as_ref()).unwrap();
                stream
            })
            .collect();
        // What is sent on a connection that the server has accepted is answered.
        server.wait_for("connection opened conn=21 ");
        assert_eq!(described(&receive(&mut busy[0])), "yes: registered");
        server.signal(signal);
        for stream in &mut busy[1..] {
            assert_eq!(described(&receive(stream)), "yes: registered");
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
        assert_eq!(idle.read(&mut [0]).unwrap(), 0);
        server.wait_for("stopped");
        assert_eq!(server.stop_status(), Some(0));
        assert!(TcpStream::connect(server.address).is_err());
        assert_eq!(crate::programs::users(&place.passwd()).len(), 20);
    }
}

#[test]
fn a_half_sent_request_does_not_hold_up_the_end() {
    let place = Place::new();
    let mut server = place.start(&["--log-level", "debug"]);
    let mut stream = server.connect();
    stream.write_all(&[0, 0, 0, 58]).unwrap();
    server.wait_for("connection opened");
    assert_eq!(server.stop().code(), Some(0));
}
