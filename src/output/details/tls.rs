//! TLS records in the details tree and the Info column.

use std::fmt::Write as _;
use std::ops::Range;

use super::node::{Node, Space};
use super::sink::TreeSink;
use crate::filter::names::{self, Names};
use crate::session::{FrameRecord, TlsRecord};
use crate::text::escape::Escaped;
use crate::tls::{Body, CipherSuite, ContentType, HEADER_LEN, Handshake, Protected, Version};

const CIPHER_SUITE: &str = "tls.handshake.ciphersuite";

/// Writes the trees of a frame's records. The connection's version and cipher suite are shown with the first record, and
/// when they change.
pub(super) fn lines(tree: &mut impl TreeSink, record: &FrameRecord<'_>, space: Space) {
    let mut before = None;
    for found in record.tls {
        let mut node = node(found, record, space);
        let known = (found.stream, found.agreed, found.resumed);
        if before.replace(known) != Some(known) {
            node.children.extend(connection(found));
        }
        tree.node(node);
    }
}

/// The tree of a record.
fn node(found: &TlsRecord, record: &FrameRecord<'_>, space: Space) -> Node {
    let header = found.header;
    let (frame, start) = (found.begins.0, found.begins.1 as usize);
    let version = found.agreed.0.unwrap_or(header.version);
    let mut text = format!("{}, {}", version_name(version), summary(found));
    if found.protected == Protected::Opened {
        text.push_str(" (decrypted)");
    }
    let mut node = if frame == record.frame.number {
        let end = (start + header.record_len()).min(record.packet_octets().len());
        Node::at(space, start..end.max(start), text)
    } else {
        Node::new(text)
    };
    let in_frame = node.range.is_some();
    let mut add = |at: Range<usize>, field: Names, value: String| {
        let place = in_frame.then(|| start + at.start..start + at.end);
        node.children.push(Node {
            range: place,
            space: if in_frame { space } else { Space::default() },
            ..Node::labelled(field, value)
        });
    };
    let field = if found.is_opaque() {
        names::TLS_OPAQUE_TYPE
    } else {
        names::TLS_CONTENT_TYPE
    };
    let outer = content_name(header.content);
    add(0..1, field, format!("{outer} ({})", header.content.0));
    let version = header.version;
    let version = format!("{} ({:#06x})", version_name(version), version.0);
    add(1..3, names::TLS_RECORD_VERSION, version);
    let length = header.length.to_string();
    add(3..5, names::TLS_RECORD_LENGTH, length);
    if !in_frame {
        let length = header.record_len() - HEADER_LEN;
        node.children.push(Node::new(format!(
            "Begins in frame {frame}, {length} bytes"
        )));
    }
    if found.is_opaque() && found.protected == Protected::Opened {
        let content = found.content;
        let value = format!("{} ({})", content_name(content), content.0);
        let child = Node::labelled(names::TLS_CONTENT_TYPE, value);
        node.children.push(child);
    }
    node.children.extend(found.messages.iter().map(handshake));
    if let Some([level, description]) = found.alert {
        let value = format!(
            "level {} ({level}), description {} ({description})",
            if level == 2 { "Fatal" } else { "Warning" },
            alert_name(description),
        );
        node.children.push(Node::labelled(names::TLS_ALERT, value));
    }
    let state = match found.protected {
        Protected::Waiting => Some("Encrypted; its secrets are not known yet"),
        Protected::Sealed => Some("Encrypted, and not decrypted"),
        Protected::No | Protected::Opened => None,
    };
    node.children.extend(state.map(Node::new));
    node
}

/// The connection's version, cipher suite and server name, as known after a record. `None` before they are agreed.
fn connection(found: &TlsRecord) -> Option<Node> {
    let (Some(version), Some(suite)) = found.agreed else {
        return None;
    };
    let session = match found.resumed {
        Some(true) => ", session resumed",
        Some(false) => ", session not resumed",
        None => "",
    };
    let mut node = Node::new(format!("Connection: {}{session}", version_name(version)));
    node.children
        .push(Node::new(format!("Cipher suite: {}", suite_name(suite))));
    if let Some(name) = &found.server_name {
        let name = Escaped(name);
        node.children
            .push(Node::new(format!("Server name: {name}")));
    }
    Some(node)
}

/// Up to so many equal records in a row are named one by one; of more, the number is shown.
const NAMED: usize = 3;

/// Appends the names of a frame's records, as in Wireshark's Info column.
pub(in crate::output) fn summaries(out: &mut String, records: &[TlsRecord]) {
    let names: Vec<_> = records.iter().map(summary).collect();
    let mut between = "";
    for alike in names.chunk_by(|a, b| a == b) {
        let name = &alike[0];
        if alike.len() > NAMED {
            let _ = write!(out, "{between}{name} ({} records)", alike.len());
            between = ", ";
            continue;
        }
        for name in alike {
            let _ = write!(out, "{between}{name}");
            between = ", ";
        }
    }
}

