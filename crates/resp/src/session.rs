//! What a connection has agreed on, and the way of its requests to the engine or to the front's
//! own commands.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use tidegate_engine::ReplySink;
use tidegate_engine::contract::Work;

use crate::budget::Share;
use crate::builtin;
use crate::decode::decode;
use crate::errors::Error;
use crate::front::Front;
use crate::limits::{
    BUDGET_STEP_BYTES, IN_FLIGHT_MAX, KEPT_BYTES_MAX, MOVES_AFTER, SCAN_BYTES, SCANS_IN_FLIGHT_MAX,
    UNSENT_BYTES_MAX,
};
use crate::order::{Progress, Replies, Sink};
use crate::parse::{Args, Bounds, Malformed};
use crate::table::{Command, Plan};
use crate::wire::{Protocol, Wire};

/// One connection, but for its socket.
pub(crate) struct Session {
    pub(crate) front: Arc<Front>,
    pub(crate) id: u64,
    /// The other end, if it is known.
    peer: Option<IpAddr>,
    /// Given by `CLIENT SETNAME`.
    pub(crate) name: Vec<u8>,
    pub(crate) is_authenticated: bool,
    protocol: Protocol,
    replies: Arc<Replies>,
    sink: Arc<dyn ReplySink>,
    /// The number of the next request.
    next_token: u64,
    progress: Progress,
    share: Share,
    /// Numbers of scans that may not be answered yet.
    scans: VecDeque<u64>,
    scratch: Vec<u8>,
    is_ending: bool,
    /// A `MULTI` was refused: whoever sent it expects nothing up to `EXEC` to be done yet.
    is_refusing: bool,
    /// The executor that it lives beside.
    executor: usize,
    /// The executor that ran the last requests, and how many in a row.
    runs_at: (usize, u32),
}

impl Session {
    pub(crate) fn new(
        front: Arc<Front>,
        (id, peer, executor): (u64, Option<IpAddr>, usize),
        replies: Arc<Replies>,
    ) -> Self {
        let share = Share::new(&front.budget);
        Self {
            is_authenticated: front.options.credentials.is_none(),
            sink: Sink::shared(Protocol::Resp2, &replies),
            front,
            id,
            peer,
            name: Vec::new(),
            protocol: Protocol::Resp2,
            replies,
            share,
            next_token: 0,
            progress: Progress {
                next: 0,
                bytes_waiting: 0,
                bytes_held: 0,
            },
            scans: VecDeque::new(),
            scratch: Vec::new(),
            is_ending: false,
            is_refusing: false,
            executor,
            runs_at: (executor, 0),
        }
    }

    /// The executor beside which it should live: that which has run all its requests for a while, if there is room; and
    /// another one than that if it lives there already, and there is no time to spare.
    pub(crate) fn moves_to(&mut self) -> Option<usize> {
        let (to, many) = self.runs_at;
        if many < MOVES_AFTER || self.is_ending || self.front.is_stopping() {
            return None;
        }
        self.runs_at.1 = 0; // If it stays, it asks again after as many.
        let homes = self.front.options.homes.as_ref()?;
        if to == self.executor {
            homes.elsewhere(to)
        } else {
            homes.has_room(to).then_some(to)
        }
    }

    pub(crate) fn has_moved(&mut self, to: usize) {
        self.executor = to;
    }

    /// Takes note of where a request runs.
    fn note_where(&mut self, runs_at: Option<usize>) {
        let (last, many) = self.runs_at;
        self.runs_at = match runs_at {
            Some(executor) if executor == last => (last, many.saturating_add(1)),
            Some(executor) => (executor, 1),
            None => (last, 0), // Anywhere: here is as good as elsewhere.
        };
    }

    /// Answers a request, or sees to it that the engine will.
    pub(crate) fn handle(&mut self, args: Args<'_>, is_inline: bool) {
        let Some(name) = args.get(0) else {
            return;
        };
        if self.is_authenticated && self.refuses_transaction(name) {
            return;
        }
        match self.front.commands.find(name) {
            Some(Command::Request(plan)) if self.is_authenticated => self.submit(&plan, args),
            Some(Command::Builtin(builtin))
                if self.is_authenticated || builtin.is_for_strangers() =>
            {
                builtin::run(builtin, self, args);
            }
            // A browser that was talked into posting here: what follows would be its body.
            None if is_inline && is_http(name) => self.is_ending = true,
            None if self.is_authenticated => self.fail(&Error::UnknownCommand(args)),
            Some(Command::Request(_) | Command::Builtin(_)) | None => {
                self.fail(&Error::NoAuthentication);
            }
        }
    }

