//! The inbox of a partition: where commands arrive, in the order in which they came, per domain; and
//! the count of those that wait to run, here or in the partition.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::contract::{Call, Class, Fault};
use crate::courier::Reported;
use crate::key::{Shard, Slot};
use crate::limits::{BATCH_LETTERS_MAX, INBOX_BYTES_MAX, INBOX_COMMANDS_MAX, OPEN_SHARE_PERCENT};
use crate::log::BUSY;
use crate::mail::{Ack, Letter};
use crate::partition::Lanes;
use crate::reader::Gather;
use crate::round::Round;
use crate::sink::ReplySink;
use crate::stream::Marks;

/// A request on its way to an executor.
pub(crate) struct Envelope {
    pub(crate) work: Errand,
    pub(crate) slot: Slot,
    pub(crate) domain: usize,
    pub(crate) class: Class,
    /// Its name in RESP.
    pub(crate) name: &'static str,
    /// Where it is noted up to which event the partition had come when it ran.
    pub(crate) marks: Option<Arc<Marks>>,
    pub(crate) turn: Turn,
    /// A run of it has kept something and waits.
    pub(crate) has_acted: bool,
    /// The id that it minted last in a run that was undone, as a row had to be fetched: it is to mint the same one
    /// again, or whoever looks whether it is taken would look for another one each time.
    pub(crate) minted: Option<u64>,
    /// What a run of it has left for the next one.
    pub(crate) remembered: u64,
    /// Its way, if it looks in several places.
    pub(crate) round: Option<Box<Round>>,
}

/// How often a command has run, which may be answered later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    First,
    /// It has waited, and its key was told. It may wait on until then.
    Told {
        until_ms: u64,
        /// Its number among those who wait, which it keeps; 0 if it has none.
        number: u64,
    },
    /// It has waited, and its time is over.
    Last,
}

pub(crate) enum Errand {
    /// Run this and answer.
    Call {
        call: Box<dyn Call>,
        sink: Arc<dyn ReplySink>,
        token: u64,
    },
    /// Take a snapshot and hand it to a reader.
    Scan(Arc<Gather>),
    /// Take this in.
    Letter(Letter),
    /// The courier has tried this.
    Report(Reported),
}

impl Envelope {
    /// A request that has just come in.
    pub(crate) fn of_request(
        (domain, class, name): (usize, Class, &'static str),
        work: Errand,
        slot: Slot,
        marks: Option<Arc<Marks>>,
    ) -> Self {
        Self {
            work,
            slot,
            domain,
            class,
            name,
            marks,
            turn: Turn::First,
            has_acted: false,
            minted: None,
            remembered: 0,
            round: None,
        }
    }

    /// Whether it may run in a batch of this time. A scan tells what has happened before it was
    /// asked, so nothing may happen before that afterwards.
    pub(crate) fn may_run(&self, now_ms: u64) -> bool {
        match &self.work {
            Errand::Call { .. } | Errand::Letter(_) | Errand::Report(_) => true,
            Errand::Scan(gather) => gather.asked_ms() <= now_ms,
        }
    }

    /// What comes by mail: there always is room for it.
    pub(crate) fn mail(work: Errand, slot: Slot, name: &'static str) -> Self {
        Self::of_request((0, Class::Finishes, name), work, slot, None)
    }

    /// Whether nobody is left who would know what came of it, and nothing has: then it does nothing any more, and what
    /// it waits for is for others.
    pub(crate) fn is_left(&self) -> bool {
        match &self.work {
            Errand::Call { sink, token, .. } => {
                self.turn != Turn::First && !self.has_acted && sink.is_gone(*token)
            }
            Errand::Scan(_) | Errand::Letter(_) | Errand::Report(_) => false,
        }
    }

    /// Whether it came by mail.
    pub(crate) fn is_mail(&self) -> bool {
        matches!(self.work, Errand::Letter(_) | Errand::Report(_))
    }

    /// What it is about, if that is one thing; of a shard, what it is one of.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        match &self.work {
            Errand::Call { call, .. } => Some(call.key()),
            Errand::Scan(gather) => gather.call().key(),
            Errand::Letter(letter) => Some(Shard::whole_of(&letter.sent.to).as_bytes()),
            Errand::Report(_) => None,
        }
    }

    /// Bytes that it takes while it waits, if it is no mail.
    pub(crate) fn bytes(&self) -> usize {
        match &self.work {
            Errand::Call { call, .. } => {
                let round = self.round.as_ref().map_or(0, |round| round.heap_bytes());
                size_of::<Self>() + call.weight() + round
            }
            Errand::Scan(_) | Errand::Letter(_) | Errand::Report(_) => size_of::<Self>(),
        }
    }

    /// To the slot of the addressee.
    pub(crate) fn letter(letter: Letter) -> Self {
        let to = letter.to();
        Self::mail(Errand::Letter(letter), to, "a letter")
    }
}

