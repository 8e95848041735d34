//! The loop in which everybody has their turn.

use std::net::ToSocketAddrs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::answer::{Answer, Good, Sale, Units, Yes};
use super::arrival::Arrivals;
use super::ask::{Ask, Target};
use super::books::{Settling, stock};
use super::person::Sent;
use super::picture::{Observer, observer};
use super::pool::{Class, Heard, Pool, Tag};
use super::report::{Measured, Report};
use super::shelf::Shelf;
use super::town::{Population, Town};
use super::world::World;
use super::{Error, Options};

/// How often the page with the goods is loaded, and progress is shown.
const PAGE_EVERY: Duration = Duration::from_secs(1);
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// How long it waits at most when nobody has anything to do.
const IDLE: Duration = Duration::from_millis(20);

/// The server's clock, as it was told at the beginning and has gone on since.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    told_ms: u64,
    at: Instant,
}

impl ServerClock {
    pub(super) fn now_ms(self) -> u64 {
        self.told_ms + self.at.elapsed().as_millis() as u64
    }
}

/// How a crowd is doing.
pub(crate) struct Progress<'a> {
    pub(super) town: &'a Town,
    pub(super) people: u32,
    /// Units of all goods.
    pub(super) units: u64,
    pub(super) measured: &'a Measured,
    /// Milliseconds until the start; 0 from then on.
    pub(super) starts_in_ms: u64,
}

/// A crowd at a sale.
struct Drive<'a> {
    options: &'a Options,
    pool: Pool,
    clock: ServerClock,
    sale: Sale,
    before: Vec<(Rc<str>, Units)>,
    town: Town,
    measured: Measured,
}

/// Lets people come, and draws the ledger up once they have gone.
pub(crate) fn run(options: &Options) -> Result<Report, Error> {
    let mut drive = Drive::new(options)?;
    let mut observer = observer();
    drive.until_all_are_gone(&mut *observer)?;
    drive.measured.end();
    let settling = Settling {
        provider: options.provider_url.as_ref(),
        at_most: options.settle,
        before: &drive.before,
        interrupt: &options.interrupt,
    };
    let ledger = settling.settle(&mut drive.pool, &drive.town);
    drop(observer);
    let tally = drive.town.world.tally;
    Ok(Report::new(options, tally, drive.measured, ledger?))
}

impl<'a> Drive<'a> {
    fn new(options: &'a Options) -> Result<Self, Error> {
        let mut pool = connect(options)?;
        let clock = clock(&mut pool, options)?;
        let sale = sale(&mut pool)?;
        let goods = goods(&mut pool)?;
        let skus: Vec<_> = goods.iter().map(|good| Rc::clone(&good.sku)).collect();
        let units = stock(&mut pool, skus.iter())?;
        let arrivals = Arrivals {
            from_ms: clock.now_ms(),
            starts_ms: sale.starts_at_ms,
            tail_ms: options.tail.as_millis() as u64,
        };
        let world = World {
            now_ms: clock.now_ms(),
            shelf: Shelf::of(goods),
            max: sale.max.unwrap_or_default(),
            ..World::default()
        };
        let population = Population {
            people: options.people,
            bots: options.bots,
            seed: options.seed,
        };
        Ok(Self {
            options,
            pool,
            clock,
            sale,
            before: skus.into_iter().zip(units).collect(),
            town: Town::new(population, arrivals, world),
            measured: Measured::new(),
        })
    }

    fn until_all_are_gone(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        let (mut paged, mut shown) = (Instant::now(), Instant::now());
        let mut is_closed = false;
        while !self.town.is_over() {
            self.options.interrupt.check()?;
            self.town.world.now_ms = self.clock.now_ms();
            if !is_closed && self.is_to_close() {
                self.town.close();
                is_closed = true;
            }
            if self.has_given_up() {
                break;
            }
            self.turns();
            if paged.elapsed() >= PAGE_EVERY {
                paged = Instant::now();
                self.pool.send(Class::Shop, Tag::Page, Ask::Goods, false);
            }
            self.listen()?;
            if shown.elapsed() >= SHOW_EVERY {
                shown = Instant::now();
                observer.show(&self.progress());
            }
        }
        observer.show(&self.progress());
        Ok(())
    }

