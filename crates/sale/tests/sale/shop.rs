//! What is bought in a sale: who is admitted, tokens, and what comes of them.

use crate::support::{Hall, START, field};

/// A sale `s` of two goods, `tee` at 2,000 and `cap` at 500, so many units of each, with so many people, drawn.
fn running(units: (u64, u64), people: usize, options: &str) -> (Hall, Vec<String>) {
    let mut hall = Hall::new();
    hall.call(&format!("STOCK.SET tee {}", units.0));
    hall.call(&format!("STOCK.SET cap {}", units.1));
    let ends = START + 3_600_000;
    let told = hall.call(&format!(
        "SALE.CREATE s {START} {ends} GOODS 2 tee 2000 cap 500 RATE 100000 CURRENCY EUR {options}"
    ));
    assert_eq!(field(&told, "goods"), "2");
    let tickets = hall.enter(people);
    hall.start();
    hall.wait(200);
    (hall, tickets)
}

fn token(hall: &mut Hall, buyer: usize, ticket: &str, sku: &str) -> String {
    hall.call(&format!("SALE.TOKEN s buyer-{buyer} {ticket} {sku} 1"))
}

/// Spends what `told` says.
fn buy(hall: &mut Hall, buyer: usize, sku: &str, told: &str) -> String {
    let (nonce, token) = (field(told, "nonce"), field(told, "token"));
    hall.call(&format!("SALE.BUY s {nonce} {sku} buyer-{buyer} {token}"))
}

/// Takes a token and spends it.
fn buys(hall: &mut Hall, buyer: usize, ticket: &str, sku: &str) -> String {
    let told = token(hall, buyer, ticket, sku);
    let told = buy(hall, buyer, sku, &told);
    hall.engine().settle();
    told
}

#[test]
fn who_is_admitted_buys_and_has_an_order_that_waits_for_payment() {
    let (mut hall, tickets) = running((5, 5), 1, "TTL 60000");
    let told = token(&mut hall, 0, &tickets[0], "tee");
    assert_eq!(field(&told, "total"), "2000");
    assert_eq!(field(&told, "currency"), "EUR");
    let bought = buy(&mut hall, 0, "tee", &told);
    assert_eq!(field(&bought, "repeated"), "false");
    let order = field(&bought, "order").to_owned();
    hall.engine().settle();
    let told = hall.call(&format!("ORDER.GET {order}"));
    assert_eq!(field(&told, "state"), "reserved");
    assert_eq!(field(&told, "buyer"), "buyer-0");
    assert_eq!(field(&told, "total"), "2000");
    assert_eq!(field(&told, "expires_at_ms"), field(&bought, "pay_by_ms"));
    let listed = hall.call("ORDER.LIST buyer-0");
    assert!(listed.contains(&order), "{listed}");
    let stock = hall.call("STOCK.GET tee");
    assert_eq!(
        (field(&stock, "available"), field(&stock, "held")),
        ("4", "1")
    );
    hall.balances();
}

#[test]
fn order_of_a_sale_is_found_by_its_whole_id_alone() {
    let (mut hall, tickets) = running((5, 5), 2, "");
    let orders = [0, 1].map(|buyer| {
        let told = buys(&mut hall, buyer, &tickets[buyer], "tee");
        field(&told, "order").to_owned()
    });
    let (first, second) = (orders[0].split_at(11), orders[1].split_at(11));
    assert_ne!(first.1, second.1);
    for other in [
        first.0.to_owned(),
        format!("{}{}", first.0, second.1),
        format!("{}{}", first.0, "0".repeat(11)),
    ] {
        let told = hall.call(&format!("ORDER.GET {other}"));
        assert!(told.contains("unknown_order"), "{other}: {told}");
    }
}

