//! One run of tshark over a capture gives the frames that many filters select, and the values of many fields.

pub mod tables;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use crate::kept::answer;
use crate::need::skip;
use authscope::capture::{ReadOptions, open_all};
use authscope::filter::{Filter, FilterOptions, Needs};
use authscope::output::Context;
use authscope::session::{FrameRecord, Inspector, Options, Remainder, Sink, run};

/// What tshark says of one capture.
pub struct Witness {
    /// For each filter the numbers of the frames that it selects, with commas between them.
    pub selected: Vec<String>,
    /// A line a frame, with tabs between the fields.
    pub rows: Vec<String>,
}

/// Whether tshark can be asked; says loudly where it cannot.
pub fn is_there() -> bool {
    let there = Command::new("tshark").arg("--version").output().is_ok();
    if !there {
        skip("tshark", "apt-get install tshark");
    }
    there
}

/// Asks tshark. A listener is put up for each filter by a script, so that one run answers all.
pub fn ask(capture: &Path, filters: &[&str], fields: &[&str], options: &[&str]) -> Witness {
    let question = [
        &["witness"],
        filters,
        &["fields"],
        fields,
        &["options"],
        options,
    ]
    .concat();
    let said = answer(capture, &question, || {
        run_tshark(capture, filters, fields, options)
    });
    let (answers, rows) = said.split_once(BETWEEN).expect("answers and rows");
    let mut selected = vec![None; filters.len()];
    for line in answers.lines() {
        let (index, frames) = line.split_once(' ').unwrap();
        selected[index.parse::<usize>().unwrap()] = Some(frames.to_owned());
    }
    Witness {
        selected: selected.into_iter().map(Option::unwrap).collect(),
        rows: rows.lines().map(str::to_owned).collect(),
    }
}

/// Stands between what the filters select and the rows of fields.
const BETWEEN: &str = "\n--\n";

/// What the filters select, a line each, and behind [`BETWEEN`] the rows.
fn run_tshark(capture: &Path, filters: &[&str], fields: &[&str], options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let answers = folder.path().join("answers");
    let script = folder.path().join("listen.lua");
    std::fs::write(&script, listeners(filters, &answers)).unwrap();
    let mut tshark = Command::new("tshark");
    tshark.env("TZ", "UTC");
    // What the user has configured does not count.
    tshark
        .env("HOME", folder.path())
        .env_remove("XDG_CONFIG_HOME");
    tshark
        .arg("-X")
        .arg(format!("lua_script:{}", script.display()));
    tshark.arg("-r").arg(capture).args(["-n", "-T", "fields"]);
    tshark.args(options);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    let answers = std::fs::read_to_string(&answers).unwrap_or_else(|_| {
        let errors = String::from_utf8_lossy(&output.stderr);
        panic!(
            "tshark answered no filter for {}: {errors}",
            capture.display()
        );
    });
    answers + BETWEEN + &rows
}

fn listeners(filters: &[&str], answers: &Path) -> String {
    let mut script = format!(
        "local answers = io.open({:?}, 'w')\n",
        answers.to_str().unwrap()
    );
    for (index, filter) in filters.iter().enumerate() {
        let quoted = filter.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(
            script,
            r#"
do
  local numbers = {{}}
  local tap = Listener.new("frame", "{quoted}")
  function tap.packet(pinfo) numbers[#numbers + 1] = pinfo.number end
  function tap.reset() end
  function tap.draw()
    answers:write("{index} " .. table.concat(numbers, ",") .. "\n")
    answers:flush()
  end
end
"#
        );
    }
    script
}

/// What the library says of one capture, with passwords shown.
pub struct Ours {
    /// As [`Witness::selected`].
    pub selected: Vec<String>,
}

impl Ours {
    pub fn of(capture: &Path, filters: &[&str]) -> Self {
        let options = FilterOptions {
            show_passwords: true,
        };
        let filters = filters.iter().map(|filter| Filter::parse(filter, options));
        let filters: Vec<Filter> = filters
            .map(|filter| filter.unwrap_or_else(|e| panic!("{e}")))
            .collect();
        let needs = filters
            .iter()
            .map(Filter::needs)
            .fold(Needs::default(), Needs::or);
        let mut asked = Asked {
            context: Context::new(None, needs, None, true),
            frames: vec![Vec::new(); filters.len()],
            filters,
        };
        let source = open_all(&[capture], ReadOptions::default()).unwrap();
        let inspector = Inspector::new(&Options::default());
        // That a capture is damaged is told elsewhere.
        run(Box::new(source), inspector, &mut asked, 1).unwrap();
        let joined = asked.frames.iter().map(|frames| frames.join(","));
        Self {
            selected: joined.collect(),
        }
    }
}

/// Asks all filters about each frame.
struct Asked {
    context: Context,
    filters: Vec<Filter>,
    frames: Vec<Vec<String>>,
}

impl Sink for Asked {
    type Error = Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Infallible> {
        self.context.advance(record);
        let view = self.context.view(record);
        for (filter, frames) in self.filters.iter().zip(&mut self.frames) {
            if filter.matches(&view) {
                frames.push(record.frame.number.to_string());
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Does something with each of `items` on several threads, and joins what comes of it.
pub fn in_parallel<T: Sync>(
    items: &[T],
    work: impl Fn(usize, &T) -> Vec<String> + Sync,
) -> Vec<String> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from) + 1;
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let worker = || {
            let mut found = Vec::new();
            loop {
                let turn = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(item) = items.get(turn) else {
                    return found;
                };
                found.extend(work(turn, item));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    })
}
