use proptest::prelude::*;
use tidegate_engine::testing::{Stepper, TOY};

use super::*;
use crate::options::{Credentials, Options};
use crate::parse::Parser;

/// Words that lead far into the commands, and some that lead nowhere.
fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
    const WORDS: &[&str] = &[
        "NOTE.PUT",
        "note.get",
        "NOTE.LIST",
        "TTL",
        "LIMIT",
        "AFTER",
        "HELLO",
        "AUTH",
        "SETNAME",
        "PING",
        "ECHO",
        "INFO",
        "server",
        "all",
        "COMMAND",
        "COUNT",
        "LIST",
        "DOCS",
        "INFO",
        "CLIENT",
        "SETINFO",
        "GETNAME",
        "ID",
        "lib-name",
        "SELECT",
        "RESET",
        "QUIT",
        "default",
        "secret",
        "0",
        "1",
        "2",
        "3",
        "-1",
        "99999999999999999999",
        "*",
        "",
        "k",
        "a b",
        "\r\n",
        "\u{e9}",
    ];
    let word = prop_oneof![
        9 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    prop::collection::vec(word, 1..8)
}

fn bytes_of(words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).bytes());
        bytes.extend(word);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// Reads every reply, as RESP has them, and counts them.
fn count_replies(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        bytes = behind(bytes);
        count += 1;
    }
    count
}

/// What follows the value at the beginning of `bytes`.
fn behind(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .expect("because a line ends");
    let (line, mut rest) = (&bytes[..end], &bytes[end + 2..]);
    let number = || std::str::from_utf8(&line[1..]).ok()?.parse::<i64>().ok();
    match line[0] {
        b'+' | b'-' | b':' | b'_' | b'#' => return rest,
        b'$' | b'=' => match usize::try_from(number().expect("because it is a length")) {
            Ok(length) => {
                assert_eq!(&rest[length..length + 2], b"\r\n");
                return &rest[length + 2..];
            }
            Err(_) => return rest,
        },
        b'*' | b'~' | b'%' => {}
        other => panic!("no reply begins with {}", other.escape_ascii()),
    }
    let items = number().expect("because it is a count") * if line[0] == b'%' { 2 } else { 1 };
    for _ in 0..items {
        rest = behind(rest);
    }
    rest
}

proptest! {
    #[test]
    fn each_request_has_one_reply_whatever_it_says(
        requests in prop::collection::vec(words(), 1..20),
        is_guarded in any::<bool>(),
    ) {
        let mut engine = Stepper::fresh(&[TOY]);
        let mut options = Options::new("1.2.3");
        options.credentials = is_guarded.then(|| Credentials::new("secret"));
        let front = Front::new(engine.door().clone(), options);
        let replies = Arc::<Replies>::default();
        let mut session = Session::new(front, (1, None, 0), Arc::clone(&replies));
        let mut parser = Parser::default();
        let mut handled = 0;
        for words in &requests {
            let bytes = bytes_of(words);
            let used = parser.next(&bytes, Bounds::KNOWN);
            prop_assert_eq!(used, Ok(Some(bytes.len())));
            session.handle(parser.args(&bytes), parser.is_inline());
            handled += 1;
            if session.is_ending() {
                break;
            }
        }
        engine.settle();
        engine.pass_ms(1_000);
        let mut out = Vec::new();
        let cx = std::task::Context::from_waker(std::task::Waker::noop());
        let progress = replies.collect(&cx, &mut out);
        session.note(progress);
        prop_assert!(session.is_answered());
        prop_assert_eq!(session.requests(), handled as u64);
        prop_assert_eq!(count_replies(&out), handled);
    }
}
