//! What commands see and change, and what a transaction leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use compact_str::CompactString;

use crate::edge::Raised;
use crate::event::Windows;
use crate::ids::Minter;
use crate::inbox::Turn;
use crate::key::{PartitionId, Slot};
use crate::made::Made;
use crate::mail::Letter;
use crate::random::Entropy;
use crate::settings::Settings;
use crate::splits::Splits;
use crate::stream::Emitted;
use crate::table::Missing;
use crate::tables::Tables;
use crate::timer::Agenda;
use crate::tx::{Calls, News, Reads, Tx};

/// What commands see and change.
pub(super) struct State {
    pub(super) tables: Tables,
    pub(super) minter: Minter,
    pub(super) agenda: Agenda,
    /// Of idle timers.
    pub(super) idle: Agenda,
    pub(super) scratch: Vec<u8>,
    /// Empty buffers of transactions, to use again.
    pub(super) sent: Vec<Letter>,
    pub(super) told: Vec<News>,
    pub(super) events: Windows,
    /// How many subscribe to events.
    pub(super) watching: Arc<AtomicUsize>,
    /// Whether some commands wait for an answer.
    pub(super) is_awaited: bool,
    /// What the settings tell domains.
    pub(super) settings: Settings,
    /// What domains have made of texts.
    pub(super) made: Made,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) splits: Arc<Splits>,
}

/// What is left of a transaction once its hold on the tables is gone.
pub(super) struct Done {
    pub(super) weight: usize,
    pub(super) wakes_at_ms: Option<u64>,
    pub(super) idles_at_ms: Option<u64>,
    pub(super) emitted: Vec<Emitted>,
    pub(super) sent: Vec<Letter>,
    pub(super) told: Vec<News>,
    pub(super) calls: Calls,
    pub(super) counted: Vec<&'static str>,
    pub(super) refused: Option<&'static str>,
    pub(super) is_relaxed: bool,
    pub(super) raised: Vec<Raised>,
    pub(super) split: Vec<(u8, CompactString, u16)>,
}

impl Done {
    pub(super) fn of(tx: Tx<'_>) -> Self {
        Self {
            weight: tx.weight,
            wakes_at_ms: tx.wakes_at_ms,
            idles_at_ms: tx.idles_at_ms,
            emitted: tx.emitted,
            sent: tx.sent,
            told: tx.told,
            calls: tx.calls,
            counted: tx.counted,
            refused: tx.refused,
            is_relaxed: tx.is_relaxed,
            raised: tx.raised,
            split: tx.split,
        }
    }
}

impl State {
    pub(super) fn begin(&mut self, partition: PartitionId, slot: Slot, now_ms: u64) -> Tx<'_> {
        Tx {
            tables: &mut self.tables,
            scratch: &mut self.scratch,
            minter: &mut self.minter,
            minted_before: None,
            minted: None,
            partition,
            slot,
            now_ms,
            weight: 0,
            wakes_at_ms: None,
            idles_at_ms: None,
            emitted: Vec::new(),
            is_watched: self.watching.load(Ordering::Relaxed) > 0,
            sent: std::mem::take(&mut self.sent),
            turn: Turn::First,
            has_acted: false,
            may_wait: false,
            place: 0,
            is_piece: false,
            remembered: 0,
            is_awaited: self.is_awaited,
            told: std::mem::take(&mut self.told),
            calls: Calls::default(),
            room_for_calls: 0,
            room_for_letters: (0, 0),
            settings: &self.settings,
            made: &mut self.made,
            entropy: &*self.entropy,
            splits: &self.splits,
            split: Vec::new(),
            raised: Vec::new(),
            counted: Vec::new(),
            refused: None,
            is_relaxed: false,
        }
    }

    pub(super) fn reads<'a>(
        &'a mut self,
        (slot, now_ms): (Slot, u64),
        missing: &'a mut Vec<Missing>,
    ) -> Reads<'a> {
        Reads {
            slot,
            now_ms,
            tables: &mut self.tables,
            scratch: &mut self.scratch,
            missing,
            splits: &self.splits,
            place: 0,
        }
    }

    pub(super) fn commit(&mut self, slot: Slot, done: Done) -> usize {
        self.tables.commit();
        self.sent = done.sent;
        self.told = done.told;
        if let Some(due_ms) = done.wakes_at_ms {
            self.agenda.note(slot, due_ms);
        }
        if let Some(due_ms) = done.idles_at_ms {
            self.idle.note(slot, due_ms);
        }
        for (domain, key, of) in done.split {
            self.splits.add(domain, key, of);
        }
        for Emitted { def, number, .. } in done.emitted {
            self.events.note(&def, number, slot);
        }
        done.weight
    }
}
