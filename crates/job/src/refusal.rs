//! Every "no" of the domain, in the order in which they are checked.

use tidegate_engine::contract::{RefusalDef, Refuse, Status, Writer};

use crate::table::JobState;
use crate::{AHEAD_MS_MAX, RESULTS_BYTES_MAX};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such queue.
    UnknownQueue,
    /// No such job, or none any more.
    UnknownJob,
    /// The settings name no such receiver.
    UnknownReceiver,
    /// The limits have another version.
    VersionChanged {
        /// The one they have.
        version: u64,
    },
    /// Jobs of a group are taken together, or so many of them at once.
    ConflictingLimits,
    /// The id is that of a job with other content.
    IdConflict,
    /// It cannot recur so.
    InvalidRecurrence {
        /// What of it is wrong.
        wrong: &'static str,
    },
    /// Both a time and a delay, or a time that is too far ahead.
    InvalidTime,
    /// It cannot have such children, or such a parent.
    InvalidFamily,
    /// The deadline is not behind the time at which the job is due.
    DeadlinePassed,
    /// The queue takes no job.
    QueueDraining,
    /// What was said at once is too much.
    TooLarge {
        /// Bytes of results.
        bytes: u64,
    },
    /// The job was cancelled while somebody worked on it.
    JobCancelled,
    /// The lease has ended, or is another one's.
    LeaseOver,
    /// The job has ended.
    JobEnded {
        /// As what.
        state: JobState,
    },
    /// The job is not dead.
    NotDead {
        /// What it is.
        state: JobState,
    },
    /// The dead jobs of the queue are being replayed or dropped.
    SweepUnderWay,
}

const fn def(code: &'static str, status: Status, doc: &'static str) -> RefusalDef {
    RefusalDef { code, status, doc }
}

pub(crate) const UNKNOWN_QUEUE: RefusalDef = def(
    "unknown_queue",
    Status::NotFound,
    "No such queue: its first job makes it.",
);
pub(crate) const UNKNOWN_JOB: RefusalDef = def(
    "unknown_job",
    Status::NotFound,
    "No such job of this queue, or none any more: one that is done or cancelled is kept for a while.",
);
pub(crate) const UNKNOWN_RECEIVER: RefusalDef = def(
    "unknown_receiver",
    Status::NotFound,
    "The settings of the server name no such receiver: `[receivers.<name>]` does.",
);
pub(crate) const ID_CONFLICT: RefusalDef = def(
    "id_conflict",
    Status::Conflict,
    "The id is that of a job with other content: choose another.",
);
pub(crate) const VERSION_CHANGED: RefusalDef = def(
    "version_changed",
    Status::Conflict,
    "The limits of the queue are at `version`: read them again.",
);
pub(crate) const CONFLICTING_LIMITS: RefusalDef = def(
    "conflicting_limits",
    Status::OutOfRange,
    "Jobs of a group are taken together (`AGGREGATE`), or so many of them at once or in a time (`GROUPCONCURRENCY`, `GROUPRATE`), not both.",
);
pub(crate) const QUEUE_DRAINING: RefusalDef = def(
    "queue_draining",
    Status::Conflict,
    "The queue takes no job until it is resumed.",
);
pub(crate) const INVALID_TIME: RefusalDef = def(
    "invalid_time",
    Status::OutOfRange,
    "A job is due at a time or after a delay, not both, and at most `max_ahead_ms` from now.",
);
pub(crate) const INVALID_RECURRENCE: RefusalDef = def(
    "invalid_recurrence",
    Status::OutOfRange,
    "It cannot recur so; what is `wrong`: its `cron` expression, its `zone`, its `id`, which is longer than 114 bytes, its `options`, of which `EVERY` and `CRON` exclude each other and a deadline, and `TZ` and `MISSED` need one of them; or that it would `never` come, nor within ten years.",
);
pub(crate) const INVALID_FAMILY: RefusalDef = def(
    "invalid_family",
    Status::OutOfRange,
    "What waits for children has neither a time nor a recurrence of its own, what recurs has no parent, nobody is their own parent, and `PARENTQUEUE` needs a `PARENT`.",
);
pub(crate) const DEADLINE_PASSED: RefusalDef = def(
    "deadline_passed",
    Status::OutOfRange,
    "The deadline must be behind the time at which the job is due, and behind now.",
);
pub(crate) const TOO_LARGE: RefusalDef = def(
    "too_large",
    Status::OutOfRange,
    "The results have `bytes` of at most `max`: say fewer at once.",
);
pub(crate) const JOB_CANCELLED: RefusalDef = def(
    "job_cancelled",
    Status::Conflict,
    "The job was cancelled: whoever works on it may stop.",
);
pub(crate) const LEASE_OVER: RefusalDef = def(
    "lease_over",
    Status::Conflict,
    "The lease has ended, or another one has the job: it is tried again, or was.",
);
pub(crate) const JOB_ENDED: RefusalDef = def(
    "job_ended",
    Status::Conflict,
    "The job has ended, in this `state`.",
);
pub(crate) const NOT_DEAD: RefusalDef = def(
    "not_dead",
    Status::Conflict,
    "Only a dead job is replayed or dropped; this one is in this `state`.",
);
pub(crate) const SWEEP_UNDER_WAY: RefusalDef = def(
    "sweep_under_way",
    Status::Conflict,
    "The dead jobs of the queue are being replayed or dropped, the other one of the two: ask again once that is done.",
);

