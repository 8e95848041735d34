//! What the engine is held against: each key by itself, in the simplest words there are.

use tidegate_engine::Random;
use tidegate_stock::testing::Oracle;

/// One key of one domain.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    Sku(Oracle),
    Note(Note),
}

impl Model {
    /// Time has passed, and timers have fired.
    pub(crate) fn pass(&mut self, now_ms: u64) {
        match self {
            Self::Sku(sku) => sku.pass(now_ms),
            Self::Note(note) => note.pass(now_ms),
        }
    }

    pub(crate) fn random_command(&self, random: &mut Random) -> String {
        match self {
            Self::Sku(sku) => sku.random_command(random),
            Self::Note(note) => note.random_command(random),
        }
    }

    /// Does what a command asks for; gives a part of its answer.
    pub(crate) fn apply(&mut self, command: &str) -> String {
        match self {
            Self::Sku(sku) => sku.apply(command),
            Self::Note(note) => note.apply(command),
        }
    }

    /// Units that may be had.
    pub(crate) fn units(&self) -> i64 {
        match self {
            Self::Sku(sku) => sku.available(),
            Self::Note(_) => 0,
        }
    }

    /// Questions whose whole answers say all that there is to know about the key.
    pub(crate) fn questions(&self) -> Vec<(String, String)> {
        match self {
            Self::Sku(sku) => sku.questions(),
            Self::Note(note) => note.questions(),
        }
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
