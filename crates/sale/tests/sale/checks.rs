//! Checks: a hook outside is asked whether a buyer may enter.

use std::collections::BTreeSet;

use crate::support::{Hall, START, field};
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Report, Said, Settings, Try};
use tidegate_order::ORDER;
use tidegate_sale::{Hooks, OPEN_CHECKS_MAX, REFUSALS_MAX, SALE};
use tidegate_stock::STOCK;

const YES: &str = r#"{"eligible":true}"#;
const NO: &str = r#"{"eligible":false}"#;

/// With a sale `s` that asks the hook `captcha`.
fn checked(options: &str) -> Hall {
    let hooks = Hooks(BTreeSet::from(["captcha".to_owned()]));
    let settings = Settings::default().with(hooks);
    let mut hall = Hall::over(Stepper::fresh_told(&[STOCK, ORDER, SALE], settings));
    let ends = START + 3_600_000;
    let told = hall.call(&format!(
        "SALE.CREATE s {START} {ends} HOOK captcha {options}"
    ));
    assert_eq!(field(&told, "hook"), "captcha");
    hall
}

/// Asks, and gives by which token the answer is found.
fn asks(hall: &mut Hall, buyer: &str, more: &str) -> u64 {
    let words = format!("SALE.JOIN s {buyer} {more}");
    let token = hall.engine().submit(&words).expect("it can be read");
    hall.engine().settle();
    token
}

fn answer(hall: &mut Hall, token: u64) -> Option<String> {
    hall.engine().answer(token).map(|(_, told)| told)
}

/// What the hook is being asked.
fn asked(hall: &mut Hall) -> Vec<Try> {
    hall.engine().courier.take()
}

fn says(hall: &mut Hall, one: &Try, (status, body): (u16, &str)) {
    let body = body.as_bytes().to_vec().into();
    let report = Report::Answer(Said { status, body });
    hall.engine().courier.report(one, report);
    hall.engine().settle();
}

/// Somebody enters of whom the hook says this; what they are told.
fn enters(hall: &mut Hall, buyer: &str, more: &str, word: &str) -> String {
    let token = asks(hall, buyer, more);
    let [one] = asked(hall).try_into().expect("the hook is asked once");
    says(hall, &one, (200, word));
    answer(hall, token).expect("it is answered")
}

fn entrants(hall: &mut Hall) -> String {
    let told = hall.call("SALE.GET s");
    format!(
        "{} in, {} asked",
        field(&told, "entrants"),
        field(&told, "checking")
    )
}

#[test]
fn hook_that_the_settings_do_not_name_is_refused() {
    let mut hall = checked("");
    let ends = START + 3_600_000;
    let told = hall.call(&format!("SALE.CREATE t {START} {ends} HOOK other"));
    assert!(told.contains("unknown_hook"), "{told}");
    let mut hall = Hall::new();
    let told = hall.call(&format!("SALE.CREATE t {START} {ends} HOOK captcha"));
    assert!(told.contains("unknown_hook"), "{told}");
}

#[test]
fn who_is_eligible_is_in_line_and_hears_so_in_the_same_answer() {
    let mut hall = checked("");
    let token = asks(&mut hall, "mia", "RESPONSE abc FROM 192.0.2.1");
    assert_eq!(answer(&mut hall, token), None);
    assert_eq!(entrants(&mut hall), "0 in, 1 asked");
    let [one] = asked(&mut hall).try_into().expect("it is asked once");
    let sent: serde_json::Value = serde_json::from_slice(&one.body).expect("JSON");
    let expected = serde_json::json!({
        "sale": "s", "buyer": "mia", "address": "192.0.2.1", "response": "abc",
    });
    assert_eq!(sent, expected);
    hall.balances();
    says(&mut hall, &one, (200, YES));
    let told = answer(&mut hall, token).expect("it is answered");
    assert_eq!(
        (field(&told, "number"), field(&told, "repeated")),
        ("1", "false")
    );
    let again = hall.call("SALE.JOIN s mia RESPONSE other");
    assert_eq!(field(&again, "ticket"), field(&told, "ticket"));
    assert_eq!(field(&again, "repeated"), "true");
    assert!(asked(&mut hall).is_empty(), "nobody is checked twice");
    assert_eq!(entrants(&mut hall), "1 in, 0 asked");
    hall.balances();
}

#[test]
fn who_asks_again_meanwhile_is_told_pending_and_asks_nobody() {
    let mut hall = checked("");
    let first = asks(&mut hall, "mia", "RESPONSE abc");
    let second = asks(&mut hall, "mia", "RESPONSE abc");
    assert_eq!(asked(&mut hall).len(), 1);
    hall.pass(2_001);
    for token in [first, second] {
        let told = answer(&mut hall, token).expect("its time is over");
        assert!(told.contains("pending"), "{told}");
    }
    hall.balances();
}

