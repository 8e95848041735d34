//! Which keys are hot, as their partitions and the edge see it.

use tidegate_engine::AnsweredAt;
use tidegate_engine::limits::{HOT_HALVE_MS, HOT_SAMPLE_EVERY};
use tidegate_engine::testing::{Stepper, TOY};

fn fresh() -> Stepper {
    Stepper::fresh(&[TOY])
}

/// Runs so many of these commands, about `{}` 0, 1, 2, …
fn run(engine: &mut Stepper, times: u64, words: &str) {
    for n in 0..times {
        let words = words.replace("{}", &n.to_string());
        engine.submit(&words).unwrap();
        if n.is_multiple_of(1_000) {
            engine.settle();
        }
    }
    engine.settle();
}

/// The items that are listed.
fn listed(engine: &mut Stepper, words: &str) -> Vec<String> {
    let list = engine.call(words);
    let items = list.strip_prefix("items=[").unwrap();
    let items = items.split('{').skip(1);
    items
        .map(|item| item.trim_end_matches(['}', ']', ' ']).to_owned())
        .collect()
}

/// A figure of an item.
fn figure(item: &str, name: &str) -> u64 {
    let mut words = item.split_whitespace();
    let found = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.unwrap().parse().unwrap()
}

#[test]
fn key_that_most_ask_for_is_listed_first_with_its_rate_and_its_share() {
    let mut engine = fresh();
    run(&mut engine, 1_000, "NOTE.GET cold{}");
    run(&mut engine, 10_000, "NOTE.GET hot");
    engine.pass_ms(10_000);
    let items = listed(&mut engine, "HOT.LIST");
    assert!(
        items[0].starts_with("key=hot domain=note partition="),
        "{items:?}"
    );
    assert!(items[0].contains("answered=partition"), "{items:?}");
    let rate = figure(&items[0], "per_second");
    assert!((900..=1_100).contains(&rate), "{rate} a second");
    let share = figure(&items[0], "share_permille");
    assert!((900..=1_000).contains(&share), "{share}‰");
    assert_eq!(figure(&items[0], "error_permille"), 0);
    let sure = listed(&mut engine, "HOT.LIST SHARE 900");
    assert_eq!(sure, items[..1], "no other has such a share");
    assert_eq!(listed(&mut engine, "HOT.LIST LIMIT 1"), items[..1]);
    let figures = engine.door().hot_figures();
    let hot: Vec<_> = figures.iter().filter(|of| of.keys > 0).collect();
    assert_eq!(hot.len(), 1);
    assert_eq!((hot[0].keys, hot[0].share_permille), (1, share));
    assert_eq!(hot[0].answered, AnsweredAt::Partition);
}

#[test]
fn key_counts_by_the_work_that_it_makes_and_not_by_how_often_it_is_asked_for() {
    let mut engine = fresh();
    run(&mut engine, 20 * HOT_SAMPLE_EVERY, "NOTE.GET often");
    let attach = format!("NOTE.ATTACH large {}", "x".repeat(50_000));
    run(&mut engine, 4 * HOT_SAMPLE_EVERY, &attach);
    let items = listed(&mut engine, "HOT.LIST");
    assert!(items[0].starts_with("key=large"), "{items:?}");
    assert!(items[1].starts_with("key=often"), "{items:?}");
    let rates = [0, 1].map(|at: usize| figure(&items[at], "per_second"));
    assert!(rates[0] < rates[1], "{rates:?}");
}

#[test]
fn key_that_others_write_to_is_hot() {
    let mut engine = fresh();
    run(&mut engine, 20 * HOT_SAMPLE_EVERY, "NOTE.SHARE from{} to");
    let items = listed(&mut engine, "HOT.LIST");
    assert!(items[0].starts_with("key=to domain=note"), "{items:?}");
}

#[test]
fn what_the_edge_answers_is_listed_by_itself_and_costs_no_share_of_the_partition() {
    let mut engine = fresh();
    engine.call("NOTE.HOIST a news FOR 100000");
    run(&mut engine, 20 * HOT_SAMPLE_EVERY, "NOTE.HOISTED a");
    run(&mut engine, 20 * HOT_SAMPLE_EVERY, "TIME.GET");
    let items = listed(&mut engine, "HOT.LIST");
    assert_eq!(items.len(), 1, "{items:?}");
    assert!(items[0].starts_with("key=a domain=note"), "{items:?}");
    assert!(items[0].contains("answered=edge"), "{items:?}");
    assert_eq!(figure(&items[0], "share_permille"), 1_000);
    let figures = engine.door().hot_figures();
    let hot: Vec<_> = figures.iter().filter(|of| of.keys > 0).collect();
    assert_eq!((hot.len(), hot[0].answered), (1, AnsweredAt::Edge));
}

#[test]
fn key_that_nobody_asks_for_any_more_is_forgotten_within_minutes() {
    let mut engine = fresh();
    run(&mut engine, 20 * HOT_SAMPLE_EVERY, "NOTE.GET hot");
    engine.clock.advance_ms(HOT_HALVE_MS);
    let rate = figure(&listed(&mut engine, "HOT.LIST")[0], "per_second");
    engine.clock.advance_ms(HOT_HALVE_MS);
    let later = figure(&listed(&mut engine, "HOT.LIST")[0], "per_second");
    assert!(0 < later && later < rate, "{later} {rate}");
    engine.clock.advance_ms(20 * HOT_HALVE_MS);
    assert_eq!(listed(&mut engine, "HOT.LIST"), [""; 0]);
}
