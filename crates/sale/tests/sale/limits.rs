//! Who asks too often: limits for buyers and addresses, and challenges.

use crate::support::{Hall, START, field};
use sha2::{Digest, Sha256};

/// What an address may do at once, and a buyer.
const BURST: usize = 20;

/// As fast as tests are to be.
const BITS: &str = "BITS 8";

/// A sale `s` that runs, of many units, which this buyer has entered; their ticket.
fn running(options: &str) -> (Hall, String) {
    let mut hall = Hall::new();
    hall.call("STOCK.SET tee 100000");
    let ends = START + 3_600_000;
    hall.call(&format!(
        "SALE.CREATE s {START} {ends} GOODS 1 tee 2000 RATE 100000 MAX 1000 {options}"
    ));
    let ticket = hall.enter(1).remove(0);
    hall.start();
    hall.wait(200);
    (hall, ticket)
}

fn token(hall: &mut Hall, ticket: &str, quantity: usize) -> String {
    hall.call(&format!("SALE.TOKEN s buyer-0 {ticket} tee {quantity}"))
}

fn join(hall: &mut Hall, buyer: usize, from: &str, options: &str) -> String {
    hall.call(&format!("SALE.JOIN s p-{buyer} FROM {from} {options}"))
}

fn has_entered(told: &str) -> bool {
    told.contains("ticket=")
}

fn zero_bits(puzzle: &str, proof: &str) -> u32 {
    let hash: [u8; 32] = Sha256::digest(format!("{puzzle}{proof}")).into();
    let [first, second] = [0, 16].map(|at| hash[at..][..16].try_into().expect("16 bytes"));
    match u128::from_be_bytes(first).leading_zeros() {
        128 => 128 + u128::from_be_bytes(second).leading_zeros(),
        zeros => zeros,
    }
}

/// A proof with at least so many bits, and fewer than so many.
fn proof(challenge: &str, bits: std::ops::Range<u32>) -> String {
    let puzzle = field(challenge, "puzzle");
    let proofs = (0..).map(|number: u64| number.to_string());
    let mut found = proofs.filter(|proof| bits.contains(&zero_bits(puzzle, proof)));
    found.next().expect("there are proofs without end")
}

/// A proof by which a challenge is solved.
fn solved(challenge: &str) -> String {
    assert_eq!(field(challenge, "kind"), "work");
    let bits = field(challenge, "bits").parse().expect("a number");
    format!("PROOF {}", proof(challenge, bits..257))
}

#[test]
fn buyer_who_takes_tokens_too_often_is_told_when_to_ask_again() {
    let (mut hall, ticket) = running("PER_BUYER 60");
    for quantity in 1..=BURST {
        let told = token(&mut hall, &ticket, quantity);
        assert_eq!(field(&told, "repeated"), "false");
    }
    let refused = "slow_down retry_after_ms=1000";
    for _ in 0..3 {
        assert_eq!(token(&mut hall, &ticket, BURST + 1), refused);
    }
    let same = token(&mut hall, &ticket, BURST);
    assert_eq!(field(&same, "repeated"), "true", "a retry is no new token");
    hall.pass(999);
    let told = token(&mut hall, &ticket, BURST + 1);
    assert_eq!(told, "slow_down retry_after_ms=1");
    hall.pass(1);
    let told = token(&mut hall, &ticket, BURST + 1);
    assert_eq!(field(&told, "repeated"), "false");
    hall.balances();
}

#[test]
fn buyers_do_not_share_their_limit_and_none_is_none() {
    let (mut hall, ticket) = running("PER_BUYER 1");
    let told = hall.call("SALE.JOIN s other");
    let other = field(&told, "ticket").to_owned();
    for quantity in 1..=BURST {
        token(&mut hall, &ticket, quantity);
    }
    hall.reopen();
    hall.wait(200);
    let told = token(&mut hall, &ticket, BURST + 1);
    assert!(told.starts_with("slow_down"), "{told}");
    let told = hall.call(&format!("SALE.TOKEN s other {other} tee 1"));
    assert_eq!(field(&told, "repeated"), "false");

    let (mut hall, ticket) = running("PER_BUYER 0");
    for quantity in 1..=2 * BURST {
        let told = token(&mut hall, &ticket, quantity);
        assert_eq!(field(&told, "repeated"), "false");
    }
    hall.balances();
}