#[test]
fn same_token_again_answers_the_same_order_whatever_became_of_it() {
    let (mut hall, tickets) = running((1, 5), 2, "TTL 1000");
    let told = token(&mut hall, 0, &tickets[0], "tee");
    let first = buy(&mut hall, 0, "tee", &told);
    let again = buy(&mut hall, 0, "tee", &told);
    assert_eq!(first.replace("repeated=false", "repeated=true"), again);
    hall.pass(1_001);
    let order = field(&first, "order");
    let gone = hall.call(&format!("ORDER.GET {order}"));
    assert_eq!(field(&gone, "state"), "expired");
    assert_eq!(buy(&mut hall, 0, "tee", &told), again);
    hall.pass(3_600_000);
    assert_eq!(
        buy(&mut hall, 0, "tee", &told),
        again,
        "though the sale is over"
    );
    hall.balances();
}

#[test]
fn forged_foreign_expired_and_misplaced_tokens_are_each_told() {
    let (mut hall, tickets) = running((5, 5), 2, "");
    let told = token(&mut hall, 0, &tickets[0], "tee");
    let (nonce, shown) = (field(&told, "nonce"), field(&told, "token"));
    let forged = format!("{}00", &shown[..shown.len() - 2]);
    for (words, refusal) in [
        (format!("{nonce} tee buyer-0 {forged}"), "bad_token"),
        (format!("{nonce} cap buyer-0 {shown}"), "bad_token"),
        (format!("{nonce} tee buyer-1 {shown}"), "other_buyer"),
        (
            format!("{} tee buyer-0 {shown}", "0".repeat(32)),
            "not_on_sale",
        ),
        (format!("{nonce} hat buyer-0 {shown}"), "not_on_sale"),
        (
            format!("{nonce} tee buyer-0 {shown} DEADLINE 1"),
            "too_late",
        ),
    ] {
        let told = hall.call(&format!("SALE.BUY s {words}"));
        assert!(told.contains(refusal), "{words}: {told}");
    }
    hall.pass(tidegate_sale::TOKEN_MS);
    assert!(buy(&mut hall, 0, "tee", &told).contains("token_expired"));
    hall.balances();
}

#[test]
fn nothing_can_be_bought_before_the_start() {
    let mut hall = Hall::new();
    hall.call("STOCK.SET tee 5");
    let ends = START + 3_600_000;
    hall.call(&format!("SALE.CREATE s {START} {ends} GOODS 1 tee 2000"));
    let ticket = hall.enter(1).remove(0);
    assert!(token(&mut hall, 0, &ticket, "tee").contains("not_admitted"));
    let told = hall.call(&format!("SALE.BUY s {} tee buyer-0 00", "0".repeat(32)));
    assert!(told.contains("not_on_sale"), "{told}");
}

#[test]
fn a_buyer_has_no_more_than_the_limit_over_all_goods() {
    let (mut hall, tickets) = running((5, 5), 1, "MAX 2");
    let told = buys(&mut hall, 0, &tickets[0], "tee");
    let order = field(&told, "order").to_owned();
    buys(&mut hall, 0, &tickets[0], "cap");
    let told = token(&mut hall, 0, &tickets[0], "tee");
    assert!(told.contains("over_limit taken=2 max=2"), "{told}");
    hall.call(&format!("ORDER.CANCEL {order}"));
    hall.engine().settle();
    let told = token(&mut hall, 0, &tickets[0], "tee");
    assert_eq!(field(&told, "repeated"), "false", "its place is free again");
    hall.balances();
}

#[test]
fn a_token_that_is_not_spent_makes_room_for_one_of_another_good_once_it_is_void() {
    let (mut hall, tickets) = running((0, 5), 1, "");
    hall.call("STOCK.ADD cap more 1");
    let tee = token(&mut hall, 0, &tickets[0], "tee");
    assert!(buy(&mut hall, 0, "tee", &tee).contains("sold_out available=0"));
    let cap = hall.call(&format!("SALE.TOKEN s buyer-0 {} cap 1", tickets[0]));
    assert_eq!(field(&cap, "sku"), "cap");
    assert!(
        buy(&mut hall, 0, "tee", &tee).contains("token_expired"),
        "it is void"
    );
    let bought = buy(&mut hall, 0, "cap", &cap);
    assert_eq!(field(&bought, "total"), "500");
    hall.engine().settle();
    hall.balances();
    hall.pass(tidegate_sale::TOKEN_MS);
    hall.balances();
}

