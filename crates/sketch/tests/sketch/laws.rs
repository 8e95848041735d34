//! The laws of the structure, on sets of any size and in any order.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tidegate_sketch::{CHUNKS, Chunk, Coupon, Head, PART_BYTES_MAX, Put, Sketch};

/// So many different ones, from this number on.
fn people(from: u64, count: u64) -> impl Iterator<Item = Coupon> {
    (from..from + count).map(|who| Coupon::of(&who.to_le_bytes()))
}

/// Sets that overlap: empty, of coupons, of chunks, with some chunks of registers, and of registers only.
fn set() -> impl Strategy<Value = BTreeSet<u64>> {
    let count = prop_oneof![
        0..3_u64,
        55..75_u64,
        60..3_000_u64,
        2_500..4_500_u64,
        8_000..12_000_u64
    ];
    (0..10_000_u64, count).prop_map(|(from, count)| (from..from + count).collect())
}

fn sketch<'a>(set: impl IntoIterator<Item = &'a u64>) -> Sketch {
    set.into_iter()
        .map(|who| Coupon::of(&who.to_le_bytes()))
        .collect()
}

fn union(one: &Sketch, other: &Sketch) -> Sketch {
    let mut union = one.clone();
    union.merge(other);
    union
}

/// What a table of parts holds: the sketch through its stored form.
fn stored(sketch: &Sketch) -> Sketch {
    let mut read = Sketch::default();
    read.merge_head(&Head::from_bytes(&sketch.head().to_bytes()).expect("a head"));
    for (number, chunk) in sketch.chunks() {
        read.merge_chunk(
            *number,
            &Chunk::from_bytes(&chunk.to_bytes()).expect("a chunk"),
        );
    }
    read
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_union_is_the_sketch_of_all_who_are_in_either((one, other) in (set(), set())) {
        let both: BTreeSet<u64> = one.union(&other).copied().collect();
        prop_assert_eq!(union(&sketch(&one), &sketch(&other)), sketch(&both));
    }

    #[test]
    fn merging_is_commutative_associative_and_idempotent((a, b, c) in (set(), set(), set())) {
        let (a, b, c) = (sketch(&a), sketch(&b), sketch(&c));
        prop_assert_eq!(union(&a, &b), union(&b, &a));
        prop_assert_eq!(union(&union(&a, &b), &c), union(&a, &union(&b, &c)));
        prop_assert_eq!(union(&a, &a), a);
    }

    #[test]
    fn order_and_repetition_change_nothing(set in set()) {
        let again = sketch(set.iter().rev().chain(set.iter().step_by(3)));
        prop_assert_eq!(again, sketch(&set));
    }

    #[test]
    fn a_sketch_is_what_its_parts_say_and_none_is_long(set in set()) {
        let sketch = sketch(&set);
        let parts = sketch.chunks().values().map(Chunk::to_bytes).chain([sketch.head().to_bytes()]);
        prop_assert!(parts.map(|part| part.len()).all(|length| length <= PART_BYTES_MAX));
        prop_assert_eq!(stored(&sketch), sketch);
    }

    #[test]
    fn putting_one_in_says_whether_anything_is_to_be_stored(set in set()) {
        let mut sketch = Sketch::default();
        for coupon in set.iter().map(|who| Coupon::of(&who.to_le_bytes())) {
            let before = sketch.clone();
            prop_assert_eq!(sketch.put(coupon), sketch != before);
            if sketch.chunks().len() == CHUNKS {
                break;
            }
        }
    }

    #[test]
    fn bytes_are_a_part_only_as_they_are_written(bytes in proptest::collection::vec(any::<u8>(), 0..300), form in 0..5_u8) {
        let bytes = [&[form], &bytes[..]].concat();
        if let Ok(head) = Head::from_bytes(&bytes) {
            prop_assert_eq!(head.to_bytes(), &bytes[..]);
        }
        if let Ok(chunk) = Chunk::from_bytes(&bytes) {
            prop_assert_eq!(chunk.to_bytes(), bytes);
        }
    }
}

#[test]
fn a_table_of_parts_is_kept_by_storing_what_was_said_to_be_changed() {
    let (mut head, mut chunks) = (Head::default(), vec![Chunk::default(); CHUNKS]);
    let mut puts = 0;
    for coupon in people(0, 20_000).chain(people(0, 20_000)) {
        let mut read = Head::from_bytes(&head.to_bytes()).expect("a head");
        match read.put(coupon) {
            Put::Known => {}
            Put::Changed => head = read,
            Put::Split(split) => {
                head = read;
                split
                    .into_iter()
                    .for_each(|(number, chunk)| chunks[number] = chunk);
            }
            Put::IntoChunk => puts += usize::from(chunks[coupon.chunk()].put(coupon)),
        }
    }
    let mut table = Sketch::default();
    table.merge_head(&head);
    chunks
        .iter()
        .enumerate()
        .for_each(|(number, chunk)| table.merge_chunk(number, chunk));
    assert_eq!(table, people(0, 20_000).collect());
    assert!(
        puts < 15_000,
        "{puts} of 20,000 changed a chunk, and nobody who came again"
    );
}

#[test]
fn two_of_one_place_are_one_with_the_higher_rank_whoever_came_first() {
    let [often, seldom] = [1_u64 << 37, 1].map(Coupon::of_hash);
    assert_ne!(often, seldom);
    let sketches =
        [[often, seldom], [seldom, often]].map(|both| both.into_iter().collect::<Sketch>());
    assert_eq!(sketches[0], sketches[1]);
    assert_eq!(sketches[0], [seldom].into_iter().collect());
    assert_eq!(sketches[0].estimate().count, 1);
}

#[test]
fn a_chunk_of_nobody_leaves_no_trace() {
    let mut sketch: Sketch = people(0, 80).collect();
    let empty = (0..CHUNKS).find(|number| !sketch.chunks().contains_key(number));
    let before = sketch.clone();
    sketch.merge_chunk(
        empty.expect("80 do not fall into all chunks"),
        &Chunk::default(),
    );
    assert_eq!(sketch, before);
}
