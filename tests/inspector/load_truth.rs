//! The load generator's list of what it wrote agrees with what the inspector finds in its captures.

use std::convert::Infallible;
use std::ops::ControlFlow;

use authscope::capture::{ReadOptions, open};
use authscope::dissect::Message;
use authscope::protocol::Command;
use authscope::session::{FrameRecord, Inspector, Options, Remainder, Sink, run};
use authscope::synth::load::{Load, Truth};

#[derive(Default)]
struct Count {
    truth: Truth,
    wrong: Vec<String>,
}

impl Count {
    fn message(&mut self, message: &Message) {
        let truth = &mut self.truth;
        truth.messages += 1;
        match message.command() {
            Command::RegistrationRequest => truth.registration_requests += 1,
            Command::RegistrationResponse => truth.registration_responses += 1,
            Command::LoginRequest => truth.login_requests += 1,
            Command::LoginResponse => truth.login_responses += 1,
            Command::Unknown(code) => self.wrong.push(format!("command {code}")),
        }
        match message.view().status() {
            Some(1) => truth.successes += 1,
            Some(0) => truth.failures += 1,
            Some(other) => self.wrong.push(format!("status {other}")),
            None => {}
        }
    }
}

impl Sink for Count {
    type Error = Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Infallible> {
        self.truth.frames += 1;
        for message in record.messages {
            self.message(message);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Infallible> {
        for message in remainder.messages {
            self.message(message);
        }
        self.truth.streams = remainder.totals.streams;
        Ok(())
    }
}

fn check(load: &Load) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.pcap");
    let truth = load.write(std::fs::File::create(&path).unwrap()).unwrap();
    assert_eq!(truth.octets, std::fs::metadata(&path).unwrap().len());
    let source = open(&path, ReadOptions::default()).unwrap();
    let inspector = Inspector::new(&Options::default());
    let mut found = Count::default();
    let Ok(errors) = run(Box::new(source), inspector, &mut found, 1);
    assert!(errors.is_empty());
    assert_eq!(found.wrong, [""; 0]);
    // What no reader can count.
    found.truth.octets = truth.octets;
    found.truth.background_frames = truth.background_frames;
    found.truth.lost_messages = truth.lost_messages;
    assert_eq!(found.truth, truth);
}

#[test]
fn a_smooth_load() {
    check(&Load {
        frames: 20_000,
        connections: 700,
        ..Load::default()
    });
}

#[test]
fn a_rough_load() {
    check(&Load {
        frames: 30_000,
        connections: 700,
        sizes: vec![20, 7, 1460],
        reorder: 0.1,
        loss: 0.1,
        background: 0.3,
        ..Load::default()
    });
}

#[test]
fn a_load_with_gaps() {
    check(&Load {
        frames: 20_000,
        connections: 700,
        gaps: 0.05,
        ..Load::default()
    });
}

#[test]
fn a_load_left_open_among_other_traffic() {
    check(&Load {
        frames: 30_000,
        connections: 500,
        background: 0.9,
        open: true,
        ..Load::default()
    });
}
