//! `tidegate replay --orders`: whole invoices, each placed as one order.
//!
//! First every SKU is declared, then the orders are placed by their first lines in the file, some of
//! them cancelled again at once; at the very end all that are left may be. Payment would be one more
//! step of an [`OrderCourse`], between being reserved and being cancelled.
//!
//! What came of each order depends on the file and the shares alone as long as one is in flight; with
//! more of them in flight, on who comes first.

mod books;
mod course;
mod declare;
mod list;
mod report;
mod shelf;
mod table;
mod tally;
mod wire;

use course::{Command, OrderCourse};
use declare::{Declare, DeclareCourse};
use list::Orders;
use report::OrdersReport;
use shelf::Shelf;
use tally::OrderTally;

use super::books::Units;
use super::course::Course;
use super::drive::{apply_all, begin, plan};
use super::journal::{self, Asked, Entry};
use super::lanes::{Outcome, Session};
use super::live::Observer;
use super::plan::Plan;
use super::share::Share;
use super::{Error, Options, guard};

/// How orders are replayed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// How many are cancelled once they are reserved.
    pub(crate) cancels: Share,
    /// Whether all others are cancelled at the very end.
    pub(crate) cancels_all: bool,
}

/// What all courses of a replay stand on.
struct Ground<'p> {
    plan: &'p Plan,
    orders: Orders,
    shelf: Shelf,
    /// Whether nothing is placed before the last one is done with.
    one_in_flight: bool,
}

/// Everything that a replay does.
struct Courses<'p> {
    declares: Vec<DeclareCourse<'p>>,
    orders: Vec<OrderCourse<'p>>,
}

/// Replays the invoices of a file, and tells what came of them.
pub(crate) fn run(
    options: &Options,
    choice: Choice,
    observer: &mut dyn Observer<OrderTally>,
) -> Result<OrdersReport, Error> {
    let (plan, hash) = plan(options, true)?;
    let ground = Ground {
        orders: Orders::of(&plan, choice.cancels),
        shelf: Shelf::new(plan.skus.len()),
        one_in_flight: options.connections * options.pipeline == 1,
        plan: &plan,
    };
    let (session, courses) = begin(options, &hash, &choice.identity(), |entries| {
        Courses::resume(&ground, entries)
    })?;
    let declares = declared(&session, courses.declares, open(&courses.orders), observer)?;
    let mut outcome = placed(&session, courses.orders, observer)?;
    let in_time = outcome.progress.clone();
    if choice.cancels_all {
        let meter = outcome.meter;
        outcome = given_up(&session, outcome.courses, observer)?;
        outcome.meter.add(&meter);
    }
    let stock = ground.expected(&declares);
    let books = books::compare(options, &stock, &outcome.courses)?;
    let run = report::OrdersRun::new(&in_time, &outcome.meter);
    let tally = outcome.progress.tally;
    let refusals = outcome.courses.iter().filter_map(OrderCourse::refusal);
    let refusals = super::report::first_refusals(refusals);
    Ok(OrdersReport::new(
        options, choice, &ground, tally, refusals, run, books,
    ))
}

fn declared<'p>(
    session: &Session<'_>,
    declares: Vec<DeclareCourse<'p>>,
    in_all: u64,
    observer: &mut dyn Observer<OrderTally>,
) -> Result<Vec<DeclareCourse<'p>>, Error> {
    let (options, known) = (session.options, declares.iter().find(|one| one.declared));
    guard::refuse_another_server(options, known.map(DeclareCourse::sku))?;
    let others = declares.iter().filter(|one| !one.declared);
    guard::refuse_to_overwrite(options, others.map(DeclareCourse::sku))?;
    Ok(session.run(declares, |_| 1, in_all, observer)?.courses)
}

fn placed<'p>(
    session: &Session<'_>,
    orders: Vec<OrderCourse<'p>>,
    observer: &mut dyn Observer<OrderTally>,
) -> Result<Outcome<OrderCourse<'p>>, Error> {
    let in_all = open(&orders);
    session.run(orders, |one| one.order().lines.len(), in_all, observer)
}

/// Every order that is still reserved is cancelled.
fn given_up<'p>(
    session: &Session<'_>,
    mut orders: Vec<OrderCourse<'p>>,
    observer: &mut dyn Observer<OrderTally>,
) -> Result<Outcome<OrderCourse<'p>>, Error> {
    orders.iter_mut().for_each(OrderCourse::give_up);
    placed(session, orders, observer)
}

/// What is done of orders, and what is left to do of them.
fn open(orders: &[OrderCourse<'_>]) -> u64 {
    let left = |one: &OrderCourse<'_>| u64::from(one.at().is_some());
    let each = orders.iter().map(|one| one.tally().done + left(one));
    each.sum()
}

impl Choice {
    /// What makes its journal another's.
    fn identity(self) -> String {
        let Self {
            cancels,
            cancels_all,
        } = self;
        format!(" orders cancel_share={cancels} cancel_all={cancels_all}")
    }
}

impl Ground<'_> {
    /// What the server has of every SKU that orders ask for, by the answers.
    fn expected<'s>(&self, declares: &[DeclareCourse<'s>]) -> Vec<(&'s str, Units)> {
        let units = |one: &DeclareCourse<'s>| {
            let (total, held) = (one.sku().total, self.shelf.held(one.number));
            let units = Units {
                total,
                available: total.saturating_sub(held),
                held,
                sold: 0,
            };
            (&*one.sku().name, units)
        };
        declares.iter().map(units).collect()
    }
}

impl<'p> Courses<'p> {
    /// The state of everything after the answers in a journal.
    fn resume(ground: &'p Ground<'p>, entries: &[Entry]) -> Result<Self, journal::Error> {
        // There are no more orders, and no more SKUs, than records, whose number is 32 bits.
        let (skus, orders) = (
            ground.plan.skus.len() as u32,
            ground.orders.list.len() as u32,
        );
        let is_ordered = |sku: &u32| ground.plan.skus[*sku as usize].demand > 0;
        let mut courses = Self {
            declares: (0..skus)
                .filter(is_ordered)
                .map(|sku| DeclareCourse::new(ground.plan, sku))
                .collect(),
            orders: (0..orders)
                .map(|order| OrderCourse::new(ground, order))
                .collect(),
        };
        apply_all(entries, |entry| courses.apply(ground, entry))?;
        // Nothing is placed before that.
        if courses.declares.iter().all(|one| one.declared) {
            let orders = courses.orders.iter_mut();
            orders.for_each(OrderCourse::perhaps_placed);
        }
        Ok(courses)
    }

    fn apply(&mut self, ground: &Ground<'_>, entry: &Entry) -> Option<()> {
        let verdict = entry.verdict.clone();
        let command = match entry.asked {
            Asked::Declare => return self.declare(ground.plan, entry),
            Asked::Place => Command::Place,
            Asked::Cancel => Command::Cancel,
            Asked::Back { part } => Command::Back { part },
            Asked::Hold | Asked::Confirm | Asked::Return { .. } => return None,
        };
        let list = &ground.orders.list;
        let place = list.binary_search_by_key(&entry.record, |order| order.record);
        self.orders[place.ok()?].record(command, verdict).ok()
    }

    fn declare(&mut self, plan: &Plan, entry: &Entry) -> Option<()> {
        let line = plan
            .lines
            .binary_search_by_key(&entry.record, |line| line.record);
        let sku = plan.lines[line.ok()?].sku;
        let place = self.declares.binary_search_by_key(&sku, |one| one.number);
        let course = &mut self.declares[place.ok()?];
        course.record(Declare, entry.verdict.clone()).ok()
    }
}
