//! What the domain answers.

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use tidegate_engine::contract::PageItem;
use tidegate_engine::reply;

reply! {
    /// A job, after a command about it.
    pub struct JobReceipt {
        /// The queue.
        queue: CompactString,
        /// The id of the job.
        id: CompactString,
        /// scheduled, waiting, blocked, ready, running, done, dead or cancelled.
        state: &'static str,
        /// When a scheduled one is due, in milliseconds since 1970.
        due_at_ms: Option<u64>,
        /// How often it was tried.
        tries: u64,
        /// Whether this answers a retry.
        repeated: bool,
    }
}

reply! {
    /// A lease that goes on.
    pub struct LeaseReceipt {
        /// The queue.
        queue: CompactString,
        /// The id of the job.
        id: CompactString,
        /// When the lease ends, in milliseconds since 1970.
        until_ms: u64,
    }
}

reply! {
    /// A job that was taken.
    pub struct TakenJob {
        /// The id of the job.
        id: CompactString,
        /// What is to be done.
        payload: ByteVec,
        /// Which try this is, from 1 on.
        tries: u64,
        /// Its priority.
        priority: u64,
        /// When it was added, in milliseconds since 1970.
        created_at_ms: u64,
        /// When its lease ends, in milliseconds since 1970.
        until_ms: u64,
    }
}

reply! {
    /// Jobs that were taken, if there were any.
    pub struct TakenJobs {
        /// Their queue.
        queue: Option<CompactString>,
        /// The lease under which they were taken: that of each of them.
        lease: Option<CompactString>,
        /// Their group, if they are taken together as its jobs are.
        group: Option<String>,
        /// The jobs.
        jobs: Vec<TakenJob>,
    }
}

reply! {
    /// When a job recurs.
    pub struct RecursInfo {
        /// The interval.
        every_ms: Option<u64>,
        /// The cron expression.
        cron: Option<String>,
        /// Its zone.
        zone: Option<String>,
        /// What becomes of times that were missed: one, all or none.
        missed: &'static str,
    }
}

reply! {
    /// A job.
    pub struct JobDetails {
        /// The queue.
        queue: CompactString,
        /// The id of the job.
        id: CompactString,
        /// scheduled, waiting, blocked, ready, running, done, dead or cancelled.
        state: &'static str,
        /// Its priority.
        priority: u64,
        /// The key of its group.
        group: Option<String>,
        /// Children that have to end before it is ready.
        waits_for: u64,
        /// The job that waits for it.
        parent: Option<CompactString>,
        /// How often it was tried.
        tries: u64,
        /// How often it is tried again before it is dead.
        retries: u64,
        /// When it recurs, if it does.
        recurs: Option<RecursInfo>,
        /// When it was added, in milliseconds since 1970.
        created_at_ms: u64,
        /// When a scheduled one is due.
        due_at_ms: Option<u64>,
        /// When the lease of a running one ends.
        until_ms: Option<u64>,
        /// From when on nobody begins or ends it any more.
        deadline_ms: Option<u64>,
        /// When it was done, cancelled, or dead.
        ended_at_ms: Option<u64>,
        /// Until when one is kept that is done or cancelled.
        kept_until_ms: Option<u64>,
        /// Who has taken it last.
        member: Option<CompactString>,
        /// How far whoever works on it said that it is.
        note: Option<String>,
        /// Why the last try has failed.
        error: Option<String>,
        /// What is to be done; null once it is done or cancelled.
        payload: Option<ByteVec>,
        /// What came of it.
        result: Option<ByteVec>,
    }
}

reply! {
    /// A job in a list.
    pub struct JobInfo {
        /// The id of the job.
        id: CompactString,
        /// scheduled, waiting, blocked, ready, running, done, dead or cancelled.
        state: &'static str,
        /// Its priority.
        priority: u64,
        /// The key of its group.
        group: Option<String>,
        /// Whether it recurs.
        recurs: bool,
        /// How often it was tried.
        tries: u64,
        /// When it was added, in milliseconds since 1970.
        created_at_ms: u64,
        /// When a scheduled one is due, a lease ends, or one that has ended is forgotten.
        at_ms: Option<u64>,
        /// Who has taken it last.
        member: Option<CompactString>,
        /// Why the last try has failed.
        error: Option<String>,
        /// Bytes of its payload.
        payload_bytes: u64,
        /// What to pass as `after` to go on behind it.
        cursor: CompactString,
    }
}

