use clap::Parser;

use super::*;

const NOW_MS: u64 = 1_000;
const EXPIRES_MS: u64 = 100_000;

/// Buyers as a command line says.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    buyers: Buyers,
}

fn payments(line: &str) -> Payments {
    let line = ["test"].into_iter().chain(line.split_whitespace());
    let buyers = Line::try_parse_from(line).expect("a command line").buyers;
    Payments::new(buyers, Draws::of(1))
}

fn id(number: u64) -> Id {
    number.to_string().parse().expect("an id")
}

fn new(number: u64, amount: u64) -> NewPayment {
    NewPayment {
        id: id(number),
        order: "o-1".into(),
        amount,
        currency: "EUR".to_owned().try_into().expect("a currency"),
        expires_at_ms: EXPIRES_MS,
    }
}

fn new_refund(number: u64, amount: u64) -> NewRefund {
    NewRefund {
        id: id(number),
        amount,
    }
}

/// Lets everything happen until this time, and says what did.
fn events(payments: &mut Payments, now_ms: u64) -> Vec<(Event, Id)> {
    std::iter::from_fn(|| {
        let (event, payment) = payments.advance(now_ms)?;
        Some((event, payment.id))
    })
    .collect()
}

/// A payment of 100 that was paid.
fn paid(line: &str) -> Payments {
    let mut payments = payments(line);
    payments.create(new(1, 100), NOW_MS).expect("room");
    events(&mut payments, EXPIRES_MS);
    payments
}

#[test]
fn a_payment_is_made_once_and_its_id_is_of_its_content() {
    let mut payments = payments("");
    assert_eq!(payments.create(new(1, 100), NOW_MS), Ok(Made::Now));
    assert_eq!(payments.create(new(1, 100), NOW_MS + 1), Ok(Made::Before));
    let other_order = NewPayment {
        order: "o-2".into(),
        ..new(1, 100)
    };
    let other_currency = NewPayment {
        currency: "USD".to_owned().try_into().expect("a currency"),
        ..new(1, 100)
    };
    let other_time = NewPayment {
        expires_at_ms: EXPIRES_MS + 1,
        ..new(1, 100)
    };
    for other in [new(1, 101), other_order, other_currency, other_time] {
        let refused = payments.create(other, NOW_MS);
        assert_eq!(refused, Err(Refusal::OtherContent));
    }
    assert_eq!(payments.all().len(), 1);
}

#[test]
fn a_buyer_pays_at_the_drawn_time_and_not_before() {
    let mut payments = payments("--pay-after 500..500");
    payments.create(new(1, 100), NOW_MS).expect("room");
    assert_eq!(payments.next_at_ms(), Some(NOW_MS + 500));
    assert_eq!(events(&mut payments, NOW_MS + 499), []);
    // Looked at late: it happened when it was due.
    assert_eq!(events(&mut payments, 9_000), [(Event::Paid, id(1))]);
    let state = payments.get(id(1)).expect("known").state;
    let expected = State::Paid {
        amount: 100,
        at_ms: NOW_MS + 500,
    };
    assert_eq!(state, expected);
    assert_eq!(payments.next_at_ms(), None);
}

#[test]
fn who_never_pays_or_would_be_too_slow_has_expired_at_the_time_given() {
    for line in [
        "--never-pays 1",
        "--pay-after 99000",
        "--pay-after 99000 --fails 1",
    ] {
        let mut payments = payments(line);
        payments.create(new(1, 100), NOW_MS).expect("room");
        assert_eq!(events(&mut payments, EXPIRES_MS - 1), [], "{line}");
        let happened = events(&mut payments, EXPIRES_MS);
        assert_eq!(happened, [(Event::Expired, id(1))], "{line}");
    }
}

