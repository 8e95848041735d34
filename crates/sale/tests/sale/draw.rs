//! A draw is what anybody computes from what is public, however it was interrupted.

use std::collections::BTreeMap;

use crate::support::{Hall, START, field};
use tidegate_engine::Random;
use tidegate_sale::draw::{Hash, Mismatch, Published, check};

/// Enough for three groups and steps.
const PEOPLE: usize = 9_000;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let pair = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    assert_eq!(hex.len(), 2 * N);
    std::array::from_fn(pair)
}

/// What is public, as clients read it.
fn published(hall: &mut Hall) -> Published {
    let sale = hall.call("SALE.GET s");
    let hash = |name: &str| -> Hash { bytes(field(&sale, name)) };
    let mut entries = Vec::new();
    let mut after = 0;
    loop {
        let page = hall.call(&format!("SALE.ENTRIES s AFTER {after} LIMIT 1000"));
        let items = page.split("number=").skip(1);
        for item in items {
            let number: usize = item.split_whitespace().next().unwrap().parse().unwrap();
            assert_eq!(number, entries.len() + 1);
            let position = field(item, "position").trim_end_matches([']', '}']);
            let position = position.parse().unwrap();
            entries.push((bytes(field(item, "entry")), position));
        }
        if entries.len() < after + 1_000 {
            break;
        }
        after += 1_000;
    }
    let beacon = field(&sale, "beacon");
    Published {
        sale: "s".to_owned(),
        commitment: hash("commitment"),
        list: hash("list_hash"),
        beacon: if beacon == "-" {
            String::new()
        } else {
            beacon.to_owned()
        },
        secret: hash("secret"),
        entries,
    }
}

#[test]
fn draw_of_several_groups_is_what_anybody_computes() {
    let mut hall = Hall::open("RATE 5");
    let tickets = hall.enter(PEOPLE);
    hall.start();
    let draw = published(&mut hall);
    assert_eq!(draw.entries.len(), PEOPLE);
    assert_eq!(check(&draw), Ok(()));
    for at in [0, 1, 4_095, 4_096, PEOPLE - 1] {
        let position = draw.entries[at].1.to_string();
        let told = hall.position(&tickets[at]);
        assert_eq!(field(&told, "position"), position);
    }
    hall.balances();
}

#[test]
fn changed_secret_list_beacon_or_position_is_found() {
    let mut hall = Hall::open("RATE 5 BEACON block");
    hall.enter(40);
    hall.start();
    hall.call("SALE.BEACON s 0abc");
    hall.draw();
    let draw = published(&mut hall);
    assert_eq!(check(&draw), Ok(()));

    let mut other = draw.clone();
    other.secret[0] ^= 1;
    assert_eq!(check(&other), Err(Mismatch::Commitment));

    let mut other = draw.clone();
    other.entries[7].0[3] ^= 1;
    assert_eq!(check(&other), Err(Mismatch::List), "another ticket");
    let mut other = draw.clone();
    other.entries.swap(2, 3);
    assert_eq!(check(&other), Err(Mismatch::List));
    let mut other = draw.clone();
    other.entries.pop();
    assert_eq!(check(&other), Err(Mismatch::List));
    let mut other = draw.clone();
    other.list[9] ^= 1;
    assert_eq!(check(&other), Err(Mismatch::List));

    let mut other = draw.clone();
    other.beacon.push('d');
    assert!(matches!(check(&other), Err(Mismatch::Position { .. })));
    let mut other = draw;
    let (second, fifth) = (other.entries[2].1, other.entries[5].1);
    (other.entries[2].1, other.entries[5].1) = (fifth, second);
    assert!(matches!(check(&other), Err(Mismatch::Position { .. })));
}

/// The process ends at some step of the draw, again and again; who had entered stands where anybody computes.
#[test]
fn draw_that_is_broken_off_goes_on_where_it_was() {
    let mut hall = Hall::open("RATE 5");
    let tickets = hall.enter(PEOPLE);
    let mut random = Random::new(3);
    let now = hall.now();
    hall.pass(START - now);
    let mut reopened = 0;
    while field(&hall.call("SALE.GET s"), "state") == "drawing" {
        hall.balances();
        if random.chance(1, 2) {
            hall.reopen();
            reopened += 1;
        }
        hall.pass(random.below(2));
    }
    assert!(reopened > 2, "{reopened}");
    hall.balances();
    assert_eq!(check(&published(&mut hall)), Ok(()));
    hall.reopen();
    let told = hall.position(&tickets[8]);
    assert_ne!(field(&told, "position"), "-");
}

/// Of the same people, entered in the same order, a sale of another name is drawn otherwise.
#[test]
fn two_sales_are_two_draws() {
    let mut hall = Hall::open("RATE 5");
    hall.call(&format!("SALE.CREATE t {START} {}", START + 1));
    let tickets = hall.enter(30);
    let others: Vec<_> = (0..30)
        .map(|n| {
            let receipt = hall.call(&format!("SALE.JOIN t buyer-{n}"));
            field(&receipt, "ticket").to_owned()
        })
        .collect();
    hall.start();
    let mut same = BTreeMap::new();
    for (ticket, other) in tickets.iter().zip(&others) {
        let here = hall.position(ticket);
        let there = hall.call(&format!("SALE.POSITION t {other}"));
        *same
            .entry(field(&here, "position") == field(&there, "position"))
            .or_insert(0) += 1;
    }
    assert!(same[&false] > 20, "{same:?}");
}
