use super::super::answer::{Bought, Good, Joined, Order, Standing, State, Token};
use super::super::habits::Pays;
use super::super::shelf::Shelf;
use super::super::tally::Wrong;
use super::*;

const PAY_BY_MS: u64 = 60_000;

/// Somebody without habits, and one good on the shelf.
struct Test {
    person: Person,
    world: World,
}

impl Test {
    fn new(change: impl FnOnce(&mut Habits)) -> Self {
        let mut habits = Habits {
            refreshes: false,
            double_clicks: false,
            reloads: false,
            pays: Pays::Soon,
            patience_ms: 5_000,
        };
        change(&mut habits);
        let good = Good {
            sku: "A".into(),
            available: Some(9),
        };
        Self {
            person: Person::new("ann".into(), habits, Random::new(1)),
            world: World {
                now_ms: 1_000,
                shelf: Shelf::of(vec![good]),
                max: 1,
                ..World::default()
            },
        }
    }

    /// What it sends now.
    fn sends(&mut self) -> Ask {
        self.person.act(&mut self.world).expect("it acts").ask
    }

    /// Hears an answer to what it asks, at the moment to which it leads.
    fn hears(&mut self, ask: &Ask, answer: Answer) -> Option<u64> {
        let at_ms = self.person.hear(ask, answer, &mut self.world);
        if let Some(at_ms) = at_ms {
            assert!(at_ms >= self.world.now_ms);
            self.world.now_ms = at_ms;
        }
        at_ms
    }

    /// Sends, hears this, and sends what follows.
    fn then(&mut self, answer: Answer) -> Ask {
        let ask = self.sends();
        self.hears(&ask, answer).expect("it goes on");
        self.sends()
    }

    fn until_it_buys(&mut self) -> Ask {
        self.then(joined("1.a"));
        self.then(standing(State::Admitted, 0));
        self.then(token("t"))
    }
}

fn joined(ticket: &str) -> Answer {
    Answer::Yes(Yes::Joined(Joined {
        ticket: ticket.into(),
        ask_after_ms: 700,
    }))
}

fn standing(state: State, ask_after_ms: u64) -> Answer {
    stands(state, ask_after_ms, 1)
}

fn stands(state: State, ask_after_ms: u64, available: u64) -> Answer {
    Answer::Yes(Yes::Standing(Standing {
        state,
        available: Some(available),
        ask_after_ms,
    }))
}

fn token(token: &str) -> Answer {
    Answer::Yes(Yes::Token(Token {
        token: token.into(),
        nonce: "n".into(),
    }))
}

fn bought(order: &str) -> Answer {
    Answer::Yes(Yes::Bought(Bought {
        order: order.into(),
        quantity: 1,
        total: 5,
        pay_by_ms: Some(PAY_BY_MS),
    }))
}

fn order(state: &str) -> Answer {
    Answer::Yes(Yes::Order(Box::new(Order {
        state: state.into(),
        total: 5,
        lines: Vec::new(),
        payments: Vec::new(),
        refunds: Vec::new(),
    })))
}

fn no(code: &str) -> Answer {
    Answer::No(code.into())
}

#[test]
fn somebody_enters_waits_as_it_is_told_buys_and_pays() {
    let mut test = Test::new(|_| {});
    let join = test.sends();
    assert_eq!(test.hears(&join, joined("1.a")), Some(1_700));
    let poll = Ask::Position {
        ticket: "1.a".into(),
    };
    assert_eq!(test.sends(), poll);
    assert_eq!(
        test.hears(&poll, standing(State::Waiting, 3_000)),
        Some(4_700)
    );
    let asks = test.then(standing(State::Admitted, 0));
    assert!(matches!(&asks, Ask::Token { sku, quantity: 1, .. } if **sku == *"A"));
    let buys = test.then(token("t"));
    assert!(matches!(&buys, Ask::Buy { token, .. } if **token == *"t"));
    let pay = |payment| Ask::Pay {
        order: "o".into(),
        payment,
    };
    assert_eq!(test.then(bought("o")), pay(1));
    let look = Ask::Order { order: "o".into() };
    assert_eq!(test.then(Answer::Yes(Yes::Done)), look);
    assert_eq!(test.then(order("paying")), look);
    assert_eq!(test.then(order("reserved")), pay(2), "it had failed");
    assert_eq!(test.then(Answer::Yes(Yes::Done)), look);
    assert_eq!(test.hears(&look, order("paid")), None);
    let tally = &test.world.tally;
    assert_eq!((tally.admitted, tally.bought, tally.paid), (1, 1, 1));
    assert_eq!((tally.gone.done, tally.gone.in_all()), (1, 1));
    assert_eq!(&*test.world.told[0].order, "o");
    assert_eq!(test.person.act(&mut test.world), None);
}

