//! A client that asks this and that, one thing at a time, and writes down when and what it was
//! told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use histories::Operation;

use crate::model::{Answer, BUYER_MAX, Command, Terms};
use crate::support::{Client, Random, Reply, words};
use crate::{ANSWERS_PER_ID, SKUS};

/// A command as its caller saw it, in nanoseconds of the test.
pub(crate) type Seen = Operation<Command, Answer>;

/// What all callers share.
pub(crate) struct Course {
    pub(crate) began: Instant,
    /// Answers to all callers so far.
    pub(crate) answers: AtomicU64,
}

impl Course {
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).expect("because it takes seconds")
    }
}

/// One connection after another.
pub(crate) struct Caller {
    random: Random,
    /// What it saw, by SKU.
    pub(crate) seen: Vec<Vec<Seen>>,
    /// Asked of a server that was killed, and to be asked again.
    in_doubt: Option<(usize, Command)>,
}

impl Caller {
    pub(crate) fn new(name: u64) -> Self {
        Self {
            random: Random::new(name),
            seen: vec![Vec::new(); SKUS],
            in_doubt: None,
        }
    }

    /// Asks until so many answers were given to all callers, or the server is gone.
    pub(crate) fn run(&mut self, addr: &str, course: &Course, until: u64) {
        let Ok(mut client) = Client::connect(addr) else {
            return;
        };
        loop {
            let answers = course.answers.load(Ordering::Relaxed);
            if answers >= until {
                return;
            }
            let asked = self.in_doubt.take();
            let (sku, command) = asked.unwrap_or_else(|| self.plan(answers / ANSWERS_PER_ID));
            let words = words_of(sku, &command);
            let called = course.now();
            let reply = client.pipeline(&[words]).pop();
            let ended = course.now();
            match &reply {
                Some(reply) if reply.refusal() == Some("BUSY") => continue,
                Some(_) => course.answers.fetch_add(1, Ordering::Relaxed),
                None => 0,
            };
            self.seen[sku].push(Operation {
                output: reply.as_ref().map(|reply| answer_of(&command, reply)),
                input: command.clone(),
                called,
                ended: if reply.is_some() { ended } else { u64::MAX },
            });
            if reply.is_none() {
                self.in_doubt = Some((sku, command));
                return;
            }
        }
    }

    /// Says when the server was gone that what is in doubt was asked of.
    pub(crate) fn note_end(&mut self, ended: u64) {
        let unanswered = |seen: &&mut Seen| seen.output.is_none() && seen.ended == u64::MAX;
        for seen in self.seen.iter_mut().flatten().filter(unanswered) {
            seen.ended = ended;
        }
    }

    /// Thinks of something to ask about one of a few ids from `first` on, which others ask about
    /// as well.
    fn plan(&mut self, first: u64) -> (usize, Command) {
        let mut below = |bound| self.random.below(bound);
        let (sku, id) = (below(SKUS as u64) as usize, first + below(8));
        let command = match below(100) {
            0..30 => {
                // Mostly the same for the same id.
                let other = if below(4) == 0 { below(3) } else { 0 };
                let quantity = 1 + ((id + other) % 3).cast_signed();
                let buyer = id / 6;
                Command::Hold {
                    id,
                    terms: Terms { quantity, buyer },
                }
            }
            30..48 => Command::Confirm { id },
            48..58 => Command::Release { id },
            58..72 => Command::Return {
                id: below(3),
                of: id,
                quantity: [None, Some(1), Some(2)][below(3) as usize],
            },
            72..80 => Command::Add {
                id: id / 2,
                delta: [-4, 1, 2, 3][below(4) as usize],
            },
            80..90 => Command::Get,
            _ => Command::HoldInfo { id },
        };
        (sku, command)
    }
}

/// How a command is sent.
fn words_of(sku: usize, command: &Command) -> Vec<String> {
    words(&match command {
        Command::Hold { id, terms } => {
            let Terms { quantity, buyer } = terms;
            format!(
                "STOCK.HOLD sku-{sku} h{id} {quantity} BUYER b{buyer} MAX {BUYER_MAX} TTL 86400000"
            )
        }
        Command::Confirm { id } => format!("STOCK.CONFIRM sku-{sku} h{id}"),
        Command::Release { id } => format!("STOCK.RELEASE sku-{sku} h{id}"),
        Command::Return { id, of, quantity } => {
            let quantity = quantity.map_or(String::new(), |units| format!("QTY {units}"));
            format!("STOCK.RETURN sku-{sku} h{of} r{id} {quantity}")
        }
        Command::Add { id, delta } => format!("STOCK.ADD sku-{sku} a{id} {delta}"),
        Command::Get => format!("STOCK.GET sku-{sku}"),
        Command::HoldInfo { id } => format!("STOCK.HOLDINFO sku-{sku} h{id}"),
    })
}

fn answer_of(command: &Command, reply: &Reply) -> Answer {
    if let Reply::Error(text) = reply {
        return Answer::Refused(text.clone());
    }
    let integer = |name| reply.field(name).integer();
    let text = |name| reply.field(name).text().to_owned();
    let repeated = || integer("repeated") == 1;
    match command {
        Command::Hold { .. } | Command::Confirm { .. } | Command::Release { .. } => Answer::Held {
            state: text("state"),
            quantity: integer("quantity"),
            available: integer("available"),
            repeated: repeated(),
        },
        Command::Return { .. } => Answer::Returned {
            state: text("state"),
            quantity: integer("quantity"),
            returnable: integer("returnable"),
            repeated: repeated(),
        },
        Command::Add { .. } => Answer::Added {
            delta: integer("delta"),
            total: integer("total"),
            repeated: repeated(),
        },
        Command::Get => Answer::Units {
            total: integer("total"),
            available: integer("available"),
            held: integer("held"),
            sold: integer("sold"),
            version: integer("version"),
        },
        Command::HoldInfo { .. } => Answer::Details {
            state: text("state"),
            quantity: integer("quantity"),
            returned: integer("returned"),
            buyer: text("buyer"),
            steps: reply.field("history").items().len(),
        },
    }
}
