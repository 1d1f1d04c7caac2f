//! What is guessed from made-up messages, and what is not.

use super::{Conversation, Run, guess};
use crate::layout::parse;

/// A connection in which the sides sent these messages in turn, each as a segment.
fn conversation(client: &[Vec<u8>], server: &[Vec<u8>]) -> Conversation {
    let run = |messages: &[Vec<u8>], first: u64| {
        let mut run = Run::default();
        for (order, message) in (0..).zip(messages) {
            run.pieces.push((run.bytes.len(), first + order * 2));
            run.bytes.extend(message);
        }
        vec![run]
    };
    Conversation {
        client: run(client, 1),
        server: run(server, 2),
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(body.len() + 4).expect("a short message");
    [&[len, 0, kind, 0], body].concat()
}

#[test]
fn a_length_is_found_where_messages_share_a_segment() {
    let words = ["alpha", "be", "gamma ray", "d", "epsilon"];
    let client: Vec<Vec<u8>> = words
        .iter()
        .map(|word| message(1, word.as_bytes()))
        .collect();
    let server: Vec<Vec<u8>> = words.iter().map(|_| message(2, b"fine")).collect();
    let mut talk = conversation(&client, &server);
    // All in one segment.
    talk.client[0].pieces.truncate(1);
    let proposal = guess(&[talk], 7).expect("a layout");
    let layout = parse(&proposal.text).expect("it is right");
    assert_eq!(proposal.explained.messages, 10, "{}", proposal.text);
    assert_eq!(layout.kinds.len(), 2, "{}", proposal.text);
    assert!(
        proposal.text.contains("order = \"little\""),
        "{}",
        proposal.text
    );
    assert!(!proposal.text.contains("alpha") && !proposal.text.contains("fine"));
}

#[test]
fn a_stream_that_begins_behind_a_gap_is_still_read() {
    let client: Vec<Vec<u8>> = (0..8)
        .map(|n| message(1, &vec![b'a' + n; 3 + usize::from(n)]))
        .collect();
    let server: Vec<Vec<u8>> = (0..8).map(|n| message(2, &[n, 1])).collect();
    let whole = conversation(&client, &server);
    let mut cut = whole.clone();
    let run = &mut cut.client[0];
    run.bytes.drain(..3);
    run.after_gap = true;
    for (start, _) in &mut run.pieces {
        *start = start.saturating_sub(3);
    }
    let proposal = guess(&[whole, cut], 7).expect("a layout");
    assert!(proposal.explained.messages >= 31, "{}", proposal.text);
}

#[test]
fn what_has_no_lengths_is_not_guessed_at() {
    let lines: Vec<Vec<u8>> = ["GET /a", "PUT /bcd efg", "DELETE /x y z", "NOOP"]
        .iter()
        .map(|line| format!("{line}\r\n").into_bytes())
        .collect();
    assert!(guess(&[conversation(&lines, &lines)], 7).is_none());
    assert!(guess(&[], 7).is_none());
    assert!(guess(&[Conversation::default()], 7).is_none());
}
