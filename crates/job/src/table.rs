//! Rows, their field numbers, and the tables they lie in.

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tidegate_engine::{Row, Table, words};

use crate::early::Early;
use crate::group::Group;
use crate::limits::{Halt, Limits};
use crate::line::{Entry, Line};
use crate::recur::Recurs;
use crate::terms::Terms;

/// The domain's number in stored formats.
pub(crate) const DOMAIN: u8 = 5;

/// By queue.
pub(crate) const QUEUES: Table<Queue> = Table::ordered(DOMAIN, 0, "job.queues");
/// By queue and id.
pub(crate) const JOBS: Table<Job> = Table::keyed(DOMAIN, 1, "job.jobs");
/// By queue, line and number: who stands in line.
pub(crate) const LINES: Table<Entry> = Table::ordered(DOMAIN, 2, "job.lines");
/// By queue, id and which it is: payloads and results that lie beside their job's row.
pub(crate) const BODIES: Table<Body> = Table::keyed(DOMAIN, 3, "job.bodies");

/// By queue and key: groups whose jobs may not all be ready at once.
pub(crate) const GROUPS: Table<Group> = Table::keyed(DOMAIN, 4, "job.groups");
/// By queue, key and place: who waits to be let in.
pub(crate) const GROUP_LINES: Table<Entry> = Table::ordered(DOMAIN, 5, "job.group_lines");

/// By queue: those whose jobs are pushed.
pub(crate) const PUSHES: Table<Push> = Table::ordered(DOMAIN, 6, "job.pushes");

/// By queue and id of a job that is not there: children of it that have ended.
pub(crate) const EARLY: Table<Early> = Table::keyed(DOMAIN, 7, "job.early");

/// A queue: its lines, and how many of its jobs are in each other state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Queue {
    /// Jobs added so far: the number of the last one.
    #[n(0)]
    pub(crate) added: u64,
    /// Those that have ever had somebody in them, by their numbers.
    #[n(1)]
    pub(crate) lines: Vec<Line>,
    #[cbor(n(2), skip_if = "tidegate_engine::is_zero")]
    pub(crate) scheduled: u64,
    #[cbor(n(3), skip_if = "tidegate_engine::is_zero")]
    pub(crate) running: u64,
    #[cbor(n(4), skip_if = "tidegate_engine::is_zero")]
    pub(crate) done: u64,
    #[cbor(n(5), skip_if = "tidegate_engine::is_zero")]
    pub(crate) cancelled: u64,
    /// What is being done to all that were dead when it began.
    #[n(6)]
    pub(crate) sweep: Option<Sweep>,
    /// Jobs that wait in lines of their groups.
    #[cbor(n(7), skip_if = "tidegate_engine::is_zero")]
    pub(crate) blocked: u64,
    /// Counts changes of its limits.
    #[cbor(n(8), skip_if = "tidegate_engine::is_zero")]
    pub(crate) version: u64,
    #[n(9)]
    pub(crate) limits: Option<Box<Limits>>,
    #[n(10)]
    pub(crate) halt: Option<Halt>,
    /// When the next job is expected to be taken at the latest, in µs.
    #[cbor(n(11), skip_if = "tidegate_engine::is_zero")]
    pub(crate) expected_us: u64,
    /// When those who wait for a job are told that one may be taken.
    #[n(12)]
    pub(crate) opens_at_ms: Option<u64>,
    /// When what gathers is let in, some groups at a time.
    #[n(13)]
    pub(crate) flushes_at_ms: Option<u64>,
}

/// All dead jobs up to a place in their line are being replayed or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sweep {
    /// The place behind the last of them.
    #[n(0)]
    pub(crate) end: u64,
    #[n(1)]
    pub(crate) replays: bool,
    /// When it goes on.
    #[n(2)]
    pub(crate) due_ms: u64,
}

