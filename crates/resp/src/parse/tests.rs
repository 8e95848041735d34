use super::*;

/// What comes of a whole input: each request's arguments, and how it ended.
pub(super) type Parsed = (Vec<Vec<Vec<u8>>>, Result<usize, Malformed>);

/// Parses an input that arrives in pieces of these sizes, over and over. The end is how many bytes
/// were not used, or what was wrong.
pub(super) fn parse_in_pieces(input: &[u8], pieces: &[usize], bounds: Bounds) -> Parsed {
    let mut parser = Parser::default();
    let (mut requests, mut start, mut end) = (Vec::new(), 0, 0);
    let mut sizes = pieces.iter().cycle();
    loop {
        loop {
            match parser.next(&input[start..end], bounds) {
                Ok(Some(used)) => {
                    let args = parser.args(&input[start..end]);
                    requests.push(args.iter().map(<[u8]>::to_vec).collect());
                    start += used;
                }
                Ok(None) => break,
                Err(malformed) => return (requests, Err(malformed)),
            }
        }
        if end == input.len() {
            return (requests, Ok(end - start));
        }
        end = input
            .len()
            .min(end + sizes.next().expect("because it cycles"));
    }
}

fn check(input: &[u8], requests: &[&[&str]], end: Result<usize, Malformed>) {
    let requests: Vec<Vec<Vec<u8>>> = requests
        .iter()
        .map(|args| args.iter().map(|arg| arg.as_bytes().to_vec()).collect())
        .collect();
    for piece in [1, 2, 3, 7, input.len().max(1)] {
        let parsed = parse_in_pieces(input, &[piece], Bounds::KNOWN);
        let shown = input[..input.len().min(80)].escape_ascii();
        assert_eq!(
            parsed,
            (requests.clone(), end),
            "{shown} in pieces of {piece}"
        );
    }
}

#[test]
fn arrays_of_bulk_strings_are_requests() {
    check(b"", &[], Ok(0));
    check(b"*1\r\n$4\r\nPING\r\n", &[&["PING"]], Ok(0));
    check(
        b"*2\r\n$1\r\na\r\n$0\r\n\r\n*1\r\n$2\r\n\r\n\r\n",
        &[&["a", ""], &["\r\n"]],
        Ok(0),
    );
    check(b"*0\r\n*1\r\n$1\r\na\r\n", &[&[], &["a"]], Ok(0));
}

#[test]
fn request_that_is_cut_waits_for_the_rest() {
    let whole = b"*2\r\n$4\r\nECHO\r\n$10\r\n0123456789\r\n";
    for cut in 0..whole.len() {
        check(&whole[..cut], &[], Ok(cut));
    }
}

#[test]
fn bad_lengths_are_malformed() {
    let digits = [b'1'; 100];
    for length in [
        &b"-1\r"[..],
        b"x",
        b"+1",
        b" 1",
        b"01",
        b"\r",
        b"1\rx",
        b"99999999999",
        &digits,
    ] {
        check(&[b"*", length].concat(), &[], Err(Malformed::ArgumentCount));
        check(
            &[b"*1\r\n$", length].concat(),
            &[],
            Err(Malformed::BulkLength),
        );
    }
    check(b"*1\n", &[], Err(Malformed::ArgumentCount));
}

#[test]
fn what_is_too_large_is_refused_at_its_header() {
    check(b"*4097\r\n", &[], Err(Malformed::ArgumentCount));
    check(b"*1\r\n$1048577\r\n", &[], Err(Malformed::BulkLength));
    check(b"*1\r\n$1073741824\r\n", &[], Err(Malformed::BulkLength));
    let mut large = b"*3\r\n".to_vec();
    for _ in 0..2 {
        large.extend(b"$1048576\r\n");
        large.resize(large.len() + BULK_BYTES_MAX, b'x');
        large.extend(b"\r\n");
    }
    let parsed = parse_in_pieces(&large, &[65_536], Bounds::KNOWN);
    assert_eq!(parsed, (Vec::new(), Err(Malformed::RequestSize)));
}

#[test]
fn array_holds_bulk_strings_only() {
    check(
        b"*1\r\n*1\r\n$1\r\na\r\n",
        &[],
        Err(Malformed::BulkExpected { found: b'*' }),
    );
    check(
        b"*1\r\n:1\r\n",
        &[],
        Err(Malformed::BulkExpected { found: b':' }),
    );
    check(b"*1\r\n$1\r\nabc", &[], Err(Malformed::BulkEnd));
    check(b"*1\r\n$3\r\na\r\nxx", &[], Err(Malformed::BulkEnd));
}

#[test]
fn line_is_a_request_of_words() {
    check(b"PING\r\n", &[&["PING"]], Ok(0));
    check(b"\r\n  \r\n\n", &[&[], &[], &[]], Ok(0));
    check(
        b" set  a\tb \nPING\r\n",
        &[&["set", "a", "b"], &["PING"]],
        Ok(0),
    );
    check(
        b"e \"a b\" 'c d' \"\" f'g h'\n",
        &[&["e", "a b", "c d", "", "fg h"]],
        Ok(0),
    );
    check(
        b"e \"\\x41\\n\\\"\\q\\\\\" 'it\\'s \\n'\n",
        &[&["e", "A\n\"q\\", "it's \\n"]],
        Ok(0),
    );
    check(b"PING", &[], Ok(4));
}

#[test]
fn unbalanced_quotes_are_malformed() {
    for line in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\\"", "'a\\'"] {
        check(
            format!("e {line}\n").as_bytes(),
            &[],
            Err(Malformed::InlineQuotes),
        );
    }
}

#[test]
fn line_has_a_longest_length() {
    let longest = [&[b'x'; INLINE_BYTES_MAX - 1][..], b"\n"].concat();
    let (requests, end) = parse_in_pieces(&longest, &[10_000], Bounds::KNOWN);
    assert_eq!((requests.len(), end), (1, Ok(0)));
    let longer = [b'x'; INLINE_BYTES_MAX];
    let (requests, end) = parse_in_pieces(&longer, &[10_000], Bounds::KNOWN);
    assert_eq!((requests.len(), end), (0, Err(Malformed::InlineSize)));
}

#[test]
fn stranger_has_narrower_bounds() {
    let check = |input: &[u8]| parse_in_pieces(input, &[100], Bounds::STRANGER).1;
    assert_eq!(check(b"*11\r\n"), Err(Malformed::ArgumentCount));
    assert_eq!(check(b"*1\r\n$16385\r\n"), Err(Malformed::BulkLength));
    assert_eq!(
        check(b"1 2 3 4 5 6 7 8 9 10 11\n"),
        Err(Malformed::ArgumentCount)
    );
    assert_eq!(check(b"1 2 3 4 5 6 7 8 9 10\n"), Ok(0));
}
