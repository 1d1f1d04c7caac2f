//! Every link in the documentation leads to a file that exists and to a heading in it. Every file of the project that a
//! page names exists too, for example the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// What a page links to, and the anchors of its headings as GitHub makes them.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    /// Paths from the project's root, as `tests/service/server_tls.rs`.
    files: Vec<String>,
    anchors: BTreeSet<String>,
}

/// GitHub's anchor: lower case, spaces as hyphens, and nothing else but letters, digits, hyphens and underscores.
fn anchor(heading: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    heading.chars().filter_map(kept).collect()
}

/// Whether `text` is a path from the project's root, without a placeholder in it.
fn is_path(text: &str) -> bool {
    let folders = ["src/", "tests/", "docs/", "tools/", "benches/", "examples/"];
    folders.iter().any(|folder| text.starts_with(folder))
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && !text.contains("NAME")
}

fn page(text: &str) -> Page {
    let mut page = Page::default();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, pulldown_cmark::Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.to_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                page.anchors
                    .extend(heading.take().map(|text| anchor(&text)));
            }
            Event::Text(text) | Event::Code(text) => {
                if is_path(&text) {
                    page.files.push(text.to_string());
                }
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    page
}

fn pages() -> BTreeMap<PathBuf, Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = BTreeMap::new();
    for folder in [".", "docs", "captures", "tests"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|end| end == "md") {
                let text = std::fs::read_to_string(&path).expect("a page is text");
                pages.insert(path.canonicalize().expect("it is there"), page(&text));
            }
        }
    }
    assert!(pages.len() > 10);
    pages
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut broken = Vec::new();
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => Ok(path.clone()),
                file => path.parent().expect("a folder").join(file).canonicalize(),
            };
            let right = target.is_ok_and(|target| {
                fragment.is_empty()
                    || pages
                        .get(&target)
                        .is_some_and(|page| page.anchors.contains(fragment))
            });
            if !right {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, page) in &pages {
        let missing = page.files.iter().filter(|file| !root.join(file).exists());
        broken.extend(missing.map(|file| format!("{}: {file} is not there", path.display())));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
