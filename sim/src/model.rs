//! What the engine is held against: each key by itself, in the simplest words there are.

use tidegate_engine::Random;
use tidegate_stock::testing::Oracle;
use tidegate_topic::testing::StreamOracle;

/// One key of one domain.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    Sku(Oracle),
    Note(Note),
    Stream(Stream),
}

/// Whether an answer is as expected, where `…` stands for anything.
pub(crate) fn is_as(expected: &str, answer: &str) -> bool {
    let Some((first, rest)) = expected.split_once('…') else {
        return answer == expected;
    };
    let mut left = answer.strip_prefix(first);
    for piece in rest.split('…') {
        left = left
            .and_then(|left| left.split_once(piece))
            .map(|(_, left)| left);
    }
    left.is_some()
}

impl Model {
    /// Time has passed, and timers have fired.
    pub(crate) fn pass(&mut self, now_ms: u64) {
        match self {
            Self::Sku(sku) => sku.pass(now_ms),
            Self::Note(note) => note.pass(now_ms),
            Self::Stream(stream) => stream.oracle.pass(now_ms),
        }
    }

    pub(crate) fn random_command(&self, random: &mut Random) -> String {
        match self {
            Self::Sku(sku) => sku.random_command(random),
            Self::Note(note) => note.random_command(random),
            Self::Stream(stream) => stream.clone().step().0,
        }
    }

    /// Whether it is a stream. What is asked of one follows from its state, so it is asked for one thing after the other.
    pub(crate) fn is_stream(&self) -> bool {
        match self {
            Self::Sku(_) | Self::Note(_) => false,
            Self::Stream(_) => true,
        }
    }

    /// Does what a command asks for; gives a part of its answer, or all of that of a stream.
    pub(crate) fn apply(&mut self, command: &str) -> String {
        match self {
            Self::Sku(sku) => sku.apply(command),
            Self::Note(note) => note.apply(command),
            Self::Stream(stream) => stream.apply(command),
        }
    }

    /// Whether an answer is the one that [`Model::apply`] gave.
    pub(crate) fn is_told(&self, expected: &str, answer: &str) -> bool {
        match self {
            Self::Sku(_) | Self::Note(_) => answer.contains(expected),
            Self::Stream(_) => answer == expected,
        }
    }

    /// Units that may be had.
    pub(crate) fn units(&self) -> i64 {
        match self {
            Self::Sku(sku) => sku.available(),
            Self::Note(_) | Self::Stream(_) => 0,
        }
    }

    /// Questions whose whole answers say all that there is to know about the key.
    pub(crate) fn questions(&self) -> Vec<(String, String)> {
        match self {
            Self::Sku(sku) => sku.questions(),
            Self::Note(note) => note.questions(),
            Self::Stream(stream) => stream.oracle.questions(),
        }
    }
}

impl Model {
    /// An answer to one of the questions, as far as it tells states apart.
    pub(crate) fn told(&self, answer: String) -> String {
        match self {
            Self::Sku(_) | Self::Note(_) => answer,
            Self::Stream(stream) => stream.oracle.with_stands(&answer),
        }
    }
}

/// A stream, and what will be asked of it: that follows from what was done, so the same is asked again where it was
/// not done.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    oracle: StreamOracle,
    random: Random,
}

impl Stream {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            oracle: StreamOracle::default(),
            random: Random::new(seed),
        }
    }

    fn step(&mut self) -> (String, String) {
        self.oracle.random(&mut self.random)
    }

    fn apply(&mut self, command: &str) -> String {
        let (chosen, answer) = self.step();
        assert_eq!(chosen, command, "one command of a stream at a time");
        answer
    }
}

/// A note of the engine's toy domain: written at most three times, and fading.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    key: String,
    now_ms: u64,
    written: Option<Written>,
    /// How often it had been written when it faded last.
    last: Option<u64>,
}

#[derive(Clone, Debug)]
struct Written {
    text: String,
    times: u64,
    fades_at_ms: u64,
}

