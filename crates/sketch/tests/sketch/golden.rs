//! The stored form, byte for byte: other bytes are another form, with another number.

use tidegate_sketch::{Chunk, Coupon, Head, Malformed, Put, Sketch};

const REGISTERS: &str = "\
    02000000c200044020040200040120000000008100088000000000000070004140000010008000004100100100004320\
    0800000404000000100000010000000002000c00000c00000000110001000400000c010010011000010008c000044330\
    0000000080000000000c4000000100080140044000180000004000004110000010008100000100000400000020080120\
    00820000000004010000000118020000800000000000000000c200040610000020000200180300040000004060008000\
    00";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn people(count: u32) -> Sketch {
    (0..count)
        .map(|who| Coupon::of(who.to_string().as_bytes()))
        .collect()
}

#[test]
fn a_head_of_coupons() {
    assert_eq!(hex(&Head::default().to_bytes()), "01");
    assert_eq!(
        hex(&people(3).head().to_bytes()),
        "0181e382190525cd6501a795fb"
    );
}

#[test]
fn a_head_that_is_split() {
    assert_eq!(hex(&people(65).head().to_bytes()), "03");
}

#[test]
fn a_chunk_of_coupons() {
    assert_eq!(
        hex(&people(200).chunks()[&63].to_bytes()),
        "0142ee55ff026693ff"
    );
}

#[test]
fn a_chunk_of_registers() {
    let bytes = people(9_000).chunks()[&63].to_bytes();
    assert_eq!(hex(&bytes), REGISTERS);
}

#[test]
fn what_is_no_part_is_refused_with_why() {
    let coupon = [0x04, 0x80, 0x06, 0x2d];
    let rank_of_none = [0x00, 0x80, 0x06, 0x2d];
    let head = |bytes: &[&[u8]]| Head::from_bytes(&bytes.concat()).expect_err("no head");
    assert_eq!(head(&[]), Malformed::Length);
    assert_eq!(head(&[&[4]]), Malformed::Form);
    assert_eq!(head(&[&[3, 0]]), Malformed::Length);
    assert_eq!(head(&[&[1], &coupon[..3]]), Malformed::Length);
    assert_eq!(head(&[&[1], &coupon, &coupon]), Malformed::Coupons);
    assert_eq!(head(&[&[1], &rank_of_none]), Malformed::Coupons);
    let chunk = |bytes: &[&[u8]]| Chunk::from_bytes(&bytes.concat()).expect_err("no chunk");
    assert_eq!(chunk(&[]), Malformed::Length);
    assert_eq!(chunk(&[&[3]]), Malformed::Form);
    assert_eq!(
        chunk(&[&[1], &coupon, &[1, 0, 0, 0xff]]),
        Malformed::Coupons,
        "of two chunks"
    );
    assert_eq!(chunk(&[&[2], &[0; 191]]), Malformed::Length);
    assert_eq!(chunk(&[&[2], &[0xff; 192]]), Malformed::Register);
}

#[test]
fn a_head_says_when_it_is_split_and_sends_later_ones_on() {
    let mut head = people(64).head().clone();
    let last = Coupon::of(b"64");
    assert!(matches!(head.clone().put(last), Put::Split(chunks) if chunks.len() > 30));
    assert!(matches!(head.put(last), Put::Split(_)));
    assert!(head.is_split());
    assert_eq!(head.put(last), Put::IntoChunk);
}