#[test]
fn late_ones_are_pending_until_they_pay_past_the_time_given() {
    let mut payments = payments("--late 1 --late-by 50");
    for n in 0..100 {
        payments.create(new(n, 100), NOW_MS).expect("room");
    }
    assert_eq!(events(&mut payments, EXPIRES_MS - 1), []);
    assert_eq!(events(&mut payments, EXPIRES_MS + 50).len(), 100);
    let late = payments.all().iter().filter(|payment| match payment.state {
        State::Paid { at_ms, .. } => at_ms > EXPIRES_MS,
        State::Pending | State::Failed | State::Expired => panic!("all have paid"),
    });
    assert!(late.count() > 90);
}

#[test]
fn a_payment_that_was_over_before_it_was_made_is_not_paid_in_the_past() {
    let mut payments = payments("--late 1 --late-by 0");
    let over = NewPayment {
        expires_at_ms: 5,
        ..new(1, 100)
    };
    payments.create(over, NOW_MS).expect("room");
    events(&mut payments, NOW_MS);
    let state = payments.get(id(1)).expect("known").state;
    let expected = State::Paid {
        amount: 100,
        at_ms: NOW_MS,
    };
    assert_eq!(state, expected);
}

#[test]
fn of_many_buyers_each_kind_has_its_share_and_the_same_comes_again() {
    let outcome = || {
        let line = "--never-pays 0.1 --fails 0.2 --late 0.1 --wrong-amount 0.25 --pay-after 1..10";
        let mut payments = payments(line);
        for n in 0..10_000 {
            payments.create(new(n, 1_000), NOW_MS).expect("room");
        }
        events(&mut payments, u64::MAX);
        let states = payments.all().iter().map(|payment| payment.state);
        states.collect::<Vec<_>>()
    };
    let states = outcome();
    let count = |is: fn(&State) -> bool| states.iter().filter(|state| is(state)).count();
    let failed = count(|state| *state == State::Failed);
    let expired = count(|state| *state == State::Expired);
    let wrong = count(|state| match state {
        State::Paid { amount, .. } => *amount != 1_000,
        State::Pending | State::Failed | State::Expired => false,
    });
    for (found, expected) in [(failed, 2_000), (expired, 1_000), (wrong, 1_750)] {
        assert!(found.abs_diff(expected) < 200, "{found}, not {expected}");
    }
    assert_eq!(states, outcome());
}

#[test]
fn a_wrong_amount_is_less_or_more_and_never_nothing() {
    let mut payments = payments("--wrong-amount 1");
    for n in 0..300 {
        payments.create(new(n, 1 + n % 3), NOW_MS).expect("room");
    }
    events(&mut payments, EXPIRES_MS);
    let (mut less, mut more) = (0, 0);
    for payment in payments.all() {
        let State::Paid { amount, .. } = payment.state else {
            panic!("all have paid");
        };
        assert!(amount > 0 && amount != payment.amount);
        less += u64::from(amount < payment.amount);
        more += u64::from(amount > payment.amount);
    }
    assert!(less > 50 && more > 50, "{less} less, {more} more");
}

#[test]
fn refunds_are_together_at_most_what_was_paid() {
    let mut payments = paid("");
    assert_eq!(payments.refund(id(1), new_refund(7, 60), 0), Ok(Made::Now));
    let refused = payments.refund(id(1), new_refund(8, 41), 0);
    assert_eq!(refused, Err(Refusal::MoreThanPaid { left: 40 }));
    assert_eq!(payments.refund(id(1), new_refund(8, 40), 0), Ok(Made::Now));
    // What is there is told again even though nothing is left.
    assert_eq!(
        payments.refund(id(1), new_refund(7, 60), 0),
        Ok(Made::Before)
    );
    let refused = payments.refund(id(1), new_refund(7, 61), 0);
    assert_eq!(refused, Err(Refusal::OtherContent));
    let refused = payments.refund(id(2), new_refund(7, 60), 0);
    assert_eq!(refused, Err(Refusal::Unknown));
}

