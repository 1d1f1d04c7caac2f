//! The generated captures: what each holds and how a right reading of it comes out.

mod lab;

use authscope::capture::LinkType;
use authscope::protocol::Command;
use authscope::synth::{Frame, PcapForm, Side, SynthError, write_pcap};
use serde_json::{Map, Value, json};

/// A message that a right reading finds: the frame (from 1) that made its last octet available,
/// its TCP stream (from 0), the sender and the command.
pub type Message = (usize, usize, Side, Command);

/// One capture file and the right answer.
pub struct Case {
    /// File name in `captures/`.
    pub file: &'static str,
    /// What it holds, in a sentence.
    pub holds: &'static str,
    /// What a right reading says besides the counts.
    pub answer: &'static str,
    /// The file.
    pub octets: Vec<u8>,
    /// Frames in it.
    pub frames: usize,
    /// TCP connections in it.
    pub streams: usize,
    /// RegLogin messages, in order of frames.
    pub messages: Vec<Message>,
    /// Streams of other protocols: TCP stream and the protocol's name.
    pub others: Vec<(usize, &'static str)>,
    /// What goes wrong in the end; the file is cut off or damaged on purpose.
    pub damaged: bool,
}

impl Case {
    /// A sound capture of RegLogin alone.
    fn new(
        file: &'static str,
        [holds, answer]: [&'static str; 2],
        octets: Vec<u8>,
        [frames, streams]: [usize; 2],
        messages: &[Message],
    ) -> Self {
        Self {
            file,
            holds,
            answer,
            octets,
            frames,
            streams,
            messages: messages.to_vec(),
            others: Vec::new(),
            damaged: false,
        }
    }
}

/// All generated captures, in the order of the README's table.
pub fn all() -> Result<Vec<Case>, SynthError> {
    let mut cases = Vec::new();
    lab::add(&mut cases)?;
    Ok(cases)
}

/// The machine-readable answers, a line a message.
pub fn expected_json(cases: &[Case]) -> String {
    let files: Vec<String> = cases.iter().map(expected).collect();
    format!("{{\n{}\n}}\n", files.join(",\n"))
}

fn expected(case: &Case) -> String {
    let messages: Vec<String> = case
        .messages
        .iter()
        .map(|(frame, stream, side, command)| {
            let from = match side {
                Side::Client => "client",
                Side::Server => "server",
            };
            let message = json!({
                "frame": frame,
                "stream": stream,
                "from": from,
                "type": command.name(),
            });
            format!("\n      {message}")
        })
        .collect();
    let others: Map<String, Value> = case
        .others
        .iter()
        .map(|(stream, name)| (stream.to_string(), json!(name)))
        .collect();
    format!(
        "  {}: {{\n    \"frames\": {}, \"streams\": {}, \"damaged\": {}, \"others\": {},\n    \
         \"messages\": [{}]\n  }}",
        json!(case.file),
        case.frames,
        case.streams,
        case.damaged,
        json!(others),
        messages.join(",")
    )
}

const BEGIN: &str = "<!-- generated table: begin -->\n";
const END: &str = "<!-- generated table: end -->";

/// The README with its table made again.
pub fn readme(text: &str, cases: &[Case]) -> Result<String, String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("README.md has no line that begins the generated table")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("README.md has no line that ends the generated table")?;
    let mut table = String::from(
        "| file | what it holds | frames | streams | messages | the right answer |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for case in cases {
        let Case {
            file,
            holds,
            answer,
            frames,
            streams,
            messages,
            ..
        } = case;
        table += &format!(
            "| `{file}` | {holds} | {frames} | {streams} | {} | {answer} |\n",
            messages.len()
        );
    }
    Ok([before, BEGIN, &table, END, after].concat())
}

/// A file as tcpdump writes it.
fn usual(link: LinkType, frames: &[Frame]) -> Vec<u8> {
    write_pcap(&PcapForm::usual(link), frames)
}