    /// Refuses a transaction as a whole, `true` if the request belongs to one. Carrying out its
    /// commands one by one would do what the client is told was not done.
    fn refuses_transaction(&mut self, name: &[u8]) -> bool {
        let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
        if is(b"MULTI") {
            self.is_refusing = true;
        } else if !self.is_refusing {
            return false;
        } else if is(b"EXEC") || is(b"DISCARD") {
            self.is_refusing = false;
            self.fail(&Error::TransactionDiscarded);
            return true;
        } else if is(b"RESET") || is(b"QUIT") {
            self.is_refusing = false;
            return false;
        }
        self.fail(&Error::NoTransactions);
        true
    }

    fn submit(&mut self, plan: &Plan, args: Args<'_>) {
        let door = &self.front.door;
        let work = decode(plan, args, self.peer).and_then(|work| {
            let checked = door.check(&work).map(|()| work);
            checked.map_err(|invalid| Error::of_field(plan.def, invalid))
        });
        match work {
            Ok(Work::Scan(_)) if !self.share.has_room_for(SCAN_BYTES) => {
                self.fail(&Error::NoBuffers);
            }
            Ok(work) => {
                let token = self.token();
                if let Work::Scan(_) = work {
                    self.scans.push_back(token);
                    self.share.add(SCAN_BYTES);
                }
                let door = &self.front.door;
                let runs_at = door.submit(plan.domain, plan.def, work, &self.sink, token);
                self.note_where(runs_at);
            }
            Err(error) => self.fail(&error),
        }
    }

    fn token(&mut self) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        token
    }

    /// Gives a reply of the front itself, in its turn.
    pub(crate) fn reply(&mut self, write: impl FnOnce(&mut Wire<'_>)) {
        let token = self.token();
        self.scratch.clear();
        write(&mut Wire::new(&mut self.scratch, self.protocol));
        self.progress = self.replies.answer(token, &self.scratch);
        self.scratch.shrink_to(KEPT_BYTES_MAX);
    }

    /// Replies with an error.
    pub(crate) fn fail(&mut self, error: &Error<'_>) {
        self.reply(|wire| wire.error(error));
    }

    /// Replies that the bytes are no request; none behind them is read.
    pub(crate) fn fail_protocol(&mut self, malformed: Malformed) {
        self.fail(&Error::Protocol(malformed));
        self.is_ending = true;
    }

    /// Whether the connection's buffers may grow.
    pub(crate) fn may_grow(&self) -> bool {
        self.share.has_room_for(BUDGET_STEP_BYTES)
    }

    /// Gives memory back that a quiet connection does not need.
    pub(crate) fn relax(&mut self) {
        self.scratch = Vec::new();
        let progress = self.replies.relax();
        self.note(progress);
    }

    /// Takes note of what the connection's buffers take, beside what is taken here.
    pub(crate) fn count_memory(&mut self, buffers: usize) {
        let own = self.progress.bytes_held + self.scratch.capacity();
        self.share
            .set(buffers + own + self.scans.len() * SCAN_BYTES);
    }

    /// Replies that there is no memory for the request; none behind it is read.
    pub(crate) fn fail_for_memory(&mut self) {
        self.fail(&Error::NoBuffers);
        self.is_ending = true;
    }

    /// Takes no further request; the connection ends once those before are answered.
    pub(crate) fn end(&mut self) {
        self.is_ending = true;
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Speaks another protocol from the next reply on. Requests before are answered in the old one.
    pub(crate) fn speak(&mut self, protocol: Protocol) {
        if protocol != self.protocol {
            self.protocol = protocol;
            self.sink = Sink::shared(protocol, &self.replies);
        }
    }

    /// How large its requests may be.
    pub(crate) fn bounds(&self) -> Bounds {
        if self.is_authenticated {
            Bounds::KNOWN
        } else {
            Bounds::STRANGER
        }
    }

    /// Takes note of how far its requests are answered.
    pub(crate) fn note(&mut self, progress: Progress) {
        self.progress = progress;
        while self
            .scans
            .front()
            .is_some_and(|token| *token < progress.next)
        {
            self.scans.pop_front();
        }
    }

    /// The number of requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.next_token
    }

    /// Whether every request is answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.progress.next == self.next_token
    }

    /// Whether one more request may be taken in while so many bytes are being sent.
    pub(crate) fn has_room(&self, bytes_sending: usize) -> bool {
        let unsent_max = if self.may_grow() {
            UNSENT_BYTES_MAX
        } else {
            KEPT_BYTES_MAX
        };
        self.next_token - self.progress.next < IN_FLIGHT_MAX
            && self.progress.bytes_waiting + bytes_sending < unsent_max
            && self.scans.len() < SCANS_IN_FLIGHT_MAX
    }
}

/// Words that begin a line of HTTP, and no command's name.
fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"POST") || name.eq_ignore_ascii_case(b"HOST:")
}

#[cfg(test)]
mod tests;
