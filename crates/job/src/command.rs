//! Every request of the domain: its fields, their limits and their meaning.

use tidegate_engine::contract::{
    Bounded, Bytes, Id, Limit, List as ListOf, Millis, Name, Payload, Wait,
};
use tidegate_engine::request;

use crate::recur::Missed;
use crate::table::JobState;
use crate::words::{Cursor, Order, Retry, Unique};
use crate::{
    AGAIN_MS_MAX, AGAIN_MS_MIN, AGGREGATE_BYTES_MAX, AGGREGATE_MS_MAX, CHILDREN_MAX,
    CONCURRENCY_MAX, EVERY_MS_MIN, IN_FLIGHT_MAX, PRIORITY_MAX, QUEUES_MAX, RATE_MAX,
    RATE_PER_MS_MAX, RETRIES_MAX, SAID_BYTES_MAX, TAKE_MAX, TIMEOUT_MS_MAX,
};

/// What a worker says, for people.
type Said = Payload<SAID_BYTES_MAX>;

request! {
    /// Adds a job to a queue, once per id as long as the job is kept.
    /// It is due at once, or at a time, or after one.
    pub struct Add {
        /// The queue. The first job makes it.
        queue: Name,
        /// The caller's id of this job, or `*`.
        id: Id,
        /// What is to be done, for whoever does it: up to 900 KiB of any bytes.
        payload: Bytes,
        /// When it is due, in milliseconds since 1970, at most ten years ahead. What has passed is now.
        ["AT"] at_ms: Option<Bounded<0, { i64::MAX }>>,
        /// Or how long after now.
        ["DELAY"] delay_ms: Option<Millis>,
        /// 0 to 9: of the jobs of a queue that are due, those of the highest priority go first.
        ["PRIORITY"] priority: Bounded<0, PRIORITY_MAX> = 4,
        /// How often it is tried again before it is dead.
        ["RETRIES"] retries: Bounded<0, RETRIES_MAX> = 10,
        /// How long it rests at most before it is tried again, in milliseconds; twice as long each time.
        ["BACKOFF"] backoff_ms: Bounded<1, 86_400_000> = 1_000,
        /// The longest that it rests.
        ["BACKOFFMAX"] backoff_max_ms: Bounded<1, 86_400_000> = 3_600_000,
        /// How long the lease of whoever takes it lasts, in milliseconds.
        ["TIMEOUT"] timeout_ms: Bounded<1, TIMEOUT_MS_MAX> = 60_000,
        /// A time, in milliseconds since 1970, from which on nobody begins or ends it any more: it is dead then.
        ["DEADLINE"] deadline_ms: Option<Bounded<0, { i64::MAX }>>,
        /// How long it is kept once it is done or cancelled, with its result and its id.
        ["KEEP"] keep_ms: Millis = 600_000,
        /// Against which jobs of the same id it stands: `kept`, all that are kept, or `live`, those only that have not
        /// ended. One that has ended makes room for it then.
        ["UNIQUE"] unique: Option<Unique>,
        /// The key of its group, of which its queue may let so many run at once, or begin in a time.
        ["GROUP"] group: Option<Name>,
        /// It recurs: each time that it is due a job is added, whose id has an `@` and that time behind this one. So many
        /// milliseconds after the time before, first after one such time or when it is due.
        ["EVERY"] every_ms: Option<Bounded<EVERY_MS_MIN, 315_360_000_000>>,
        /// Or as a cron expression of five fields has it, or one of `@hourly`, `@daily` and so on.
        ["CRON"] cron: Option<Name>,
        /// The zone of its expression, as `Europe/Berlin`: UTC if it does not say.
        ["TZ"] zone: Option<Name>,
        /// What becomes of times that have passed while nothing could happen: the last `one` is made up for, or `all` of
        /// the last day, or `none` that is more than a minute late.
        ["MISSED"] missed: Option<Missed>,
        /// It is ready once so many jobs that name it as their parent have ended, whenever they are added: also before it,
        /// if the first of them has ended a week before at most.
        ["CHILDREN"] children: Option<Bounded<1, CHILDREN_MAX>>,
        /// The id of the job that waits for this one.
        ["PARENT"] parent: Option<Name>,
        /// The queue of that job, if it is another one.
        ["PARENTQUEUE"] parent_queue: Option<Name>,
    }
}

request! {
    /// One job; with a wait, once it has ended or the time is over, as it is then.
    pub struct Get {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
        /// How long its end is waited for, in milliseconds.
        ["WAIT"] wait_ms: Wait = 0,
    }
}