impl Refuse for Refusal {
    fn def(&self) -> &'static RefusalDef {
        match self {
            Self::UnknownQueue => &UNKNOWN_QUEUE,
            Self::UnknownJob => &UNKNOWN_JOB,
            Self::UnknownReceiver => &UNKNOWN_RECEIVER,
            Self::VersionChanged { .. } => &VERSION_CHANGED,
            Self::ConflictingLimits => &CONFLICTING_LIMITS,
            Self::IdConflict => &ID_CONFLICT,
            Self::QueueDraining => &QUEUE_DRAINING,
            Self::InvalidTime => &INVALID_TIME,
            Self::InvalidRecurrence { .. } => &INVALID_RECURRENCE,
            Self::InvalidFamily => &INVALID_FAMILY,
            Self::DeadlinePassed => &DEADLINE_PASSED,
            Self::TooLarge { .. } => &TOO_LARGE,
            Self::JobCancelled => &JOB_CANCELLED,
            Self::LeaseOver => &LEASE_OVER,
            Self::JobEnded { .. } => &JOB_ENDED,
            Self::NotDead { .. } => &NOT_DEAD,
            Self::SweepUnderWay => &SWEEP_UNDER_WAY,
        }
    }

    fn facts(&self, out: &mut dyn Writer) {
        match self {
            Self::InvalidTime => {
                out.name("max_ahead_ms");
                out.integer(AHEAD_MS_MAX.cast_signed());
            }
            Self::InvalidRecurrence { wrong } => {
                out.name("wrong");
                out.text(wrong);
            }
            Self::TooLarge { bytes } => {
                out.name("bytes");
                out.integer(bytes.cast_signed());
                out.name("max");
                out.integer(RESULTS_BYTES_MAX as i64);
            }
            Self::VersionChanged { version } => {
                out.name("version");
                out.integer(version.cast_signed());
            }
            Self::JobEnded { state } | Self::NotDead { state } => {
                out.name("state");
                out.text(state.word());
            }
            Self::UnknownQueue
            | Self::UnknownJob
            | Self::UnknownReceiver
            | Self::ConflictingLimits
            | Self::IdConflict
            | Self::QueueDraining
            | Self::InvalidFamily
            | Self::DeadlinePassed
            | Self::JobCancelled
            | Self::LeaseOver
            | Self::SweepUnderWay => {}
        }
    }
}
