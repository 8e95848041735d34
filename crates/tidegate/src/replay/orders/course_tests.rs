//! Claims about the way of one order, and about all of them, one in flight, under chaos.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::replay::fake_stock::plan_of;
use crate::replay::journal::Entry;
use crate::replay::orders::list::Orders;
use crate::replay::orders::shelf::Shelf;
use crate::replay::orders::tally::OrderCount;
use crate::replay::orders::{Courses, open};
use crate::replay::plan::Plan;

fn ground<'p>(plan: &'p Plan, cancels: &str, one_in_flight: bool) -> Ground<'p> {
    Ground {
        plan,
        orders: Orders::of(plan, cancels.parse().expect("a share")),
        shelf: Shelf::new(plan.skus.len()),
        one_in_flight,
    }
}

fn plan() -> Plan {
    plan_of(&[("1", "a", "X", 5), ("1", "a", "Y", 2)], "1")
}

fn held(ground: &Ground<'_>) -> Vec<u64> {
    let skus = 0..ground.plan.skus.len() as u32;
    skus.map(|sku| ground.shelf.held(sku)).collect()
}

fn record(course: &mut OrderCourse<'_>, command: Command, verdict: Verdict) {
    course.record(command, verdict).expect("wanted");
}

const COUNT: OrderCount = OrderCount {
    orders: 1,
    lines: 2,
    units: 7,
};

#[test]
fn a_reserved_order_stays_unless_it_was_chosen_to_be_cancelled_and_goes_at_the_end() {
    let plan = plan();
    let ground = ground(&plan, "0", true);
    let mut course = OrderCourse::new(&ground, 0);
    assert_eq!(course.wants(), [Command::Place]);
    record(&mut course, Command::Place, Verdict::Done);
    assert_eq!((course.at(), course.tally().done), (None, 1));
    assert_eq!(course.tally().held(), COUNT);
    assert_eq!(held(&ground), [5, 2]);
    course.give_up();
    assert_eq!(
        (course.at(), course.wants()),
        (Some(0), vec![Command::Cancel])
    );
    record(&mut course, Command::Cancel, Verdict::Done);
    assert_eq!((course.at(), course.tally().done), (None, 2));
    assert_eq!(course.tally().cancelled, COUNT);
    assert_eq!(held(&ground), [0, 0]);
}

#[test]
fn with_one_in_flight_a_cancelled_order_is_done_when_all_its_units_were_seen_back() {
    let plan = plan();
    for one_in_flight in [true, false] {
        let ground = ground(&plan, "1", one_in_flight);
        let mut course = OrderCourse::new(&ground, 0);
        record(&mut course, Command::Place, Verdict::Done);
        assert_eq!(
            (course.wants(), course.tally().done),
            (vec![Command::Cancel], 0)
        );
        record(&mut course, Command::Cancel, Verdict::Done);
        if one_in_flight {
            let looks = [Command::Back { part: 0 }, Command::Back { part: 1 }];
            assert_eq!((course.wants(), course.tally().done), (looks.to_vec(), 0));
            record(&mut course, looks[0], Verdict::Done);
            assert_eq!(course.wants(), [looks[1]]);
            record(&mut course, looks[1], Verdict::Done);
        }
        assert_eq!((course.at(), course.tally().done), (None, 1));
    }
}

#[test]
fn what_is_refused_holds_nothing_and_is_told_apart_from_what_is_sold_out() {
    let plan = plan();
    let refused = Verdict::Refused("INVALIDQUANTITY max=1".into());
    for (verdict, standing) in [(Verdict::SoldOut, Some("refused")), (refused, None)] {
        let ground = ground(&plan, "1", true);
        let mut course = OrderCourse::new(&ground, 0);
        record(&mut course, Command::Place, verdict);
        let tally = course.tally();
        assert_eq!((course.at(), tally.done), (None, 1));
        assert_eq!((held(&ground), course.standing()), (vec![0, 0], standing));
        let (sold_out, refused) = (tally.sold_out.orders, tally.refused.orders);
        assert_eq!(
            (sold_out, refused),
            (u64::from(standing.is_some()), u64::from(standing.is_none()))
        );
    }
}

#[test]
fn an_answer_to_what_cannot_have_been_asked_is_refused() {
    let plan = plan();
    let ground = ground(&plan, "1", true);
    let mut course = OrderCourse::new(&ground, 0);
    let back = Command::Back { part: 2 };
    assert_eq!(course.record(Command::Cancel, Verdict::Done), Err(Unasked));
    record(&mut course, Command::Place, Verdict::Done);
    for command in [Command::Place, back] {
        assert_eq!(course.record(command, Verdict::Done), Err(Unasked));
    }
    record(&mut course, Command::Cancel, Verdict::Done);
    assert_eq!(
        course.record(back, Verdict::Done),
        Err(Unasked),
        "it has two parts"
    );
}

#[test]
fn units_are_not_waited_for_on_a_server_that_others_have_used() {
    let plan = plan();
    let ground = ground(&plan, "1", true);
    let mut course = OrderCourse::new(&ground, 0);
    assert!(!ground.shelf.has_all_back(0, 5));
    record(&mut course, Command::Place, Verdict::DoneBefore);
    record(&mut course, Command::Cancel, Verdict::Done);
    assert!(ground.shelf.has_all_back(0, 5));
    assert_eq!(course.known_before(), 1);
}

/// Orders in memory, as a server has them. What is cancelled comes back later.
#[derive(Default)]
struct FakeOrders {
    available: Vec<u64>,
    held: Vec<u64>,
    /// Orders by number: reserved, or refused.
    orders: HashMap<u32, bool>,
    cancelled: Vec<u32>,
    /// Units on their way back, and how often somebody must look until they are.
    returning: Vec<(u32, u64, u8)>,
}

