//! The parser against another one, and against arbitrary bytes cut at arbitrary places.

use proptest::prelude::*;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;

use super::tests::parse_in_pieces;
use super::{Bounds, Parser, Span};
use crate::limits::ARGS_MAX;

type Requests = Vec<Vec<Vec<u8>>>;

fn encoded(requests: &Requests) -> Vec<u8> {
    let mut bytes = Vec::new();
    for args in requests {
        bytes.extend(format!("*{}\r\n", args.len()).bytes());
        for arg in args {
            bytes.extend(format!("${}\r\n", arg.len()).bytes());
            bytes.extend(arg);
            bytes.extend(b"\r\n");
        }
    }
    bytes
}

/// What `redis-protocol` reads, which knows nothing of this crate.
fn oracle(mut bytes: &[u8]) -> Requests {
    let mut requests = Vec::new();
    while let Some((frame, used)) = decode(bytes).expect("because the frames are valid") {
        let OwnedFrame::Array(args) = frame else {
            panic!("an array was written");
        };
        let args = args.into_iter().map(|arg| {
            let OwnedFrame::BulkString(bytes) = arg else {
                panic!("a bulk string was written");
            };
            bytes
        });
        requests.push(args.collect());
        bytes = &bytes[used..];
    }
    requests
}

fn requests() -> impl Strategy<Value = Requests> {
    let arg = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::vec(prop::collection::vec(arg, 1..8), 1..8)
}

/// Bytes that go far into the parser: its own tokens, in any order.
fn nearly_requests() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"*".to_vec()),
        Just(b"$".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"*2\r\n$1\r\na\r\n".to_vec()),
        Just(b"$1048576\r\n".to_vec()),
        Just(b"*4096\r\n".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"'".to_vec()),
        Just(b"\\x4".to_vec()),
        (0_u32..20).prop_map(|number| number.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..20, 1..10)
}

/// So many cases, unless the environment says how many.
fn config() -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(2_000),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn valid_requests_are_read_as_another_parser_reads_them(
        requests in requests(),
        pieces in pieces(),
    ) {
        let bytes = encoded(&requests);
        let (parsed, end) = parse_in_pieces(&bytes, &pieces, Bounds::KNOWN);
        prop_assert_eq!(&parsed, &oracle(&bytes));
        prop_assert_eq!(parsed, requests);
        prop_assert_eq!(end, Ok(0));
    }

    #[test]
    fn requests_are_the_same_however_the_bytes_are_cut(
        bytes in nearly_requests(),
        pieces in pieces(),
    ) {
        let whole = parse_in_pieces(&bytes, &[bytes.len().max(1)], Bounds::KNOWN);
        prop_assert_eq!(parse_in_pieces(&bytes, &pieces, Bounds::KNOWN), whole);
    }

    #[test]
    fn memory_follows_what_arrived_not_what_was_announced(bytes in nearly_requests()) {
        let mut parser = Parser::default();
        // Whatever it says of them, it holds a few spans at most, and of a line its own text.
        let _ = parser.next(&bytes, Bounds::KNOWN);
        prop_assert!(parser.spans.capacity() <= (2 * bytes.len()).max(4));
        prop_assert!(parser.unescaped.capacity() <= (2 * bytes.len()).max(8));
        prop_assert!(parser.spans.len() <= ARGS_MAX);
        prop_assert!(size_of::<Span>() == 8);
    }
}
