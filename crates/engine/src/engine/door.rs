//! Where requests come in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::backup::{Backup, BackupError};
use crate::base::BaseError;
use crate::changes::Watch;
use crate::contract::{
    Call, Class, Domain, Fault, Outcome, RefusalDef, RequestDef, ScanCall, Work,
};
use crate::courier::HostFigures;
use crate::divide::{Asked, Divided};
use crate::edge::Edge;
use crate::hot::{AnsweredAt, HotFigures};
use crate::inbox::{Envelope, Errand};
use crate::key::{PartitionId, Slot};
use crate::limits::HOT_SAMPLE_EVERY;
use crate::log::BUSY;
use crate::metrics::{DomainFigures, Metrics};
use crate::partition::COMMAND_WORK;
use crate::reader::{Gather, Read};
use crate::round::Round;
use crate::shared::Shared;
use crate::shed::{Shed, ShedFigures};
use crate::sink::{Answer, ReplySink};
use crate::stream::Marks;
use crate::table::TableDef;

/// Where a front submits requests.
#[derive(Clone)]
pub struct Door {
    pub(crate) shared: Arc<Shared>,
    pub(super) domains: Arc<[Domain]>,
    pub(super) tables: Arc<[TableDef]>,
}

impl Door {
    /// The domains, in the order in which they were registered.
    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// Submits a request of the domain at index `domain`. The answer goes to `sink` with `token`,
    /// at once if the door turns the request away. Gives the executor that runs it, if that is one.
    pub fn submit(
        &self,
        domain: usize,
        def: &RequestDef,
        work: Work,
        sink: &Arc<dyn ReplySink>,
        token: u64,
    ) -> Option<usize> {
        let work = match work {
            Work::AtDoor(asked) => {
                let reply = asked.answer(self);
                answer(&Outcome::Reply(&*reply), sink, token);
                return None;
            }
            work @ (Work::Call(_) | Work::Scan(_) | Work::Subscribe(_)) => work,
        };
        if self.answer_at_edge((domain, def.class), &work, sink, token) {
            return None;
        }
        let metrics = &self.shared.metrics;
        match self.admit(domain, def, work, sink, token, None) {
            Ok(executor) => {
                metrics.requests_admitted.add(1);
                executor
            }
            Err(fault) => {
                metrics.requests_busy.add(1);
                self.shared.usages()[domain].metrics.busy.add(1);
                answer(&Outcome::Fault(&fault), sink, token);
                None
            }
        }
    }

    /// Why a request of the domain at this index is not to be begun, if it is of a class of work that is shed. Of what
    /// is submitted that is asked here anyway.
    #[must_use]
    pub fn sheds(&self, domain: usize, def: &RequestDef) -> Option<Fault> {
        let shedding = &self.shared.shedding;
        if shedding.is_on() {
            self.shared.look_at_load(); // If nothing runs any more, nobody else does.
        }
        shedding.refuses(domain, def)
    }

    /// Sheds work by hand from now on.
    pub fn shed(&self, by_hand: Shed) {
        let now_ms = self.shared.clock.look_ms();
        self.shared.shedding.set_by_hand(by_hand, now_ms);
    }

    /// What is shed, and why.
    #[must_use]
    pub fn shed_figures(&self) -> ShedFigures {
        self.shared.look_at_load();
        self.shared.shedding.figures()
    }

    /// Answers a request from what is known at the edge, if that says it.
    fn answer_at_edge(
        &self,
        (domain, class): (usize, Class),
        work: &Work,
        sink: &Arc<dyn ReplySink>,
        token: u64,
    ) -> bool {
        let Work::Call(call) = work else {
            return false;
        };
        let shared = &*self.shared;
        let may_see = |partition| match class {
            Class::Reads => true,
            Class::Finishes => sink.is_next(token),
            // While timers are overdue a "no" may not be true.
            Class::Opens => sink.is_next(token) && !shared.inbox(partition).is_overdue(),
        };
        let told = (&shared.flags, &shared.filters, &*shared.splits);
        let edge = Edge::new(told, &shared.clock, &may_see);
        let mut bytes = Vec::new();
        let Some((status, refused)) = call.glance(&edge, sink.renderer(), &mut bytes) else {
            return false;
        };
        let before = shared.metrics.requests_at_edge.next();
        if before.is_multiple_of(HOT_SAMPLE_EVERY) {
            self.count_at_edge(domain, &**call);
        }
        if let Some(code) = refused {
            shared.usages()[domain].tally.refused(code);
        }
        let end = bytes.len();
        let answer = Answer { token, status, end };
        sink.deliver(&[answer], 0, &bytes);
        true
    }

