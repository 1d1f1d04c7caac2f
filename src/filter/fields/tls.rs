//! `tls.*`: the TLS records that became available with a frame, decrypted where that is possible.
//! The names are Wireshark's.

use super::{Emit, Field, Needs, names};
use crate::filter::value::Base::{Decimal, Hex};
use crate::filter::value::{FieldType, Value};
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

const NEEDS: Needs = Needs {
    tls: true,
    ..Needs::NOTHING
};

fn records<'a>(view: &View<'a>) -> impl Iterator<Item = &'a TlsRecord> + use<'a> {
    view.record.tls.iter()
}

fn messages<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Handshake> + use<'a> {
    records(view).flat_map(|record| &record.messages)
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
    let eight = FieldType::Number(8, Decimal);
    let fields = vec![
        Field::of(
            names::TLS_CONTENT_TYPE,
            eight,
            "What a TLS record holds: 20 change cipher spec, 21 alert, 22 handshake, 23 application data",
            content_type,
        )
        .named(CONTENT_TYPES),
        Field::of(
            names::TLS_OPAQUE_TYPE,
            eight,
            "What a protected record of TLS 1.3 says outside, always 23",
            opaque_type,
        )
        .named(CONTENT_TYPES),
        Field::of(
            names::TLS_RECORD_VERSION,
            FieldType::Number(16, Hex),
            "The version that a TLS record says",
            |view, emit| records(view).for_each(|record| number(emit, record.header.version.0)),
        ),
        Field::of(
            names::TLS_RECORD_LENGTH,
            FieldType::Number(16, Decimal),
            "Bytes of a TLS record behind its header",
            |view, emit| records(view).for_each(|record| number(emit, record.header.length)),
        ),
        Field::of(
            names::TLS_HANDSHAKE_TYPE,
            eight,
            "What a TLS handshake message is: 1 client hello, 2 server hello, 11 certificate, 20 finished, 24 key update",
            |view, emit| messages(view).for_each(|message| number(emit, message.kind.0)),
        ),
        Field::of(
            "tls.handshake.length",
            FieldType::Number(24, Decimal),
            "Bytes of a TLS handshake message behind its type and length",
            |view, emit| messages(view).for_each(|message| number(emit, message.length)),
        ),
        Field::of(
            "tls.handshake.version",
            FieldType::Number(16, Hex),
            "The version that a hello message says; TLS 1.3 says 1.2 here",
            hello_versions,
        ),
        Field::of(
            "tls.handshake.ciphersuite",
            FieldType::Number(16, Hex),
            "A cipher suite that the client offers, or the one that the server chose",
            cipher_suites,
        ),
        Field::of(
            "tls.handshake.extensions.supported_version",
            FieldType::Number(16, Hex),
            "A version that the client offers, or the one that the server chose",
            supported_versions,
        ),
        Field::of(
            names::TLS_SERVER_NAME,
            FieldType::Text,
            "The name of the server that the client asks for",
            server_names,
        ),
        Field::of(
            "tls.alert_message.level",
            eight,
            "How grave a TLS alert is: 1 warning, 2 fatal",
            |view, emit| {
                let alerts = records(view).filter_map(|record| record.alert);
                alerts.for_each(|[level, _]| number(emit, level));
            },
        ),
        Field::of(
            names::TLS_ALERT,
            eight,
            "What a TLS alert says: 0 close notify, 40 handshake failure, 48 unknown authority",
            |view, emit| {
                let alerts = records(view).filter_map(|record| record.alert);
                alerts.for_each(|[_, description]| number(emit, description));
            },
        ),
    ];
    let needing = |field: Field| field.needing(NEEDS);
    fields.into_iter().map(needing).collect()
}