#[test]
fn of_what_was_not_paid_nothing_is_refunded() {
    for line in ["--never-pays 1", "--fails 1", "--late 1 --late-by 9000"] {
        let mut payments = paid(line);
        payments.create(new(2, 100), EXPIRES_MS).expect("room");
        let refused = payments.refund(id(2), new_refund(7, 1), 0);
        assert_eq!(refused, Err(Refusal::MoreThanPaid { left: 0 }), "{line}");
    }
}

#[test]
fn a_refund_is_pending_until_it_is_done_and_one_that_failed_takes_nothing() {
    for (fails, event, left) in [
        ("0", Event::RefundDone(id(7)), 40),
        ("1", Event::RefundFailed(id(7)), 100),
    ] {
        let mut payments = paid(&format!("--refund-after 10..10 --refund-fails {fails}"));
        let refund = new_refund(7, 60);
        payments.refund(id(1), refund, EXPIRES_MS).expect("paid");
        assert_eq!(payments.get(id(1)).expect("known").left(), 40);
        assert_eq!(events(&mut payments, EXPIRES_MS + 9), []);
        let happened = events(&mut payments, EXPIRES_MS + 10);
        assert_eq!(happened, [(event, id(1))]);
        assert_eq!(payments.get(id(1)).expect("known").left(), left);
    }
}

#[test]
fn refunds_and_room_have_bounds() {
    let mut payments = paid("");
    payments.create(new(2, 10_000), NOW_MS).expect("room");
    events(&mut payments, EXPIRES_MS);
    for n in 0..REFUNDS_MAX as u64 {
        payments.refund(id(2), new_refund(n, 1), 0).expect("paid");
    }
    let refused = payments.refund(id(2), new_refund(9_999, 1), 0);
    assert_eq!(refused, Err(Refusal::TooManyRefunds));
    payments.bytes = BYTES_MAX - 1;
    let refused = payments.refund(id(1), new_refund(1, 1), 0);
    assert_eq!(refused, Err(Refusal::Full));
    assert_eq!(payments.create(new(3, 1), 0), Err(Refusal::Full));
    assert_eq!(payments.all().len(), 2);
}

#[test]
fn a_payment_in_hand_waits_for_its_person_until_it_expires() {
    let mut payments = payments("--pay-after 10..10");
    for number in 1..=4 {
        payments.create(new(number, 100), NOW_MS).expect("room");
    }
    for number in 1..=3 {
        let payment = payments.take_in_hand(id(number)).expect("it is there");
        assert_eq!(payment.state, State::Pending);
    }
    assert!(payments.take_in_hand(id(5)).is_none());
    let nobody = vec![(Event::Paid, id(4))];
    assert_eq!(events(&mut payments, EXPIRES_MS - 1), nobody);

    let at_ms = EXPIRES_MS - 1;
    for (number, decision, expected) in [
        (1, Decision::Pay, Event::Paid),
        (2, Decision::Decline, Event::Failed),
    ] {
        let decided = payments.decide(id(number), decision, at_ms);
        assert_eq!(decided.expect("it is there").0, Some(expected));
    }
    let paid = State::Paid { amount: 100, at_ms };
    assert_eq!(payments.get(id(1)).expect("it is there").state, paid);
    let expired = vec![(Event::Expired, id(3))];
    assert_eq!(events(&mut payments, EXPIRES_MS), expired);
}

#[test]
fn what_has_become_of_a_payment_is_not_decided_again() {
    let mut payments = paid("");
    payments.create(new(2, 100), NOW_MS).expect("room");
    payments.decide(id(2), Decision::Decline, NOW_MS);
    for number in [1, 2] {
        let before = payments.get(id(number)).expect("it is there").state;
        for decision in [Decision::Pay, Decision::Decline] {
            let (event, payment) = payments
                .decide(id(number), decision, NOW_MS)
                .expect("it is there");
            assert_eq!((event, payment.state), (None, before));
        }
    }
}
