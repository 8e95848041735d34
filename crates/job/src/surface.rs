//! The domain as data: its name, tables and timers, and where its requests stand in each front.

use tidegate_engine::contract::Class::{Finishes, Opens, Reads};
use tidegate_engine::contract::Method::{Delete, Get as GET, Post, Put};
use tidegate_engine::contract::{Domain, Event, MailDef, RequestDef};

use crate::apply::{
    DEADLINE, DONE, FAILED, FLUSH, FORGET, LEASE_END, LEASES_ENDED, OPEN, OPEN_GROUP, SWEEP, WAKE,
};
use crate::command::{
    Add, Cancel, Done, DoneAll, Drain, DropAll, DropJob, Fail, FailAll, Get, GetQueue, List, Pause,
    Progress, Pull, Push, Pushes, Queues, Replay, ReplayAll, Resume, Set, Snooze, Take,
};
use crate::early::FORGET_EARLY;
use crate::event::JobDied;
use crate::mail::ChildEnded;
use crate::table::{BODIES, DOMAIN, EARLY, GROUP_LINES, GROUPS, JOBS, LINES, PUSHES, QUEUES};

/// Children write to their parents.
const MAIL: &[MailDef] = &[MailDef::of::<ChildEnded>()];

/// Jobs: work that is done once it is due, by whoever takes it.
pub const JOB: Domain = Domain {
    name: "job",
    number: DOMAIN,
    doc: "Jobs: work that is done once it is due, by whoever takes it, and tried again if that fails.",
    tables: &[
        QUEUES.def(),
        JOBS.def(),
        LINES.def(),
        BODIES.def(),
        GROUPS.def(),
        GROUP_LINES.def(),
        PUSHES.def(),
        EARLY.def(),
    ],
    timers: &[
        WAKE,
        LEASE_END,
        DEADLINE,
        FORGET,
        SWEEP,
        OPEN,
        OPEN_GROUP,
        FLUSH,
        FORGET_EARLY,
    ],
    takes: MAIL,
    sends: MAIL,
    events: &[JobDied::DEF],
    counts: &[DONE, FAILED, LEASES_ENDED],
    requests: &[
        RequestDef::call::<Add>("JOB.ADD", Post, "/v1/queues/{queue}/jobs", Opens),
        RequestDef::call::<Get>("JOB.GET", GET, "/v1/queues/{queue}/jobs/{id}", Reads),
        RequestDef::scan::<List>("JOB.LIST", "/v1/queues/{queue}/jobs"),
        RequestDef::call::<Take>("JOB.TAKE", Post, "/v1/jobs/take", Finishes).core(),
        RequestDef::call::<Done>(
            "JOB.DONE",
            Post,
            "/v1/queues/{queue}/jobs/{id}/done",
            Finishes,
        )
        .core(),
        RequestDef::call::<Fail>(
            "JOB.FAIL",
            Post,
            "/v1/queues/{queue}/jobs/{id}/fail",
            Finishes,
        )
        .core(),
        RequestDef::call::<DoneAll>(
            "JOB.DONEALL",
            Post,
            "/v1/queues/{queue}/leases/{lease}/done",
            Finishes,
        )
        .core(),
        RequestDef::call::<FailAll>(
            "JOB.FAILALL",
            Post,
            "/v1/queues/{queue}/leases/{lease}/fail",
            Finishes,
        )
        .core(),
        RequestDef::call::<Snooze>(
            "JOB.SNOOZE",
            Post,
            "/v1/queues/{queue}/jobs/{id}/snooze",
            Finishes,
        )
        .core(),
        RequestDef::call::<Progress>(
            "JOB.PROGRESS",
            Post,
            "/v1/queues/{queue}/jobs/{id}/progress",
            Finishes,
        )
        .core(),
        RequestDef::call::<Cancel>(
            "JOB.CANCEL",
            Post,
            "/v1/queues/{queue}/jobs/{id}/cancel",
            Finishes,
        )
        .core(),
        RequestDef::call::<Replay>(
            "JOB.REPLAY",
            Post,
            "/v1/queues/{queue}/jobs/{id}/replay",
            Finishes,
        ),
        RequestDef::call::<DropJob>("JOB.DROP", Delete, "/v1/queues/{queue}/jobs/{id}", Finishes),
        RequestDef::call::<ReplayAll>("JOB.REPLAYALL", Post, "/v1/queues/{queue}/replay", Finishes),
        RequestDef::call::<DropAll>("JOB.DROPALL", Post, "/v1/queues/{queue}/drop", Finishes),
        RequestDef::call::<GetQueue>("JOB.QUEUE", GET, "/v1/queues/{queue}", Reads),
        RequestDef::call::<Set>("JOB.SET", Put, "/v1/queues/{queue}", Finishes),
        RequestDef::call::<Push>("JOB.PUSH", Put, "/v1/queues/{queue}/push", Finishes),
        RequestDef::call::<Pull>("JOB.PULL", Delete, "/v1/queues/{queue}/push", Finishes),
        RequestDef::scan::<Pushes>("JOB.PUSHES", "/v1/pushes/queues").core(),
        RequestDef::call::<Pause>("JOB.PAUSE", Post, "/v1/queues/{queue}/pause", Finishes),
        RequestDef::call::<Drain>("JOB.DRAIN", Post, "/v1/queues/{queue}/drain", Finishes),
        RequestDef::call::<Resume>("JOB.RESUME", Post, "/v1/queues/{queue}/resume", Finishes),
        RequestDef::scan::<Queues>("JOB.QUEUES", "/v1/queues"),
    ],
    audit: crate::audit,
};
