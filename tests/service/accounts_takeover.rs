//! No name that a user may choose changes another user's line, at whatever step the replacement of a hash is
//! interrupted: only her own password logs her in.

use crate::programs::{Place, stderr};

fn digest(password: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    Sha256::digest(password)
        .iter()
        .fold(String::new(), |mut text, octet| {
            write!(text, "{octet:02x}").expect("a string takes it");
            text
        })
}

#[test]
fn a_line_of_the_earlier_format_that_may_be_anothers_stops_the_start() {
    // What the earlier format left when it stopped while the hash of `x=bob` was replaced: the
    // old line's first byte is overwritten, and the rest reads as a replacement for `bob`.
    for text in [
        format!(
            "bob:{0}\n:=bob:{1}\n:=x=bob:{1}\n",
            digest("victim"),
            digest("attacker")
        ),
        format!(
            "bob:{0}\n:=bob:{1}\n:\nx=bob:{1}\n",
            digest("victim"),
            digest("attacker")
        ),
        format!(
            ":=bob:{1}\nbob:{0}\nx=bob:{1}\n",
            digest("victim"),
            digest("attacker")
        ),
    ] {
        let place = Place::new();
        place.write(&text);
        let output = place.refused(&[]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("\"bob\"") && said.contains("\"x=bob\""),
            "{said}"
        );
        assert_eq!(place.text(), text, "the file is as it was");
    }
}