impl PageItem for JobInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.cursor.clone()
    }
}

reply! {
    /// How many jobs may begin; 0 is no limit.
    pub struct LimitInfo {
        /// Jobs that run at once.
        concurrency: u64,
        /// Jobs that begin in a time.
        rate: u64,
        /// That time, in milliseconds.
        per_ms: u64,
        /// Of which so many may begin at once.
        burst: u64,
    }
}

reply! {
    /// What jobs of a group wait for, to be taken together.
    pub struct BatchInfo {
        /// So many of them.
        jobs: u64,
        /// Or that none has come for so long, in milliseconds.
        grace_ms: u64,
        /// Or that the first one has waited for so long, in milliseconds.
        max_delay_ms: u64,
        /// Or so many bytes of payloads.
        max_bytes: u64,
    }
}

reply! {
    /// A queue.
    pub struct QueueInfo {
        /// Its name.
        queue: CompactString,
        /// Jobs that were ever added to it.
        added: u64,
        /// Jobs that are due later.
        scheduled: u64,
        /// Jobs that wait to be taken.
        ready: u64,
        /// Jobs that somebody has.
        running: u64,
        /// Jobs that are done, and kept.
        done: u64,
        /// Jobs that are dead.
        dead: u64,
        /// Jobs that were cancelled, and are kept.
        cancelled: u64,
        /// Jobs that wait until others of their groups have ended, or have come.
        blocked: u64,
        /// Jobs that wait until their children have ended.
        waiting: u64,
        /// open, paused or draining.
        state: &'static str,
        /// What it lets begin.
        limits: LimitInfo,
        /// And of each group of its jobs.
        group_limits: LimitInfo,
        /// How jobs of a group are taken together, if they are.
        batch: Option<BatchInfo>,
        /// Counts changes of these limits.
        version: u64,
    }
}

impl PageItem for QueueInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.queue.clone()
    }
}

reply! {
    /// A queue whose dead jobs are being replayed or dropped.
    pub struct QueueReceipt {
        /// The queue.
        queue: CompactString,
        /// How many jobs were dead.
        dead: u64,
        /// Whether it was under way before.
        repeated: bool,
    }
}

reply! {
    /// A queue whose jobs are pushed.
    pub struct PushInfo {
        /// The queue.
        queue: CompactString,
        /// To whom, by the name that the settings of the server have.
        receiver: CompactString,
        /// Most jobs that are brought at once.
        in_flight: u64,
        /// When the receiver is asked again that works on a job, in milliseconds.
        again_ms: u64,
        /// Since when it is pushed so, in milliseconds since 1970.
        since_ms: u64,
    }
}

impl PageItem for PushInfo {
    type Place = CompactString;

    fn place(&self) -> CompactString {
        self.queue.clone()
    }
}

reply! {
    /// A queue whose jobs are not pushed.
    pub struct PullReceipt {
        /// The queue.
        queue: CompactString,
        /// Whether that was so before.
        repeated: bool,
    }
}

reply! {
    /// A job of which something was said, among others.
    pub struct EndedJob {
        /// The id of the job.
        id: CompactString,
        /// What it is now; null if it was refused.
        state: Option<&'static str>,
        /// Whether that had been said before.
        repeated: bool,
        /// Why it was refused: unknown_job, job_cancelled or lease_over.
        refused: Option<&'static str>,
    }
}

reply! {
    /// Jobs of which something was said.
    pub struct EndedJobs {
        /// The queue.
        queue: CompactString,
        /// Each of them, in the order in which they were sent.
        jobs: Vec<EndedJob>,
    }
}
