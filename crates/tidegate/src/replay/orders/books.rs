//! Whether the books balance: the server's SKUs, orders and buyers' lists against the answers.
//!
//! An answer tells what became of an order; its units, and its place in its buyer's list, follow by
//! letters. So whatever differs is looked at again for a while before it counts.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::course::OrderCourse;
use crate::client::Reply;
use crate::replay::asker::Asker;
use crate::replay::books::{self, Books, Units};
use crate::replay::{Error, Options};

/// How long letters may take, in all: longer than an order may be without an answer (5 s).
const LETTERS_MAX: Duration = Duration::from_secs(10);

/// The rest before what differs is looked at again.
const LOOK_REST: Duration = Duration::from_millis(20);

/// Differing orders that are shown; the rest is only counted.
const SHOWN_MAX: usize = 5;

/// The comparison of all SKUs and orders of the file.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct OrderBooks {
    /// Of the SKUs; they do not balance if orders differ, either.
    #[serde(flatten)]
    pub(crate) stock: Books,
    /// Orders compared, each by itself and in its buyer's list.
    pub(crate) orders: u64,
    /// Orders that differ in one of them.
    pub(crate) orders_differing: u64,
    /// The first few of them.
    pub(crate) order_differences: Vec<OrderDifference>,
}

/// An order that is not what the answers say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OrderDifference {
    pub(crate) order: String,
    /// By the answers.
    pub(crate) expected: OrderRow,
    /// By itself; nothing if the server has no such order.
    pub(crate) server: Option<OrderRow>,
    /// In its buyer's list; nothing if it is not there.
    pub(crate) listed: Option<OrderRow>,
}

/// What an order came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OrderRow {
    pub(crate) state: String,
    /// What it costs, in minor units.
    pub(crate) total: u64,
}

impl fmt::Display for OrderRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, total {}", self.state, self.total)
    }
}

/// Compares all that the server has with what the answers add up to.
pub(super) fn compare(
    options: &Options,
    stock: &[(&str, Units)],
    orders: &[OrderCourse<'_>],
) -> Result<OrderBooks, Error> {
    let known_before = orders.iter().map(OrderCourse::known_before).sum();
    let (mut asker, until) = (Asker::new(options), Instant::now() + LETTERS_MAX);
    let mut books = OrderBooks::default();
    if known_before > 0 {
        books.stock = Books::compare(stock, known_before, &HashMap::new());
        return Ok(books);
    }
    let skus: HashSet<_> = stock.iter().map(|(sku, _)| *sku).collect();
    let look = || {
        let rows = books::rows(&mut asker, |sku| skus.contains(sku))?;
        Ok(Books::compare(stock, known_before, &rows))
    };
    books.stock = settled(until, look, |books| books.balance)?;
    for (buyer, orders) in by_buyer(orders) {
        books.look_at(&mut asker, until, &buyer, &orders)?;
    }
    Ok(books)
}

/// The orders whose state the answers tell, by buyer; the buyers in the order of the file.
fn by_buyer<'c, 'p>(orders: &'c [OrderCourse<'p>]) -> Vec<(String, Vec<&'c OrderCourse<'p>>)> {
    let (mut list, mut places) = (Vec::<(String, Vec<_>)>::new(), HashMap::new());
    for course in orders.iter().filter(|course| course.standing().is_some()) {
        let plan = course.ground.plan;
        let buyer = plan.buyer(course.order().first(plan));
        let place = places.entry(buyer.clone()).or_insert_with(|| {
            list.push((buyer, Vec::new()));
            list.len() - 1
        });
        list[*place].1.push(course);
    }
    list
}

impl OrderBooks {
    /// Looks at all orders of a buyer.
    fn look_at(
        &mut self,
        asker: &mut Asker,
        until: Instant,
        buyer: &str,
        orders: &[&OrderCourse<'_>],
    ) -> Result<(), Error> {
        let look = || differences(asker, buyer, orders);
        let differences = settled(until, look, Vec::is_empty)?;
        self.orders += orders.len() as u64;
        self.orders_differing += differences.len() as u64;
        self.stock.balance &= differences.is_empty();
        self.order_differences.extend(differences);
        self.order_differences.truncate(SHOWN_MAX);
        Ok(())
    }
}

/// Looks until what is seen fits, or it has had the time to.
fn settled<T>(
    until: Instant,
    mut look: impl FnMut() -> Result<T, Error>,
    fits: impl Fn(&T) -> bool,
) -> Result<T, Error> {
    loop {
        let seen = look()?;
        if fits(&seen) || Instant::now() >= until {
            return Ok(seen);
        }
        thread::sleep(LOOK_REST);
    }
}

fn differences(
    asker: &mut Asker,
    buyer: &str,
    orders: &[&OrderCourse<'_>],
) -> Result<Vec<OrderDifference>, Error> {
    let list: [&[u8]; 2] = [b"ORDER.LIST", buyer.as_bytes()];
    let listed: HashMap<_, _> = books::pages(asker, &list, listed)?.into_iter().collect();
    let mut differences = Vec::new();
    for course in orders {
        let expected = expected(course);
        let order = course.id().to_owned();
        let get: [&[u8]; 2] = [b"ORDER.GET", order.as_bytes()];
        let server = asker.ask(&get, row)?;
        let listed = listed.get(&order).cloned();
        if [&server, &listed].map(Option::as_ref) != [Some(&expected); 2] {
            differences.push(OrderDifference {
                order,
                expected,
                server,
                listed,
            });
        }
    }
    Ok(differences)
}

fn expected(course: &OrderCourse<'_>) -> OrderRow {
    OrderRow {
        state: course.standing().unwrap_or_default().to_owned(),
        total: course.order().total(course.ground.plan),
    }
}

fn listed(item: &Reply<'_>) -> Option<(String, OrderRow)> {
    let id = String::from_utf8_lossy(item.field("id")?.text()?).into_owned();
    Some((id, row(item)?))
}

fn row(reply: &Reply<'_>) -> Option<OrderRow> {
    let state = reply.field("state")?.text()?;
    Some(OrderRow {
        state: String::from_utf8_lossy(state).into_owned(),
        total: reply.field("total")?.count()?,
    })
}
