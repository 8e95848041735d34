//! A client that does this and that, knows what it was told, and asks again about the rest.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::SKUS;
use crate::support::{Client, Random, Reply, words};

/// Commands that a worker sends at once.
const PIPELINE: usize = 8;

/// A command as sent, with what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) what: What,
    pub(crate) words: Vec<String>,
    /// Sent before, without an answer that says whether it was done.
    pub(crate) again: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Add { sku: u64, delta: i64 },
    Hold { hold: usize },
    Confirm { hold: usize },
    Release { hold: usize },
    Return { hold: usize, quantity: i64 },
}

impl What {
    pub(crate) fn hold(self) -> Option<usize> {
        match self {
            Self::Add { .. } => None,
            Self::Hold { hold }
            | Self::Confirm { hold }
            | Self::Release { hold }
            | Self::Return { hold, .. } => Some(hold),
        }
    }

    /// Its word in the flow.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Hold { .. } => "hold",
            Self::Confirm { .. } => "confirm",
            Self::Release { .. } => "release",
            Self::Return { .. } => "return",
        }
    }
}

/// A hold as its worker believes it to be.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) sku: u64,
    pub(crate) id: String,
    /// As the server has it, or `asked`, or `refused`.
    pub(crate) state: &'static str,
    pub(crate) quantity: i64,
    pub(crate) returned: i64,
}

/// One connection after another; no other worker touches its holds.
pub(crate) struct Worker {
    name: u64,
    random: Random,
    minted: u64,
    /// Sent and not settled, in the order sent.
    open: Vec<Sent>,
    /// Acknowledged as done, in the order sent.
    pub(crate) done: Vec<Sent>,
    pub(crate) holds: Vec<Hold>,
    /// Times that a command lost its answer with a server.
    pub(crate) in_doubt: u64,
    /// What was done, though its acknowledgement was lost with a server.
    pub(crate) found_done: u64,
    /// Holds refused because others were faster.
    pub(crate) sold_out: u64,
}

impl Worker {
    pub(crate) fn new(name: u64, seed: u64) -> Self {
        Self {
            name,
            random: Random::new(seed),
            minted: 0,
            open: Vec::new(),
            done: Vec::new(),
            holds: Vec::new(),
            in_doubt: 0,
            found_done: 0,
            sold_out: 0,
        }
    }

    /// Works until the server is gone, or with `settle` until nothing is open.
    pub(crate) fn run(&mut self, addr: &str, answers: &AtomicU64, settle: bool) {
        let Ok(mut client) = Client::connect(addr) else {
            return;
        };
        loop {
            if settle && self.open.is_empty() {
                return;
            }
            while !settle && self.open.len() < PIPELINE {
                self.plan();
            }
            let lines: Vec<_> = self.open.iter().map(|sent| sent.words.clone()).collect();
            let replies = client.pipeline(&lines);
            answers.fetch_add(replies.len() as u64, Ordering::Relaxed);
            if self.take(&replies) {
                return;
            }
        }
    }

    /// Thinks of something to do: at times of two things about the same hold.
    fn plan(&mut self) {
        let dice = self.random.below(100);
        let at = self.random.below(self.holds.len().max(1) as u64) as usize;
        let is_open = self.open.iter().any(|sent| sent.what.hold() == Some(at));
        match self.holds.get(at).filter(|_| !is_open).cloned() {
            _ if dice < 5 => self.plan_add(),
            Some(row) if row.state == "held" && dice < 40 => self.plan_confirm(at),
            Some(Hold {
                sku,
                id,
                state: "held",
                ..
            }) if dice < 60 => {
                let line = format!("STOCK.RELEASE sku-{sku} {id}");
                self.push(What::Release { hold: at }, &line);
            }
            Some(row) if row.state == "confirmed" && dice < 70 => self.plan_return(at, &row),
            Some(_) | None => {
                self.plan_hold();
                if dice.is_multiple_of(4) {
                    self.plan_confirm(self.holds.len() - 1);
                }
            }
        }
    }

    fn plan_add(&mut self) {
        let (sku, id) = (self.random.below(SKUS), self.mint("a"));
        let delta = [-7, -1, 2, 9][self.random.below(4) as usize];
        let line = format!("STOCK.ADD sku-{sku} {id} {delta}");
        self.push(What::Add { sku, delta }, &line);
    }

    fn plan_hold(&mut self) {
        let (sku, id) = (self.random.below(SKUS), self.mint("h"));
        let (quantity, buyer) = (
            1 + self.random.below(4).cast_signed(),
            self.random.below(20),
        );
        let line =
            format!("STOCK.HOLD sku-{sku} {id} {quantity} BUYER b{buyer} TTL 86400000 MAX 20");
        let (hold, state, returned) = (self.holds.len(), "asked", 0);
        self.push(What::Hold { hold }, &line);
        self.holds.push(Hold {
            sku,
            id,
            state,
            quantity,
            returned,
        });
    }

