//! Somebody who follows events over every crash: it sees what is kept, once, in order, and nothing
//! that a crash takes back.

use std::collections::BTreeMap;

use tidegate_engine::testing::{Stepper, line_of};
use tidegate_engine::{Begin, EventFilter, Subscription, Taken};

#[derive(Default)]
pub(crate) struct Follower {
    subscription: Option<Subscription>,
    cursor: u64,
    /// What it has seen, and has not been found dropped.
    seen: BTreeMap<u64, String>,
    /// Behind which cursor it was told that events are missing.
    behind: Option<u64>,
    /// How many it has ever seen.
    pub(crate) count: u64,
}

impl Follower {
    /// Its process, or that of the engine, has ended.
    pub(crate) fn break_off(&mut self) {
        self.subscription = None;
    }

    /// Takes what there is.
    pub(crate) fn follow(&mut self, engine: &Stepper) -> Result<(), String> {
        let begin = Begin::After(self.cursor);
        let mut subscription = match self.subscription.take() {
            Some(subscription) => subscription,
            None => match engine.subscribe(EventFilter::default(), begin) {
                Ok(subscription) => subscription,
                Err(_) => return Ok(()), // It is stopping, or busy.
            },
        };
        loop {
            match subscription.take() {
                Taken::Events(events) => {
                    for event in events {
                        self.see(event.cursor(), line_of(&event))?;
                    }
                }
                Taken::FellBehind(fell) => {
                    self.behind.get_or_insert(self.cursor);
                    self.cursor = fell.oldest.map_or(self.cursor, |oldest| oldest.0);
                    return Ok(());
                }
                Taken::Nothing | Taken::Busy(_) | Taken::Stopped => break,
            }
            self.cursor = subscription.cursor().unwrap_or(self.cursor);
        }
        self.cursor = subscription.cursor().unwrap_or(self.cursor);
        self.subscription = Some(subscription);
        Ok(())
    }

    fn see(&mut self, cursor: u64, line: String) -> Result<(), String> {
        let last = self.seen.last_key_value().map(|(last, _)| *last);
        if last.is_some_and(|last| last >= cursor) || cursor <= self.cursor {
            return Err(format!(
                "event {cursor} was told behind {last:?} or {}",
                self.cursor
            ));
        }
        self.count += 1;
        self.seen.insert(cursor, line);
        Ok(())
    }

    /// Compares what it has seen with what is kept, once nothing is under way.
    pub(crate) fn check(&mut self, engine: &mut Stepper) -> Result<(), String> {
        for _ in 0..4 {
            engine.clock.advance_ms(1);
            engine.settle();
            self.follow(engine)?;
        }
        let kept = kept(engine);
        if let Some(behind) = self.behind.take() {
            // What is missing is told again: it was not said in vain.
            if !is_behind(engine, behind, "") {
                return Err(format!(
                    "nothing is missing behind {behind}, and it fell behind"
                ));
            }
            let cursor = self.cursor;
            self.seen
                .extend(kept.range(..=cursor).map(|(at, line)| (*at, line.clone())));
        }
        for (cursor, line) in &kept {
            if self.seen.get(cursor) != Some(line) {
                return Err(format!(
                    "it never saw {line}, and saw {:?}",
                    self.seen.get(cursor)
                ));
            }
        }
        for (cursor, line) in &self.seen {
            let name = line
                .split("name=")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            let filter = format!(" NAME {}", name.unwrap_or_default());
            if !kept.contains_key(cursor) && !is_behind(engine, cursor - 1, &filter) {
                return Err(format!("it saw what is not kept: {line}"));
            }
        }
        self.seen = kept;
        Ok(())
    }
}

fn is_behind(engine: &mut Stepper, after: u64, filter: &str) -> bool {
    let answer = engine.call(&format!("EVENT.LIST AFTER {after} LIMIT 1{filter}"));
    answer.starts_with("fell_behind")
}

/// All events that are kept, by cursor.
fn kept(engine: &mut Stepper) -> BTreeMap<u64, String> {
    let mut all = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = engine.call(&format!("EVENT.LIST LIMIT 1000{after}"));
        let (items, next) = page.rsplit_once(" next=").unwrap_or((&page, "-"));
        for item in items.split("{at_ms=").skip(1) {
            let item = item.trim_end_matches([' ', ']']).trim_end_matches('}');
            let cursor = item
                .rsplit("cursor=")
                .next()
                .and_then(|text| text.parse().ok());
            all.insert(cursor.unwrap_or_default(), format!("at_ms={item}"));
        }
        if next == "-" {
            return all;
        }
        after = format!(" AFTER {next}");
    }
}
