//! A client within the process: requests by their names, replies as values.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_engine::contract::{Field, Invalid, Raw, Renderer, RequestDef, Values, Work};
use tidegate_engine::{Answer as Rendered, Door, ReplySink};
use tokio::sync::{Semaphore, oneshot};

use crate::tray::Room;
use crate::value::{Answer, Plain, Value};

/// Batches of messages of sources that are counted at once, of all counters.
const COUNTING_MAX: usize = 16;

/// What is answered to one request.
struct OneShot(Mutex<Option<oneshot::Sender<Vec<u8>>>>);

impl ReplySink for OneShot {
    fn renderer(&self) -> &dyn Renderer {
        &Plain
    }

    /// One request is asked for at a time.
    fn is_next(&self, _token: u64) -> bool {
        true
    }

    fn is_gone(&self, _token: u64) -> bool {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn deliver(&self, answers: &[Rendered], start: usize, bytes: &[u8]) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(answer), Some(sender)) = (answers.first(), sender) {
            sender.send(bytes[start..answer.end].to_vec()).ok(); // Or nobody waits for it any more.
        }
    }
}

/// Asks an engine.
#[derive(Clone)]
pub struct Client {
    door: Door,
    pub(crate) room: Room,
    /// So many batches of sources are taken in at once.
    pub(crate) counting: Arc<Semaphore>,
    /// Requests that were answered, and so let in.
    answered: Arc<AtomicU64>,
}

impl Client {
    /// Who is let in at this door.
    #[must_use]
    pub fn new(door: Door) -> Self {
        let room = Room::default();
        let counting = Arc::new(Semaphore::new(COUNTING_MAX));
        Self {
            door,
            room,
            counting,
            answered: Arc::default(),
        }
    }

    /// How many requests the engine has let in that this client has not asked, and maybe some that it has.
    pub(crate) fn others_asked(&self) -> u64 {
        let all = self.door.metrics().requests_admitted.get();
        all.saturating_sub(self.answered.load(Ordering::Relaxed))
    }

    /// How long it is until a time of the engine's.
    pub(crate) fn left_ms(&self, until_ms: u64) -> u64 {
        until_ms.saturating_sub(self.door.now_ms())
    }

    /// Asks until it is served, by the name of the request and those of its fields.
    ///
    /// # Errors
    /// The code of its "no", or what is wrong with a field.
    pub async fn ask(&self, name: &str, given: &[(&str, Raw<'_>)]) -> Result<Value, String> {
        loop {
            match self.ask_once(name, given).await {
                Answer::Reply(value) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return Ok(value);
                }
                Answer::Refused(code) => return Err(code),
                Answer::Later(after_ms) => {
                    tokio::time::sleep(Duration::from_millis(after_ms.max(1))).await;
                }
            }
        }
    }

    async fn ask_once(&self, name: &str, given: &[(&str, Raw<'_>)]) -> Answer {
        let Some((at, def)) = self.find(name) else {
            return Answer::Refused("unknown_request".to_owned());
        };
        let work = match work_of(&def, given) {
            Ok(work) => work,
            Err(invalid) => {
                return Answer::Refused(format!("{} {}", invalid.field, invalid.message));
            }
        };
        let (sender, comes) = oneshot::channel();
        let sink: Arc<dyn ReplySink> = Arc::new(OneShot(Mutex::new(Some(sender))));
        self.door.submit(at, &def, work, &sink, 0);
        match comes.await {
            Ok(rendered) => Answer::read(&rendered),
            Err(_) => Answer::Later(ENDED_MS), // The engine has ended.
        }
    }

    /// The request of this name, and where its domain stands; none if the engine has no such domain.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, RequestDef)> {
        let domains = self.door.domains().iter().enumerate();
        let mut all = domains.flat_map(|(at, domain)| {
            let requests = domain.requests.iter();
            requests.map(move |def| (at, def))
        });
        let (at, def) = all.find(|(_, def)| def.resp == name)?;
        Some((at, *def))
    }
}

/// A request of these values, by the names of its fields.
pub(crate) fn work_of(def: &RequestDef, given: &[(&str, Raw<'_>)]) -> Result<Work, Invalid> {
    let value = |field: &Field| {
        let named = given.iter().find(|(own, _)| *own == field.name);
        named.map(|(_, raw)| *raw)
    };
    let values: Vec<_> = def.fields.iter().map(value).collect();
    def.read(&Values(&values))
}

/// Who asks an engine that has ended is ended soon, too.
const ENDED_MS: u64 = 1_000;
