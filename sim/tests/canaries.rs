//! Engines that break one rule are caught, and the same seed does the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use tidegate_engine::testing::Canary;

/// Seeds within which a broken rule has to show.
const SEEDS: u64 = 20;

fn caught_at(canary: Canary) -> Option<u64> {
    (0..SEEDS).find(|seed| sim::run(*seed, Some(canary)).is_err())
}

#[test]
fn answer_before_sync_is_caught() {
    assert!(caught_at(Canary::AnswerBeforeSync).is_some());
}

#[test]
fn lost_timer_is_caught() {
    assert!(caught_at(Canary::LoseTimer).is_some());
}

#[test]
fn skipped_undo_is_caught() {
    assert!(caught_at(Canary::SkipUndo).is_some());
}

#[test]
fn repeated_mail_is_caught() {
    assert!(caught_at(Canary::RepeatMail).is_some());
}

#[test]
fn one_seed_leaves_the_same_bytes_twice() {
    let digest = |seed| sim::run(seed, None).unwrap().digest;
    for seed in 0..SEEDS {
        assert_eq!(digest(seed), digest(seed), "seed {seed}");
    }
    assert_ne!(digest(11), digest(12));
}
