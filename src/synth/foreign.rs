//! First bytes of other protocols' streams, which must not be taken for RegLogin on any port.

/// First bytes of text protocols.
fn text_openings() -> Vec<(&'static str, Vec<u8>)> {
    let text = |name, text: &str| (name, text.as_bytes().to_vec());
    vec![
        text("SSH", "SSH-2.0-OpenSSH_9.2\r\n"),
        text("Redis", "*1\r\n$4\r\nPING\r\n"),
        text("Redis answer", "+PONG\r\n"),
        text("SMTP", "220 mail.example ESMTP\r\n"),
        text("SMTP client", "EHLO client.example\r\n"),
        text(
            "HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\u{12}\u{4}\0\0\0\0\0",
        ),
        text("PROPFIND", "PROPFIND /dav HTTP/1.1\r\nHost: a\r\n\r\n"),
        text("RTSP", "OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
        text("plain text", "alice secret1\n"),
        text(
            "numbers",
            "0058 0001 alice secret1 and more text that goes on and on\n",
        ),
        text("AMQP", "AMQP\0\0\u{9}\u{1}"),
        text("FTP", "220 (vsFTPd 3.0.5)\r\n"),
        text("POP3", "+OK ready <1896.697170952@mail.example>\r\n"),
        text("IMAP", "* OK [CAPABILITY IMAP4rev1] ready\r\n"),
        text("IRC", "NICK alice\r\nUSER alice 0 * :Alice\r\n"),
        text(
            "NATS",
            "INFO {\"server_id\":\"a\",\"version\":\"2.10\"}\r\n",
        ),
        text(
            "STOMP",
            "CONNECT\naccept-version:1.2\nlogin:alice\npasscode:secret\n\n\0",
        ),
        text(
            "XMPP",
            "<?xml version='1.0'?><stream:stream to='a.example'>",
        ),
        text(
            "SIP",
            "REGISTER sip:a.example SIP/2.0\r\nVia: SIP/2.0/TCP b\r\n\r\n",
        ),
        text("memcached", "set user 0 0 5\r\nalice\r\n"),
        text("Git", "0032git-upload-pack /project.git\0host=a.example\0"),
        text(
            "FIX",
            "8=FIX.4.2\u{1}9=58\u{1}35=A\u{1}49=ALICE\u{1}56=BOB\u{1}34=1\u{1}",
        ),
        text(
            "syslog",
            "58 <13>1 2024-01-15T10:00:00Z host app - - - a message here....",
        ),
        text(
            "text with a number as its length",
            "00000058LOGIN alice secret and then some words that fill it up",
        ),
        text(
            "BitTorrent",
            "\u{13}BitTorrent protocol\0\0\0\0\0\0\0\0aaaaaaaaaaaaaaaaaaaa",
        ),
    ]
}

/// First bytes that clients and servers of other protocols send, each with a name. Some are chosen to look like
/// RegLogin.
#[must_use]
pub fn openings() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = text_openings();
    let octets: [(&'static str, &[u8]); 38] = [
        ("telnet", &[0xff, 0xfd, 0x18, 0xff, 0xfd, 0x20]),
        ("MQTT", b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd"),
        ("LDAP", b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"),
        ("SOCKS5", &[5, 1, 0]),
        ("SOCKS4", &[4, 1, 0, 80, 192, 0, 2, 1, 0]),
        ("TLS", &[22, 3, 1, 0, 100, 1, 0, 0, 96]),
        ("PostgreSQL SSL", &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]),
        ("PostgreSQL", b"\0\0\0\x16\0\x03\0\0user\0alice\0\0\0\0\0\0\0"),
        ("PostgreSQL, 58", b"\0\0\0\x3a\0\x03\0\0user\0alice\0database\0registrations\0client\0abcdefg\0\0"),
        ("MySQL", b"\x3a\0\0\0\x0a5.7.1\0\x08\0\0\0abcdefgh\0\xff\xf7\x08\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql\0"),
        ("Kafka", b"\0\0\0\x16\0\x12\0\0\0\0\0\0\0\x0aconsumer-1\0\0"),
        ("Kafka Produce v1, 58", b"\0\0\0\x3a\0\0\0\x01\0\0\0\x07\0\x05abcde\0\x01\0\0\x05\xdc\0\0\0\x01\0\x05topic\0\0\0\x01\0\0\0\0"),
        ("DNS over TCP", b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01"),
        ("SMPP, sequence 0", b"\0\0\0\x1d\0\0\0\x02\0\0\0\0\0\0\0\0test\0pw\0\0\x34\0\0\0"),
        ("SMPP answer", b"\0\0\0\x15\x80\0\0\x02\0\0\0\0\0\0\0\0smsc\0"),
        ("SMPP generic_nack", b"\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\0"),
        ("SMPP vendor", b"\0\0\0\x10\0\x01\x02\x05\0\0\0\0\0\0\0\x07"),
        ("length prefix, 24/1", b"\0\0\0\x18\0\0\0\x01abcdefghijklmnop"),
        ("length prefix, 20/2", b"\0\0\0\x14\0\0\0\x02\0abcdefghij\0"),
        ("NULs", &[0; 64]),
        ("MongoDB, 58", b"\x3a\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff\x13\0\0\0\x10hello\0\x01\0\0\0\0"),
        ("MongoDB answer, 73", b"\x49\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x25\0\0\0\x01ok\0\0\0\0\0\0\0\xf0?\0"),
        ("SMB, 58", b"\0\0\0\x3a\xffSMBr\0\0\0\0\x18\x01\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xfe\0\0\0\0\0\x17\0\x02NT LM 0.12\0\x02SMB 2.002\0"),
        ("SMB2, 73", b"\0\0\0\x49\xfeSMB\x40\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ("Thrift, 58", b"\0\0\0\x3a\x80\x01\0\x01\0\0\0\x05login\0\0\0\0\x0b\0\x01\0\0\0\x05alice\x0b\0\x02\0\0\0\x07secret1\0"),
        ("ZooKeeper", b"\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x75\x30\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ("Cassandra", b"\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0"),
        ("Kafka ApiVersions v3, 58", b"\0\0\0\x36\0\x12\0\x03\0\0\0\x01\0\x0dadminclient-1\0\x12apache-kafka-java\x063.6.0\0"),
        ("LDAP bind", b"\x30\x2b\x02\x01\x01\x60\x26\x02\x01\x03\x04\x18cn=alice,dc=example,dc=org\x80\x07secret1"),
        ("SOCKS5 with a password", &[5, 2, 0, 2]),
        ("RDP", b"\x03\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=alice\r\n\x01\0\x08\0\x03\0\0\0"),
        ("TDS", b"\x12\x01\0\x3a\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01\x02\0\x21\0\x01"),
        ("TNS", b"\0\x3a\0\0\x01\0\0\0\x01\x36\x01\x2c\0\0\x08\0\x7f\xff"),
        ("Modbus", b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a"),
        ("NFS", b"\x80\0\0\x28\0\0\0\x01\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03"),
        ("gRPC message, 58", b"\0\0\0\0\x3a\x0a\x05alice\x12\x07secret1\x1a\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("JSON with its length", b"\0\0\0\x3a{\"command\":1,\"user\":\"alice\",\"password\":\"secret1\",\"x\":10}"),
        ("JSON, 58 in all", b"\0\0\0\x3a{\"command\":1,\"user\":\"alice\",\"password\":\"secret1\",\"x\"}"),
    ];
    all.extend(octets.map(|(name, octets)| (name, octets.to_vec())));
    let prefixed = |length: u32, command: u32, body: &[u8]| {
        [&length.to_be_bytes()[..], &command.to_be_bytes(), body].concat()
    };
    all.push(("length prefix, 40/3", prefixed(40, 3, &[b'x'; 32])));
    let two = [prefixed(24, 1, &[b'a'; 16]), prefixed(34, 3, &[b'b'; 26])].concat();
    all.push(("two in a segment of 58", two));
    all
}
