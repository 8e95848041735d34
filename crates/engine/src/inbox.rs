//! The inbox of a partition: where commands wait, in the order in which they came, per domain.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::contract::{Call, Class};
use crate::key::Slot;
use crate::limits::{BATCH_LETTERS_MAX, INBOX_BYTES_MAX, INBOX_COMMANDS_MAX, OPEN_SHARE_PERCENT};
use crate::mail::{Letter, Post};
use crate::reader::Gather;
use crate::sink::ReplySink;

/// A request on its way to an executor.
pub(crate) struct Envelope {
    pub(crate) work: Errand,
    pub(crate) slot: Slot,
    pub(crate) domain: usize,
    pub(crate) class: Class,
    /// Its name in RESP.
    pub(crate) name: &'static str,
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
    /// This letter was taken in.
    Ack(u64),
}

impl Envelope {
    /// Whether it may run in a batch of this time. A scan tells what has happened before it was
    /// asked, so nothing may happen before that afterwards.
    pub(crate) fn may_run(&self, now_ms: u64) -> bool {
        match &self.work {
            Errand::Call { .. } | Errand::Letter(_) | Errand::Ack(_) => true,
            Errand::Scan(gather) => gather.asked_ms() <= now_ms,
        }
    }

    /// Whether it is a letter or an acknowledgement.
    pub(crate) fn is_mail(&self) -> bool {
        matches!(self.work, Errand::Letter(_) | Errand::Ack(_))
    }

    fn weight(&self) -> usize {
        match &self.work {
            Errand::Call { call, .. } => size_of::<Self>() + call.weight(),
            Errand::Scan(_) | Errand::Letter(_) | Errand::Ack(_) => size_of::<Self>(),
        }
    }
}

impl From<Post> for Envelope {
    /// To the slot of the addressee, or back to that of the sender.
    fn from(post: Post) -> Self {
        let (work, slot, name) = match post {
            Post::Letter(letter) => {
                let to = letter.to();
                (Errand::Letter(letter), to, "a letter")
            }
            Post::Ack { of, number } => (Errand::Ack(number), of, "an acknowledgement"),
        };
        Self {
            work,
            slot,
            domain: 0,
            class: Class::Finishes,
            name,
        }
    }
}

/// Commands of one turn of a domain, before the next domain has its turn.
const TURN_COMMANDS: usize = 32;

pub(crate) struct Inbox {
    lanes: Mutex<Lanes>,
    /// Commands that wait, for a look without the lock.
    waiting: AtomicUsize,
    /// Timers are overdue: answers of opening commands would not be true.
    overdue: AtomicBool,
}

struct Lanes {
    /// Letters and acknowledgements, for which there always is room.
    mail: VecDeque<Envelope>,
    domains: Vec<VecDeque<Envelope>>,
    bytes: usize,
    turn: usize,
}

impl Inbox {
    pub(crate) fn new(domains: usize) -> Self {
        let domains = std::iter::repeat_with(VecDeque::new)
            .take(domains)
            .collect();
        Self {
            lanes: Mutex::new(Lanes {
                mail: VecDeque::new(),
                domains,
                bytes: 0,
                turn: 0,
            }),
            waiting: AtomicUsize::new(0),
            overdue: AtomicBool::new(false),
        }
    }

    /// Takes a command in, or gives it back if there is no room for its class.
    pub(crate) fn push(&self, envelope: Envelope) -> Result<(), Envelope> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let percent = match envelope.class {
            Class::Opens if self.overdue.load(Ordering::Relaxed) => 0,
            Class::Opens => OPEN_SHARE_PERCENT,
            Class::Finishes | Class::Reads => 100,
        };
        let commands_max = INBOX_COMMANDS_MAX / lanes.domains.len() * percent / 100;
        let bytes = lanes.bytes + envelope.weight();
        let lane = &mut lanes.domains[envelope.domain];
        if lane.len() >= commands_max || bytes > INBOX_BYTES_MAX * percent / 100 {
            return Err(envelope);
        }
        lane.push_back(envelope);
        lanes.bytes = bytes;
        self.waiting.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Takes mail in.
    pub(crate) fn push_mail(&self, mail: Envelope) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.mail.push_back(mail);
        self.waiting.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    pub(crate) fn set_overdue(&self, overdue: bool) {
        self.overdue.store(overdue, Ordering::Relaxed);
    }

    /// Moves some mail into `batch`, and up to `most` commands: domains take turns, each in order of
    /// arrival.
    pub(crate) fn drain(&self, batch: &mut VecDeque<Envelope>, most: usize) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let Lanes {
            mail,
            domains,
            bytes,
            turn,
        } = &mut *lanes;
        let letters = mail.len().min(BATCH_LETTERS_MAX);
        batch.extend(mail.drain(..letters));
        let mut taken = 0;
        let mut empty = 0;
        while taken < most && empty < domains.len() {
            let lane = &mut domains[*turn];
            let some = lane.len().min(TURN_COMMANDS).min(most - taken);
            empty = if some == 0 { empty + 1 } else { 0 };
            for envelope in lane.drain(..some) {
                *bytes -= envelope.weight();
                batch.push_back(envelope);
            }
            taken += some;
            *turn = (*turn + 1) % domains.len();
        }
        self.waiting.fetch_sub(letters + taken, Ordering::Release);
    }
}
