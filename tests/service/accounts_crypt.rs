//! Users with hashes of bcrypt or of crypt's SHA-512 keep their passwords. The hashes are verified, and replaced at the
//! next login.

use crate::programs::{Place, stdout};

/// "abc", from the jBCrypt test vectors, and "Hello world!", from the specification of SHA-crypt.
pub const BCRYPT: &str = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
pub const SHA512: &str = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";

#[test]
fn brought_hashes_are_verified_and_upgraded() {
    let place = Place::new();
    place.write(format!("alice:{BCRYPT}\nbob:{SHA512}\n"));
    let listed = stdout(&place.users(&["list"], ""));
    assert_eq!(
        listed,
        "alice\tbcrypt cost=6\nbob\tsha512-crypt rounds=5000\n"
    );
    let mut server = place.start(&[]);
    for (user, password) in [("alice", "abc"), ("bob", "Hello world!")] {
        assert_eq!(server.login(user, "wrong"), "no: wrong password");
        assert_eq!(server.login(user, password), "yes: login successful");
        assert_eq!(server.login(user, password), "yes: login successful");
    }
    server.stop();
    let text = place.text();
    assert_eq!(text.matches("$argon2id$").count(), 2, "{text}");
    assert!(!text.contains("$2a$") && !text.contains("$6$"), "{text}");
}