    /// Watches the slot in which a query is answered. What it asks for after this misses no change that is
    /// counted later, but for what it is answered at the edge: there a change that is not durable yet may be
    /// missing which nobody counted, so ask a second time.
    #[must_use]
    pub fn watch(&self, query: &dyn Call) -> Watch {
        let slot = query.slot(&self.shared.splits);
        Watch::over(slot, Arc::clone(&self.shared))
    }

    /// The edge has answered this, as one of a sample: had it not, it would have been work as any small command.
    fn count_at_edge(&self, domain: usize, call: &dyn Call) {
        let shared = &*self.shared;
        let key = std::str::from_utf8(call.key()).unwrap_or_default();
        if key.is_empty() {
            return; // It is about nothing.
        }
        let hot = &shared.hot[shared.slots.owner(call.slot(&shared.splits)).index()];
        let now_ms = shared.clock.look_ms();
        hot.count(AnsweredAt::Edge, (domain, key), COMMAND_WORK, now_ms);
    }

    /// How hot keys are, by partition and by where they are answered.
    #[must_use]
    pub fn hot_figures(&self) -> Vec<HotFigures> {
        let now_ms = self.shared.clock.look_ms();
        let hot = (0..).zip(&self.shared.hot);
        hot.flat_map(|(partition, hot)| hot.figures(partition, now_ms))
            .collect()
    }

    /// A front has refused a request of the domain at this index, as the domain would have: that is counted as
    /// its refusals are.
    pub fn count_refusal(&self, domain: usize, refusal: &RefusalDef) {
        self.shared.usages()[domain].tally.refused(refusal.code);
    }

    fn admit(
        &self,
        domain: usize,
        def: &RequestDef,
        work: Work,
        sink: &Arc<dyn ReplySink>,
        token: u64,
        marks: Option<Arc<Marks>>,
    ) -> Result<Option<usize>, Fault> {
        let shared = &*self.shared;
        if self.is_stopping() {
            return Err(Fault::Stopping);
        }
        if let Some(fault) = self.sheds(domain, def) {
            return Err(fault);
        }
        if let Some(fault) = shared.refuses_of(domain, def.class) {
            return Err(fault);
        }
        if !shared.has_answer_room(def.class) {
            return Err(BUSY);
        }
        match work {
            Work::Call(mut call) => {
                if let Some(scan) = call.spread(&shared.splits) {
                    self.admit_scan((domain, def.resp), scan, sink, token, marks)?;
                    return Ok(None);
                }
                let nth = shared.metrics.requests_admitted.get();
                if let Some(divided) = call.divide(&shared.splits, nth) {
                    self.admit_pieces((domain, def), divided, sink, token, marks)?;
                    return Ok(None);
                }
                let round = call.round(&shared.splits, nth).map(Round::new);
                let first = round.as_ref().map(|round| round.place().slot);
                let slot = first.unwrap_or_else(|| call.slot(&shared.splits));
                let work = Errand::Call {
                    call,
                    sink: Arc::clone(sink),
                    token,
                };
                let of = (domain, def.class, def.resp);
                let mut envelope = Envelope::of_request(of, work, slot, marks);
                let goes_round = round.is_some();
                envelope.round = round.map(Box::new);
                let owner = shared.slots.owner(slot);
                self.push(owner, envelope)?;
                Ok((!goes_round).then(|| shared.executor_of(owner)))
            }
            Work::Scan(call) => {
                self.admit_scan((domain, def.resp), call, sink, token, marks)?;
                Ok(None)
            }
            Work::Subscribe(_) | Work::AtDoor(_) => {
                unreachable!(
                    "because fronts subscribe to what streams, and what is answered here has been"
                )
            }
        }
    }

