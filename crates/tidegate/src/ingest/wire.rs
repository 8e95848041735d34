//! Batches as commands, and what their answers mean.

use std::time::Duration;

use super::event::Counted;
use crate::client::{Connection, PASSWORD_WANTED, Reply, asked_again};

/// Parts of a command for each event.
const PLACES: usize = 6;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What has become of the batch.
    Done(Done),
    /// Nothing was done: ask again, after a while.
    Again(Duration),
    /// The server would say so every time, in its words.
    Stop(String),
}

/// What has become of the events of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) counted: u64,
    /// They had come before.
    pub(super) repeated: u64,
    /// They are listed, not counted.
    pub(super) late: u64,
    /// Which of the batch, from 0 on, and why.
    pub(super) refused: Vec<(usize, String)>,
}

/// Adds the command to what the connection sends next.
pub(super) fn push(connection: &mut Connection, counter: &str, batch: &[Counted]) {
    let texts: Vec<_> = batch
        .iter()
        .map(|counted| {
            (
                format!("{:032x}", counted.id),
                counted.event.at_ms.to_string(),
            )
        })
        .collect();
    let count = batch.len().to_string();
    let mut parts: Vec<&[u8]> = Vec::with_capacity(3 + PLACES * batch.len());
    parts.extend([b"COUNTER.ADDALL", counter.as_bytes(), count.as_bytes()]);
    for (Counted { event, .. }, (id, at_ms)) in batch.iter().zip(&texts) {
        let by = event.by.as_deref().unwrap_or_default();
        // An amount that is not given is 1.
        let places: [&[u8]; PLACES] = [
            id.as_bytes(),
            event.key.as_bytes(),
            b"",
            at_ms.as_bytes(),
            by.as_bytes(),
            event.dims.as_bytes(),
        ];
        parts.extend(places);
    }
    connection.push(&parts);
}

/// What the answer to a batch of so many events means.
pub(super) fn meaning(reply: &Reply<'_>, counter: &str, events: usize) -> Meaning {
    if let Reply::Error(text) = reply {
        return error_meaning(text, counter);
    }
    match done(reply).filter(|done| done.events() == events as u64) {
        Some(done) => Meaning::Done(done),
        None => Meaning::Stop(format!(
            "no answer about {events} events: {}",
            reply.shown()
        )),
    }
}

fn error_meaning(text: &[u8], counter: &str) -> Meaning {
    if let Some(rest) = asked_again(text) {
        return Meaning::Again(rest);
    }
    let words = String::from_utf8_lossy(text);
    Meaning::Stop(match words.split(' ').next() {
        Some("NOAUTH") => PASSWORD_WANTED.to_owned(),
        Some("UNKNOWNCOUNTER") => format!(
            "it has no counter {counter}. To take old lines it must let them be late: COUNTER.CREATE {counter} \
             BUCKETS 3600000:20y LATE_MS 20y"
        ),
        Some(_) | None => words.into_owned(),
    })
}

fn done(reply: &Reply<'_>) -> Option<Done> {
    let sum = |name: &str| reply.field(name)?.count();
    let Reply::Array(refused) = reply.field("refused")? else {
        return None;
    };
    let one = |refused: &Reply<'_>| {
        let item = usize::try_from(refused.field("item")?.count()?).ok()?;
        let code = String::from_utf8_lossy(refused.field("code")?.text()?);
        Some((item.checked_sub(1)?, code.into_owned()))
    };
    Some(Done {
        counted: sum("counted")?,
        repeated: sum("repeated")?,
        late: sum("late")?,
        refused: refused.iter().map(one).collect::<Option<_>>()?,
    })
}

impl Done {
    fn events(&self) -> u64 {
        self.counted + self.repeated + self.late + self.refused.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &[u8], events: usize) -> Meaning {
        let (reply, _) = Reply::parse(answer)
            .expect("well-formed")
            .expect("complete");
        meaning(&reply, "hits", events)
    }

    const ANSWER: &[u8] = b"%5\r\n$4\r\nname\r\n$4\r\nhits\r\n$7\r\ncounted\r\n:3\r\n$8\r\nrepeated\r\n:2\r\n\
        $4\r\nlate\r\n:1\r\n$7\r\nrefused\r\n*1\r\n%2\r\n$4\r\nitem\r\n:5\r\n$4\r\ncode\r\n$13\r\ntoo_far_ahead\r\n";

    #[test]
    fn an_answer_says_what_has_become_of_every_event() {
        let refused = vec![(4, "too_far_ahead".to_owned())];
        let done = Done {
            counted: 3,
            repeated: 2,
            late: 1,
            refused,
        };
        assert_eq!(read(ANSWER, 7), Meaning::Done(done));
    }

    #[test]
    fn an_answer_about_another_number_of_events_is_of_something_else() {
        for events in [6, 8] {
            assert!(matches!(read(ANSWER, events), Meaning::Stop(_)));
        }
        assert!(matches!(read(b"+OK\r\n", 0), Meaning::Stop(_)));
    }

    #[test]
    fn only_a_fault_is_asked_again() {
        let again = Meaning::Again(Duration::from_millis(7));
        assert_eq!(read(b"-BUSY retry_after_ms=7\r\n", 1), again);
        for (answer, told) in [
            (&b"-NOAUTH\r\n"[..], PASSWORD_WANTED),
            (b"-ERR unknown command\r\n", "ERR unknown command"),
            (b"-UNKNOWNCOUNTER\r\n", "COUNTER.CREATE hits"),
        ] {
            let Meaning::Stop(why) = read(answer, 1) else {
                panic!("{told}");
            };
            assert!(why.contains(told), "{why}");
        }
    }
}
