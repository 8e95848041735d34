//! Subscriptions to events, looked at by hand: nobody hears the bell.

use std::sync::Arc;

use super::{Line, Stepper, find, list_of, values_of};
use crate::contract::{Fault, Outcome, Renderer, Values};
use crate::event::EventFilter;
use crate::sink::ReplySink;
use crate::stream::{Begin, Subscription, ToldEvent};

impl Stepper {
    /// Subscribes to events.
    ///
    /// # Errors
    /// As [`Door::subscribe`](crate::Door::subscribe).
    pub fn subscribe(&self, filter: EventFilter, begin: Begin<'_>) -> Result<Subscription, Fault> {
        self.door.subscribe(filter, begin, Box::new(|| {}))
    }

    /// Subscribes to events behind a snapshot, which a request given as words asks for; gives the token
    /// of its answer, too.
    ///
    /// # Errors
    /// As [`Door::subscribe`](crate::Door::subscribe).
    pub fn subscribe_with(
        &mut self,
        filter: EventFilter,
        words: &str,
    ) -> Result<(Subscription, u64), Fault> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let (domain, def) = find(self.door.domains(), words[0]);
        let list = list_of(&def, &words[1..]);
        let values = values_of(&def, &words[1..], &list);
        let work = def
            .read(&Values(&values))
            .expect("because a test asks what is well formed");
        let token = self.next_token;
        self.next_token += 1;
        let sink: Arc<dyn ReplySink> = Arc::clone(&self.recorder) as Arc<dyn ReplySink>;
        let begin = Begin::Snapshot {
            domain,
            def: &def,
            work,
            sink: &sink,
            token,
        };
        Ok((self.subscribe(filter, begin)?, token))
    }
}

/// An event as a line for people.
#[must_use]
pub fn line_of(event: &ToldEvent) -> String {
    let mut bytes = Vec::new();
    Line.render(&Outcome::Reply(event.shape()), &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
