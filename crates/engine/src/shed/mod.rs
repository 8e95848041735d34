//! Shedding: at a big event the process gives up work by its class ([`WorkClass`]), so that what is under way
//! comes to its end. Optional work goes first, then normal work; core work is turned away only as ever, by BUSY
//! where there is no room for it.
//!
//! A person switches it (`SHED.SET`, `--shed`), or the load does ([`load`]); what sheds more counts. The load
//! sheds no normal work of domains that keep to their shares while others do not, nor reads for want of memory, of
//! which they take none. It is about this process and no row: a restart forgets what was switched by request.
//! What the edge answers is not shed: to say BUSY would cost as much.

mod load;
mod request;

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use load::Load;
use load::Spared;
pub(crate) use request::{GetShed, SetShed};

use crate::contract::{Class, Fault, RequestDef, WorkClass};
use crate::limits::{SHED_LOOK_MS, SHED_MS_MIN, SHED_RETRY_MS};
use crate::metrics::Counter;
use crate::words;

/// What is shed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shed {
    /// Nothing.
    #[default]
    None,
    /// Optional work.
    Optional,
    /// Optional and normal work.
    Normal,
}

words! { Shed {
    "none" => Self::None,
    "optional" => Self::Optional,
    "normal" => Self::Normal,
} }

impl FromStr for Shed {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let all = [Self::None, Self::Optional, Self::Normal];
        let found = all.into_iter().find(|shed| shed.word() == word);
        found.ok_or("must be none, optional or normal")
    }
}

impl Shed {
    /// Its word in every front.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Normal => "normal",
        }
    }

    /// Whether work of this class is shed.
    #[must_use]
    pub fn sheds(self, class: WorkClass) -> bool {
        match class {
            WorkClass::Core => false,
            WorkClass::Normal => self == Self::Normal,
            WorkClass::Optional => self != Self::None,
        }
    }

    /// What is shed one step before this.
    fn one_less(self) -> Self {
        match self {
            Self::None | Self::Optional => Self::None,
            Self::Normal => Self::Optional,
        }
    }
}

/// What sheds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A person.
    Hand,
    /// The load.
    Load,
}

/// What is shed at a moment, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedFigures {
    /// What is shed.
    pub shed: Shed,
    /// What sheds it; nothing if nothing is shed. A person, if both shed as much.
    pub why: Option<Why>,
    /// Since when that is so, in milliseconds since 1970.
    pub since_ms: u64,
    /// What a person has said.
    pub by_hand: Shed,
    /// What the load makes of it.
    pub by_load: Shed,
    /// Requests of normal work that were shed.
    pub shed_normal: u64,
    /// The same of optional work.
    pub shed_optional: u64,
}

/// What this process sheds.
pub(crate) struct Shedding {
    /// What is shed, for the door, and what by hand.
    shed: AtomicU8,
    by_hand: AtomicU8,
    /// Domains of which the load sheds no normal work, and whether it sheds no normal and no optional reads.
    spared: AtomicU64,
    spares_reads: AtomicBool,
    spares_optional_reads: AtomicBool,
    /// When to look at the load next.
    look_at_ms: AtomicU64,
    state: Mutex<State>,
    shed_normal: Counter,
    shed_optional: Counter,
}

struct State {
    by_hand: Shed,
    by_load: Shed,
    /// Since when the load has made that of it.
    by_load_since_ms: u64,
    since_ms: u64,
}

impl State {
    fn shed(&self) -> Shed {
        self.by_hand.max(self.by_load)
    }

    fn why(&self) -> Option<Why> {
        let by = if self.by_load > self.by_hand {
            Why::Load
        } else {
            Why::Hand
        };
        (self.shed() != Shed::None).then_some(by)
    }
}

