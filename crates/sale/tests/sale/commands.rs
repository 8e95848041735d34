//! What each command answers, as time goes by.

use crate::support::{Hall, START, field};
use tidegate_engine::testing::ManualClock;

const NOW: u64 = ManualClock::START_MS;

#[test]
fn sale_is_announced_with_the_commitment_of_its_draw_and_told_again_as_it_is() {
    let mut hall = Hall::new();
    let create = format!(
        "SALE.CREATE s {START} {} OPENS {} RATE 5",
        START + 1_000,
        NOW + 10
    );
    let told = hall.call(&create);
    assert_eq!(field(&told, "state"), "announced");
    assert_eq!(field(&told, "commitment").len(), 64);
    assert_eq!(field(&told, "repeated"), "false");
    for unknown in ["listed", "list_hash", "secret", "beacon"] {
        assert_eq!(field(&told, unknown), "-", "{unknown}");
    }
    assert_eq!(
        hall.call("SALE.JOIN s mia"),
        format!("not_open opens_at_ms={}", NOW + 10)
    );
    hall.pass(10);
    let again = hall.call(&create);
    let expected = told
        .replace("announced", "open")
        .replace("repeated=false", "repeated=true");
    assert_eq!(again, expected);
    let other = create.replace("RATE 5", "RATE 6");
    assert_eq!(hall.call(&other), "id_conflict");
    hall.balances();
}

#[test]
fn times_that_do_not_follow_each_other_are_refused() {
    let mut hall = Hall::new();
    for times in [
        format!("{START} {START}"),
        format!("{} {START}", START + 1),
        format!("{START} {} OPENS {}", START + 9, START + 1),
        format!("{} {}", NOW - 10, NOW),
    ] {
        let refused = hall.call(&format!("SALE.CREATE s {times}"));
        assert_eq!(refused, "invalid_times", "{times}");
    }
    assert_eq!(hall.call("SALE.GET s"), "unknown_sale");
}

#[test]
fn who_enters_twice_has_the_same_ticket_and_each_ticket_is_another() {
    let mut hall = Hall::open("RATE 5");
    let mia = hall.call("SALE.JOIN s mia");
    let again = hall.call("SALE.JOIN s mia");
    assert_eq!(again, mia.replace("repeated=false", "repeated=true"));
    let tom = hall.call("SALE.JOIN s tom");
    assert_eq!([field(&mia, "number"), field(&tom, "number")], ["1", "2"]);
    assert_ne!(field(&mia, "ticket"), field(&tom, "ticket"));
    assert_ne!(field(&mia, "entry"), field(&tom, "entry"));
    hall.balances();
}

#[test]
fn poll_before_the_start_says_early_and_asks_each_for_a_time_of_its_own_behind_it() {
    let mut hall = Hall::open("RATE 5");
    let tickets = hall.enter(20);
    let mut times = Vec::new();
    for ticket in &tickets {
        let told = hall.position(ticket);
        assert_eq!(field(&told, "state"), "early");
        assert_eq!(field(&told, "position"), "-");
        times.push(field(&told, "ask_after_ms").parse::<u64>().unwrap());
    }
    let until = START - NOW;
    assert!(
        times.iter().all(|at| (until..until + 2_000).contains(at)),
        "{times:?}"
    );
    times.sort_unstable();
    times.dedup();
    assert!(times.len() > 15, "{times:?}");
}

#[test]
fn drawn_positions_are_each_once_and_people_are_admitted_in_their_order_at_the_pace() {
    let mut hall = Hall::open("RATE 5");
    let tickets = hall.enter(20);
    hall.start();
    let mut positions: Vec<u64> = tickets
        .iter()
        .map(|ticket| field(&hall.position(ticket), "position").parse().unwrap())
        .collect();
    hall.pass(1_000);
    for (ticket, position) in tickets.iter().zip(&positions) {
        let told = hall.position(ticket);
        let is_admitted = *position <= 5;
        let state = if is_admitted { "admitted" } else { "waiting" };
        assert_eq!(field(&told, "state"), state, "{told}");
        let ahead = position.saturating_sub(6);
        assert_eq!(field(&told, "ahead"), ahead.to_string(), "{told}");
    }
    let told = hall.call("SALE.GET s");
    assert_eq!(field(&told, "admitted"), "5");
    positions.sort_unstable();
    assert!(positions.into_iter().eq(1..=20));
    hall.balances();
}

#[test]
fn who_comes_after_the_start_stands_behind_all_who_were_drawn() {
    let mut hall = Hall::open("RATE 5");
    hall.enter(3);
    hall.start();
    let late = hall.call("SALE.JOIN s late");
    let told = hall.position(field(&late, "ticket"));
    assert_eq!(
        [field(&told, "position"), field(&told, "state")],
        ["4", "waiting"]
    );
    hall.pass(60_000);
    // Nobody has waited for long: nothing was saved up.
    for (buyer, state) in [("a", "admitted"), ("b", "waiting")] {
        let receipt = hall.call(&format!("SALE.JOIN s {buyer}"));
        let told = hall.position(field(&receipt, "ticket"));
        assert_eq!(field(&told, "state"), state, "{told}");
    }
    hall.balances();
}

