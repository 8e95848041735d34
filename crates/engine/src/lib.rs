//! The engine of Tidegate: one partitioned log, typed tables in memory over it, timers, events,
//! and a gate that lets no answer out before everything it rests on is durable.
//!
//! It knows no domain and no protocol. A domain declares its requests, rows, timers and laws as
//! data ([`contract::Domain`]); a front turns bytes into [`contract::Work`], submits it at the
//! [`Door`], and gets rendered answers through a [`ReplySink`].
//!
//! Laws:
//! 1. No answer, refusal or read leaves before the records it rests on are durable.
//! 2. One partition is the one writer of its slots; a transaction stays within one slot.
//! 3. A refused command leaves no trace.
//! 4. Replaying a log, once or twice, ends in the same rows; replay runs no domain code.
//! 5. A moment of engine time is used only once the log has promised it durably.
//! 6. Every queue, batch and page has a named bound ([`limits`]).
//!
//! What it does not do: no thread is started here, no protocol is spoken, no clock is read but
//! through [`Clock`], no file is touched but through [`disk::Disk`].
//!
//! Start reading at [`Engine`], then `partition/mod.rs`: the life of a batch.

mod archive;
mod archive_times;
mod backoff;
pub mod backup;
pub mod base;
mod cell;
mod changes;
mod checkpoint;
mod clock;
pub mod contract;
mod courier;
mod damage;
mod dead;
pub mod disk;
mod divide;
mod edge;
mod effect;
mod engine;
mod event;
mod filter;
mod gate;
mod hash;
mod hot;
mod ids;
mod inbox;
mod key;
mod laws;
pub mod limits;
mod log;
mod made;
mod mail;
mod memory;
mod memtable;
mod metrics;
mod neighbours;
mod now;
mod own;
mod partition;
mod random;
mod rate;
mod reader;
mod repair;
mod round;
mod row;
mod row_id;
mod running;
mod settings;
mod share;
mod shared;
mod shed;
mod sink;
mod splits;
mod stream;
mod strikes;
mod table;
mod tables;
mod tally;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
mod timer;
mod tx;
mod usage;
mod version;

pub use archive::{Retention, Slice};
pub use archive_times::{AllArchiveTimes, ArchiveTimes, ArchiveTimesError};
pub use backoff::Backoff;
pub use changes::Watch;
pub use checkpoint::{CheckpointError, Checkpointer, MarkError, Progress};
pub use clock::{Clock, ClockJump, MachineClock};
pub use courier::{Call, CallEnd, Courier, End, HostFigures, Patience, Report, Said, Try};
pub use damage::{Alarm, Damaged, check_whole};
pub use divide::{Divided, Division, PARTLY_DONE, Piece, in_order};
pub use edge::{Edge, Flag, Told};
pub use engine::{
    Checked, Config, Damage, Door, Engine, Executor, ExecutorHandle, NewerProgram, Next, OpenError,
    Tender, UnknownKind, Writer, check, check_without_base, tables_of,
};
pub use event::{Cursor, EventFilter, FellBehind};
pub use hot::{AnsweredAt, HotFigures};
pub use key::{KeyParts, KeyReader, PartitionId, RowKey, Shard, Slot, SlotMap};
pub use log::{
    Did, EmbeddedLog, Group, Log, LogDamage, LogError, LogReport, Lost, Lsn, Reading, Record, Room,
    Space, Spawn,
};
pub use mail::Address;
pub use memory::Memory;
pub use metrics::{Counter, DomainFigures, Metrics};
pub use random::{Entropy, MachineEntropy, Random};
pub use rate::Rate;
pub use repair::{RepairError, Repaired, repair};
pub use round::Place;
pub use row::{Found, Nothing, Row, RowsRead, is_zero};
pub use running::Running;
pub use settings::{Receivers, Settings};
pub use share::{Share, ShareError, Shares};
pub use shared::Waker;
pub use shed::{Shed, ShedFigures, Why};
pub use sink::{Answer, ReplySink};
pub use splits::Splits;
pub use stream::{Begin, Bell, Subscription, Taken, ToldEvent};
pub use strikes::Strikes;
pub use table::{DecodeError, Missing, ReplayError, Shape, Table, TableDef};
pub use tables::Snapshot;
pub use tally::CountDef;
pub use tx::{Reads, Stop, Tx, Unknown};
