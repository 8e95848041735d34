//! One counter in the simplest words there are, to hold the domain against.

mod leading;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tidegate_engine::Random;

/// Widths of buckets and how long they are kept, in milliseconds, as [`DECLARED`] has them.
const LEVELS: [(u64, u64); 3] = [(1_000, 20_000), (5_000, 60_000), (60_000, 600_000)];
const LATE_MS: u64 = 45_000;
const DEDUPE_MS: u64 = 7_000;
const TOP: u64 = 3;

/// How the oracle's counter is declared.
pub const DECLARED: &str = "COUNTER.CREATE v SHARDS 3 TOP 3 BUCKETS 1s:20s,5s:60s,60s:10m LATE_MS 45s DEDUPE_MS 7s DIMS c,d";

/// An event as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    id: Option<String>,
    key: String,
    amount: u64,
    at_ms: Option<u64>,
    /// The value of dimension `d`.
    value: Option<String>,
}

/// An event that was counted in those levels that kept its bucket then.
#[derive(Clone, Debug)]
struct Counted {
    key: String,
    amount: u64,
    at_ms: u64,
    value: Option<String>,
}

/// A counter whose commands are given and answered as words.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    counted: Vec<Counted>,
    /// When each id of a key came last and was not known, with what it said, and whether it was late.
    came: BTreeMap<(String, String), (u64, Event, bool)>,
    late: u64,
    sent: Vec<Event>,
    now_ms: u64,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Counted,
    Late,
    Repeated(bool),
    Conflict,
    Ahead,
}

/// The beginning of an answer to a question, and how it is to be held against it.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The answer has these words.
    Says(String),
    /// It lists so many late events.
    Lists(u64),
    /// It lists leading keys: all counts of the span by key, and how many were asked for.
    Leads(BTreeMap<String, u64>, usize),
    /// It lists hot keys: all scores by key, and how many were asked for.
    Scores(BTreeMap<String, f64>, usize),
}

impl Oracle {
    /// Time has passed.
    pub fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    fn random_event(&mut self, random: &mut Random) -> Event {
        if !self.sent.is_empty() && random.chance(1, 3) {
            let mut again = self.sent[random.below(self.sent.len() as u64) as usize].clone();
            if random.chance(1, 8) {
                again.amount += 1;
            }
            return again;
        }
        let most = 1 + random.below(9);
        let id = random
            .chance(2, 3)
            .then(|| format!("e{}", random.below(60)));
        let at_ms = match random.below(4) {
            0 => None,
            1 => Some(self.now_ms - random.below(LATE_MS + 10_000)),
            2 => Some(self.now_ms - random.below(3_000)),
            _ => Some(self.now_ms + random.below(2_000)),
        };
        let ahead = random.chance(1, 40).then_some(self.now_ms + 60_001);
        let event = Event {
            id,
            key: format!("k{}", random.below(most)),
            amount: 1 + random.below(4),
            at_ms: ahead.or(at_ms),
            value: random.chance(1, 2).then(|| format!("x{}", random.below(4))),
        };
        self.sent.push(event.clone());
        event
    }

    /// Some command, and what it answers.
    pub fn random_command(&mut self, random: &mut Random) -> (String, String) {
        if random.chance(1, 2) {
            let event = self.random_event(random);
            return (event.as_command(), self.answer(&event));
        }
        let many = 1 + random.below(12);
        let events: Vec<_> = (0..many).map(|_| self.random_event(random)).collect();
        let mut command = format!("COUNTER.ADDALL v {many}");
        events
            .iter()
            .for_each(|event| command.push_str(&event.as_item()));
        (command, self.answer_all(&events))
    }

    fn answer(&mut self, event: &Event) -> String {
        let (state, repeated) = match self.take(event) {
            Fate::Counted => ("counted", false),
            Fate::Late => ("late", false),
            Fate::Repeated(false) => ("counted", true),
            Fate::Repeated(true) => ("late", true),
            Fate::Conflict => return "id_conflict".to_owned(),
            Fate::Ahead => return "too_far_ahead".to_owned(),
        };
        format!("key={} state={state} repeated={repeated} ", event.key)
    }

    fn answer_all(&mut self, events: &[Event]) -> String {
        let (mut counted, mut repeated, mut late, mut refused) = (0, 0, 0, Vec::new());
        for (item, event) in (1..).zip(events) {
            match self.take(event) {
                Fate::Counted => counted += 1,
                Fate::Repeated(_) => repeated += 1,
                Fate::Late => late += 1,
                Fate::Conflict => refused.push(format!("{{item={item} code=id_conflict}}")),
                Fate::Ahead => refused.push(format!("{{item={item} code=too_far_ahead}}")),
            }
        }
        let refused = refused.join(" ");
        format!("counted={counted} repeated={repeated} late={late} refused=[{refused}]")
    }