#[test]
fn what_is_not_answered_is_asked_again_as_it_was_and_ever_later() {
    let mut test = Test::new(|_| {});
    let buys = test.until_it_buys();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let before = test.world.now_ms;
        pauses.push(test.hears(&buys, Answer::Lost).expect("again") - before);
        assert_eq!(test.sends(), buys);
    }
    assert!(pauses[5] > 3 * pauses[0], "{pauses:?}");
    let before = test.world.now_ms;
    let again_ms = test.hears(&buys, Answer::Busy { after_ms: 9_000 });
    assert!(again_ms >= Some(before + 9_000));
    assert_eq!(test.sends(), buys);
    assert!(test.hears(&buys, bought("o")).is_some());
    assert_eq!(test.world.tally.wrong, Wrong::default());
}

#[test]
fn of_two_copies_a_no_counts_once_both_are_answered_and_a_yes_at_once() {
    let mut test = Test::new(|habits| habits.double_clicks = true);
    let join = test.sends();
    assert!(test.hears(&join, joined("1.a")).is_some());
    assert_eq!(
        test.person.hear(&join, joined("1.a"), &mut test.world),
        None
    );
    assert_eq!(test.world.tally.wrong.tickets_lost, 0);
    test.then(standing(State::Admitted, 0));
    let buys = test.then(token("t"));
    assert_eq!(test.hears(&buys, no("sold_out")), None);
    let again = test.hears(&buys, Answer::Lost);
    assert!(again.is_some(), "the other one has said no");
    assert!(test.world.told.is_empty());
    assert_eq!(test.world.shelf.available(), 0);

    let mut test = Test::new(|habits| habits.double_clicks = true);
    let join = test.sends();
    assert!(test.hears(&join, joined("1.a")).is_some());
    assert_eq!(
        test.person.hear(&join, joined("2.b"), &mut test.world),
        None
    );
    assert_eq!(test.world.tally.wrong.tickets_lost, 1);
}

#[test]
fn a_winner_who_is_refused_or_gets_a_second_order_is_noticed() {
    let mut test = Test::new(|habits| habits.reloads = true);
    let buys = test.until_it_buys();
    test.hears(&buys, bought("o"));
    assert_eq!(test.sends(), buys, "it sends the purchase again");
    assert!(test.hears(&buys, no("sold_out")).is_some());
    assert_eq!(test.world.tally.wrong.winners_refused, 1);

    let mut test = Test::new(|habits| habits.reloads = true);
    let buys = test.until_it_buys();
    test.hears(&buys, bought("o"));
    test.sends();
    assert!(test.hears(&buys, bought("p")).is_some());
    assert_eq!(test.world.tally.wrong.bought_twice, 1);

    let mut test = Test::new(|habits| habits.reloads = true);
    let buys = test.until_it_buys();
    test.hears(&buys, bought("o"));
    test.sends();
    assert!(test.hears(&buys, bought("o")).is_some());
    assert_eq!(test.world.tally.sent_again, 1);
    assert_eq!(test.world.tally.wrong, Wrong::default());
    assert!(matches!(test.sends(), Ask::Pay { .. }));
}