/// The name of a record, as in Wireshark's Info column.
fn summary(found: &TlsRecord) -> String {
    let names: Vec<_> = found
        .messages
        .iter()
        .filter_map(|message| message.kind.name())
        .collect();
    if !names.is_empty() {
        return names.join(", ");
    }
    let protected = matches!(found.protected, Protected::Waiting | Protected::Sealed);
    match found.content {
        ContentType::HANDSHAKE if protected => "Encrypted Handshake Message".to_owned(),
        ContentType::HANDSHAKE if found.messages.is_empty() => "Handshake (fragment)".to_owned(),
        ContentType::ALERT if protected => "Encrypted Alert".to_owned(),
        ContentType::ALERT => match found.alert {
            Some([_, description]) => format!("Alert ({})", alert_name(description)),
            None => "Alert".to_owned(),
        },
        content => content_name(content).to_owned(),
    }
}

fn handshake(message: &Handshake) -> Node {
    let name = message.kind.name().unwrap_or("Unknown");
    let value = format!("{name} ({}), {} bytes", message.kind.0, message.length);
    let mut node = Node::labelled(names::TLS_HANDSHAKE_TYPE, value);
    match &message.body {
        Body::ClientHello(hello) => {
            if let Some(name) = &hello.server_name {
                let child = Node::labelled(names::TLS_SERVER_NAME, Escaped(name));
                node.children.push(child);
            }
            let mut suites = Node::new(format!("Cipher suites: {}", hello.suites.len()));
            let names = hello.suites.iter().copied().map(suite_name);
            let nodes = names.map(|name| Node::new(name).of(CIPHER_SUITE));
            suites.children.extend(nodes);
            node.children.push(suites);
            let versions: Vec<_> = hello
                .supported_versions
                .iter()
                .map(|version| version_name(*version))
                .collect();
            if !versions.is_empty() {
                node.children.push(Node::new(format!(
                    "Supported versions: {}",
                    versions.join(", ")
                )));
            }
        }
        Body::ServerHello(hello) => {
            if hello.is_retry() {
                node.children.push(Node::new("Hello Retry Request"));
            }
            node.children.push(Node::new(format!(
                "Version: {}",
                version_name(hello.chosen_version())
            )));
            let text = format!("Cipher suite: {}", suite_name(hello.suite));
            node.children.push(Node::new(text).of(CIPHER_SUITE));
        }
        Body::NewSessionTicket(_) | Body::Other => {}
    }
    node
}

fn content_name(content: ContentType) -> &'static str {
    content.name().unwrap_or("Unknown")
}

fn version_name(version: Version) -> String {
    match version.name() {
        Some(name) => name.to_owned(),
        None => format!("version {:#06x}", version.0),
    }
}

fn suite_name(suite: CipherSuite) -> String {
    match suite.name() {
        Some(name) => format!("{name} ({:#06x})", suite.0),
        None => format!("unknown suite {:#06x}", suite.0),
    }
}

/// Alert descriptions (RFC 8446, section 6, and IANA's registry of TLS alerts), as Wireshark names them.
const ALERTS: [(u8, &str); 36] = [
    (0, "Close Notify"),
    (1, "End of Early Data"),
    (10, "Unexpected Message"),
    (20, "Bad Record MAC"),
    (21, "Decryption Failed"),
    (22, "Record Overflow"),
    (30, "Decompression Failure"),
    (40, "Handshake Failure"),
    (41, "No Certificate"),
    (42, "Bad Certificate"),
    (43, "Unsupported Certificate"),
    (44, "Certificate Revoked"),
    (45, "Certificate Expired"),
    (46, "Certificate Unknown"),
    (47, "Illegal Parameter"),
    (48, "Unknown CA"),
    (49, "Access Denied"),
    (50, "Decode Error"),
    (51, "Decrypt Error"),
    (60, "Export Restriction"),
    (70, "Protocol Version"),
    (71, "Insufficient Security"),
    (80, "Internal Error"),
    (86, "Inappropriate Fallback"),
    (90, "User Canceled"),
    (100, "No Renegotiation"),
    (109, "Missing Extension"),
    (110, "Unsupported Extension"),
    (111, "Certificate Unobtainable"),
    (112, "Unrecognized Name"),
    (113, "Bad Certificate Status Response"),
    (114, "Bad Certificate Hash Value"),
    (115, "Unknown PSK Identity"),
    (116, "Certificate Required"),
    (120, "No application Protocol"),
    (121, "ECH Required"),
];

fn alert_name(description: u8) -> &'static str {
    let known = ALERTS.iter().find(|(number, _)| *number == description);
    known.map_or("Unknown", |(_, name)| name)
}