impl FakeOrders {
    /// Once; asked again, it tells what became of it.
    fn place(&mut self, number: u32, parts: &[(u32, u64)]) -> Verdict {
        if let Some(is_reserved) = self.orders.get(&number) {
            return if *is_reserved {
                Verdict::Done
            } else {
                Verdict::SoldOut
            };
        }
        let has = |(sku, units): &(u32, u64)| self.available[*sku as usize] >= *units;
        let fits = parts.iter().all(has);
        self.orders.insert(number, fits);
        if !fits {
            return Verdict::SoldOut;
        }
        for (sku, units) in parts {
            self.available[*sku as usize] -= units;
            self.held[*sku as usize] += units;
        }
        Verdict::Done
    }

    fn cancel(&mut self, number: u32, parts: &[(u32, u64)]) -> Verdict {
        if !self.cancelled.contains(&number) {
            self.cancelled.push(number);
            let later = parts.iter().map(|(sku, units)| (*sku, *units, 2));
            self.returning.extend(later);
        }
        Verdict::Done
    }

    /// Units held of a SKU; by and by they come back.
    fn look(&mut self, sku: u32) -> u64 {
        for (back, units, looks) in &mut self.returning {
            *looks -= u8::from(*back == sku);
            if *looks == 0 {
                self.available[*back as usize] += *units;
                self.held[*back as usize] -= *units;
            }
        }
        self.returning.retain(|(_, _, looks)| *looks > 0);
        self.held[sku as usize]
    }
}

/// One life of a replay with one order in flight. Nothing if it is killed.
fn life(
    ground: &Ground<'_>,
    server: &mut FakeOrders,
    journal: &mut Vec<Entry>,
    fates: &mut impl Iterator<Item = u8>,
) -> Option<(OrderTally, Vec<u64>)> {
    let mut courses = Courses::resume(ground, journal)
        .expect("our own journal")
        .orders;
    let in_all = open(&courses);
    while let Some(course) = courses.iter_mut().find(|course| course.at().is_some()) {
        for command in course.wants() {
            let fate = fates.next().unwrap_or(0) % 8;
            if fate == 1 {
                continue; // BUSY: not done
            }
            if fate == 2 {
                break; // the connection is lost before it arrives
            }
            let parts = &course.order().parts;
            let verdict = match command {
                Command::Place => server.place(course.number, parts),
                Command::Cancel => server.cancel(course.number, parts),
                Command::Back { part } => {
                    let sku = parts[part as usize].0;
                    let held = server.look(sku);
                    if !ground.shelf.has_all_back(sku, held) {
                        continue; // not yet
                    }
                    Verdict::Done
                }
            };
            match fate {
                3 => break,       // the connection is lost before the answer
                4 => return None, // the replay is killed before the journal has it
                _ => {}
            }
            let (record, asked) = course.journaled(command);
            let answer = verdict.clone();
            journal.push(Entry {
                record,
                asked,
                verdict,
            });
            if fate == 5 {
                return None; // and after that
            }
            course.record(command, answer).expect("wanted");
        }
    }
    let tally = courses.iter().map(OrderCourse::tally);
    let tally = tally.fold(OrderTally::default(), |sum, one| sum + one);
    assert_eq!(tally.done, in_all);
    Some((tally, held(ground)))
}

/// What the orders come to, one after the other, without servers or journals.
fn oracle(ground: &Ground<'_>) -> OrderTally {
    let mut available: Vec<_> = ground.plan.skus.iter().map(|sku| sku.total).collect();
    let mut tally = OrderTally::default();
    for order in &ground.orders.list {
        let fits = order
            .parts
            .iter()
            .all(|(sku, units)| available[*sku as usize] >= *units);
        let one = match (fits, order.is_to_cancel) {
            (false, _) => OrderTally {
                sold_out: order.count(),
                ..OrderTally::default()
            },
            (true, true) => OrderTally {
                reserved: order.count(),
                cancelled: order.count(),
                ..OrderTally::default()
            },
            (true, false) => {
                let taken = order.parts.iter();
                taken.for_each(|(sku, units)| available[*sku as usize] -= units);
                OrderTally {
                    reserved: order.count(),
                    ..OrderTally::default()
                }
            }
        };
        tally = tally + OrderTally { done: 1, ..one };
    }
    tally
}

fn lines() -> impl Strategy<Value = Vec<(String, String, String, i32)>> {
    let line = (0..12_u8, 0..3_u8, 1..9_i32).prop_map(|(invoice, sku, quantity)| {
        let (invoice, sku) = (invoice.to_string(), format!("S{sku}"));
        (invoice, "a".to_owned(), sku, quantity)
    });
    proptest::collection::vec(line, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn chaos_with_one_in_flight_ends_in_the_figures_of_the_naive_oracle(
        lines in lines(),
        share in prop_oneof![Just("0.5"), Just("0.9"), Just("1")],
        cancels in prop_oneof![Just("0"), Just("0.5"), Just("1")],
        fates in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let plan = plan_of(&lines, share);
        let mut server = FakeOrders {
            available: plan.skus.iter().map(|sku| sku.total).collect(),
            held: vec![0; plan.skus.len()],
            ..FakeOrders::default()
        };
        // After the given fates everything goes well, so that it ends.
        let (mut journal, mut fates) = (Vec::new(), fates.into_iter());
        let (tally, held) = loop {
            let ground = ground(&plan, cancels, true);
            if let Some(end) = life(&ground, &mut server, &mut journal, &mut fates) {
                break end;
            }
        };
        prop_assert_eq!(tally, oracle(&ground(&plan, cancels, true)));
        prop_assert_eq!(server.held, held);
    }
}
