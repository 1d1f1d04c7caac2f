//! The protocols `geninfo` and `frame`, as Wireshark 4.0 names and describes them.

use std::fmt::Write as _;

use super::{Tree, bytes};

/// Writes `geninfo`: the frame's number, sizes and time.
pub(super) fn general(tree: &mut Tree<'_>) {
    let header = *tree.view.record.frame.header;
    let size = header.captured as usize;
    let number = tree.view.record.frame.number;
    let time = tree.shown("frame.time", 0).unwrap_or_default();
    tree.protocol("geninfo", "General information", (0, size), |tree| {
        let mut one = |name: &str, showname: &str, show: &str, value: String| {
            tree.indent();
            let _ = writeln!(
                tree.text,
                "<field name=\"{name}\" pos=\"0\" show=\"{show}\" showname=\"{showname}\" value=\"{value}\" size=\"{size}\"/>"
            );
        };
        let hex = |number: u64| format!("{number:x}");
        one("num", "Number", &number.to_string(), hex(number));
        let wire = u64::from(header.wire);
        one("len", "Frame Length", &wire.to_string(), hex(wire));
        let captured = u64::from(header.captured);
        let shown = captured.to_string();
        one("caplen", "Captured Length", &shown, hex(captured));
        one("timestamp", "Captured Time", &time, header.time.to_string());
    });
}

/// Writes `frame`.
pub(super) fn frame(tree: &mut Tree<'_>) {
    let frame = tree.view.record.frame;
    let (wire, captured) = (frame.header.wire, frame.header.captured);
    let bits = |count: u32| u64::from(count) * 8;
    let showname = format!(
        "Frame {}: {} on wire ({} bits), {} captured ({} bits)",
        frame.number,
        bytes(wire),
        bits(wire),
        bytes(captured),
        bits(captured)
    );
    let size = captured as usize;
    tree.protocol("frame", &showname, (0, size), |tree| {
        let seconds = |label: &'static str| move |show: &str| format!("{label}: {show} seconds");
        tree.generated("frame.time", 0, |show| format!("Arrival Time: {show}"));
        let shift = "Time shift for this packet: 0.000000000 seconds";
        tree.fixed("frame.offset_shift", shift, 0, "0.000000000");
        for (name, label) in [
            ("frame.time_epoch", "Epoch Time"),
            (
                "frame.time_delta",
                "Time delta from previous captured frame",
            ),
            (
                "frame.time_delta_displayed",
                "Time delta from previous displayed frame",
            ),
            ("frame.time_relative", "Time since reference or first frame"),
        ] {
            tree.generated(name, 0, seconds(label));
        }
        if tree.tells_file {
            tree.generated("frame.file", 0, |show| format!("File: {show}"));
        }
        tree.generated("frame.number", 0, |show| format!("Frame Number: {show}"));
        let length = |label: &'static str, count: u32| {
            move |_: &str| format!("{label}: {} ({} bits)", bytes(count), bits(count))
        };
        tree.generated("frame.len", 0, length("Frame Length", wire));
        tree.generated("frame.cap_len", 0, length("Capture Length", captured));
        tree.fixed("frame.marked", "Frame is marked: False", 0, "0");
        tree.fixed("frame.ignored", "Frame is ignored: False", 0, "0");
        tree.generated("frame.protocols", 0, |show| {
            format!("Protocols in frame: {show}")
        });
    });
}