    fn take(&mut self, event: &Event) -> Fate {
        if event
            .at_ms
            .is_some_and(|at_ms| at_ms > self.now_ms + 60_000)
        {
            return Fate::Ahead;
        }
        let is_late = event
            .at_ms
            .is_some_and(|at_ms| at_ms + LATE_MS < self.now_ms);
        if let Some(id) = &event.id {
            let place = (event.key.clone(), id.clone());
            if let Some((came_ms, earlier, was_late)) = self.came.get(&place)
                && self.now_ms - came_ms < DEDUPE_MS
            {
                let is_same = earlier == event;
                return if is_same {
                    Fate::Repeated(*was_late)
                } else {
                    Fate::Conflict
                };
            }
            self.came
                .insert(place, (self.now_ms, event.clone(), is_late));
        }
        if is_late {
            self.late += 1;
            return Fate::Late;
        }
        self.counted.push(Counted {
            key: event.key.clone(),
            amount: event.amount,
            at_ms: event.at_ms.unwrap_or(self.now_ms),
            value: event.value.clone(),
        });
        Fate::Counted
    }

    /// What was counted between two times, of one key or of all.
    fn sum(&self, key: Option<&str>, from_ms: u64, to_ms: u64) -> u64 {
        let counted = self.counted.iter();
        let of_key = counted.filter(|one| key.is_none_or(|key| one.key == key));
        let within = of_key.filter(|one| (from_ms..to_ms).contains(&one.at_ms));
        within.map(|one| one.amount).sum()
    }

    /// When the first bucket begins that a level keeps.
    fn kept_from_ms(&self, (width_ms, keep_ms): (u64, u64)) -> u64 {
        (self.now_ms - keep_ms) / width_ms * width_ms
    }

    /// Questions, and what they are answered.
    #[must_use]
    pub fn questions(&self, random: &mut Random) -> Vec<(String, Expected)> {
        let key = format!("k{}", random.below(9));
        let mut all = vec![self.about_late()];
        for key in [key.as_str(), "*"] {
            all.push(self.get(key));
            all.push(self.range(key, random));
            all.push(self.by(key));
        }
        all.push(self.top(random));
        all.push(self.top_by(random));
        all.push(self.top_with(random));
        all.push(self.hot(random));
        all
    }

    fn about_late(&self) -> (String, Expected) {
        (
            "COUNTER.LATE v LIMIT 1000".into(),
            Expected::Lists(self.late),
        )
    }

    fn get(&self, key: &str) -> (String, Expected) {
        let from_ms = self.kept_from_ms(LEVELS[2]);
        let count = self.sum(named(key), from_ms, u64::MAX);
        let says = format!("key={key} count={count} kept_from_ms={from_ms} exact=true");
        (format!("COUNTER.GET v {key}"), Expected::Says(says))
    }

    fn range(&self, key: &str, random: &mut Random) -> (String, Expected) {
        let level = LEVELS[random.below(3) as usize];
        let times = if level.0 == 1_000 {
            1 + random.below(4)
        } else {
            1
        };
        let step_ms = level.0 * times;
        let widest = LEVELS
            .iter()
            .rfind(|(width, _)| step_ms.is_multiple_of(*width));
        let kept_ms = self.kept_from_ms(*widest.unwrap_or(&level));
        let from_ms = self.now_ms - random.below(70_000);
        let to_ms = from_ms + 1 + random.below(40_000);
        let mut begins_ms = from_ms / step_ms * step_ms;
        let mut counts = Vec::new();
        while begins_ms < to_ms {
            let ends_ms = begins_ms + step_ms;
            let sum = self.sum(named(key), begins_ms, ends_ms);
            counts.push(if begins_ms < kept_ms {
                "-".to_owned()
            } else {
                sum.to_string()
            });
            begins_ms = ends_ms;
        }
        let says = format!("counts=[{}] ", counts.join(" "));
        let command = format!("COUNTER.RANGE v {key} FROM {from_ms} TO {to_ms} STEP {step_ms}");
        (command, Expected::Says(says))
    }

    /// The last minutes as one step, by value.
    fn by(&self, key: &str) -> (String, Expected) {
        let step_ms = 60_000 * 1_000;
        let from_ms = self.now_ms / step_ms * step_ms;
        let kept_ms = self.kept_from_ms(LEVELS[2]);
        let within = self.counted.iter().filter(|one| one.at_ms >= from_ms);
        let of_key = within.filter(|one| named(key).is_none_or(|key| one.key == key));
        let mut totals = BTreeMap::<&str, u64>::new();
        for one in of_key {
            if let Some(value) = &one.value {
                *totals.entry(value).or_default() += one.amount;
            }
        }
        let mut totals: Vec<_> = totals
            .into_iter()
            .map(|(value, total)| (Reverse(total), value))
            .collect();
        totals.sort_unstable();
        let told = totals.iter().map(|(Reverse(total), value)| {
            format!("{{value={value} counts=[{total}] total={total}}}")
        });
        let told: Vec<_> = told.collect();
        let says = format!("values=[{}] ", told.join(" "));
        let (to_ms, command) = (from_ms + step_ms, "COUNTER.RANGE v");
        let command = format!("{command} {key} FROM {from_ms} TO {to_ms} STEP {step_ms} BY d");
        let expected = if kept_ms <= from_ms {
            says
        } else {
            "values=[]".to_owned()
        };
        (command, Expected::Says(expected))
    }

