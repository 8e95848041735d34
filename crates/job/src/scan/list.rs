//! `JOB.LIST`: the jobs of a queue in one state: in line, or through the timers that say when something becomes of them.

use std::borrow::Cow;

use compact_str::{CompactString, ToCompactString};
use tidegate_engine::contract::{Page, RefusalDef, Scan, ScanContext, Timer};
use tidegate_engine::limits::SCAN_ROWS_MAX;

use crate::apply::{FORGET, LEASE_END, WAKE};
use crate::command::List;
use crate::line::{DEAD_LINE, Entry, PARENT_LINE};
use crate::refusal::{Refusal, UNKNOWN_QUEUE};
use crate::reply::JobInfo;
use crate::table::{GROUP_LINES, JOBS, Job, JobState, Kept, LINES, QUEUES, Stand};
use crate::words::Cursor;

impl Scan for List {
    type Item = JobInfo;
    type Refusal = Refusal;
    const REFUSALS: &'static [RefusalDef] = &[UNKNOWN_QUEUE];
    const TABLES: &'static [u16] = &[
        QUEUES.id(),
        JOBS.id(),
        LINES.id(),
        GROUP_LINES.id(),
        WAKE.table_id(),
        FORGET.table_id(),
    ];

    fn key(&self) -> Option<&str> {
        Some(self.queue.as_str())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }

    fn page(&self, context: &ScanContext) -> Result<Page<JobInfo>, Refusal> {
        let queue = context.get(&QUEUES, self.queue.as_str());
        queue.ok_or(Refusal::UnknownQueue)?;
        let after = self.after.as_ref();
        Ok(match self.state {
            JobState::Scheduled => self.by_time(context, &WAKE),
            JobState::Running => self.by_time(context, &LEASE_END),
            JobState::Done | JobState::Cancelled => self.by_time(context, &FORGET),
            JobState::Blocked => self.in_groups(context),
            JobState::Ready => self.in_lines(context, after, |line| line < DEAD_LINE),
            JobState::Dead => self.in_line(context, DEAD_LINE),
            JobState::Waiting => self.in_line(context, PARENT_LINE),
        })
    }
}

impl List {
    /// Those that stand in one line.
    fn in_line(&self, context: &ScanContext, line: u8) -> Page<JobInfo> {
        let before = Cursor {
            of: (line - 1).into(),
            number: u64::MAX,
            id: CompactString::default(),
        };
        let after = self.after.as_ref().unwrap_or(&before).max(&before);
        self.in_lines(context, Some(after), |of| of == line)
    }

    /// Those that stand in some lines, one line behind the other.
    fn in_lines(
        &self,
        context: &ScanContext,
        after: Option<&Cursor>,
        is_meant: impl Fn(u8) -> bool,
    ) -> Page<JobInfo> {
        let name = self.queue.as_str();
        let after = after.map(|after| {
            let line = u8::try_from(after.of).unwrap_or(u8::MAX);
            (name, line, after.number)
        });
        let rows = context.rows(&LINES, name, after, SCAN_ROWS_MAX);
        let is_cut = rows.len() == SCAN_ROWS_MAX;
        let mut page = Found::new(self.limit());
        for (key, entry) in rows {
            let mut parts = key.parts();
            let (_, line, number) = (parts.text(), parts.byte(), parts.number());
            let line = line.unwrap_or(u8::MAX);
            if !is_meant(line) {
                return page.end();
            }
            let cursor = Cursor {
                of: line.into(),
                number: number.unwrap_or_default(),
                id: CompactString::default(),
            };
            let item = match &entry {
                Entry::Job(id) => self.item(context, id, &cursor),
                Entry::Gap(_) => None,
            };
            if page.is_full_with(item, &cursor) {
                return page.end();
            }
        }
        page.end_at(is_cut)
    }

    /// Those that stand in lines of groups, one group behind the other.
    fn in_groups(&self, context: &ScanContext) -> Page<JobInfo> {
        let name = self.queue.as_str();
        let after = self.after.as_ref();
        let after = after.map(|after| (name, after.id.as_str(), after.number));
        let rows = context.rows(&GROUP_LINES, name, after, SCAN_ROWS_MAX);
        let is_cut = rows.len() == SCAN_ROWS_MAX;
        let mut page = Found::new(self.limit());
        for (key, entry) in rows {
            let mut parts = key.parts();
            let (_, group, number) = (parts.text(), parts.text(), parts.number());
            let cursor = Cursor {
                of: 0,
                number: number.unwrap_or_default(),
                id: CompactString::new(group.unwrap_or_default()),
            };
            let item = match &entry {
                Entry::Job(id) => self.item(context, id, &cursor),
                Entry::Gap(_) => None,
            };
            if page.is_full_with(item, &cursor) {
                return page.end();
            }
        }
        page.end_at(is_cut)
    }