impl Note {
    pub(crate) fn new(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            now_ms: 0,
            written: None,
            last: None,
        }
    }

    fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        if let Some(faded) = self.written.take_if(|note| note.fades_at_ms <= now_ms) {
            self.last = Some(faded.times);
        }
    }

    fn random_command(&self, random: &mut Random) -> String {
        let (key, ttl_ms) = (&self.key, [300, 3_000, 60_000][random.below(3) as usize]);
        match random.below(5) {
            0 | 1 => format!("NOTE.PUT {key} 1 text{} TTL {ttl_ms}", random.below(9)),
            2 => format!("NOTE.STAY {key} TTL {ttl_ms}"),
            3 => format!("NOTE.LAST {key}"),
            _ => format!("NOTE.GET {key}"),
        }
    }

    fn apply(&mut self, command: &str) -> String {
        let words: Vec<_> = command.split(' ').collect();
        let fades_at_ms = words.last().and_then(|ttl_ms| ttl_ms.parse::<u64>().ok());
        let fades_at_ms = fades_at_ms.map_or(0, |ttl_ms| self.now_ms + ttl_ms);
        match (words[0], &mut self.written) {
            ("NOTE.PUT", written) => {
                let times = written.as_ref().map_or(0, |note| note.times) + 1;
                if times > 3 {
                    return "note_full times=3".to_owned();
                }
                *written = Some(Written {
                    text: words[3].to_owned(),
                    times,
                    fades_at_ms,
                });
            }
            ("NOTE.LAST", _) => return self.last_info(),
            ("NOTE.STAY", Some(note)) => note.fades_at_ms = fades_at_ms,
            _ => {}
        }
        self.info()
    }

    fn questions(&self) -> Vec<(String, String)> {
        let when = match &self.written {
            Some(note) => format!("fades_at_ms={}", note.fades_at_ms),
            None => self.info(),
        };
        let key = &self.key;
        vec![
            (format!("NOTE.GET {key}"), self.info()),
            (format!("NOTE.WHEN {key}"), when),
            (format!("NOTE.LAST {key}"), self.last_info()),
        ]
    }

    fn last_info(&self) -> String {
        let last = self.last.map(|times| format!("times={times}"));
        last.unwrap_or_else(|| "unknown_note".to_owned())
    }

    fn info(&self) -> String {
        match &self.written {
            Some(Written { text, times, .. }) => {
                format!("key={} text={text} times={times}", self.key)
            }
            None => "unknown_note".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::Stepper;
    use tidegate_topic::{STREAM, TOPIC};

    use super::*;
    use crate::history::History;

    /// A stream of whose groups both have entries that are pending, and what the model knows of it.
    fn stream() -> (Stepper, History) {
        let mut engine = Stepper::fresh(&[TOPIC, STREAM]);
        engine.call("TOPIC.CREATE s");
        let mut history = History::new(Model::Stream(Stream::new(5)));
        let has_pending = |engine: &mut Stepper, group| first_pending(engine, group).is_some();
        while !has_pending(&mut engine, "g") || !has_pending(&mut engine, "h") {
            engine.pass_ms(10);
            let command = history.last().random_command(&mut Random::new(0));
            let (answer, _) = history.apply(&command, engine.now_ms());
            assert_eq!(engine.call(&command), answer, "{command}");
        }
        (engine, history)
    }

    fn first_pending(engine: &mut Stepper, group: &str) -> Option<String> {
        first_id(&engine.call(&format!("XPENDING s {group} - + 1")))
    }

    fn first_id(told: &str) -> Option<String> {
        let id = told.strip_prefix("[[")?.split(' ').next();
        id.map(str::to_owned)
    }

    fn settles(engine: &mut Stepper, history: &mut History) -> bool {
        history.settle(engine.now_ms(), |question| engine.call(question))
    }

    #[test]
    fn what_became_of_a_stream_and_nobody_has_asked_for_is_noticed() {
        let (mut engine, mut history) = stream();
        assert!(settles(&mut engine, &mut history));
        for command in [
            "XADD s 99999-1 v 1",
            "XTRIM s MAXLEN 0",
            "XDEL s ENTRY",
            "XACK s g FIRST",
            "XCLAIM s g new 0 FIRST JUSTID",
            "XGROUP SETID s h 99999-0",
            "XGROUP CREATECONSUMER s h new",
            "XGROUP DESTROY s h",
        ] {
            let (mut engine, mut history) = stream();
            let first = first_pending(&mut engine, "g").expect("because both have some");
            let entry =
                first_id(&engine.call("XRANGE s - + COUNT 1")).expect("because it has some");
            let command = command.replace("FIRST", &first).replace("ENTRY", &entry);
            let told = engine.call(&command);
            assert!(!settles(&mut engine, &mut history), "{command}: {told}");
        }
    }

    #[test]
    fn an_answer_is_as_expected_but_for_what_is_left_open() {
        for (expected, answer) in [
            ("a", "a"),
            ("a…", "ab"),
            ("…b …d …", "a b c d e"),
            ("…", ""),
        ] {
            assert!(is_as(expected, answer), "{expected}: {answer}");
        }
        for (expected, answer) in [
            ("a", "ab"),
            ("b…", "ab"),
            ("…d …b …", "a b c d e"),
            ("", "a"),
        ] {
            assert!(!is_as(expected, answer), "{expected}: {answer}");
        }
    }
}
