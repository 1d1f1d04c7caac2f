//! A table of figures, which is written into `docs/performance.md`.

use std::fmt::Write as _;
use std::path::Path;

/// A table under its heading. Rows are in the order of measurement.
pub struct Report {
    heading: &'static str,
    about: &'static str,
    /// The load average before the first measurement.
    load: String,
    rows: Vec<[String; 4]>,
}

impl Report {
    /// A table under `heading` (a line of Markdown). `about`: how it is made, after "Written by".
    pub fn start(heading: &'static str, about: &'static str) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            heading,
            about,
            load: load.split(' ').next().unwrap_or("unknown").to_owned(),
            rows: Vec::new(),
        }
    }

    /// Adds a row and prints it. `goal` may be empty.
    pub fn row(&mut self, what: &str, figure: &str, ratio: &str, goal: &str) {
        println!("{what}: {figure} {ratio} {goal}");
        self.rows
            .push([what, figure, ratio, goal].map(str::to_owned));
    }

    /// Replaces the table under its heading, or appends it.
    pub fn write(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        let old = std::fs::read_to_string(&path).unwrap_or_else(|_| "# Performance\n".into());
        let (before, rest) = old
            .split_once(&format!("{}\n", self.heading))
            .unwrap_or((&old, ""));
        let after = rest.find("\n## ").map_or("", |at| &rest[at + 1..]);
        let mut text = format!("{}\n\n{}", before.trim_end(), self.section());
        if !after.is_empty() {
            text.push('\n');
            text.push_str(after);
        }
        std::fs::write(&path, text).expect("docs/performance.md is written");
        println!("written into {}", path.display());
    }

    fn section(&self) -> String {
        let mut text = format!(
            "{}\n\nWritten by {}\n\n\
             Machine: {}; load average {} before the start. Compare the ratios; the\n\
             figures depend on the machine and its load.\n\n\
             | What | Figure | Ratio | Goal |\n| --- | --- | --- | --- |\n",
            self.heading,
            self.about,
            machine(),
            self.load
        );
        for [what, figure, ratio, goal] in &self.rows {
            let _ = writeln!(text, "| {what} | {figure} | {ratio} | {goal} |");
        }
        text
    }
}

fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("processor unknown", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {model}")
}