request! {
    /// The jobs of a queue in one state: ready and dead ones as they stand in line, others by time.
    /// A page may be short, or empty, with a `next`.
    pub struct List {
        /// The queue.
        queue: Name,
        /// The state.
        state: JobState,
        /// Only jobs whose id, error, or payload of up to 1 KiB has this in it.
        ["MATCH"] pattern: Option<Name>,
        /// Only those behind this `next`.
        ["AFTER"] after: Option<Cursor>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// A queue.
    pub struct QueueName {
        /// Its name.
        queue: Name,
    }
}

request! {
    /// Takes jobs that are ready, of the first of some queues that has any, under a lease.
    /// Until its lease ends nobody else has a job. Without a wait, or once its time is over, there may be none.
    pub struct Take {
        /// Who takes them, for people.
        member: Name,
        /// The queues. One that is named more than once counts as often where the order is weighted.
        queues: ListOf<QueueName, QUEUES_MAX>,
        /// Most jobs.
        ["COUNT"] count: Bounded<1, TAKE_MAX> = 1,
        /// How long a job is waited for, in milliseconds.
        ["WAIT"] wait_ms: Wait = 0,
        /// `strict`, as they are named, or `weighted`: in an order by chance, in which a queue that is named twice is
        /// twice as likely to be first.
        ["ORDER"] order: Option<Order>,
    }
}

request! {
    /// Says that a job is done.
    pub struct Done {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
        /// The lease under which it was taken.
        lease: Name,
        /// What came of it, for whoever asks: up to 900 KiB of any bytes.
        ["RESULT"] result: Option<Bytes>,
    }
}

request! {
    /// Says that a job has failed: it is tried again after a rest, or is dead.
    pub struct Fail {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
        /// The lease under which it was taken.
        lease: Name,
        /// Why, for people: up to 1 KiB.
        ["ERROR"] error: Option<Said>,
        /// How long it rests, instead of as its backoff has it.
        ["DELAY"] delay_ms: Option<Millis>,
        /// `no`: it is dead, however often it may be tried still.
        ["RETRY"] retry: Option<Retry>,
    }
}

request! {
    /// A job that is done, of several.
    pub struct DoneJob {
        /// The job.
        id: Name,
        /// What came of it, for whoever asks.
        result: Option<Bytes>,
    }
}

request! {
    /// Says of jobs of one lease that they are done, each with a result of its own. What cannot be said of one of them is
    /// answered as `refused`, and holds up none of the others.
    pub struct DoneAll {
        /// The queue.
        queue: Name,
        /// The lease under which they were taken.
        lease: Name,
        /// The jobs. Their results have 512 KiB at most.
        jobs: ListOf<DoneJob, { TAKE_MAX as usize }>,
    }
}

request! {
    /// A job that has failed, of several.
    pub struct FailedJob {
        /// The job.
        id: Name,
        /// Why, for people: up to 1 KiB.
        error: Option<Said>,
    }
}

request! {
    /// Says of jobs of one lease that they have failed: they are tried again after a rest, or are dead. What cannot be said of
    /// one of them is answered as `refused`, and holds up none of the others.
    pub struct FailAll {
        /// The queue.
        queue: Name,
        /// The lease under which they were taken.
        lease: Name,
        /// The jobs.
        jobs: ListOf<FailedJob, { TAKE_MAX as usize }>,
        /// How long each rests, instead of as its backoff has it.
        ["DELAY"] delay_ms: Option<Millis>,
        /// `no`: they are dead, however often they may be tried still.
        ["RETRY"] retry: Option<Retry>,
    }
}

request! {
    /// Gives a job back, to be taken again later; this was no try.
    pub struct Snooze {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
        /// The lease under which it was taken.
        lease: Name,
        /// How long it rests, in milliseconds.
        delay_ms: Millis,
    }
}

request! {
    /// Says that a job is still worked on: its lease lasts for its whole time from now on, to its deadline at most.
    pub struct Progress {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
        /// The lease under which it was taken.
        lease: Name,
        /// How far it is, for people: up to 1 KiB.
        ["NOTE"] note: Option<Said>,
    }
}

request! {
    /// Cancels a job that has not ended. Whoever works on it is told so by the next thing that they say about it.
    pub struct Cancel {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
    }
}

request! {
    /// Has a dead job ready again, as if it had never been tried, and without its deadline.
    pub struct Replay {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
    }
}

request! {
    /// The same for all jobs of a queue that are dead by now, oldest first, some at a time.
    pub struct ReplayAll {
        /// The queue.
        queue: Name,
    }
}

request! {
    /// Drops a dead job, and its id with it.
    pub struct DropJob {
        /// The queue.
        queue: Name,
        /// The job.
        id: Name,
    }
}

request! {
    /// The same for all jobs of a queue that are dead by now, oldest first, some at a time.
    pub struct DropAll {
        /// The queue.
        queue: Name,
    }
}

request! {
    /// Says how many jobs of a queue may run at once, and how many may begin in a time; and the same for each group of its
    /// jobs, or that the jobs of a group are taken together. What is not named is no limit. The queue need not be there.
    pub struct Set {
        /// The queue.
        queue: Name,
        /// Most jobs that run at once; 0 is no limit.
        ["CONCURRENCY"] concurrency: Bounded<0, CONCURRENCY_MAX> = 0,
        /// Most jobs that are taken in a time; 0 is no limit.
        ["RATE"] rate: Bounded<0, RATE_MAX> = 0,
        /// That time, in milliseconds.
        ["PER"] per_ms: Bounded<1, RATE_PER_MS_MAX> = 1_000,
        /// How many of them may be taken at once.
        ["BURST"] burst: Bounded<1, RATE_MAX> = 1,
        /// Most jobs of one group that are ready or run at once; 0 is no limit.
        ["GROUPCONCURRENCY"] group_concurrency: Bounded<0, CONCURRENCY_MAX> = 0,
        /// Most jobs of one group that become ready in a time; 0 is no limit.
        ["GROUPRATE"] group_rate: Bounded<0, RATE_MAX> = 0,
        /// That time, in milliseconds.
        ["GROUPPER"] group_per_ms: Bounded<1, RATE_PER_MS_MAX> = 1_000,
        /// How many of them may become ready at once.
        ["GROUPBURST"] group_burst: Bounded<1, RATE_MAX> = 1,
        /// Jobs of one group are taken together, so many at most; 0 is by themselves. They wait until there are so many.
        ["AGGREGATE"] aggregate: Bounded<0, TAKE_MAX> = 0,
        /// Or until none has come for so long, in milliseconds.
        ["GRACE"] grace_ms: Bounded<1, AGGREGATE_MS_MAX> = 1_000,
        /// Or until the first one has waited for so long, in milliseconds.
        ["MAXDELAY"] max_delay_ms: Bounded<1, AGGREGATE_MS_MAX> = 60_000,
        /// Or until their payloads have so many bytes; more are not taken together, but for a single job.
        ["MAXBYTES"] max_bytes: Bounded<1, AGGREGATE_BYTES_MAX> = 1_048_576,
        /// Only if the limits have this version; 0 means that none were ever set.
        ["IF"] if_version: Option<Bounded<0, { i64::MAX }>>,
    }
}

request! {
    /// Has the jobs of a queue pushed: each that is ready is taken, under a lease as any worker's, and brought to a receiver over
    /// HTTP. If there is no such queue it is made. Who takes jobs besides may do so.
    pub struct Push {
        /// The queue.
        queue: Name,
        /// To whom, by the name that the settings of the server have.
        receiver: Name,
        /// Most jobs that are brought at once.
        ["INFLIGHT"] in_flight: Bounded<1, IN_FLIGHT_MAX> = 16,
        /// When the receiver is asked again that has answered 425, as it works on a job, in milliseconds.
        ["AGAIN"] again_ms: Bounded<AGAIN_MS_MIN, AGAIN_MS_MAX> = 10_000,
    }
}

request! {
    /// Has the jobs of a queue pushed no longer. What is being brought is brought to its end.
    pub struct Pull {
        /// The queue.
        queue: Name,
    }
}

request! {
    /// Queues whose jobs are pushed, in the order of their bytes.
    pub struct Pushes {
        /// Only queues that start with this.
        ["PREFIX"] prefix: Option<Name>,
        /// Only queues behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}

request! {
    /// Lets no job of a queue be taken until it is resumed. Those that run go on.
    pub struct Pause {
        /// The queue.
        queue: Name,
    }
}

request! {
    /// Lets no job be added to a queue until it is resumed. Those that are there are done.
    pub struct Drain {
        /// The queue.
        queue: Name,
    }
}

request! {
    /// Ends a pause, or a drain.
    pub struct Resume {
        /// The queue.
        queue: Name,
    }
}

request! {
    /// A queue: how many of its jobs are in which state.
    pub struct GetQueue {
        /// The queue.
        queue: Name,
    }
}

request! {
    /// All queues, in the order of their bytes.
    pub struct Queues {
        /// Only queues that start with this.
        ["PREFIX"] prefix: Option<Name>,
        /// Only queues behind this one.
        ["AFTER"] after: Option<Name>,
        /// Most items of the page.
        ["LIMIT"] limit: Limit = 100,
    }
}
