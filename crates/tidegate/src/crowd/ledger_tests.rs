use super::super::answer::{Line, Refund};
use super::*;

fn units(available: u64, held: u64, sold: u64) -> Units {
    Units {
        total: 10,
        available,
        held,
        sold,
    }
}

fn order(state: &str, payment: Option<&str>) -> Order {
    let payment = payment.map(|state| Payment {
        payment: "pay-1".into(),
        number: "1".into(),
        state: state.into(),
        paid_amount: Some(200),
        refunded: 0,
    });
    Order {
        state: state.into(),
        total: 200,
        lines: vec![Line {
            sku: "A".into(),
            quantity: 2,
            refunded: 0,
        }],
        payments: payment.into_iter().collect(),
        refunds: Vec::new(),
    }
}

fn told(buyer: &str, order: &str) -> Told {
    Told {
        buyer: buyer.into(),
        order: order.into(),
        sku: "A".into(),
        quantity: 2,
        total: 200,
    }
}

fn paid(order: &str, back: u64) -> Paid {
    let refund = GivenBack {
        amount: back,
        status: "done".into(),
    };
    Paid {
        id: "1".into(),
        order: order.into(),
        paid_amount: Some(200),
        refunds: (back > 0).then_some(refund).into_iter().collect(),
    }
}

/// One has paid, another's order has expired and the money is back; four units were gone before.
fn sound() -> Facts {
    Facts {
        goods: vec![Stock {
            sku: "A".into(),
            before: units(6, 1, 3),
            now: units(4, 1, 5),
        }],
        orders: vec![
            (told("ann", "o1"), Some(order("paid", Some("paid")))),
            (told("bob", "o2"), Some(order("expired", Some("refunded")))),
        ],
        payments: Some(vec![paid("o1", 0), paid("o2", 200), paid("another's", 0)]),
        max: 2,
        turned_away: 0,
        ..Facts::default()
    }
}

/// The figures that are not zero once this was done to sound facts.
fn found(plant: impl FnOnce(&mut Facts)) -> Vec<(&'static str, u64)> {
    let mut facts = sound();
    plant(&mut facts);
    let ledger = Ledger::of(&facts);
    let wrong = ledger.wrong().into_iter().filter(|(_, count)| *count > 0);
    wrong.collect()
}

#[test]
fn what_fits_together_is_sound() {
    assert_eq!(found(|_| {}), []);
}

#[test]
fn units_beyond_the_total_or_of_orders_that_the_stock_does_not_know_are_oversold() {
    assert_eq!(
        found(|facts| facts.goods[0].now.sold = 12),
        [("oversold", 3 + 7), ("undersold", 7)]
    );
    assert_eq!(
        found(|facts| facts.goods[0].now = units(5, 1, 4)),
        [("oversold", 1)]
    );
    assert_eq!(
        found(|facts| facts.goods[0].now = units(5, 1, 5)),
        [("oversold", 1)]
    );
}

#[test]
fn units_that_no_order_has_are_undersold_and_so_is_what_is_left_for_people_sent_away() {
    assert_eq!(
        found(|facts| facts.goods[0].now = units(1, 4, 5)),
        [("undersold", 3)]
    );
    assert_eq!(found(|facts| facts.turned_away = 3), [("undersold", 3)]);
    assert_eq!(found(|facts| facts.turned_away = 300), [("undersold", 4)]);
}

#[test]
fn an_order_a_ticket_or_a_token_that_is_not_known_any_more_is_lost() {
    assert_eq!(
        found(|facts| {
            facts.orders[1].1 = None;
            facts.tickets_lost = 1;
            facts.wrong.tickets_lost = 1;
            facts.wrong.tokens_lost = 1;
        }),
        [("lost", 4)]
    );
}

#[test]
fn money_for_nothing_is_found_by_the_provider_and_by_the_order() {
    let nothing = [("paid without goods", 1)];
    let expired =
        |state| move |facts: &mut Facts| facts.orders[1].1 = Some(order("expired", state));
    let not_back = |facts: &mut Facts| facts.payments.as_mut().expect("set")[1].refunds.clear();
    assert_eq!(found(not_back), nothing);
    // The provider says that it went back.
    assert_eq!(found(expired(Some("paid"))), nothing);
    assert_eq!(
        found(|facts| {
            not_back(facts);
            expired(None)(facts);
        }),
        nothing
    );
    assert_eq!(
        found(|facts| {
            let second = facts.orders[0].1.as_mut().expect("set");
            let mut payment = second.payments[0].clone();
            payment.number = "2".into();
            second.payments.push(payment);
        }),
        nothing
    );
}

#[test]
fn money_that_a_person_is_to_look_at_is_not_lost() {
    assert_eq!(
        found(|facts| {
            facts.orders[1].1 = Some(order("expired", Some("review")));
            facts.payments.as_mut().expect("set")[1].refunds.clear();
            facts.reviews.insert(Review {
                id: "o2".into(),
                payment: "pay-1".into(),
            });
        }),
        []
    );
}

#[test]
fn a_buyer_with_more_than_the_limit_is_found_over_all_orders() {
    assert_eq!(
        found(|facts| {
            facts.orders[1] = (told("ann", "o2"), Some(order("reserved", None)));
            facts.payments = None;
            facts.goods[0].now = units(2, 3, 5);
        }),
        [("beyond the limit", 2), ("unsettled", 1)]
    );
}

#[test]
fn what_the_crowd_has_seen_itself_counts() {
    assert_eq!(
        found(|facts| facts.wrong = Wrong {
            tickets_lost: 0,
            tokens_lost: 0,
            winners_refused: 1,
            bought_twice: 2,
            forgeries_taken: 3,
        }),
        [
            ("winners refused", 1),
            ("bought twice", 2),
            ("forgeries taken", 3)
        ]
    );
}

#[test]
fn an_order_that_costs_something_else_or_does_not_come_to_rest_is_told() {
    assert_eq!(
        found(|facts| facts.orders[0].0.total = 199),
        [("wrong totals", 1)]
    );
    assert_eq!(
        found(|facts| {
            let order = facts.orders[1].1.as_mut().expect("set");
            order.refunds.push(Refund {
                state: "refunding".into(),
            });
        }),
        [("unsettled", 1)]
    );
}