#[test]
fn who_finds_nothing_left_waits_a_while_in_line_and_goes() {
    let mut test = Test::new(|_| {});
    let buys = test.until_it_buys();
    test.hears(&buys, no("sold_out"));
    let poll = test.sends();
    assert!(matches!(poll, Ask::Position { .. }), "the shelf is empty");
    assert!(
        test.hears(&poll, stands(State::Waiting, 2_000, 0))
            .is_some()
    );
    assert_eq!(test.then(stands(State::Waiting, 5_000, 0)), poll);
    assert_eq!(test.hears(&poll, stands(State::Waiting, 2_000, 0)), None);
    assert_eq!(test.world.tally.gone.left, 1);
}

#[test]
fn who_is_told_that_nothing_will_come_back_is_turned_away() {
    let mut test = Test::new(|_| {});
    let poll = test.then(joined("1.a"));
    assert_eq!(test.hears(&poll, stands(State::SoldOut, 2_000, 0)), None);
    assert_eq!(test.world.tally.gone.turned_away, 1);
}

#[test]
fn a_ticket_or_a_token_that_was_given_and_is_not_known_is_noticed() {
    let mut test = Test::new(|_| {});
    let poll = test.then(joined("1.a"));
    assert_eq!(test.hears(&poll, no("bad_ticket")), None);
    assert_eq!(test.world.tally.wrong.tickets_lost, 1);

    let mut test = Test::new(|_| {});
    let buys = test.until_it_buys();
    assert!(test.hears(&buys, no("bad_token")).is_some());
    assert_eq!(test.world.tally.wrong.tokens_lost, 1);
}

#[test]
fn some_pay_at_the_last_moment_or_never_and_some_cancel() {
    let first_after_buying = |pays| {
        let mut test = Test::new(|habits| habits.pays = pays);
        let buys = test.until_it_buys();
        test.hears(&buys, bought("o"));
        (test.sends(), test.world.now_ms)
    };
    let (pay, at_ms) = first_after_buying(Pays::Late);
    assert!(matches!(pay, Ask::Pay { .. }));
    assert!((PAY_BY_MS - 1_000..PAY_BY_MS).contains(&at_ms), "{at_ms}");
    let (look, at_ms) = first_after_buying(Pays::Never);
    assert!(matches!(look, Ask::Order { .. }) && at_ms > PAY_BY_MS);
    let (cancel, at_ms) = first_after_buying(Pays::Cancels);
    assert!(matches!(cancel, Ask::Cancel { .. }) && at_ms < PAY_BY_MS / 2);
}

#[test]
fn what_is_not_there_yet_is_asked_for_again() {
    let mut test = Test::new(|_| {});
    let buys = test.until_it_buys();
    assert!(test.hears(&buys, no("not_on_sale")).is_some());
    assert_eq!(test.sends(), buys);

    let mut test = Test::new(|_| {});
    test.until_it_buys();
    let pay = test.then(bought("o"));
    assert!(test.hears(&pay, no("unknown_order")).is_some());
    assert_eq!(test.sends(), pay);
}

#[test]
fn a_ticket_that_comes_when_somebody_has_gone_home_is_not_another_one() {
    let mut test = Test::new(|habits| habits.double_clicks = true);
    let join = test.sends();
    test.person.leave(&mut test.world);
    for _ in 0..2 {
        assert_eq!(test.hears(&join, joined("1.a")), None);
    }
    assert_eq!(test.world.tally.wrong, Wrong::default());
}

#[test]
fn at_the_end_who_has_not_bought_goes_and_who_is_about_to_learns_of_it() {
    let mut test = Test::new(|_| {});
    let poll = test.then(joined("1.a"));
    test.person.leave(&mut test.world);
    assert_eq!(test.world.tally.gone.over, 1);
    assert_eq!(test.hears(&poll, standing(State::Admitted, 0)), None);

    let mut test = Test::new(|_| {});
    let buys = test.until_it_buys();
    test.person.leave(&mut test.world);
    assert!(test.hears(&buys, bought("o")).is_some());
    assert_eq!(test.world.tally.bought, 1);
}