    fn plan_confirm(&mut self, hold: usize) {
        let Hold { sku, id, .. } = &self.holds[hold];
        let line = format!("STOCK.CONFIRM sku-{sku} {id}");
        self.push(What::Confirm { hold }, &line);
    }

    fn plan_return(&mut self, hold: usize, row: &Hold) {
        let left = (row.quantity - row.returned).unsigned_abs();
        let quantity = 1 + self.random.below(left).cast_signed();
        let (sku, id, back) = (row.sku, &row.id, self.mint("r"));
        let line = format!("STOCK.RETURN sku-{sku} {id} {back} QTY {quantity}");
        self.push(What::Return { hold, quantity }, &line);
    }

    fn mint(&mut self, kind: &str) -> String {
        self.minted += 1;
        format!("{kind}{}-{}", self.name, self.minted)
    }

    fn push(&mut self, what: What, line: &str) {
        let (words, again) = (words(line), false);
        self.open.push(Sent { what, words, again });
    }

    /// Books the replies to what is open; `true` if the server went away before the last.
    fn take(&mut self, replies: &[Reply]) -> bool {
        let mut open = std::mem::take(&mut self.open);
        let unanswered = open.split_off(replies.len());
        for (sent, reply) in open.into_iter().zip(replies) {
            match reply.refusal() {
                None => self.settle(sent, reply),
                Some("BUSY") => self.open.push(sent),
                Some(word) => self.refuse(&sent, word),
            }
        }
        let gone = !unanswered.is_empty();
        self.in_doubt += unanswered.len() as u64;
        let doubtful = unanswered.into_iter().map(|sent| Sent {
            again: true,
            ..sent
        });
        self.open.extend(doubtful);
        gone
    }

    /// Books what was refused, which must be for a reason.
    fn refuse(&mut self, sent: &Sent, word: &str) {
        match (sent.what, word) {
            (What::Add { .. }, "BELOWCOMMITTED") => {}
            (What::Hold { hold }, "SOLDOUT" | "OVERLIMIT") => {
                self.holds[hold].state = "refused";
                self.sold_out += u64::from(word == "SOLDOUT");
            }
            (What::Confirm { hold }, "HOLDNOTFOUND") => {
                let state = self.holds[hold].state;
                assert!(["asked", "refused"].contains(&state), "{sent:?}: {state}");
            }
            _ => panic!("{sent:?}: {word}"),
        }
    }

    /// Books what was done.
    fn settle(&mut self, sent: Sent, reply: &Reply) {
        let repeated = reply.field("repeated").integer() == 1;
        assert!(
            !repeated || sent.again,
            "never sent before: {sent:?}: {reply:?}"
        );
        self.found_done += u64::from(repeated);
        match sent.what {
            What::Add { delta, .. } => assert_eq!(reply.field("delta").integer(), delta),
            What::Hold { hold } => self.holds[hold].state = "held",
            What::Confirm { hold } => self.holds[hold].state = "confirmed",
            What::Release { hold } => self.holds[hold].state = "released",
            What::Return { hold, quantity } => {
                assert_eq!(reply.field("quantity").integer(), quantity);
                let row = &mut self.holds[hold];
                row.returned += quantity;
                row.state = if row.returned < row.quantity {
                    "confirmed"
                } else {
                    "returned"
                };
            }
        }
        // A hold that is found done may have been confirmed by what was sent behind it.
        let ahead = repeated && matches!(sent.what, What::Hold { .. });
        if let Some(at) = sent.what.hold().filter(|_| !ahead) {
            assert_eq!(
                reply.field("state").text(),
                self.holds[at].state,
                "{sent:?}"
            );
        }
        self.done.push(sent);
    }

    /// Asks again for what was acknowledged, but for the first so many: each must be known as done, in
    /// the state that it was left in. Says of which this is not so.
    pub(crate) fn find_again(&self, first: usize, client: &mut Client) -> Vec<String> {
        let mut lost = Vec::new();
        for some in self.done[first..].chunks(500) {
            let lines: Vec<_> = some.iter().map(|sent| sent.words.clone()).collect();
            let replies = client.pipeline(&lines);
            assert_eq!(replies.len(), lines.len(), "the server is there");
            let found = some.iter().zip(&replies);
            let missing = found.filter(|(sent, reply)| !self.is_as_acknowledged(sent, reply));
            lost.extend(missing.map(|(sent, reply)| format!("{sent:?}: {reply:?}")));
        }
        lost
    }

    fn is_as_acknowledged(&self, sent: &Sent, reply: &Reply) -> bool {
        if reply.refusal().is_some() || reply.field("repeated").integer() != 1 {
            return false;
        }
        // While something is in doubt about a hold, so is its state.
        let in_doubt = |at| self.open.iter().any(|open| open.what.hold() == Some(at));
        let known = sent.what.hold().filter(|at| !in_doubt(*at));
        known.is_none_or(|at| reply.field("state").text() == self.holds[at].state)
    }
}