#[test]
fn a_token_that_was_spent_meanwhile_counts() {
    let (mut hall, tickets) = running((5, 5), 1, "");
    let tee = token(&mut hall, 0, &tickets[0], "tee");
    buy(&mut hall, 0, "tee", &tee);
    let told = token(&mut hall, 0, &tickets[0], "cap");
    assert!(told.contains("over_limit taken=1 max=1"), "{told}");
    hall.engine().settle();
    hall.balances();
}

#[test]
fn asked_again_a_token_is_the_same_until_it_is_spent() {
    let (mut hall, tickets) = running((5, 5), 1, "MAX 2");
    let first = token(&mut hall, 0, &tickets[0], "tee");
    let again = token(&mut hall, 0, &tickets[0], "tee");
    assert_eq!(first.replace("repeated=false", "repeated=true"), again);
    buy(&mut hall, 0, "tee", &first);
    hall.engine().settle();
    let next = token(&mut hall, 0, &tickets[0], "tee");
    assert_ne!(field(&next, "token"), field(&first, "token"));
}

#[test]
fn no_more_are_admitted_than_there_are_units_until_some_come_back() {
    let (mut hall, tickets) = running((1, 2), 6, "TTL 5000 VISIT 60000");
    let state = |hall: &mut Hall, ticket: &String| {
        let told = hall.position(ticket);
        field(&told, "state").to_owned()
    };
    let admitted = |hall: &mut Hall| {
        let in_turn = tickets.iter().enumerate();
        let inside = in_turn.filter(|(_, ticket)| state(hall, ticket) == "admitted");
        inside.map(|(buyer, _)| buyer).collect::<Vec<_>>()
    };
    let first = admitted(&mut hall);
    assert_eq!(first.len(), 3, "as many as there are units");
    for (buyer, sku) in first.iter().zip(["tee", "cap", "cap"]) {
        let told = buys(&mut hall, *buyer, &tickets[*buyer], sku);
        assert_eq!(field(&told, "repeated"), "false");
    }
    hall.wait(200);
    assert_eq!(admitted(&mut hall).len(), 3);
    let waits = (0..6)
        .find(|buyer| !first.contains(buyer))
        .expect("three wait");
    let told = hall.position(&tickets[waits]);
    assert_eq!(field(&told, "state"), "waiting");
    assert_eq!(
        (field(&told, "available"), field(&told, "held")),
        ("0", "3")
    );
    assert_ne!(field(&told, "back_by_ms"), "-");
    assert_eq!(field(&told, "wait_ms"), "-");
    assert!(token(&mut hall, waits, &tickets[waits], "tee").contains("not_admitted"));
    hall.wait(5_001);
    hall.wait(200);
    assert_eq!(
        admitted(&mut hall).len(),
        6,
        "their time was over, and the units are back"
    );
    hall.balances();
}

#[test]
fn those_who_wait_are_told_once_everything_is_sold() {
    let (mut hall, tickets) = running((0, 0), 2, "");
    for ticket in &tickets {
        let told = hall.position(ticket);
        assert_eq!(field(&told, "state"), "sold_out");
    }
    hall.call("STOCK.ADD tee more 2");
    hall.wait(100);
    hall.wait(100);
    assert_eq!(field(&hall.position(&tickets[0]), "state"), "admitted");
}

#[test]
fn who_neither_buys_nor_leaves_counts_as_gone_after_a_visit() {
    let (mut hall, tickets) = running((1, 0), 2, "VISIT 10000");
    let states = |hall: &mut Hall| {
        let told = tickets.iter().map(|ticket| hall.position(ticket));
        let mut told: Vec<_> = told.collect();
        told.iter_mut()
            .for_each(|told| *told = field(told, "state").to_owned());
        told.sort();
        told
    };
    assert_eq!(states(&mut hall), ["admitted", "waiting"]);
    hall.wait(11_600);
    assert_eq!(states(&mut hall), ["admitted", "waiting"]);
    hall.wait(800);
    assert_eq!(states(&mut hall), ["admitted", "admitted"]);
}

