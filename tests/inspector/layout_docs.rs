//! The tutorial of docs/layouts.md does what it says: its file is understood, and its commands print what stands there.

use std::path::Path;

use crate::inspector::authscope;

/// The blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    let behind = page.split(open.as_str()).skip(1);
    behind
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_tutorial_prints_what_it_says() {
    let page = std::fs::read_to_string("docs/layouts.md").expect("the page is there");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, &blocks(&page, "toml")[0]).expect("it is written");
    let file = file.to_str().expect("UTF-8");
    let check = authscope(&["layout", "check", file]);
    assert_eq!(check.code, 0, "{}", check.stderr);
    let commands = blocks(&page, "console");
    assert!(commands.len() >= 4);
    for block in commands {
        let (command, expected) = block.split_once('\n').expect("a command");
        let command = command.strip_prefix("$ authscope ").expect("a command");
        let arguments: Vec<&str> = command
            .split(' ')
            .map(|word| if word == "mine.toml" { file } else { word })
            .collect();
        assert_eq!(authscope(&arguments).stdout, expected, "{command}");
    }
}

#[test]
fn the_file_of_the_readme_is_the_tutorials() {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).expect("the page is there");
    let bare = |text: &str| {
        text.lines()
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let readme = blocks(&read("README.md"), "toml");
    let tutorial = blocks(&read("docs/layouts.md"), "toml");
    assert_eq!(bare(&readme[0]), bare(&tutorial[0]));
}