#[test]
fn who_is_refused_hears_so_again_until_there_is_another_response() {
    let mut hall = checked("");
    let told = enters(&mut hall, "mia", "RESPONSE 1", NO);
    assert_eq!(told, "not_eligible more=4");
    assert_eq!(hall.call("SALE.JOIN s mia RESPONSE 1"), told);
    hall.balances();
    for response in 2..=REFUSALS_MAX {
        let told = enters(&mut hall, "mia", &format!("RESPONSE {response}"), NO);
        let more = REFUSALS_MAX - response;
        assert_eq!(told, format!("not_eligible more={more}"));
    }
    assert_eq!(
        hall.call("SALE.JOIN s mia RESPONSE new"),
        "not_eligible more=0"
    );
    assert!(asked(&mut hall).is_empty());
    let told = enters(&mut hall, "tom", "", NO);
    assert_eq!(told, "not_eligible more=4");
    let told = enters(&mut hall, "tom", "RESPONSE better", YES);
    assert_eq!(field(&told, "number"), "1");
    hall.balances();
}

#[test]
fn what_the_hook_does_not_say_is_no_refusal_and_it_is_asked_again() {
    let mut hall = checked("");
    for garbled in [(404, NO), (200, "what?")] {
        let token = asks(&mut hall, "mia", "RESPONSE 1");
        let [one] = asked(&mut hall).try_into().expect("it is asked");
        says(&mut hall, &one, garbled);
        assert_eq!(answer(&mut hall, token), None);
        hall.pass(2_001);
        let told = answer(&mut hall, token).expect("its time is over");
        assert!(told.contains("pending"), "{told}");
        assert_eq!(entrants(&mut hall), "0 in, 0 asked");
        hall.balances();
    }
    enters(&mut hall, "mia", "RESPONSE 1", NO);
    let token = asks(&mut hall, "mia", "RESPONSE 2 WAIT 0");
    assert!(answer(&mut hall, token).expect("told").contains("pending"));
    let [one] = asked(&mut hall).try_into().expect("it is asked");
    let nothing = Report::Nothing {
        why: "no answer".to_owned(),
        retry_after_ms: None,
    };
    hall.engine().courier.report(&one, nothing);
    hall.engine().settle();
    assert_eq!(entrants(&mut hall), "0 in, 1 asked");
    hall.pass(1_000);
    let [again] = asked(&mut hall).try_into().expect("it is tried again");
    assert_eq!((again.number, again.nth), (one.number, 2));
    says(&mut hall, &again, (200, YES));
    assert_eq!(entrants(&mut hall), "1 in, 0 asked");
    hall.balances();
}

#[test]
fn who_is_being_checked_at_the_start_comes_behind_those_who_were_drawn() {
    let mut hall = checked("RATE 1000");
    for buyer in ["a", "b"] {
        enters(&mut hall, buyer, "", YES);
    }
    let late = asks(&mut hall, "c", "WAIT 20000");
    let [one] = asked(&mut hall).try_into().expect("it is asked");
    hall.start();
    let told = hall.call("SALE.GET s");
    assert_eq!(
        (field(&told, "listed"), field(&told, "state")),
        ("2", "running")
    );
    says(&mut hall, &one, (200, YES));
    let told = answer(&mut hall, late).expect("it is answered");
    let ticket = field(&told, "ticket").to_owned();
    assert_eq!(field(&hall.position(&ticket), "position"), "3");
    hall.balances();
}

#[test]
fn a_yes_that_comes_when_the_sale_is_over_lets_nobody_in() {
    let mut hall = checked("");
    let token = asks(&mut hall, "mia", "WAIT 0");
    answer(&mut hall, token);
    let [one] = asked(&mut hall).try_into().expect("it is asked");
    let now = hall.now();
    hall.pass(START + 3_600_000 - now);
    says(&mut hall, &one, (200, YES));
    assert_eq!(entrants(&mut hall), "0 in, 0 asked");
    assert!(hall.call("SALE.JOIN s mia").contains("over"));
    hall.balances();
}

#[test]
fn no_more_checks_than_a_bound_are_open_and_more_are_told_busy() {
    let mut hall = checked("");
    for buyer in 0..OPEN_CHECKS_MAX {
        let token = asks(&mut hall, &format!("b{buyer}"), "WAIT 0");
        assert!(answer(&mut hall, token).expect("told").contains("pending"));
    }
    let told = hall.call("SALE.JOIN s late");
    assert!(told.to_lowercase().contains("busy"), "{told}");
    let first = asked(&mut hall).remove(0);
    says(&mut hall, &first, (200, YES));
    let token = asks(&mut hall, "late", "WAIT 0");
    assert!(answer(&mut hall, token).expect("told").contains("pending"));
    hall.balances();
}

#[test]
fn challenges_come_before_the_hook() {
    let mut hall = checked("CHALLENGE question QUESTION color ANSWER red");
    let told = hall.call("SALE.JOIN s mia");
    assert!(told.contains("challenge kind=question"), "{told}");
    assert!(asked(&mut hall).is_empty());
    let told = enters(&mut hall, "mia", "ANSWER red", YES);
    assert_eq!(field(&told, "number"), "1");
}

#[test]
fn checks_outlive_a_restart() {
    let mut hall = checked("");
    enters(&mut hall, "tom", "", NO);
    let token = asks(&mut hall, "mia", "RESPONSE abc WAIT 0");
    answer(&mut hall, token);
    asked(&mut hall);
    hall.reopen();
    assert_eq!(hall.call("SALE.JOIN s tom"), "not_eligible more=4");
    let [one] = asked(&mut hall).try_into().expect("it is tried again");
    says(&mut hall, &one, (200, YES));
    let told = hall.call("SALE.JOIN s mia");
    assert_eq!(field(&told, "number"), "1");
    hall.balances();
}
