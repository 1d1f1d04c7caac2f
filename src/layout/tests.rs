//! RegLogin's layout file agrees with the code; and any message can be decoded with any layout.

use proptest::prelude::*;

use super::{EXAMPLE, Frame, Side, Value, parse};
use crate::protocol::layout as table;
use crate::protocol::{Action, MessageKind, Password, Request, UserName};

#[test]
fn the_example_is_the_layout_table() {
    let layout = parse(EXAMPLE).expect("the example is right");
    assert_eq!(layout.name, table::PROTOCOL_NAME);
    assert_eq!(layout.prefix, table::FILTER_PREFIX);
    assert_eq!(layout.ports, [table::DEFAULT_PORT]);
    for (kind, fields) in [
        (1, MessageKind::Request.fields()),
        (2, MessageKind::Response.fields()),
        (3, MessageKind::Request.fields()),
        (4, MessageKind::Response.fields()),
    ] {
        let index = layout
            .kind(Some(kind), Side::Client)
            .expect("the kind is there");
        let body = layout.kinds[index].body.expect("it has a body");
        let mut offset = 0;
        let described = layout
            .header()
            .fields
            .iter()
            .chain(&layout.parts[body].fields);
        let mut count = 0;
        for (field, own) in described.zip(fields) {
            let width = field.size(&layout.parts).expect("a fixed size");
            let width = usize::try_from(width).expect("a size in memory");
            assert_eq!(
                (field.name.as_str(), field.key.as_str()),
                (own.wire_name, own.key)
            );
            assert_eq!((offset, width), (own.offset, own.width), "{}", field.name);
            offset += width;
            count += 1;
        }
        assert_eq!(count, fields.len());
    }
}

#[test]
fn a_request_of_the_codec_is_read_by_the_layout() {
    let layout = parse(EXAMPLE).expect("the example is right");
    let request = Request {
        action: Action::Login,
        user_name: UserName::new("alice").expect("a name"),
        password: Password::new("secret").expect("a password"),
    };
    let bytes = request.encode();
    let bytes: &[u8] = bytes.as_ref();
    assert_eq!(layout.frame(bytes, Side::Client), Frame::Whole(bytes.len()));
    let read = layout.decode(bytes, Side::Client);
    assert_eq!(read.faults, []);
    assert_eq!(
        layout.kinds[read.kind.expect("a kind")].name,
        "login request"
    );
    let values: Vec<&Value<'_>> = read.nodes.iter().map(|node| &node.value).collect();
    assert_eq!(
        values,
        [
            &Value::Integer(58),
            &Value::Integer(3),
            &Value::Text(b"alice"),
            &Value::Text(b"secret")
        ]
    );
}

/// A field of any type, as written in a layout file.
fn field(index: usize) -> impl Strategy<Value = String> {
    let ty = prop_oneof![
        Just("u8".to_owned()),
        Just("i24".to_owned()),
        Just("u16le".to_owned()),
        Just("i32".to_owned()),
        Just("u64be".to_owned()),
        Just("f32".to_owned()),
        Just("f64le".to_owned()),
        (0u32..40).prop_map(|size| format!("text[{size}]")),
        (0u32..9).prop_map(|size| format!("text[{size}] fill ' '")),
        Just("text[u8]".to_owned()),
        Just("bytes[u16]".to_owned()),
        Just("bytes[i8]".to_owned()),
        Just("text[nul]".to_owned()),
        Just("bytes[*]".to_owned()),
        Just("text[f0]".to_owned()),
        Just("record[f0]".to_owned()),
        Just("record[u8]".to_owned()),
        Just("record".to_owned()),
        Just("u32 = crc32".to_owned()),
        Just("u8 {0 no, 1 yes} = outcome".to_owned()),
        Just("u16 == 0xCAFE".to_owned()),
        Just("text[4] secret".to_owned()),
    ];
    ty.prop_map(move |ty| format!("\"f{index}: {ty}\""))
}

fn file() -> impl Strategy<Value = String> {
    let body = (1usize..7).prop_flat_map(|len| (0..len).map(field).collect::<Vec<_>>());
    (body, any::<bool>()).prop_map(|(body, little)| {
        format!(
            "name = \"Any\"\norder = \"{}\"\n[layout]\nheader = [\"len: u16 = length + 2\", \"kind: u8 = kind\"]\n\
             body = [{}]\nrecord = [\"x: u8\", \"y: text[u8]\"]\n[kind]\n1 = {{ name = \"one\", body = \"body\" }}\n",
            if little { "little" } else { "big" },
            body.join(", ")
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Fields follow each other within the message, and all other bytes are data or have a fault.
    #[test]
    fn any_message_is_read_by_any_layout(text in file(), mut bytes in prop::collection::vec(any::<u8>(), 0..200), right in any::<bool>()) {
        let Ok(layout) = parse(&text) else { return Ok(()) };
        if right && bytes.len() > 3 {
            let little = text.contains("little");
            let length = u16::try_from(bytes.len() + 2).expect("it is short");
            let length = if little { length.to_le_bytes() } else { length.to_be_bytes() };
            bytes[..2].copy_from_slice(&length);
            bytes[2] = 1;
            prop_assert_eq!(layout.frame(&bytes, Side::Client), Frame::Whole(bytes.len()));
        }
        let read = layout.decode(&bytes, Side::Client);
        let mut at = 0;
        for node in &read.nodes {
            prop_assert!(node.range.start == at && node.range.end <= bytes.len(), "{:?}", node);
            at = node.range.end;
        }
        let told = !read.faults.is_empty() || read.data.end == bytes.len();
        prop_assert!(at == bytes.len() || told);
        for fault in &read.faults {
            prop_assert!(fault.range.end <= bytes.len());
            prop_assert!(!fault.in_words(&layout).is_empty());
        }
        let fields = super::Fields { layout: &layout, message: &read, bytes: &bytes, show_secrets: false };
        let json: serde_json::Value = serde_json::to_value(fields).expect("fields are JSON");
        prop_assert!(json.is_object());
    }

    /// Any text is a layout, or has errors with places.
    #[test]
    fn any_file_has_an_answer(text in "[a-z0-9 =\\[\\]{}\"',.:\n]{0,200}", cut in any::<prop::sample::Index>(), insert in ".{0,4}") {
        let mut changed = EXAMPLE.to_owned();
        let at = changed.floor_char_boundary(cut.index(changed.len()));
        changed.insert_str(at, &insert);
        for text in [text, changed] {
            if let Err(errors) = parse(&text) {
                prop_assert!(!errors.is_empty());
                let report = super::Report { file: "x", text: &text, errors: &errors };
                prop_assert!(report.to_string().starts_with("x:"));
            }
        }
    }
}