impl Row for Queue {}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Job {
    /// Hash of the content of the request that made it.
    #[n(0)]
    pub(crate) content: u64,
    /// Where it stands.
    #[n(1)]
    pub(crate) stand: Stand,
    /// Its number among the jobs of its queue.
    #[n(2)]
    pub(crate) number: u64,
    #[n(3)]
    pub(crate) priority: u8,
    #[n(4)]
    pub(crate) created_at_ms: u64,
    /// What is to be done; nothing once it is done or cancelled.
    #[n(5)]
    pub(crate) payload: Option<Kept>,
    /// Nothing if they are the usual ones.
    #[n(6)]
    pub(crate) terms: Option<Box<Terms>>,
    #[n(7)]
    pub(crate) deadline_ms: Option<u64>,
    /// How often it was taken, but for those times that were no try.
    #[n(8)]
    pub(crate) tries: u32,
    /// The last lease, and who had it.
    #[n(9)]
    pub(crate) lease: Option<Lease>,
    /// Why the last try has failed.
    #[n(10)]
    pub(crate) error: Option<String>,
    /// How far whoever works on it said that it is.
    #[n(11)]
    pub(crate) note: Option<String>,
    #[n(12)]
    pub(crate) result: Option<Kept>,
    /// When it was done, cancelled, or dead.
    #[n(13)]
    pub(crate) ended_at_ms: Option<u64>,
    /// The key of its group.
    #[n(14)]
    pub(crate) group: Option<String>,
    /// It counts in its group as one that was let in.
    #[cbor(n(15), skip_if = "is_not")]
    pub(crate) is_admitted: bool,
    /// It is no work itself: each time that it is due a job comes of it.
    #[n(16)]
    pub(crate) recurs: Option<Box<Recurs>>,
    /// Children that have to end before it is ready.
    #[cbor(n(17), skip_if = "tidegate_engine::is_zero")]
    pub(crate) waits_for: u64,
    /// The job that waits for it.
    #[n(18)]
    pub(crate) parent: Option<Box<Parent>>,
}

/// Whether something is not so, and a row need not say it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "fields are given so")]
fn is_not(is_so: &bool) -> bool {
    !is_so
}

impl Row for Job {}

/// A job that waits for others.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Parent {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) queue: CompactString,
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) id: CompactString,
}

/// The right of one worker to do a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Lease {
    #[n(0)]
    pub(crate) id: u64,
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) member: CompactString,
    /// What whoever has it has said last, if that has ended it.
    #[n(2)]
    pub(crate) word: Option<Word>,
}

/// How a worker ends a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Word {
    #[n(1)]
    Done,
    #[n(2)]
    Failed,
    #[n(3)]
    Snoozed,
}