    /// Submits the works of a request that divides: all of them, or none if there is no room for one.
    fn admit_pieces(
        &self,
        (domain, def): (usize, &RequestDef),
        divided: Divided,
        sink: &Arc<dyn ReplySink>,
        token: u64,
        marks: Option<Arc<Marks>>,
    ) -> Result<(), Fault> {
        let begun = divided.begin(Asked {
            sink: Arc::clone(sink),
            token,
            domain,
            class: def.class,
            shared: Arc::clone(&self.shared),
        });
        if let Some(marks) = &marks {
            marks.expect_more(begun.calls.len() - 1);
        }
        let mut by_partition: BTreeMap<PartitionId, Vec<Envelope>> = BTreeMap::new();
        for (token, call) in (0..).zip(begun.calls) {
            let slot = call.slot(&self.shared.splits);
            let sink = Arc::clone(&begun.sink);
            let work = Errand::Call { call, sink, token };
            let of = (domain, def.class, def.resp);
            let envelope = Envelope::of_request(of, work, slot, marks.clone());
            let to = self.shared.slots.owner(slot);
            by_partition.entry(to).or_default().push(envelope);
        }
        self.reserve((domain, def.class), &by_partition)?;
        for (to, envelopes) in by_partition {
            self.shared.inbox(to).push_reserved(envelopes);
            self.shared.wake(to);
        }
        Ok(())
    }

    /// Reserves room for commands in the inboxes of all their partitions, or in none.
    fn reserve(
        &self,
        (domain, class): (usize, Class),
        commands: &BTreeMap<PartitionId, Vec<Envelope>>,
    ) -> Result<(), Fault> {
        let needed = |envelopes: &Vec<Envelope>| {
            let bytes = envelopes.iter().map(Envelope::bytes).sum();
            (envelopes.len(), bytes)
        };
        for (to, envelopes) in commands {
            let room = needed(envelopes);
            if let Err(fault) = self.shared.inbox(*to).reserve(domain, class, room) {
                for (before, envelopes) in commands.range(..*to) {
                    let (many, bytes) = needed(envelopes);
                    self.shared.inbox(*before).ran(domain, many, bytes);
                }
                return Err(fault);
            }
        }
        Ok(())
    }

    fn admit_scan(
        &self,
        (domain, name): (usize, &'static str),
        call: Box<dyn ScanCall>,
        sink: &Arc<dyn ReplySink>,
        token: u64,
        marks: Option<Arc<Marks>>,
    ) -> Result<(), Fault> {
        let shared = &*self.shared;
        let place = shared.readers.admit().ok_or(BUSY)?;
        let all = 0..shared.slots.partitions();
        let asked: Vec<_> = match call.slots(&shared.splits) {
            Some(slots) => {
                let owned = |slot: Slot| (shared.slots.owner(slot), slot);
                slots.into_iter().map(owned).collect()
            }
            None => all.map(|id| (PartitionId(id), Slot(0))).collect(),
        };
        let gather = Gather::new(
            call,
            asked.len(),
            Arc::clone(sink),
            token,
            shared.clock.look_ms(),
            place,
        );
        let gather = Arc::new(gather);
        for (partition, slot) in asked {
            let work = Errand::Scan(Arc::clone(&gather));
            let of = (domain, Class::Reads, name);
            let envelope = Envelope::of_request(of, work, slot, marks.clone());
            let pushed = self.push(partition, envelope);
            if let Err(fault) = pushed {
                gather.call_off(); // Parts that are on their way already.
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Submits a request that changes nothing, for a snapshot; gives where it is noted up to which
    /// event each partition that it reads had come when it was read.
    pub(crate) fn submit_marked(
        &self,
        domain: usize,
        def: &RequestDef,
        work: Work,
        sink: &Arc<dyn ReplySink>,
        token: u64,
    ) -> Result<Arc<Marks>, Fault> {
        let marks = self.marks(work.slots(&self.shared.splits));
        self.admit(domain, def, work, sink, token, Some(Arc::clone(&marks)))?;
        Ok(marks)
    }

    /// The same for a scan of the engine's own.
    pub(crate) fn scan_marked(
        &self,
        call: Box<dyn ScanCall>,
        sink: &Arc<dyn ReplySink>,
    ) -> Result<Arc<Marks>, Fault> {
        if self.is_stopping() {
            return Err(Fault::Stopping);
        }
        let marks = self.marks(call.slots(&self.shared.splits).map(|slots| slots.len()));
        self.admit_scan(
            (0, "a subscription"),
            call,
            sink,
            0,
            Some(Arc::clone(&marks)),
        )?;
        Ok(marks)
    }

    /// For a read of so many slots, or of all.
    fn marks(&self, slots: Option<usize>) -> Arc<Marks> {
        let partitions = usize::from(self.shared.slots.partitions());
        Arc::new(Marks::new(partitions, slots.unwrap_or(partitions)))
    }

    /// Gives subscribers what has happened; with `wait`, waits for something to happen. `false` if
    /// nothing has, or once the engine has finished.
    pub fn tell_step(&self, wait: bool) -> bool {
        self.shared.streams.step(wait)
    }

    /// Whether the engine is stopping: nothing needs to be begun any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    fn push(&self, to: PartitionId, envelope: Envelope) -> Result<(), Fault> {
        self.shared.inbox(to).push(envelope)?;
        self.shared.wake(to);
        Ok(())
    }

    /// What the engine counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Asks for a backup.
    ///
    /// # Errors
    /// One is being made, or the engine is stopping.
    pub fn backup(&self) -> Result<Backup, BackupError> {
        Backup::ask(Arc::clone(&self.shared), Arc::clone(&self.tables))
    }

    /// What each domain has done and has.
    pub fn domain_figures(&self) -> impl Iterator<Item = DomainFigures> {
        let usages = self.shared.usages().iter();
        let named = self.domains.iter().zip(usages).enumerate();
        named.map(|(at, (domain, usage))| {
            let inboxes = self.shared.inboxes().iter();
            let waiting: usize = inboxes.map(|inbox| inbox.held(at)).sum();
            DomainFigures {
                name: domain.name,
                commands: usage.metrics.commands.get(),
                busy: usage.metrics.busy.get(),
                log_bytes: usage.metrics.log_bytes.get(),
                row_bytes: usage.row_bytes() as u64,
                waiting: waiting as u64,
                refusals: usage.tally.refusals().collect(),
                counts: usage.tally.counts().collect(),
            }
        })
    }

    /// Requests that wait to run.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.domain_figures().map(|domain| domain.waiting).sum()
    }

    /// Whether no partition has anything to take from its inbox.
    #[cfg(feature = "testing")]
    pub(crate) fn is_empty(&self) -> bool {
        self.shared
            .inboxes()
            .iter()
            .all(|inbox| inbox.waiting() == 0)
    }

    /// By how many milliseconds the wall clock is off while it is not followed.
    #[must_use]
    pub fn clock_stepped_ms(&self) -> u64 {
        self.shared.clock.stepped_ms()
    }

    /// Engine time, in milliseconds since 1970: that of leases, and of all that is due.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.shared.clock.look_ms()
    }

    /// Whether the log or a checkpoint finds no room on the disk: requests are turned away because of
    /// it, or will be once memory has no room either.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let of_log = self.shared.room().refuses(Class::Opens);
        of_log == Some(Fault::DiskFull) || self.shared.checkpoints.is_full()
    }