    fn top(&self, random: &mut Random) -> (String, Expected) {
        let (width_ms, keep_ms) = LEVELS[random.below(3) as usize];
        let ago_ms = random.below(keep_ms - width_ms);
        let from_ms = (self.now_ms - ago_ms) / width_ms * width_ms;
        let to_ms = from_ms + width_ms * (1 + random.below(3));
        let mut counts = BTreeMap::<String, u64>::new();
        let within = self.counted.iter();
        for one in within.filter(|one| (from_ms..to_ms).contains(&one.at_ms)) {
            *counts.entry(one.key.clone()).or_default() += one.amount;
        }
        let count = 1 + random.below(TOP);
        let command = format!("COUNTER.TOP v FROM {from_ms} TO {to_ms} COUNT {count}");
        (command, Expected::Leads(counts, count as usize))
    }
}

/// `*` is all keys.
fn named(key: &str) -> Option<&str> {
    Some(key).filter(|key| *key != "*")
}

impl Event {
    fn as_command(&self) -> String {
        let Self {
            id,
            key,
            amount,
            at_ms,
            value,
        } = self;
        let dims = value
            .as_ref()
            .map_or(String::new(), |value| format!(" DIMS d={value}"));
        let id = id.as_deref().unwrap_or("*");
        let at = at_ms.map_or(String::new(), |at_ms| format!(" AT {at_ms}"));
        format!("COUNTER.ADD v {id} {key} AMOUNT {amount}{at}{dims}")
    }

    fn as_item(&self) -> String {
        let id = self.id.as_deref().unwrap_or("*");
        let at = self
            .at_ms
            .map_or("\"\"".to_owned(), |at_ms| at_ms.to_string());
        let dims = self.value.as_ref();
        let dims = dims.map_or("\"\"".to_owned(), |value| format!("d={value}"));
        format!(" {id} {} {} {at} \"\" {dims}", self.key, self.amount)
    }
}

impl Expected {
    /// What is wrong with an answer, if anything.
    ///
    /// # Errors
    /// What it should have been.
    pub fn check(&self, answer: &str) -> Result<(), String> {
        match self {
            Self::Says(words) if answer.contains(words) => Ok(()),
            Self::Says(words) => Err(format!("expected {words}")),
            Self::Lists(many) if answer.matches("came_at_ms=").count() as u64 == *many => Ok(()),
            Self::Lists(many) => Err(format!("expected {many} items")),
            Self::Leads(counts, most) => check_leading(answer, counts, *most),
            Self::Scores(scores, most) => leading::check_scores(answer, scores, *most),
        }
    }
}

/// The keys named have the counts that they have, in their order; and if the answer says that it is exact, no other one
/// has more, and else not more than it says.
fn check_leading(answer: &str, counts: &BTreeMap<String, u64>, most: usize) -> Result<(), String> {
    let words = answer.split([' ', '[', ']', '{', '}']);
    let (mut keys, mut told, mut missed, mut is_exact) = (Vec::new(), Vec::new(), 0, false);
    for word in words {
        match word.split_once('=') {
            Some(("key", key)) => keys.push(key.to_owned()),
            Some(("count", count)) => told.push(count.parse::<u64>().unwrap_or_default()),
            Some(("missed_at_most", count)) => missed = count.parse().unwrap_or_default(),
            Some(("exact", word)) => is_exact = word == "true",
            Some(_) | None => {}
        }
    }
    let has: Vec<_> = keys
        .iter()
        .map(|key| counts.get(key).copied().unwrap_or_default())
        .collect();
    let others = counts.iter().filter(|(key, _)| !keys.contains(key));
    let highest = others.map(|(_, count)| *count).max().unwrap_or_default();
    let last = told.last().copied().unwrap_or_default();
    let bound = if is_exact { last } else { missed.max(last) };
    let is_short = keys.len() < most && keys.len() < counts.len() && is_exact;
    let is_sorted = told.is_sorted_by(|a, b| a >= b);
    if has != told || !is_sorted || keys.len() > most || highest > bound || is_short {
        return Err(format!("{most} of {counts:?}"));
    }
    Ok(())
}
