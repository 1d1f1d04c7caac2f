//! Measures each module between `capture` and `output` in memory. Items are frames, or messages if the name says so.
//! `benches/capture.rs` measures the first module.

use std::hint::black_box;
use std::io::sink;
use std::ops::ControlFlow;

use authscope::capture::{Batch, FileSource, FrameSource, ReadOptions};
use authscope::dissect::judge;
use authscope::filter::{Filter, FilterOptions};
use authscope::output::forms::{FormOptions, form};
use authscope::output::{Context, Group, Rows};
use authscope::packet::{Packet, decode, decode_by_steps};
use authscope::session::summary::Summary;
use authscope::session::{Decoded, FrameRecord, Inspected, Inspector, Options, Sink};
use authscope::stream::{
    Carried, Flow, FlowHasher, FlowTable, Handler, Hint, Interest, SWEEP_EVERY, Side, StreamEvent,
    StreamLimits,
};
use authscope::synth::load::Load;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// 200,000 frames of 6,667 connections, 500 at a time.
fn batches() -> Vec<Batch> {
    let load = Load {
        frames: 200_000,
        connections: 6_667,
        ..Load::default()
    };
    let mut file = Vec::new();
    load.write(&mut file).expect("written to memory");
    let octets: &'static [u8] = file.leak();
    let mut source =
        FileSource::from_reader(octets, ReadOptions::default()).expect("a capture is opened");
    let mut batches = Vec::new();
    loop {
        let mut batch = Batch::default();
        if !source.fill(&mut batch).expect("a sound capture") {
            return batches;
        }
        batches.push(batch);
    }
}

fn frames(batches: &[Batch]) -> ItemsCount {
    ItemsCount::new(
        batches
            .iter()
            .map(|batch| batch.headers.len())
            .sum::<usize>(),
    )
}

#[divan::bench]
fn packet_fast_path(bencher: Bencher<'_, '_>) {
    let batches = batches();
    bencher.counter(frames(&batches)).bench_local(|| {
        for frame in batches.iter().flat_map(Batch::frames) {
            let header = frame.header;
            black_box(decode(header.link, frame.octets, header.wire));
        }
    });
}

/// The general path, which the fast path is compared with.
#[divan::bench]
fn packet_general_path(bencher: Bencher<'_, '_>) {
    let batches = batches();
    bencher.counter(frames(&batches)).bench_local(|| {
        for frame in batches.iter().flat_map(Batch::frames) {
            let header = frame.header;
            black_box(decode_by_steps(header.link, frame.octets, header.wire));
        }
    });
}

/// A handler that takes all bytes and ignores them.
struct Nobody;

impl Handler<()> for Nobody {
    fn interest(&self, _: &Flow<()>) -> Interest {
        Interest {
            octets: true,
            comparison: true,
        }
    }
    fn take(&mut self, _: &mut Flow<()>, _: Side, event: StreamEvent<'_>) {
        black_box(event);
    }
    fn dropped(&mut self, _: &mut Flow<()>, _: u32) {}
}

#[divan::bench]
fn stream_in_order(bencher: Bencher<'_, '_>) {
    let batches = batches();
    let hasher = FlowHasher::default();
    let frames_of = |batch| Batch::frames(batch).collect::<Vec<_>>();
    let all: Vec<_> = batches.iter().flat_map(frames_of).collect();
    let packets: Vec<_> = all
        .iter()
        .map(|frame| decode(frame.header.link, frame.octets, frame.header.wire))
        .collect();
    bencher.counter(frames(&batches)).bench_local(|| {
        let mut table = FlowTable::<()>::new(&[8888], StreamLimits::default());
        for (frame, packet) in all.iter().zip(&packets) {
            let Packet::Tcp(segment) = packet else {
                continue;
            };
            let carried = Carried {
                number: frame.number,
                time: frame.header.time,
                wire: frame.header.wire,
                segment,
                payload: segment.payload(frame.octets),
                packet: frame.octets,
            };
            let key = hasher.key(segment);
            if frame.number.is_multiple_of(SWEEP_EVERY as u64) {
                table.sweep(carried.time, &mut Nobody);
            }
            black_box(table.place(&carried, key, Hint::NONE, &mut Nobody).0);
        }
        for flow in table.begin_finish() {
            table.finish_flow(flow.slot, &mut Nobody);
        }
    });
}

fn inspected(batches: &[Batch], mut with: impl FnMut(&FrameRecord<'_>)) {
    let mut inspector = Inspector::new(&Options::default());
    for frame in batches.iter().flat_map(Batch::frames) {
        with(&inspector.push(frame));
    }
}

#[divan::bench]
fn dissect_judge_messages(bencher: Bencher<'_, '_>) {
    let batches = batches();
    let mut messages = Vec::new();
    inspected(&batches, |record| {
        messages.extend(record.messages.iter().map(|message| message.octets.clone()));
    });
    let count = ItemsCount::new(messages.len());
    bencher.counter(count).bench_local(|| {
        for octets in &messages {
            black_box(judge(octets));
        }
    });
}

/// From decoded frames to paired messages: `stream`, `dissect` and `session`.
#[divan::bench]
fn session_inspect(bencher: Bencher<'_, '_>) {
    let batches = batches();
    bencher.counter(frames(&batches)).bench_local(|| {
        let mut inspector = Inspector::new(&Options::default());
        let decoding = inspector.decoding();
        let (mut decoded, mut inspected) = (Decoded::default(), Inspected::default());
        for batch in &batches {
            decoded.fill(batch, &decoding);
            inspector.inspect(batch, &decoded, &mut inspected);
            black_box(&inspected);
        }
        black_box(inspector.finish());
    });
}

/// Everything up to a record, and a call of `with` for each. The difference from `session_one_by_one` is the time of `with`.
fn records(bencher: Bencher<'_, '_>, mut with: impl FnMut(&FrameRecord<'_>)) {
    let batches = batches();
    bencher
        .counter(frames(&batches))
        .bench_local(|| inspected(&batches, &mut with));
}

#[divan::bench]
fn session_one_by_one(bencher: Bencher<'_, '_>) {
    records(bencher, |record| {
        black_box(record);
    });
}

#[divan::bench]
fn session_summary(bencher: Bencher<'_, '_>) {
    let mut summary = Summary::default();
    records(bencher, |record| summary.record(record));
}

fn fed<S: Sink>(bencher: Bencher<'_, '_>, mut sink: S) {
    records(bencher, |record| {
        let flow = sink.record(record);
        assert!(matches!(flow, Ok(ControlFlow::Continue(()))));
    });
}

#[divan::bench]
fn filter_user_name(bencher: Bencher<'_, '_>) {
    let text = r#"reglogin.username == "alice" && tcp.port == 8888"#;
    let filter = Filter::parse(text, FilterOptions::default()).expect("a right filter");
    let needs = filter.needs();
    let mut context = Context::new(Some(filter), needs, None, false);
    records(bencher, |record| {
        context.advance(record);
        black_box(context.takes(record));
    });
}

/// Messages written in the form with this name.
fn written(bencher: Bencher<'_, '_>, name: &str) {
    let form = form(name).expect("a form of ours");
    let options = FormOptions {
        rows: Rows::Messages,
        ..FormOptions::default()
    };
    let mut group = Group::new(Context::default());
    group.add((form.make)(options, Box::new(sink())));
    fed(bencher, group);
}

#[divan::bench]
fn output_lines_of_messages(bencher: Bencher<'_, '_>) {
    written(bencher, "text");
}

#[divan::bench]
fn output_json_of_messages(bencher: Bencher<'_, '_>) {
    written(bencher, "jsonl");
}