    /// Turns further requests away and lets the threads of the engine come to their end.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.wake_all();
        self.shared.to_courier.wake();
        self.shared.checkpoints.ring();
    }

    /// What the courier does about each host that it has called.
    #[must_use]
    pub fn host_figures(&self) -> Vec<HostFigures> {
        self.shared.to_courier.figures()
    }

    /// Ends the log writer, the readers and all subscriptions, once the executors are quiet.
    pub fn finish(&self) {
        self.shared.streams.end();
        self.shared.log.stop();
        self.shared.readers.stop();
    }

    /// Reads what a scan or a partition waits for; with `wait`, waits for one to come. `false` if
    /// there was none.
    ///
    /// # Errors
    /// The base cannot be read: the process must stop.
    pub fn read_step(&self, wait: bool) -> Result<bool, BaseError> {
        let read = self.read(wait)?;
        Ok(read.map(|read| read.bring(&self.shared)).is_some())
    }

    fn read(&self, wait: bool) -> Result<Option<Read>, BaseError> {
        let shared = &*self.shared;
        shared.readers.read(shared, &self.tables, wait)
    }

    /// Reads what is waited for, if anything is, without bringing it.
    #[cfg(feature = "testing")]
    pub(crate) fn read_late(&self) -> Result<Option<Read>, BaseError> {
        self.read(false)
    }

    /// Brings what was read.
    #[cfg(feature = "testing")]
    pub(crate) fn bring(&self, read: Read) {
        read.bring(&self.shared);
    }
}

/// Answers a request at once.
fn answer(outcome: &Outcome<'_>, sink: &Arc<dyn ReplySink>, token: u64) {
    let mut bytes = Vec::new();
    sink.renderer().render(outcome, &mut bytes);
    let answer = Answer {
        token,
        status: outcome.status(),
        end: bytes.len(),
    };
    sink.deliver(&[answer], 0, &bytes);
}
