//! Wireshark's folders on Windows: the plugin and the capture source are installed where Wireshark looks for them.

use crate::wine::wine;

#[test]
fn plugin_and_capture_source_go_into_the_folders_of_windows() {
    let Some(wine) = wine() else { return };
    let (code, said, error) = wine.answer("authscope", &["wireshark", "plugin", "--install"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(
        said.contains(r"AppData\Roaming\Wireshark\plugins\"),
        "{said}"
    );
    assert!(
        said.contains(r"AppData\Roaming\Wireshark\profiles\"),
        "{said}"
    );
    let (code, said, error) = wine.answer("authscope", &["wireshark", "extcap", "--install"]);
    assert_eq!(code, Some(0), "{error}");
    let launcher = said
        .lines()
        .find_map(|line| line.split_once(' ').filter(|_| line.contains(".bat")))
        .unwrap_or_else(|| panic!("{said}"))
        .1;
    assert!(
        launcher.contains(r"AppData\Roaming\Wireshark\extcap\"),
        "{said}"
    );
    // Wireshark starts it, and reads what there is to capture on.
    let output = wine
        .command("cmd")
        .args([
            "/c",
            launcher,
            "--extcap-interfaces",
            "--extcap-version=4.2",
        ])
        .output()
        .expect("cmd runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("interface {value=authscope}"), "{output:?}");
    for what in ["plugin", "extcap"] {
        let (code, said, error) = wine.answer("authscope", &["wireshark", what, "--uninstall"]);
        assert_eq!(code, Some(0), "{error}");
        assert!(said.contains("removed"), "{said}");
    }
}
