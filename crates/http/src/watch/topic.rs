//! A question, and its newest answer.

use std::sync::{Arc, Weak};

use hyper::StatusCode;
use tidegate_engine::Watch;
use tidegate_engine::contract::{Call, Invalid, Raw, Values, Work};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::Hub;
use crate::answer::Response;
use crate::limits::WATCH_PACE;
use crate::problem::{self, Problem};
use crate::render::Head;
use crate::route::Route;
use crate::router::Front;
use crate::sink::{OneShot, Rendered};
use crate::values::Given;

/// A query and the values of its fields.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The place of the query among all requests.
    route: usize,
    values: Vec<Option<Box<[u8]>>>,
}

impl Question {
    pub(super) fn of(route: &Route, given: &Given<'_>) -> Self {
        let Values(values) = given.values();
        let values = values.iter().map(|value| match value {
            Some(Raw::Text(text)) => Some((*text).into()),
            Some(_) => unreachable!("because a query has its values as text"),
            None => None,
        });
        Self {
            route: route.number,
            values: values.collect(),
        }
    }

    fn query(&self, route: &Route) -> Result<Box<dyn Call>, Invalid> {
        let values = self.values.iter();
        let values: Vec<_> = values.map(|it| it.as_deref().map(Raw::Text)).collect();
        match route.def.read(&Values(&values))? {
            Work::Call(query) => Ok(query),
            Work::Scan(_) | Work::Subscribe(_) | Work::AtDoor(_) => {
                unreachable!("because what is watched is checked when the router is made")
            }
        }
    }
}

/// An answer, as those who watch get it.
pub(crate) struct Told {
    pub(crate) rendered: Rendered,
    pub(super) asked: Instant,
    /// How often its slot had changed when it was asked for; `None` for the first one, which may rest on less:
    /// what the edge had not been told yet when the watch began was not counted either.
    pub(super) changes: Option<u64>,
}

impl Told {
    pub(crate) fn head(&self) -> Head {
        self.rendered.head()
    }

    fn is_recent(&self) -> bool {
        self.asked.elapsed() < WATCH_PACE
    }
}

/// How new an answer must be that was asked for somebody else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fresh {
    /// Nobody can have seen a newer one: so it is for who comes.
    Now,
    /// It may be as old as who follows waits between two answers.
    AtPace,
}

/// A question that somebody watches.
pub(super) struct Topic {
    pub(super) route: Arc<Route>,
    question: Arc<Question>,
    pub(super) watch: Watch,
    hub: Arc<Hub>,
    newest: Mutex<Option<Arc<Told>>>,
}

impl Topic {
    /// What is watched by this question, be it for the first time.
    pub(super) fn of(
        front: &Front,
        route: &Arc<Route>,
        question: Question,
    ) -> Result<Arc<Self>, Invalid> {
        let query = question.query(route)?;
        let mut topics = front.hub.topics();
        if let Some(topic) = topics.get(&question).and_then(Weak::upgrade) {
            return Ok(topic);
        }
        let question = Arc::new(question);
        let topic = Arc::new(Self {
            route: Arc::clone(route),
            question: Arc::clone(&question),
            watch: front.door.watch(&*query),
            hub: Arc::clone(&front.hub),
            newest: Mutex::default(),
        });
        topics.insert(question, Arc::downgrade(&topic));
        Ok(topic)
    }

    /// The answer of now, if need be by asking for it.
    ///
    /// # Errors
    /// The answer to a request that was not answered: busy, stopping, or nobody knows.
    pub(super) async fn look(&self, front: &Front, fresh: Fresh) -> Result<Arc<Told>, Response> {
        let came = Instant::now();
        let mut newest = self.newest.lock().await;
        let is_enough = |told: &&Arc<Told>| match fresh {
            // Of many who come at once, two ask: the first, and one for all who came while it did.
            Fresh::Now => told.asked >= came || self.is_unchanged(told),
            Fresh::AtPace => told.is_recent(),
        };
        if let Some(told) = newest.as_ref().filter(is_enough) {
            return Ok(Arc::clone(told));
        }
        let (asked, changes) = (Instant::now(), self.watch.changes());
        let rendered = self.ask(front).await.map_err(Problem::into_response)?;
        if is_passing(rendered.head().status) {
            return Err(rendered.into_response());
        }
        let changes = newest.is_some().then_some(changes);
        let told = Arc::new(Told {
            rendered,
            asked,
            changes,
        });
        *newest = Some(Arc::clone(&told));
        Ok(told)
    }

    /// Whether nothing has changed since it was asked for, and little time has passed.
    fn is_unchanged(&self, told: &Told) -> bool {
        told.changes == Some(self.watch.changes()) && told.is_recent()
    }

    async fn ask(&self, front: &Front) -> Result<Rendered, Problem> {
        let query = self.question.query(&self.route)?;
        let Route { domain, def, .. } = *self.route;
        let (sink, answered) = OneShot::channel(def);
        front.door.submit(domain, def, Work::Call(query), &sink, 0);
        drop(sink);
        let answered = timeout(front.options.request_timeout, answered).await;
        let unknown = || Problem::plain(problem::OUTCOME_UNKNOWN);
        answered.map_err(|_| unknown())?.map_err(|_| unknown())
    }
}

/// Whether the same question may be answered a moment later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

impl Drop for Topic {
    fn drop(&mut self) {
        let mut topics = self.hub.topics();
        let is_last = topics
            .get(&self.question)
            .is_some_and(|it| it.strong_count() == 0);
        if is_last {
            topics.remove(&self.question);
        }
    }
}
