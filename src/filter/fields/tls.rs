//! The fields `tls.*`: the TLS records that a frame completed, decrypted if possible.

use super::{Emit, Extractor, Field, Needs, names};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::FieldType::{Number, Text};
use crate::filter::value::Value;
use crate::filter::view::View;
use crate::session::TlsRecord;
use crate::tls::{Body, Handshake, Protected};

const CONTENT_TYPES: &[(i64, &str)] = &[
    (20, "Change Cipher Spec"),
    (21, "Alert"),
    (22, "Handshake"),
    (23, "Application Data"),
    (24, "Heartbeat"),
];

fn records<'a>(view: &View<'a>) -> impl Iterator<Item = &'a TlsRecord> + use<'a> {
    view.record.tls.iter()
}

fn messages<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Handshake> + use<'a> {
    records(view).flat_map(|record| &record.messages)
}

/// The level and the description of each alert.
fn alerts<'a>(view: &View<'a>) -> impl Iterator<Item = [u8; 2]> + use<'a> {
    records(view).filter_map(|record| record.alert)
}

fn number(emit: Emit<'_>, value: impl Into<i64>) {
    emit(Value::Number(value.into()));
}

fn content_type(view: &View<'_>, emit: Emit<'_>) {
    for record in records(view) {
        if !record.is_opaque() || record.protected == Protected::Opened {
            number(emit, record.content.0);
        }
    }
}

fn opaque_type(view: &View<'_>, emit: Emit<'_>) {
    for record in records(view).filter(|record| record.is_opaque()) {
        number(emit, record.header.content.0);
    }
}

fn cipher_suites(view: &View<'_>, emit: Emit<'_>) {
    for message in messages(view) {
        match &message.body {
            Body::ClientHello(hello) => {
                for suite in &hello.suites {
                    number(emit, suite.0);
                }
            }
            Body::ServerHello(hello) => number(emit, hello.suite.0),
            Body::NewSessionTicket(_) | Body::Other => {}
        }
    }
}

fn hello_versions(view: &View<'_>, emit: Emit<'_>) {
    for message in messages(view) {
        match &message.body {
            Body::ClientHello(hello) => number(emit, hello.version.0),
            Body::ServerHello(hello) => number(emit, hello.version.0),
            Body::NewSessionTicket(_) | Body::Other => {}
        }
    }
}

fn supported_versions(view: &View<'_>, emit: Emit<'_>) {
    for message in messages(view) {
        match &message.body {
            Body::ClientHello(hello) => {
                for version in &hello.supported_versions {
                    number(emit, version.0);
                }
            }
            Body::ServerHello(hello) => {
                if let Some(version) = hello.supported_version {
                    number(emit, version.0);
                }
            }
            Body::NewSessionTicket(_) | Body::Other => {}
        }
    }
}

fn server_names(view: &View<'_>, emit: Emit<'_>) {
    for message in messages(view) {
        if let Body::ClientHello(hello) = &message.body
            && let Some(name) = &hello.server_name
        {
            emit(Value::Text(name.as_bytes()));
        }
    }
}

pub(super) fn fields() -> Vec<Field> {
    let fields: Vec<Field> = fields! {
        names::TLS_CONTENT_TYPE, Number(8, Decimal),
            "What a TLS record holds: 20 change cipher spec, 21 alert, 22 handshake, 23 application data",
            Of(content_type).named(CONTENT_TYPES);
        names::TLS_OPAQUE_TYPE, Number(8, Decimal),
            "What a protected record of TLS 1.3 says outside, always 23",
            Of(opaque_type).named(CONTENT_TYPES);
        names::TLS_RECORD_VERSION, Number(16, Hex), "The version that a TLS record says",
            Of(|view, emit| records(view).for_each(|record| number(emit, record.header.version.0)));
        names::TLS_RECORD_LENGTH, Number(16, Decimal), "Bytes of a TLS record behind its header",
            Of(|view, emit| records(view).for_each(|record| number(emit, record.header.length)));
        names::TLS_HANDSHAKE_TYPE, Number(8, Decimal),
            "What a TLS handshake message is: 1 client hello, 2 server hello, 11 certificate, 20 finished, 24 key update",
            Of(|view, emit| messages(view).for_each(|message| number(emit, message.kind.0)));
        "tls.handshake.length", Number(24, Decimal), "Bytes of a TLS handshake message behind its type and length",
            Of(|view, emit| messages(view).for_each(|message| number(emit, message.length)));
        "tls.handshake.version", Number(16, Hex), "The version that a hello message says; TLS 1.3 says 1.2 here",
            Of(hello_versions);
        "tls.handshake.ciphersuite", Number(16, Hex),
            "A cipher suite that the client offers, or the one that the server chose",
            Of(cipher_suites);
        "tls.handshake.extensions.supported_version", Number(16, Hex),
            "A version that the client offers, or the one that the server chose",
            Of(supported_versions);
        names::TLS_SERVER_NAME, Text, "The name of the server that the client asks for", Of(server_names);
        "tls.alert_message.level", Number(8, Decimal), "How grave a TLS alert is: 1 warning, 2 fatal",
            Of(|view, emit| alerts(view).for_each(|[level, _]| number(emit, level)));
        names::TLS_ALERT, Number(8, Decimal),
            "What a TLS alert says: 0 close notify, 40 handshake failure, 48 unknown authority",
            Of(|view, emit| alerts(view).for_each(|[_, description]| number(emit, description)));
    };
    let tls = Needs {
        tls: true,
        ..Needs::NOTHING
    };
    let needing = |field: Field| field.needing(tls);
    fields.into_iter().map(needing).collect()
}