#[test]
fn draw_waits_for_the_beacon_that_was_named_and_takes_one_value_only() {
    let mut hall = Hall::open("RATE 5 BEACON block");
    let tickets = hall.enter(5);
    assert_eq!(
        hall.call("SALE.BEACON s 0abc"),
        format!("too_early starts_at_ms={START}")
    );
    hall.start();
    hall.pass(60_000);
    let told = hall.position(&tickets[0]);
    assert_eq!(
        [field(&told, "state"), field(&told, "position")],
        ["drawing", "-"]
    );
    let told = hall.call("SALE.GET s");
    assert_eq!([field(&told, "listed"), field(&told, "secret")], ["5", "-"]);
    assert_ne!(field(&told, "list_hash"), "-");
    hall.balances();
    assert_eq!(field(&hall.call("SALE.BEACON s 0abc"), "repeated"), "false");
    assert_eq!(field(&hall.call("SALE.BEACON s 0abc"), "repeated"), "true");
    assert_eq!(hall.call("SALE.BEACON s 0abd"), "beacon_told");
    hall.draw();
    assert_ne!(field(&hall.position(&tickets[0]), "position"), "-");
    hall.balances();
}

#[test]
fn beacon_is_taken_from_the_start_on_though_its_timer_has_not_fired() {
    let mut hall = Hall::open("RATE 5 BEACON block");
    let tickets = hall.enter(5);
    hall.engine().suspend_timers(true);
    let now = hall.now();
    hall.pass(START - now);
    assert_eq!(field(&hall.call("SALE.BEACON s 0abc"), "listed"), "5");
    hall.engine().suspend_timers(false);
    hall.draw();
    assert_ne!(field(&hall.position(&tickets[0]), "position"), "-");
    hall.balances();
}

#[test]
fn sale_without_a_beacon_takes_none_in() {
    let mut hall = Hall::open("RATE 5");
    hall.start();
    assert_eq!(hall.call("SALE.BEACON s 0abc"), "no_beacon");
    assert_eq!(hall.call("SALE.BEACON other 0abc"), "unknown_sale");
}

#[test]
fn nobody_enters_a_sale_that_is_over_and_who_waits_is_told() {
    let mut hall = Hall::open("RATE 1");
    let tickets = hall.enter(2);
    hall.start();
    hall.pass(3_600_000);
    assert_eq!(hall.call("SALE.JOIN s late"), "over");
    let told = hall.position(&tickets[0]);
    assert_eq!(
        [field(&told, "state"), field(&told, "ask_after_ms")],
        ["over", "0"]
    );
}

#[test]
fn nonce_is_told_from_the_start_on_and_to_nobody_before() {
    let mut hall = Hall::open("RATE 1");
    let told = hall.call("SALE.START s");
    assert_eq!(
        [field(&told, "nonce"), field(&told, "now_ms")],
        ["-", &NOW.to_string()]
    );
    hall.pass(START - NOW - 1);
    assert_eq!(field(&hall.call("SALE.START s"), "nonce"), "-");
    hall.start();
    let nonce = hall.call("SALE.START s");
    assert_eq!(field(&nonce, "nonce").len(), 32);
    hall.reopen();
    assert_eq!(
        field(&hall.call("SALE.START s"), "nonce"),
        field(&nonce, "nonce")
    );
}

#[test]
fn ticket_of_another_sale_or_of_nobody_is_refused_at_the_edge_and_by_the_partition() {
    let mut hall = Hall::open("RATE 1");
    let ticket = hall.enter(1).remove(0);
    hall.call(&format!("SALE.CREATE t {START} {}", START + 9));
    for edge in [true, false] {
        if !edge {
            hall.pass(1_000); // What the edge knows is over.
        }
        assert_eq!(
            hall.call(&format!("SALE.POSITION t {ticket}")),
            "bad_ticket"
        );
        assert_eq!(hall.call("SALE.POSITION s 1.00"), "bad_ticket");
    }
    assert_eq!(
        hall.call(&format!("SALE.POSITION u {ticket}")),
        "unknown_sale"
    );
}

#[test]
fn polls_are_answered_at_the_edge_as_the_partition_answers_them() {
    let mut hall = Hall::open("RATE 5");
    let tickets = hall.enter(50);
    hall.start();
    for ticket in &tickets {
        hall.position(ticket);
        let before = hall.at_edge();
        let by_edge = hall.position(ticket);
        assert_eq!(hall.at_edge(), before + 1);
        hall.pass(1_001);
        let before = hall.at_edge();
        let by_partition = hall.position(ticket);
        assert_eq!(hall.at_edge(), before);
        for same in ["position", "entrants"] {
            assert_eq!(field(&by_edge, same), field(&by_partition, same));
        }
    }
}