/// Mail for one partition, which is carried there at once.
#[derive(Default)]
pub(crate) struct Bag {
    pub(crate) mail: Vec<Envelope>,
    pub(crate) acks: Vec<Ack>,
    /// Commands that were let in elsewhere, and go on here.
    pub(crate) calls: Vec<Envelope>,
}

impl From<Envelope> for Bag {
    fn from(one: Envelope) -> Self {
        Self {
            mail: vec![one],
            ..Self::default()
        }
    }
}

impl Bag {
    pub(crate) fn is_empty(&self) -> bool {
        self.mail.is_empty() && self.acks.is_empty() && self.calls.is_empty()
    }
}

/// What of a domain waits to run.
struct Held {
    /// Percent of the bounds that are the domain's own.
    percent: usize,
    commands: AtomicUsize,
    bytes: AtomicUsize,
}

impl Held {
    fn now(&self) -> (usize, usize) {
        let commands = self.commands.load(Ordering::Relaxed);
        (commands, self.bytes.load(Ordering::Relaxed))
    }
}

pub(crate) struct Inbox {
    arrived: Mutex<Arrived>,
    /// By domain, from a command's arrival until it has run, wherever it waits.
    held: Vec<Held>,
    /// What has arrived and was not taken out, for a look without the lock.
    waiting: AtomicUsize,
    /// Timers are overdue: answers of opening commands would not be true.
    overdue: AtomicBool,
    /// How full the outbox of the same partition is, in percent.
    outbox_percent: AtomicUsize,
}

struct Arrived {
    /// Letters and reports, for which there always is room: outboxes and calls bound them.
    mail: VecDeque<Envelope>,
    /// Acknowledgements, for which there is as well.
    acks: Vec<Ack>,
    domains: Vec<VecDeque<Envelope>>,
}

impl Inbox {
    /// An inbox of which each domain has so many percent.
    pub(crate) fn new(percents: impl Iterator<Item = usize>) -> Self {
        let held = |percent| Held {
            percent,
            commands: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        };
        let held: Vec<_> = percents.map(held).collect();
        let domains = held.iter().map(|_| VecDeque::new()).collect();
        Self {
            arrived: Mutex::new(Arrived {
                mail: VecDeque::new(),
                acks: Vec::new(),
                domains,
            }),
            held,
            waiting: AtomicUsize::new(0),
            overdue: AtomicBool::new(false),
            outbox_percent: AtomicUsize::new(0),
        }
    }