    /// Those that have a timer of a kind.
    fn by_time(&self, context: &ScanContext, timer: &Timer) -> Page<JobInfo> {
        let name = self.queue.as_str();
        let after = self
            .after
            .as_ref()
            .map(|after| (after.of, after.id.as_str()));
        let mut page = Found::new(self.limit());
        let is_cut = context.timers(timer, name, after, |due_ms, owner| {
            let id = owner.and_then(|mut owner| owner.text());
            let cursor = Cursor {
                of: due_ms,
                number: 0,
                id: CompactString::new(id.unwrap_or_default()),
            };
            let item = id.and_then(|id| self.item(context, id, &cursor));
            !page.is_full_with(item, &cursor)
        });
        page.end_at(is_cut)
    }

    /// A job in the list, if it is in the state and matches.
    fn item(&self, context: &ScanContext, id: &str, cursor: &Cursor) -> Option<JobInfo> {
        let job = context.get(&JOBS, (self.queue.as_str(), id))?;
        let pattern = self.pattern.as_ref().map(|pattern| pattern.as_str());
        let is_in = job.stand.state() == self.state;
        let is_meant = is_in && pattern.is_none_or(|pattern| matches(id, &job, pattern));
        is_meant.then(|| info(id, &job, cursor))
    }
}

/// A page that fills.
struct Found {
    items: Vec<JobInfo>,
    limit: usize,
    /// The last one that was looked at.
    last: Option<Cursor>,
}

impl Found {
    fn new(limit: usize) -> Self {
        Self {
            items: Vec::new(),
            limit,
            last: None,
        }
    }

    /// Takes one in that was looked at; `true` once there is one more than the page holds.
    fn is_full_with(&mut self, item: Option<JobInfo>, cursor: &Cursor) -> bool {
        self.items.extend(item);
        self.last = Some(cursor.clone());
        self.items.len() > self.limit
    }

    /// The page, behind which there is nothing that was not looked at.
    fn end(self) -> Page<JobInfo> {
        Page::cut(self.items, self.limit)
    }

    /// The page, behind which there may be more if it was cut.
    fn end_at(self, is_cut: bool) -> Page<JobInfo> {
        let last = self.last.clone().filter(|_| is_cut);
        let page = self.end();
        let next = page.next.or(last.map(|last| last.to_compact_string()));
        Page { next, ..page }
    }
}

/// Whether a text is in what people know a job by.
fn matches(id: &str, job: &Job, pattern: &str) -> bool {
    let is_in = |bytes: &[u8]| {
        let mut windows = bytes.windows(pattern.len());
        windows.any(|window| window == pattern.as_bytes())
    };
    let payload: Cow<'_, [u8]> = match &job.payload {
        Some(Kept::Here(bytes)) => Cow::Borrowed(bytes),
        Some(Kept::Beside(_)) | None => Cow::Owned(Vec::new()),
    };
    is_in(id.as_bytes())
        || job
            .error
            .as_deref()
            .is_some_and(|error| is_in(error.as_bytes()))
        || is_in(&payload)
}

fn info(id: &str, job: &Job, cursor: &Cursor) -> JobInfo {
    let at_ms = match job.stand {
        Stand::Scheduled(at_ms)
        | Stand::Running(at_ms)
        | Stand::Done(at_ms)
        | Stand::Cancelled(at_ms) => Some(at_ms),
        Stand::Ready(_) | Stand::Dead(_) | Stand::Blocked(_) | Stand::Waiting(_) => None,
    };
    JobInfo {
        id: CompactString::new(id),
        state: job.stand.state().word(),
        priority: job.priority.into(),
        group: job.group.clone(),
        recurs: job.recurs.is_some(),
        tries: job.tries.into(),
        created_at_ms: job.created_at_ms,
        at_ms,
        member: job.lease.as_ref().map(|lease| lease.member.clone()),
        error: job.error.clone(),
        payload_bytes: job.payload.as_ref().map_or(0, Kept::len),
        cursor: cursor.to_compact_string(),
    }
}