/// Where a job stands. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Stand {
    /// Until then.
    #[n(1)]
    Scheduled(#[n(0)] u64),
    /// At this number in the line of its priority.
    #[n(2)]
    Ready(#[n(0)] u64),
    /// Until then.
    #[n(3)]
    Running(#[n(0)] u64),
    /// Kept until then.
    #[n(4)]
    Done(#[n(0)] u64),
    /// At this number in the line of the dead.
    #[n(5)]
    Dead(#[n(0)] u64),
    /// Kept until then.
    #[n(6)]
    Cancelled(#[n(0)] u64),
    /// At this number in the line of its group.
    #[n(7)]
    Blocked(#[n(0)] u64),
    /// At this number in the line of those that wait for their children.
    #[n(8)]
    Waiting(#[n(0)] u64),
}

impl Stand {
    pub(crate) fn state(self) -> JobState {
        match self {
            Self::Scheduled(_) => JobState::Scheduled,
            Self::Ready(_) => JobState::Ready,
            Self::Running(_) => JobState::Running,
            Self::Done(_) => JobState::Done,
            Self::Dead(_) => JobState::Dead,
            Self::Cancelled(_) => JobState::Cancelled,
            Self::Blocked(_) => JobState::Blocked,
            Self::Waiting(_) => JobState::Waiting,
        }
    }

    /// Whether nobody works on it any more, or ever will unless people say so.
    pub(crate) fn has_ended(self) -> bool {
        match self {
            Self::Scheduled(_)
            | Self::Ready(_)
            | Self::Running(_)
            | Self::Blocked(_)
            | Self::Waiting(_) => false,
            Self::Done(_) | Self::Dead(_) | Self::Cancelled(_) => true,
        }
    }
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobState {
    /// It is due later.
    Scheduled,
    /// It waits for somebody to take it.
    Ready,
    /// Somebody has it.
    Running,
    /// It is done.
    Done,
    /// It has failed for good, and waits for people.
    Dead,
    /// Somebody did not want it any more.
    Cancelled,
    /// It waits until others of its group have ended.
    Blocked,
    /// It waits until its children have ended.
    Waiting,
}

words! { JobState {
    "scheduled" => Self::Scheduled,
    "ready" => Self::Ready,
    "running" => Self::Running,
    "done" => Self::Done,
    "dead" => Self::Dead,
    "cancelled" => Self::Cancelled,
    "blocked" => Self::Blocked,
    "waiting" => Self::Waiting,
} }

impl JobState {
    /// Its word in every front.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
        }
    }
}

impl Job {
    /// Bytes of its payload.
    pub(crate) fn payload_bytes(&self) -> u64 {
        self.payload.as_ref().map_or(0, Kept::len)
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms::of(self.terms.as_deref())
    }
}

/// Bytes that a row keeps, or says that they lie beside it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Kept {
    #[n(1)]
    Here(#[n(0)] ByteVec),
    /// So many, in [`BODIES`].
    #[n(2)]
    Beside(#[n(0)] u64),
}

/// Which of the bytes that may lie beside a job's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Payload,
    Result,
}

impl Which {
    /// Its part of the key.
    pub(crate) fn key(self) -> u8 {
        match self {
            Self::Payload => 1,
            Self::Result => 2,
        }
    }
}

/// Bytes that lie beside a job's row.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Body {
    #[n(0)]
    pub(crate) bytes: ByteVec,
}

impl Row for Body {}

/// How the jobs of a queue are pushed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Push {
    /// To whom, by the name that the settings have.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) receiver: CompactString,
    /// So many at once at most.
    #[n(1)]
    pub(crate) in_flight: u64,
    /// When it is asked again about one that is worked on.
    #[n(2)]
    pub(crate) again_ms: u64,
    /// Since when, in milliseconds since 1970.
    #[n(3)]
    pub(crate) since_ms: u64,
}

impl Row for Push {}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;
    use crate::limits::{Batch, Limit};
    use crate::recur::{Missed, Rhythm};

    fn job() -> Job {
        Job {
            content: 300,
            stand: Stand::Ready(5),
            number: 7,
            priority: 4,
            created_at_ms: 100,
            payload: Some(Kept::Here(b"\xff\0".to_vec().into())),
            terms: None,
            deadline_ms: None,
            tries: 0,
            lease: None,
            error: None,
            note: None,
            result: None,
            ended_at_ms: None,
            group: None,
            is_admitted: false,
            recurs: None,
            waits_for: 0,
            parent: None,
        }
    }

    #[test]
    fn rows_are_frozen() {
        let queue = Queue {
            added: 9,
            lines: vec![Line {
                number: 5,
                head: 3,
                tail: 6,
                live: 2,
            }],
            scheduled: 1,
            running: 2,
            done: 0,
            cancelled: 0,
            sweep: Some(Sweep {
                end: 4,
                replays: true,
                due_ms: 50,
            }),
            blocked: 0,
            version: 0,
            limits: None,
            halt: None,
            expected_us: 0,
            opens_at_ms: None,
            flushes_at_ms: None,
        };
        let limit = Limit {
            concurrency: 1,
            rate: 2,
            per_ms: 3,
            burst: 4,
        };
        let limited = Queue {
            blocked: 1,
            version: 2,
            limits: Some(Box::new(Limits {
                queue: Limit::default(),
                group: limit,
                batch: None,
            })),
            halt: Some(Halt::Draining),
            expected_us: 300,
            opens_at_ms: Some(400),
            ..Queue::default()
        };
        let group = Group {
            admitted: 1,
            line: Line::new(0),
            expected_us: 300,
            opens_at_ms: Some(400),
            ..Group::default()
        };
        let gathering = Group {
            first_at_ms: 1,
            last_at_ms: 2,
            bytes: 3,
            gathers: Some(4),
            ..Group::default()
        };
        let batched = Queue {
            limits: Some(Box::new(Limits {
                batch: Some(Batch {
                    jobs: 5,
                    bytes: 6,
                    grace_ms: 7,
                    delay_ms: 8,
                }),
                ..Limits::default()
            })),
            flushes_at_ms: Some(9),
            ..Queue::default()
        };
        let blocked = Job {
            stand: Stand::Blocked(3),
            group: Some("g".into()),
            is_admitted: true,
            ..job()
        };
        let family = Job {
            stand: Stand::Waiting(3),
            waits_for: 2,
            parent: Some(Box::new(Parent {
                queue: "p".into(),
                id: "i".into(),
            })),
            ..job()
        };
        let recurs = |rhythm, missed| {
            let recurs = Recurs { rhythm, missed };
            Job {
                recurs: Some(Box::new(recurs)),
                ..job()
            }
        };
        let every = recurs(Rhythm::Every(300), Missed::One);
        let cron = recurs(Rhythm::Cron("c".into(), "z".into()), Missed::None);
        let tried = Job {
            stand: Stand::Running(300),
            payload: Some(Kept::Beside(2_000)),
            terms: Terms {
                retries: 0,
                backoff_ms: 1,
                backoff_max_ms: 2,
                timeout_ms: 3,
                keep_ms: 4,
            }
            .stored(),
            deadline_ms: Some(400),
            tries: 1,
            lease: Some(Lease {
                id: 6,
                member: "w".into(),
                word: Some(Word::Snoozed),
            }),
            error: Some("e".into()),
            note: Some("n".into()),
            result: Some(Kept::Here(b"r".to_vec().into())),
            ended_at_ms: Some(500),
            ..job()
        };
        let body = Body {
            bytes: b"b".to_vec().into(),
        };
        let push = Push {
            receiver: "r".into(),
            in_flight: 8,
            again_ms: 300,
            since_ms: 400,
        };
        let rows = [
            hex(&gathering),
            hex(&batched),
            hex(&push),
            hex(&queue),
            hex(&job()),
            hex(&tried),
            hex(&body),
            hex(&limited),
            hex(&group),
            hex(&blocked),
            hex(&every),
            hex(&cron),
            hex(&family),
        ];
        let expected = [
            "a6000001a400000100020003000401050206030704",
            "a40000018009a300a001a002a400050106020703080d09",
            "a400617201080219012c03190190",
            "a500090181a400050103020603020201030206a3000401f5021832",
            "a70019012c0182028105020703040418640582018142ff000800",
            "ae0019012c0182038119012c02070304041864058202811907d006a50000010102020303040407190190080109a3000601617702030a61650b616e0c82018141720d1901f4",
            "a1004162",
            "a8000001800701080209a200a001a400010102020303040a020b19012c0c190190",
            "a4000101a400000100020003000219012c03190190",
            "a90019012c0182078103020703040418640582018142ff0008000e61670ff5",
            "a80019012c0182028105020703040418640582018142ff00080010a20082018119012c0101",
            "a80019012c0182028105020703040418640582018142ff00080010a2008202826163617a0103",
            "a90019012c0182088103020703040418640582018142ff000800110212a2006170016169",
        ];
        assert_eq!(rows, expected);
        let bytes = minicbor::to_vec(&tried).expect("it is written to memory");
        let read: Job = minicbor::decode(&bytes).expect("it was encoded");
        assert_eq!(read, tried);
    }
}