#[test]
fn who_would_be_next_hears_within_two_seconds_though_many_wait() {
    let (mut hall, tickets) = running((1, 0), 40_000, "");
    let position = |hall: &mut Hall, ticket: &String| {
        let told = hall.position(ticket);
        let number = |name| field(&told, name).parse::<u64>().expect("a number");
        (number("position"), number("ask_after_ms"))
    };
    let places: Vec<_> = (0..tickets.len())
        .map(|buyer| position(&mut hall, &tickets[buyer]).0)
        .collect();
    let at = |place: u64| places.iter().position(|at| *at == place).expect("somebody");
    let first = at(1);
    buys(&mut hall, first, &tickets[first], "tee");
    hall.wait(1_100);
    for (place, soonest, latest) in [
        (2, 1_000, 2_000),
        (1_001, 1_000, 2_000),
        (1_002, 3_000, 4_000),
    ] {
        let (_, after) = position(&mut hall, &tickets[at(place)]);
        assert!((soonest..=latest).contains(&after), "{place}: {after}");
    }
}

#[test]
fn goods_are_listed_with_what_is_left_of_them() {
    let (mut hall, tickets) = running((5, 4), 1, "");
    buys(&mut hall, 0, &tickets[0], "cap");
    hall.wait(200);
    let told = hall.call("SALE.GOODS s");
    assert!(
        told.contains("sku=tee unit_price=2000 available=5 held=0 sold=0"),
        "{told}"
    );
    assert!(
        told.contains("sku=cap unit_price=500 available=3 held=1 sold=0"),
        "{told}"
    );
    let told = hall.call("SALE.GET s");
    assert_eq!((field(&told, "tokens"), field(&told, "bought")), ("1", "1"));
}

#[test]
fn goods_that_are_declared_after_the_start_can_be_bought_soon() {
    let mut hall = Hall::new();
    let ends = START + 3_600_000;
    hall.call(&format!(
        "SALE.CREATE s {START} {ends} GOODS 1 tee 2000 RATE 1000"
    ));
    let tickets = hall.enter(1);
    hall.start();
    assert_eq!(field(&hall.position(&tickets[0]), "state"), "waiting");
    hall.call("STOCK.SET tee 1");
    hall.wait(1_200);
    let told = buys(&mut hall, 0, &tickets[0], "tee");
    assert_eq!(field(&told, "quantity"), "1");
    hall.balances();
}

#[test]
fn a_thousand_goods_are_all_on_sale() {
    let mut hall = Hall::new();
    let goods: Vec<_> = (0..1_000).map(|number| format!("g{number} 5")).collect();
    for number in 0..1_000 {
        hall.call(&format!("STOCK.SET g{number} 1"));
    }
    let ends = START + 3_600_000;
    let told = hall.call(&format!(
        "SALE.CREATE s {START} {ends} GOODS 1000 {} RATE 100000",
        goods.join(" ")
    ));
    assert_eq!(field(&told, "goods"), "1000");
    let tickets = hall.enter(2);
    hall.start();
    hall.wait(200);
    assert_eq!(field(&hall.call("SALE.GET s"), "available"), "1000");
    for (buyer, sku) in ["g0", "g999"].into_iter().enumerate() {
        let told = buys(&mut hall, buyer, &tickets[buyer], sku);
        assert_eq!(field(&told, "sku"), sku);
    }
    hall.balances();
}

#[test]
fn a_sku_that_is_named_twice_and_a_currency_that_is_none_are_refused() {
    let mut hall = Hall::new();
    let ends = START + 3_600_000;
    let told = hall.call(&format!("SALE.CREATE s {START} {ends} GOODS 2 tee 1 tee 2"));
    assert!(told.contains("invalid_goods"), "{told}");
    let told = hall.call(&format!(
        "SALE.CREATE s {START} {ends} GOODS 1 tee 1 CURRENCY eur"
    ));
    assert!(told.contains("invalid_currency"), "{told}");
}

