//! Requests from any address, through a proxy that the server trusts.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use authscope::protocol::Action;
use proxy_header::{ProxiedAddress, ProxyHeader};

use crate::programs::{Server, described, receive, request};

/// The options of a server that believes what [`connect`] says.
pub const PROXIED: [&str; 2] = ["--trusted-proxy", "127.0.0.1"];

/// A PROXY header, version 1 or 2, for a client with this address.
pub fn header(version: u8, client: &str) -> Vec<u8> {
    let client = SocketAddr::new(client.parse().expect("an address"), 40_000);
    let mut server = client;
    server.set_port(8888);
    let header = ProxyHeader::with_address(ProxiedAddress::stream(client, server));
    let mut octets = Vec::new();
    match version {
        1 => header.encode_v1(&mut octets),
        _ => header.encode_v2(&mut octets),
    }
    .expect("a header");
    octets
}

/// A connection of a client with this address.
pub fn connect(server: &Server, client: &str) -> TcpStream {
    let mut stream = server.connect();
    stream
        .write_all(&header(1, client))
        .expect("the header is sent");
    stream
}

/// Sends one request from this address, on a connection of its own.
pub fn from(server: &Server, client: &str, action: Action, name: &str, password: &str) -> String {
    let mut stream = connect(server, client);
    stream
        .write_all(request(action, name, password).as_ref())
        .expect("the request is sent");
    described(&receive(&mut stream))
}
