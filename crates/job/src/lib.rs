//! Jobs: work that is done once it is due, by whoever takes it, and tried again if that fails.
//!
//! A job is added to a queue, and is *ready* once it is due. A worker takes it under a *lease*, which ends after a time;
//! until then it says that the job is done, or has failed, or is to come again later. What has failed, or whose lease
//! has ended, is tried again after a rest (backoff), and is *dead* after so many tries: listed until people replay or
//! drop it. It is not the work itself, and does not run anything.
//!
//! Laws, checked by [`audit`] from the rows themselves:
//! 1. A job stands in one place, which its state says: *scheduled* it has a timer at which it is due, *ready* a place in
//!    the line of its priority, *running* a timer at which its lease ends, *dead* a place in the line of the dead,
//!    *done* or *cancelled* a timer at which it is forgotten. No place names another job, and no job has two. (Of this
//!    and 5: a timer that was set aside, and has not run since, counts as set.)
//! 2. A queue counts its jobs in each state as they are.
//! 3. A line has a job or a gap at each of its numbers, as many jobs as it says, one at either end, and gaps that do not
//!    touch each other.
//! 4. A payload or result that is too long for its row lies beside it, as long as the row says; nothing else does.
//! 5. A job with a deadline has its timer until it has ended.
//! 6. A job was tried no more often than its tries allow, and was made before whatever has become of it.
//! 7. Every row lies in the slot of its queue; and a job that recurs is scheduled, cancelled or dead.
//! 8. A group counts those of its jobs that were let in, and is there as long as it has such a one, or one that waits in
//!    its line (*blocked*), or a timer at which it is looked at again. Where somebody waits there is one that was let
//!    in, or such a timer. A queue that says when it opens has its timer.
//!
//! 9. A job that waits for its children (*waiting*) has a place in a line of such, and at least one to wait for; no other
//!    that has not ended waits for any.
//! 10. A group counts the bytes of those that wait in its line. In the line of groups whose jobs gather each stands that
//!     says so, once, and somebody waits in it; a queue that lets all of them in has its timer.
//! 11. A queue whose jobs are pushed says to whom, how many at once and when it is asked again, within the bounds of each.
//! 12. Children that ended early are counted for a job that is not there, with a timer by which they are forgotten.
//!
//! Start reading at `command.rs`, then `hand.rs` and `apply/take.rs`.

mod apply;
mod audit;
mod body;
mod command;
mod early;
mod event;
mod fate;
mod group;
mod hand;
mod limits;
mod line;
mod mail;
mod queue;
mod recur;
mod refusal;
mod reply;
mod scan;
mod surface;
mod table;
mod terms;
#[cfg(feature = "testing")]
pub mod testing;
mod words;

pub use audit::audit;
pub use command::{
    Add, Cancel, Done, DoneAll, DoneJob, Drain, DropAll, DropJob, Fail, FailAll, FailedJob, Get,
    GetQueue, List, Pause, Progress, Pull, Push, Pushes, Queues, Replay, ReplayAll, Resume, Set,
    Snooze, Take,
};
pub use refusal::Refusal;
pub use reply::{
    BatchInfo, EndedJob, EndedJobs, JobDetails, JobInfo, JobReceipt, LeaseReceipt, LimitInfo,
    PullReceipt, PushInfo, QueueInfo, QueueReceipt, RecursInfo, TakenJob, TakenJobs,
};
pub use surface::JOB;
pub use table::JobState;

/// Priorities: 0 to this, which goes first.
pub const PRIORITY_MAX: i64 = 9;

/// Children for which a job may wait.
pub const CHILDREN_MAX: i64 = 1_000_000;

/// How long a child that has ended before its parent was added counts for it, from the first one on, in milliseconds: a week.
pub const EARLY_MS: u64 = 7 * 24 * 3_600_000;

/// Jobs of a queue that may run at once, where that has a limit.
pub const CONCURRENCY_MAX: i64 = 1_000_000_000;

/// Jobs that may begin in a time, and at once.
pub const RATE_MAX: i64 = 1_000_000;

/// That time, in milliseconds: a day.
pub const RATE_PER_MS_MAX: i64 = 24 * 3_600_000;

/// Tries of a job behind the first one.
pub const RETRIES_MAX: i64 = 1_000;

/// How long a lease may last, in milliseconds: a worker that works for longer says so in between.
pub const TIMEOUT_MS_MAX: i64 = 24 * 3_600_000;

/// How far ahead a job may be due, in milliseconds: ten years.
pub const AHEAD_MS_MAX: u64 = 315_360_000_000;

/// Jobs that are taken at once.
pub const TAKE_MAX: i64 = 100;

/// Bytes of payloads beyond which no further job is taken at once.
pub const TAKE_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of results that are said at once: with the rows of their jobs they are one record.
pub const RESULTS_BYTES_MAX: usize = 512 * 1024;

/// Queues that are looked at by one command.
pub const QUEUES_MAX: usize = 16;

/// Bytes of a payload or a result that its job's row carries: a longer one lies beside it, and is written once.
pub const INLINE_BYTES_MAX: usize = 1024;

/// Bytes of what a worker says: why it has failed, or how far it is.
pub const SAID_BYTES_MAX: usize = 1024;

/// How long jobs wait at most to be taken together, in milliseconds: a day.
pub const AGGREGATE_MS_MAX: i64 = 24 * 3_600_000;

/// Bytes of their payloads: as many as one answer has.
pub const AGGREGATE_BYTES_MAX: i64 = 1024 * 1024;

/// Jobs of a queue that are pushed at once, at most.
pub const IN_FLIGHT_MAX: i64 = 1_000;

/// When a receiver is asked again that works on a job, in milliseconds: a second to an hour.
pub const AGAIN_MS_MIN: i64 = 1_000;
/// See [`AGAIN_MS_MIN`].
pub const AGAIN_MS_MAX: i64 = 3_600_000;

/// The shortest interval at which a job recurs, in milliseconds.
pub const EVERY_MS_MIN: i64 = 1_000;

/// A job that recurs is late by more than this where it is said to have missed its time.
pub const MISSED_AFTER_MS: u64 = 60_000;

/// Of the times that a job has missed those of so long are made up for at most: a day.
pub const MISSED_MS_MAX: u64 = 24 * 3_600_000;

/// Bytes of the id of a job that recurs: behind it stand, in the ids of the jobs that come of it, an `@` and a time.
pub const RECURRING_ID_BYTES_MAX: usize = tidegate_engine::limits::NAME_BYTES_MAX - 14;

/// Bytes that a command or a timer has written beyond which groups let nobody in beside it; timers of theirs go on.
pub const LET_IN_BYTES_MAX: usize = 64 * 1024;

/// Dead jobs that are replayed or dropped at once; a timer goes on with the rest.
pub const STEP_MAX: u64 = 64;
