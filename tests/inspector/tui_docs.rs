//! docs/tui.md lists all keys.

use authscope::tui::keys::as_markdown;

#[test]
fn the_page_has_the_table_of_keys() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tui.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let (_, table) = page.split_once("tui_docs.rs`).\n\n").expect("the table");
    assert_eq!(
        table,
        as_markdown(),
        "docs/tui.md is to have the table that stands at the right"
    );
}