impl Shedding {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            shed: AtomicU8::new(Shed::None as u8),
            by_hand: AtomicU8::new(Shed::None as u8),
            spared: AtomicU64::new(0),
            spares_reads: AtomicBool::new(false),
            spares_optional_reads: AtomicBool::new(false),
            look_at_ms: AtomicU64::new(now_ms),
            state: Mutex::new(State {
                by_hand: Shed::None,
                by_load: Shed::None,
                by_load_since_ms: now_ms,
                since_ms: now_ms,
            }),
            shed_normal: Counter::default(),
            shed_optional: Counter::default(),
        }
    }

    /// Whether anything is shed.
    pub(crate) fn is_on(&self) -> bool {
        self.shed.load(Ordering::Relaxed) != Shed::None as u8
    }

    /// What a request of this domain is told, and counted for, if it is shed.
    pub(crate) fn refuses(&self, domain: usize, def: &RequestDef) -> Option<Fault> {
        let class = def.work_class;
        let (shed, by_hand) = (&self.shed, &self.by_hand);
        let sheds = |what: &AtomicU8, least| what.load(Ordering::Relaxed) >= least as u8;
        let (is_shed, counter) = match class {
            WorkClass::Core => return None,
            WorkClass::Optional => {
                let is_read = def.class == Class::Reads;
                let is_spared = is_read && self.spares_optional_reads.load(Ordering::Relaxed);
                let is_shed =
                    sheds(by_hand, Shed::Optional) || sheds(shed, Shed::Optional) && !is_spared;
                (is_shed, &self.shed_optional)
            }
            WorkClass::Normal => {
                let is_spared = !sheds(by_hand, Shed::Normal) && self.spares(domain, def.class);
                (sheds(shed, Shed::Normal) && !is_spared, &self.shed_normal)
            }
        };
        if !is_shed {
            return None;
        }
        counter.add(1);
        Some(Fault::Shed {
            class,
            retry_after_ms: SHED_RETRY_MS,
        })
    }

    /// Whether the load sheds no such normal work.
    fn spares(&self, domain: usize, class: Class) -> bool {
        let is_spared_read = class == Class::Reads && self.spares_reads.load(Ordering::Relaxed);
        let spared = Spared::from_bits(self.spared.load(Ordering::Relaxed));
        is_spared_read || spared.has(domain)
    }

    /// A person says what is to be shed.
    pub(crate) fn set_by_hand(&self, by_hand: Shed, now_ms: u64) {
        self.change(now_ms, |state| {
            state.by_hand = by_hand;
            self.by_hand.store(by_hand as u8, Ordering::Relaxed);
        });
    }

    /// Whether the load is to be looked at; at most one who asks is told so within [`SHED_LOOK_MS`].
    pub(crate) fn is_due(&self, now_ms: u64) -> bool {
        let at_ms = self.look_at_ms.load(Ordering::Relaxed);
        let next_ms = now_ms + SHED_LOOK_MS;
        let (order, failed) = (Ordering::Relaxed, Ordering::Relaxed);
        let swap = || {
            self.look_at_ms
                .compare_exchange(at_ms, next_ms, order, failed)
        };
        now_ms >= at_ms && swap().is_ok()
    }

    /// The load is so much: sheds more at once, and less a step at a time.
    pub(crate) fn look(&self, load: Load, now_ms: u64) {
        self.spared.store(load.spared.to_bits(), Ordering::Relaxed);
        self.spares_reads
            .store(load.spares_reads, Ordering::Relaxed);
        // Once the load has gone, what is shed still is for the reason for which it was.
        if load.is_high() {
            self.spares_optional_reads
                .store(load.spares_optional_reads, Ordering::Relaxed);
        }
        self.change(now_ms, |state| {
            let shed = load.sheds(state.by_load);
            let rests = now_ms < state.by_load_since_ms + SHED_MS_MIN;
            let shed = match shed < state.by_load {
                true if rests => state.by_load,
                true => state.by_load.one_less(),
                false => shed,
            };
            if shed != state.by_load {
                state.by_load = shed;
                state.by_load_since_ms = now_ms;
            }
        });
    }

    fn change(&self, now_ms: u64, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        let before = (state.shed(), state.why());
        change(&mut state);
        if (state.shed(), state.why()) != before {
            state.since_ms = now_ms;
            self.shed.store(state.shed() as u8, Ordering::Relaxed);
        }
    }

    pub(crate) fn figures(&self) -> ShedFigures {
        let state = self.state();
        ShedFigures {
            shed: state.shed(),
            why: state.why(),
            since_ms: state.since_ms,
            by_hand: state.by_hand,
            by_load: state.by_load,
            shed_normal: self.shed_normal.get(),
            shed_optional: self.shed_optional.get(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
