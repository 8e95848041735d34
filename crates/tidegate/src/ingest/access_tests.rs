use proptest::prelude::*;

use super::*;

const LINE: &str = r#"::1 - ann [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 42 "http://x.y/" "curl \"8\"""#;

/// Host, user, method, path, query, protocol, status, size, referer and agent.
fn read(line: &[u8], combined: bool) -> Result<[String; 10], Fault> {
    let access = Access::read(line, combined)?;
    Ok(Field::ALL.map(|(_, field)| shown(access.get(field)).into_owned()))
}

#[test]
fn a_combined_line_is_cut_into_its_fields() {
    let fields = [
        "::1",
        "ann",
        "GET",
        "/a",
        "b=c",
        "HTTP/1.1",
        "200",
        "42",
        "http://x.y/",
        r#"curl \"8\""#,
    ];
    assert_eq!(read(LINE.as_bytes(), true), Ok(fields.map(str::to_owned)));
    let time = Access::read(LINE.as_bytes(), true).map(|access| access.time);
    assert_eq!(time, Ok(&b"17/May/2015:10:05:03 +0000"[..]));
}

#[test]
fn a_common_line_ends_behind_the_size_and_a_combined_one_may_be_read_as_one() {
    let common = LINE.split(" \"http").next().expect("the first part");
    for line in [common, LINE] {
        let fields = read(line.as_bytes(), false).expect("a line");
        assert_eq!(fields[6..], ["200", "42", "-", "-"].map(str::to_owned));
    }
    assert_eq!(
        read(common.as_bytes(), true),
        Err(Fault::EndsBefore("referer"))
    );
}

/// Method, path, query and protocol.
fn request(text: &[u8]) -> [String; 4] {
    let line = [b"h - - [t] \"", text, b"\" 400 -"].concat();
    let fields = read(&line, false).expect("a line");
    std::array::from_fn(|at| fields[at + 2].clone())
}

#[test]
fn a_request_may_be_anything_that_a_client_sends() {
    for (text, fields) in [
        (&b"GET / HTTP/1.0"[..], ["GET", "/", "-", "HTTP/1.0"]),
        (b"GET /a?b?c HTTP/2.0", ["GET", "/a", "b?c", "HTTP/2.0"]),
        (b"GET /a? HTTP/1.1", ["GET", "/a", "", "HTTP/1.1"]),
        (b"GET /old", ["GET", "/old", "-", "-"]),
        (b"GET /a b c HTTP/1.1", ["GET", "/a b c", "-", "HTTP/1.1"]),
        (b"GET /a b", ["GET", "/a b", "-", "-"]),
        (
            b"CONNECT x.y:443 HTTP/1.1",
            ["CONNECT", "x.y:443", "-", "HTTP/1.1"],
        ),
        (b"-", ["-", "-", "-", "-"]),
        (b"", ["-", "-", "-", "-"]),
        (br"\x16\x03\x01", ["-", "-", "-", "-"]),
        (
            b"GET /\xff\xfe HTTP/1.1",
            ["GET", "/\\xFF\\xFE", "-", "HTTP/1.1"],
        ),
        (
            br#"GET /\"quoted\" HTTP/1.1"#,
            ["GET", r#"/\"quoted\""#, "-", "HTTP/1.1"],
        ),
        (
            br#"GET /un"quoted HTTP/1.1"#,
            ["GET", r#"/un"quoted"#, "-", "HTTP/1.1"],
        ),
        (br"GET /\\ HTTP/1.1", ["GET", r"/\\", "-", "HTTP/1.1"]),
    ] {
        assert_eq!(request(text), fields.map(str::to_owned), "{}", shown(text));
    }
}

#[test]
fn a_user_may_have_blanks() {
    let line = b"h - a b [t] \"-\" 401 -";
    assert_eq!(read(line, false).expect("a line")[1], "a b");
}

#[test]
fn what_is_no_line_is_told_with_what_is_missing() {
    for (line, fault) in [
        ("", Fault::EndsBefore("host")),
        ("h", Fault::EndsBefore("host")),
        ("h -", Fault::EndsBefore("ident")),
        ("h - u", Fault::EndsBefore("user")),
        ("h - u [t", Fault::EndsBefore("time")),
        ("h - u [t] GET", Fault::EndsBefore("time")),
        ("h - u [t] \"GET / HTTP/1.1", Fault::Unquoted("request")),
        ("h - u [t] \"GET /\\\"", Fault::Unquoted("request")),
        ("h - u [t] \"GET /\"", Fault::EndsBefore("status")),
        ("h - u [t] \"GET /\" 200", Fault::EndsBefore("size")),
        (
            "h - u [t] \"GET /\" OK 1",
            Fault::NotAStatus("OK".to_owned()),
        ),
        (
            "h - u [t] \"GET /\" 20 1",
            Fault::NotAStatus("20".to_owned()),
        ),
        ("h - u [t] \"GET /\" 200 ", Fault::NotASize(String::new())),
        ("h - u [t] \"GET /\" 200 x", Fault::NotASize("x".to_owned())),
        ("h - u [t] \"GET /\" 200 1", Fault::EndsBefore("referer")),
        ("h - u [t] \"GET /\" 200 1 \"r", Fault::Unquoted("referer")),
        (
            "h - u [t] \"GET /\" 200 1 \"r\"",
            Fault::EndsBefore("agent"),
        ),
        (
            "h - u [t] \"GET /\" 200 1 \"r\" \"a",
            Fault::Unquoted("agent"),
        ),
    ] {
        assert_eq!(read(line.as_bytes(), true), Err(fault), "{line}");
    }
}

#[test]
fn a_field_that_there_is_not_is_answered_with_those_that_there_are() {
    assert_eq!(Field::named("path"), Ok(Field::Path));
    let told = Field::named("paht").expect_err("no field");
    assert!(
        told.contains("\"paht\"") && told.contains("path, query"),
        "{told}"
    );
}

/// Bytes that stand in lines, and any others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![proptest::sample::select(&b" \"\\[]-?:/G1"[..]), any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(byte(), 0..120), combined in any::<bool>()) {
        read(&bytes, combined).ok();
    }

    #[test]
    fn a_line_with_any_byte_changed_is_read_or_told(at in 0..LINE.len(), byte in byte(), cut in 0..LINE.len()) {
        let mut line = LINE.as_bytes().to_vec();
        line[at] = byte;
        read(&line, true).ok();
        read(&line[..cut], true).ok();
    }

    #[test]
    fn fields_without_quotes_come_back_as_they_were_written(path in "/[a-zA-Z0-9%._~/ü-]{0,40}", status in 100..600_u16) {
        let line = format!("h - - [t] \"GET {path} HTTP/1.1\" {status} 5 \"-\" \"-\"");
        let fields = read(line.as_bytes(), true).expect("a line");
        prop_assert_eq!(&fields[3], &path);
        prop_assert_eq!(&fields[6], &status.to_string());
    }
}