    /// Takes a command in, unless there is no room for its class: neither of what is its
    /// domain's own, nor of what nobody uses. A domain is let into its own though others have taken
    /// it meanwhile, so that an inbox holds at most twice its bounds.
    pub(crate) fn push(&self, envelope: Envelope) -> Result<(), Fault> {
        let mut arrived = self.lock();
        self.take_room(envelope.domain, envelope.class, (1, envelope.bytes()))?;
        arrived.domains[envelope.domain].push_back(envelope);
        self.waiting.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Reserves room for so many commands of a class, of so many bytes, all or none.
    pub(crate) fn reserve(
        &self,
        domain: usize,
        class: Class,
        commands: (usize, usize),
    ) -> Result<(), Fault> {
        let _arrived = self.lock();
        self.take_room(domain, class, commands)
    }

    /// Takes commands in for which room was reserved.
    pub(crate) fn push_reserved(&self, envelopes: Vec<Envelope>) {
        let came = envelopes.len();
        let mut arrived = self.lock();
        for envelope in envelopes {
            arrived.domains[envelope.domain].push_back(envelope);
        }
        self.waiting.fetch_add(came, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts so many commands of so many bytes, if there is room for them. Nobody else does so meanwhile.
    fn take_room(
        &self,
        domain: usize,
        class: Class,
        (commands, bytes): (usize, usize),
    ) -> Result<(), Fault> {
        let percent = match class {
            Class::Opens if self.is_overdue() => 0,
            Class::Opens => OPEN_SHARE_PERCENT,
            Class::Finishes | Class::Reads => 100,
        };
        let fits = |held: (usize, usize), percent: usize| {
            held.0 + commands <= INBOX_COMMANDS_MAX / 100 * percent
                && held.1 + bytes <= INBOX_BYTES_MAX / 100 * percent
        };
        let own = &self.held[domain];
        if !fits(own.now(), own.percent * percent / 100) && !fits(self.all_held(), percent) {
            return Err(BUSY);
        }
        own.commands.fetch_add(commands, Ordering::Relaxed);
        own.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Takes mail in, and leaves an empty bag.
    pub(crate) fn push_mail(&self, Bag { mail, acks, calls }: &mut Bag) {
        let came = mail.len() + acks.len() + calls.len();
        let mut arrived = self.lock();
        arrived.mail.extend(mail.drain(..));
        arrived.acks.append(acks);
        for call in calls.drain(..) {
            arrived.domains[call.domain].push_back(call);
        }
        self.waiting.fetch_add(came, Ordering::Release);
    }

    /// What has arrived and was not taken out.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Commands and bytes of all domains.
    fn all_held(&self) -> (usize, usize) {
        let all = self.held.iter().map(Held::now);
        all.fold((0, 0), |sum, held| (sum.0 + held.0, sum.1 + held.1))
    }

    /// How full it is, in percent.
    pub(crate) fn percent(&self) -> usize {
        percent_of(self.all_held(), 100)
    }

    /// How much of its own a domain has filled, in percent.
    pub(crate) fn own_percent(&self, domain: usize) -> usize {
        let own = &self.held[domain];
        percent_of(own.now(), own.percent)
    }

    /// How full the outbox of the partition is, in percent.
    pub(crate) fn outbox_percent(&self) -> usize {
        self.outbox_percent.load(Ordering::Relaxed)
    }

    pub(crate) fn set_outbox_percent(&self, percent: usize) {
        if self.outbox_percent() != percent {
            self.outbox_percent.store(percent, Ordering::Relaxed);
        }
    }

    /// Commands of a domain that wait to run.
    pub(crate) fn held(&self, domain: usize) -> usize {
        self.held[domain].now().0
    }

    /// Whether timers are overdue, and opening commands are told BUSY.
    pub(crate) fn is_overdue(&self) -> bool {
        self.overdue.load(Ordering::Relaxed)
    }

    pub(crate) fn set_overdue(&self, overdue: bool) {
        self.overdue.store(overdue, Ordering::Relaxed);
    }

    /// Moves all commands into `lanes`, in order of arrival within their domain, all acknowledgements, and
    /// some letters.
    pub(crate) fn drain(&self, lanes: &mut Lanes) {
        let mut arrived = self.lock();
        let Arrived {
            mail,
            acks,
            domains,
        } = &mut *arrived;
        let letters = BATCH_LETTERS_MAX.saturating_sub(lanes.mail.len());
        let letters = letters.min(mail.len());
        lanes.mail.extend(mail.drain(..letters));
        let mut taken = letters + acks.len();
        lanes.acks.append(acks);
        for (domain, commands) in domains.iter_mut().enumerate() {
            taken += commands.len();
            lanes.take(domain, commands);
        }
        self.waiting.fetch_sub(taken, Ordering::Release);
    }

    /// So many commands of a domain have run, which held so many bytes, or are not coming.
    pub(crate) fn ran(&self, domain: usize, commands: usize, bytes: usize) {
        let held = &self.held[domain];
        held.commands.fetch_sub(commands, Ordering::Relaxed);
        held.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// How much of a share of the bounds so many commands and bytes are, in percent of it. All of none.
fn percent_of((commands, bytes): (usize, usize), share_percent: usize) -> usize {
    let of = |held: usize, most: usize| (100 * held).checked_div(most / 100 * share_percent);
    let commands = of(commands, INBOX_COMMANDS_MAX).unwrap_or(100);
    commands.max(of(bytes, INBOX_BYTES_MAX).unwrap_or(100))
}