#[test]
fn too_many_from_one_address_are_challenged_and_enter_once_they_have_solved_it() {
    let mut hall = Hall::open(&format!("PER_ADDRESS 60 {BITS}"));
    for buyer in 0..BURST {
        assert!(has_entered(&join(&mut hall, buyer, "192.0.2.7", "")));
    }
    let told = join(&mut hall, BURST, "192.0.2.7", "");
    assert!(told.starts_with("challenge kind=work puzzle="), "{told}");
    let proof = solved(&told);
    let again = join(&mut hall, 0, "192.0.2.7", "");
    assert_eq!(field(&again, "repeated"), "true", "a retry is no new entry");
    assert!(has_entered(&join(&mut hall, 100, "192.0.2.8", "")));
    assert!(has_entered(&hall.call("SALE.JOIN s nobody-knows-whence")));
    for _ in 0..3 {
        join(&mut hall, BURST + 1, "192.0.2.7", "");
    }
    assert!(has_entered(&join(&mut hall, BURST, "192.0.2.7", &proof)));
    hall.pass(1_000);
    let told = join(&mut hall, BURST + 1, "192.0.2.7", "");
    assert!(has_entered(&told), "as time passes: {told}");
    let told = join(&mut hall, BURST + 2, "192.0.2.7", "");
    assert!(told.starts_with("challenge"), "{told}");
    hall.balances();
}

#[test]
fn addresses_are_counted_across_a_restart() {
    let mut hall = Hall::open(&format!("PER_ADDRESS 1 {BITS}"));
    for buyer in 0..BURST {
        join(&mut hall, buyer, "192.0.2.7", "");
    }
    hall.reopen();
    let told = join(&mut hall, BURST, "192.0.2.7", "");
    assert!(told.starts_with("challenge"), "{told}");
    assert!(has_entered(&join(&mut hall, BURST, "192.0.2.8", "")));
    hall.balances();
}

#[test]
fn addresses_of_one_ipv6_network_are_one() {
    let mut hall = Hall::open(&format!("PER_ADDRESS 60 {BITS}"));
    for buyer in 0..BURST {
        let from = format!("2001:db8:1:2::{buyer:x}");
        assert!(has_entered(&join(&mut hall, buyer, &from, "")));
    }
    let told = join(&mut hall, BURST, "2001:db8:1:2:ffff::", "");
    assert!(told.starts_with("challenge"), "{told}");
    assert!(has_entered(&join(&mut hall, BURST, "2001:db8:1:3::", "")));
}

#[test]
fn proof_is_good_for_who_was_asked_where_and_until_when_it_was_told() {
    let mut hall = Hall::open(&format!("CHALLENGE work {BITS}"));
    let from = "192.0.2.7";
    let told = join(&mut hall, 0, from, "");
    let (proof, until) = (solved(&told), field(&told, "valid_until_ms").to_owned());
    let others = [
        join(&mut hall, 1, from, &proof),
        join(&mut hall, 0, "192.0.2.8", &proof),
        hall.call(&format!("SALE.JOIN s p-0 {proof}")),
        join(&mut hall, 0, from, "PROOF x"),
    ];
    for other in &others {
        assert!(other.starts_with("challenge"), "{other}");
    }
    assert_eq!(others[3], told, "the same puzzle is asked still");
    let now = hall.now();
    let until: u64 = until.parse().expect("a number");
    // The sale starts meanwhile, which does not matter.
    hall.pass(until - now - 1);
    assert!(has_entered(&join(&mut hall, 0, from, &proof)));
    let again = join(&mut hall, 0, "192.0.2.9", "");
    assert_eq!(
        field(&again, "repeated"),
        "true",
        "who is in is asked nothing"
    );

    let told = join(&mut hall, 2, from, "");
    let proof = solved(&told);
    let until: u64 = field(&told, "valid_until_ms").parse().expect("a number");
    let now = hall.now();
    hall.pass(until - now);
    let late = join(&mut hall, 2, from, &proof);
    assert!(late.starts_with("challenge"), "{late}");
    assert_ne!(field(&late, "puzzle"), field(&told, "puzzle"));
    hall.balances();
}

