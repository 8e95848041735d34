//! The error is what is said: sets whose size is known, from many seeds.

use tidegate_sketch::{Coupon, STANDARD_ERROR, Sketch};

/// Numbers that look random (Vigna's splitmix64).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A set of this size, another one for each seed.
fn set(seed: u64, size: u64) -> impl Iterator<Item = Coupon> {
    (0..size).map(move |who| Coupon::of(&scattered(seed << 32 | who).to_le_bytes()))
}

/// How far the estimate is off, in parts of the true number.
fn off(sketch: &Sketch, size: u64) -> f64 {
    (sketch.estimate().count as f64 - size as f64) / size as f64
}

#[test]
fn few_are_counted_exactly() {
    for seed in 0..20 {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.estimate().count, 0);
        for (index, coupon) in set(seed, 64).enumerate() {
            sketch.put(coupon);
            assert_eq!(sketch.estimate().count, index as u64 + 1, "of seed {seed}");
        }
    }
}

#[test]
fn up_to_a_thousand_are_counted_within_one() {
    for seed in 0..40 {
        let estimate = set(seed, 1_000).collect::<Sketch>().estimate();
        assert!(
            estimate.count.abs_diff(1_000) <= 1,
            "{estimate:?} of seed {seed}"
        );
        assert!(estimate.standard_error < 0.0002, "{estimate:?}");
    }
}

/// Over many sets the root of the mean square is the standard error, and the mean is nothing.
fn check_error(size: u64, seeds: u64) {
    let offs: Vec<f64> = (1..=seeds)
        .map(|seed| off(&set(seed, size).collect(), size))
        .collect();
    let said = set(1, size).collect::<Sketch>().estimate().standard_error;
    let mean = offs.iter().sum::<f64>() / seeds as f64;
    let root = (offs.iter().map(|off| off * off).sum::<f64>() / seeds as f64).sqrt();
    let chance = 1.0 + 3.0 / (2.0 * seeds as f64).sqrt();
    assert!(said <= STANDARD_ERROR, "{said} is said of {size}");
    assert!(
        root <= said * chance,
        "{root} was seen of {size}, {said} is said"
    );
    assert!(
        mean.abs() <= 3.0 * said / (seeds as f64).sqrt(),
        "the mean of {size} is off by {mean}"
    );
}

#[test]
fn the_error_of_sets_that_are_partly_counted_is_within_what_is_said() {
    for size in [2_500, 3_000, 3_500, 5_000] {
        check_error(size, 150);
    }
}

#[test]
fn the_error_of_tens_of_thousands_is_within_what_is_said() {
    for size in [10_000, 30_000, 60_000] {
        check_error(size, 60);
    }
}

#[test]
fn the_error_of_hundreds_of_thousands_is_within_what_is_said() {
    check_error(300_000, 30);
}

#[test]
fn one_set_that_grows_to_millions_stays_within_three_standard_errors() {
    let mut sketch = Sketch::default();
    let mut next = 1;
    for (index, coupon) in set(7, 4_000_000).enumerate() {
        sketch.put(coupon);
        let size = index as u64 + 1;
        if size == next {
            let estimate = sketch.estimate();
            let off = off(&sketch, size).abs();
            assert!(
                off <= 3.0 * estimate.standard_error.max(0.0001),
                "{estimate:?} of {size}"
            );
            next = next * 5 / 4 + 1;
        }
    }
}

#[test]
fn a_union_of_a_hundred_parts_is_as_good_as_one_set() {
    let mut union = Sketch::default();
    for part in 0..100 {
        union.merge(&set(9, 200_000).skip(part * 1_500).take(2_000).collect());
    }
    assert_eq!(union, set(9, 150_500).collect());
    assert!(off(&union, 150_500).abs() < 3.0 * STANDARD_ERROR);
}
