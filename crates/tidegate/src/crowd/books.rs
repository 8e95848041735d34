//! Gathering what the ledger is drawn up from: orders, stock, reviews, and the provider's own list.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Error;
use super::answer::{Answer, Order, Review, Units, Yes};
use super::ask::Ask;
use super::ledger::{Facts, Ledger, Paid, Stock};
use super::pool::Pool;
use super::town::Town;
use crate::client::{HttpAddress, get};
use crate::interrupt::Interrupt;

/// Tickets that are tried at the end, at most.
const TICKETS_MAX: usize = 20_000;

/// How long the provider may take to begin with its list.
const PROVIDER_WAIT: Duration = Duration::from_secs(30);

/// What comes between two looks at what is on its way.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What the books are compared with.
pub(super) struct Settling<'a> {
    pub(super) provider: Option<&'a HttpAddress>,
    /// How long orders may be on their way.
    pub(super) at_most: Duration,
    /// The units of each good before anybody came.
    pub(super) before: &'a [(Rc<str>, Units)],
    pub(super) interrupt: &'a Interrupt,
}

impl Settling<'_> {
    /// Looks until everything has come to rest and fits, or time is over; what is seen last counts.
    pub(super) fn settle(&self, pool: &mut Pool, town: &Town) -> Result<Ledger, Error> {
        let until = Instant::now() + self.at_most;
        let mut at_rest = HashMap::new();
        loop {
            self.interrupt.check()?;
            self.look(pool, town, &mut at_rest)?;
            let is_at_rest = at_rest.len() == town.world.told.len();
            let is_late = Instant::now() >= until;
            if is_at_rest || is_late {
                let facts = self.facts(pool, town, &at_rest)?;
                let ledger = Ledger::of(&facts);
                if ledger.is_sound() || is_late {
                    return Ok(ledger);
                }
                // Units of an order come back some milliseconds after it says so.
                at_rest.clear();
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Looks at the orders that have not come to rest.
    fn look(
        &self,
        pool: &mut Pool,
        town: &Town,
        at_rest: &mut HashMap<Rc<str>, Order>,
    ) -> Result<(), Error> {
        for (order, found) in orders(pool, town, at_rest)? {
            if let Some(found) = found.filter(Order::is_at_rest) {
                at_rest.insert(order, found);
            }
        }
        Ok(())
    }

    fn facts(
        &self,
        pool: &mut Pool,
        town: &Town,
        at_rest: &HashMap<Rc<str>, Order>,
    ) -> Result<Facts, Error> {
        let world = &town.world;
        let mut others: HashMap<_, _> = orders(pool, town, at_rest)?.into_iter().collect();
        let told = world.told.iter().map(|told| {
            let order = at_rest.get(&told.order).cloned();
            let order = order.or_else(|| others.remove(&told.order).flatten());
            (told.clone(), order)
        });
        Ok(Facts {
            orders: told.collect(),
            goods: self.goods(pool)?,
            payments: self.provider.map(payments).transpose()?,
            reviews: reviews(pool)?,
            max: world.max,
            turned_away: world.tally.gone.turned_away,
            tickets_lost: tickets_lost(pool, town)?,
            wrong: world.tally.wrong,
        })
    }

    fn goods(&self, pool: &mut Pool) -> Result<Vec<Stock>, Error> {
        let now = stock(pool, self.before.iter().map(|(sku, _)| sku))?;
        let both = self.before.iter().zip(now);
        let good = |((sku, before), now): (&(Rc<str>, Units), Units)| Stock {
            sku: Rc::clone(sku),
            before: *before,
            now,
        };
        Ok(both.map(good).collect())
    }
}

/// The units of goods as they are now.
pub(super) fn stock<'a>(
    pool: &mut Pool,
    skus: impl Iterator<Item = &'a Rc<str>>,
) -> Result<Vec<Units>, Error> {
    let asks = skus.map(|sku| Ask::Stock {
        sku: Rc::clone(sku),
    });
    let answers = pool.ask_all(asks.collect())?;
    let units = answers.into_iter().map(|answer| {
        if let Answer::Yes(Yes::Stock(units)) = answer {
            Ok(units)
        } else {
            Err(Error::unexpected("the units of a good", &answer))
        }
    });
    units.collect()
}

/// An order, if it is there.
type Found = (Rc<str>, Option<Order>);

/// The orders that people were told of and that have not come to rest, as they are now.
fn orders(
    pool: &mut Pool,
    town: &Town,
    at_rest: &HashMap<Rc<str>, Order>,
) -> Result<Vec<Found>, Error> {
    let all = town.world.told.iter().map(|told| &told.order);
    let open: Vec<_> = all
        .filter(|order| !at_rest.contains_key(*order))
        .cloned()
        .collect();
    let asks = open.iter().map(|order| Ask::Order {
        order: Rc::clone(order),
    });
    let answers = pool.ask_all(asks.collect())?;
    let found = open.into_iter().zip(answers).map(|(id, answer)| {
        let order = match answer {
            Answer::Yes(Yes::Order(order)) => Some(*order),
            Answer::No(_) => None,
            Answer::Yes(_) | Answer::Busy { .. } | Answer::Lost | Answer::Nonsense(_) => {
                return Err(Error::unexpected("an order", &answer));
            }
        };
        Ok((id, order))
    });
    found.collect()
}

/// How many of the tickets that people were given are not known.
fn tickets_lost(pool: &mut Pool, town: &Town) -> Result<u64, Error> {
    let tickets = town.tickets(TICKETS_MAX).into_iter();
    let asks = tickets.map(|ticket| Ask::Position { ticket });
    let answers = pool.ask_all(asks.collect())?;
    let is_lost = |answer: &&Answer| matches!(answer, Answer::No(_));
    Ok(answers.iter().filter(is_lost).count() as u64)
}

fn reviews(pool: &mut Pool) -> Result<HashSet<Review>, Error> {
    let (mut all, mut after) = (HashSet::new(), None);
    loop {
        let answer = pool.ask(Ask::Reviews { after })?;
        let Answer::Yes(Yes::Reviews(page)) = answer else {
            return Err(Error::unexpected("reviews", &answer));
        };
        all.extend(page.items);
        if page.next.is_none() {
            return Ok(all);
        }
        after = page.next;
    }
}

/// All that the provider knows of.
fn payments(provider: &HttpAddress) -> Result<Vec<Paid>, Error> {
    let failed = |why: String| Error::Provider {
        provider: provider.to_string(),
        why,
    };
    let body = get(provider, "/v1/ledger", None, PROVIDER_WAIT);
    let body = body.map_err(|error| failed(error.to_string()))?;
    let lines = BufReader::new(body).lines();
    let payments = lines.map(|line| {
        let line = line.map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&line).map_err(|error| failed(error.to_string()))
    });
    payments.collect()
}