#[test]
fn proof_has_as_many_bits_as_the_sale_asks_for() {
    let mut hall = Hall::open("CHALLENGE work BITS 10");
    let told = hall.call("SALE.JOIN s mia");
    assert_eq!(field(&told, "bits"), "10");
    let few = proof(&told, 9..10);
    let few = hall.call(&format!("SALE.JOIN s mia PROOF {few}"));
    assert!(few.starts_with("challenge"), "{few}");
    let enough = proof(&told, 10..11);
    assert!(has_entered(
        &hall.call(&format!("SALE.JOIN s mia PROOF {enough}"))
    ));
}

#[test]
fn question_is_answered_in_whatever_case_and_its_answer_told_to_nobody() {
    let mut hall = Hall::open("CHALLENGE question QUESTION capital? ANSWER Bad-Ems");
    let told = hall.call("SALE.JOIN s mia");
    assert_eq!(told, "challenge kind=question question=capital?");
    for wrong in ["ANSWER Bern", "ANSWER Bad-Em", "PROOF Bad-Ems"] {
        assert_eq!(hall.call(&format!("SALE.JOIN s mia {wrong}")), told);
    }
    let entered = hall.call("SALE.JOIN s mia ANSWER bAD-eMS");
    assert!(has_entered(&entered), "{entered}");
    assert_eq!(field(&hall.call("SALE.JOIN s mia"), "repeated"), "true");
    let sale = hall.call("SALE.GET s");
    assert_eq!(field(&sale, "challenge"), "question");
    assert!(!sale.contains("Ems") && !sale.contains("capital"), "{sale}");
    hall.balances();
}

#[test]
fn whoever_answers_from_an_address_of_too_many_works_as_well() {
    let options = format!("PER_ADDRESS 60 CHALLENGE question QUESTION q ANSWER a {BITS}");
    let mut hall = Hall::open(&options);
    for _ in 0..3 * BURST {
        let told = join(&mut hall, 0, "192.0.2.7", "ANSWER b");
        assert_eq!(told, "challenge kind=question question=q");
    }
    // What was refused was not counted.
    for buyer in 0..BURST {
        assert!(has_entered(&join(
            &mut hall,
            buyer,
            "192.0.2.7",
            "ANSWER a"
        )));
    }
    let told = join(&mut hall, BURST, "192.0.2.7", "ANSWER a");
    let proof = solved(&told);
    let told = join(&mut hall, BURST, "192.0.2.7", &proof);
    assert_eq!(told, "challenge kind=question question=q");
    let both = format!("ANSWER a {proof}");
    assert!(has_entered(&join(&mut hall, BURST, "192.0.2.7", &both)));
    hall.balances();
}

#[test]
fn question_and_answer_belong_together_and_to_no_other_challenge() {
    let mut hall = Hall::new();
    let ends = START + 1_000;
    for options in [
        "CHALLENGE question",
        "CHALLENGE question QUESTION q",
        "CHALLENGE question ANSWER a",
        "CHALLENGE work QUESTION q",
        "CHALLENGE work ANSWER a",
        "CHALLENGE none QUESTION q ANSWER a",
        "QUESTION q ANSWER a",
        "ANSWER a",
    ] {
        let told = hall.call(&format!("SALE.CREATE s {START} {ends} {options}"));
        assert_eq!(told, "invalid_challenge", "{options}");
    }
    let told = hall.call(&format!("SALE.CREATE s {START} {ends}"));
    let said = ["per_buyer", "per_address", "challenge"].map(|name| field(&told, name));
    assert_eq!(said, ["60", "0", "none"]);
}

#[test]
fn other_refusals_come_before_a_challenge() {
    let mut hall = Hall::open("CHALLENGE work");
    assert_eq!(hall.call("SALE.JOIN t mia"), "unknown_sale");
    hall.start();
    hall.pass(3_600_000);
    assert_eq!(hall.call("SALE.JOIN s mia"), "over");
}

#[test]
fn refused_entry_leaves_no_trace_of_itself() {
    let mut hall = Hall::open(&format!("PER_ADDRESS 60 {BITS}"));
    for buyer in 0..BURST {
        join(&mut hall, buyer, "192.0.2.7", "");
    }
    let durable = |hall: &mut Hall| hall.engine().door().metrics().records_durable.get();
    let before = durable(&mut hall);
    for buyer in 0..100 {
        join(&mut hall, BURST + buyer, "192.0.2.7", "");
    }
    assert_eq!(durable(&mut hall), before, "a flood costs no disk");
    assert_eq!(
        field(&hall.call("SALE.GET s"), "entrants"),
        BURST.to_string()
    );
}