    /// The sale is over: nobody begins anything.
    fn is_to_close(&self) -> bool {
        self.town.world.now_ms > self.sale.ends_at_ms
    }

    /// Who is still there so long after the end has something that does not come to an end.
    fn has_given_up(&self) -> bool {
        let last_ms = self.sale.ends_at_ms + self.options.settle.as_millis() as u64;
        self.town.world.now_ms > last_ms
    }

    /// Everybody whose time has come does something.
    fn turns(&mut self) {
        while let Some((who, sent)) = self.town.act() {
            let is_in_line = matches!(sent.ask, Ask::Join { .. } | Ask::Position { .. });
            let class = match (self.town.is_bot(who), is_in_line) {
                (true, _) => Class::Bot,
                (false, true) => Class::Line,
                (false, false) => Class::Shop,
            };
            let Sent {
                ask,
                copies,
                is_cut,
            } = sent;
            for _ in 1..copies {
                self.pool.send(class, Tag::Who(who), ask.clone(), false);
            }
            self.pool.send(class, Tag::Who(who), ask, is_cut);
        }
    }

    /// Hears what comes back until the next one has something to do.
    fn listen(&mut self) -> Result<(), Error> {
        let next_ms = self.town.next_ms().unwrap_or(u64::MAX);
        let until_next = Duration::from_millis(next_ms.saturating_sub(self.clock.now_ms()));
        let heard = self.pool.wait(until_next.min(IDLE))?;
        self.town.world.now_ms = self.clock.now_ms();
        for Heard {
            tag,
            ask,
            answer,
            took,
        } in heard
        {
            match (tag, answer) {
                (Tag::Who(who), answer) => {
                    if !self.town.is_bot(who) {
                        self.measured.record(&ask, &answer, took);
                    }
                    self.town.hear(who, &ask, answer);
                }
                (Tag::Page, Answer::Yes(Yes::Goods(page))) => {
                    self.town.world.shelf.refresh(page.items)
                }
                (Tag::Page | Tag::Nth(_), _) => {}
            }
        }
        Ok(())
    }

    fn progress(&self) -> Progress<'_> {
        Progress {
            town: &self.town,
            people: self.options.people,
            units: self.before.iter().map(|(_, units)| units.available).sum(),
            measured: &self.measured,
            starts_in_ms: self.sale.starts_at_ms.saturating_sub(self.clock.now_ms()),
        }
    }
}

/// Connections to the server; they are made when they are needed.
pub(super) fn connect(options: &Options) -> Result<Pool, Error> {
    let authority = options.url.authority().to_string();
    let server = authority
        .to_socket_addrs()
        .ok()
        .and_then(|mut all| all.next());
    let server = server.ok_or_else(|| Error::away(options))?;
    Ok(Pool::new(target(options), server, options.connections)?)
}

fn target(options: &Options) -> Target {
    let password = options.password.as_ref();
    Target {
        host: options.url.authority().to_string(),
        sale: options.sale.as_str().into(),
        provider: options.provider.clone(),
        token: password.map(|password| password.reveal().to_owned()),
    }
}

/// What time it is for the server, if there is one.
pub(super) fn clock(pool: &mut Pool, options: &Options) -> Result<ServerClock, Error> {
    let answer = pool.ask(Ask::Time)?;
    match answer {
        Answer::Yes(Yes::Time(time)) => Ok(ServerClock {
            told_ms: time.now_ms,
            at: Instant::now(),
        }),
        Answer::Lost => Err(Error::away(options)),
        Answer::Yes(_) | Answer::No(_) | Answer::Busy { .. } | Answer::Nonsense(_) => {
            Err(Error::unexpected("the time", &answer))
        }
    }
}

fn sale(pool: &mut Pool) -> Result<Sale, Error> {
    let answer = pool.ask(Ask::Sale)?;
    if let Answer::Yes(Yes::Sale(sale)) = answer {
        Ok(sale)
    } else {
        Err(Error::unexpected("the sale", &answer))
    }
}

fn goods(pool: &mut Pool) -> Result<Vec<Good>, Error> {
    let answer = pool.ask(Ask::Goods)?;
    let Answer::Yes(Yes::Goods(page)) = answer else {
        return Err(Error::unexpected("the goods of the sale", &answer));
    };
    if page.items.is_empty() {
        return Err(Error::NoGoods);
    }
    Ok(page.items)
}