#[test]
fn what_was_bought_outlives_a_restart_in_every_moment() {
    let (mut hall, tickets) = running((5, 5), 1, "");
    let told = token(&mut hall, 0, &tickets[0], "tee");
    let first = buy(&mut hall, 0, "tee", &told);
    hall.reopen();
    let again = buy(&mut hall, 0, "tee", &told);
    assert_eq!(field(&again, "order"), field(&first, "order"));
    assert_eq!(field(&again, "repeated"), "true");
    hall.engine().settle();
    let order = field(&first, "order");
    let told = hall.call(&format!("ORDER.GET {order}"));
    assert_eq!(field(&told, "state"), "reserved");
    hall.balances();
}

#[test]
fn units_come_back_when_somebody_else_has_an_order_of_the_same_id() {
    // Only in another hall, where all is the same, can it be known beforehand.
    let (mut twin, tickets) = running((5, 5), 1, "");
    let bought = buys(&mut twin, 0, &tickets[0], "tee");
    let (mut hall, tickets) = running((5, 5), 1, "");
    let told = token(&mut hall, 0, &tickets[0], "tee");
    let order = field(&bought, "order");
    hall.call(&format!("ORDER.PLACE {order} mallory 1 tee 1 1"));
    hall.engine().settle();
    buy(&mut hall, 0, "tee", &told);
    hall.engine().settle();
    let stock = hall.call("STOCK.GET tee");
    assert_eq!(
        (field(&stock, "available"), field(&stock, "held")),
        ("4", "1")
    );
    let told = token(&mut hall, 0, &tickets[0], "tee");
    assert_eq!(
        field(&told, "repeated"),
        "false",
        "nothing counts for the buyer"
    );
    hall.balances();
}

#[test]
fn people_are_admitted_at_the_pace_however_seldom_it_is_seen_to() {
    let mut hall = Hall::new();
    hall.call("STOCK.SET tee 100");
    let ends = START + 3_600_000;
    hall.call(&format!(
        "SALE.CREATE s {START} {ends} RATE 2 GOODS 1 tee 2000"
    ));
    hall.enter(50);
    hall.start();
    for _ in 0..20 {
        hall.pass(1_000);
    }
    let told = hall.call("SALE.GET s");
    let admitted: u64 = field(&told, "admitted").parse().expect("a number");
    assert!((36..=40).contains(&admitted), "{told}");
}

#[test]
fn who_comes_when_everything_is_gone_is_told_so_at_the_edge_and_who_has_bought_never() {
    let (mut hall, tickets) = running((2, 1), 3, "VISIT 1000");
    hall.wait(4_000);
    let told: Vec<_> = (0..3)
        .map(|buyer| token(&mut hall, buyer, &tickets[buyer], "tee"))
        .collect();
    let first = buy(&mut hall, 0, "tee", &told[0]);
    buy(&mut hall, 1, "tee", &told[1]);
    let before = hall.at_edge();
    let asked = buy(&mut hall, 2, "tee", &told[2]);
    assert_eq!(
        (asked.as_str(), hall.at_edge()),
        ("sold_out available=0", before)
    );
    let again = buy(&mut hall, 2, "tee", &told[2]);
    assert_eq!((again, hall.at_edge()), (asked, before + 1));
    let other = buy(&mut hall, 1, "tee", &told[2]);
    assert_eq!(
        (other.as_str(), hall.at_edge()),
        ("other_buyer", before + 2)
    );
    let winner = buy(&mut hall, 0, "tee", &told[0]);
    assert_eq!(field(&winner, "order"), field(&first, "order"));
    assert_eq!(hall.at_edge(), before + 2);
    hall.engine().settle();
    hall.call(&format!("ORDER.CANCEL {}", field(&first, "order")));
    let had = buy(&mut hall, 2, "tee", &told[2]);
    assert_eq!(
        field(&had, "repeated"),
        "false",
        "what came back can be had"
    );
}
