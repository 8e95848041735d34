//! One queue in the simplest words there are, to hold the domain against.

use std::collections::BTreeMap;

use tidegate_engine::{Backoff, Random};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Scheduled,
    Ready,
    Running,
    Done,
    Dead,
    Cancelled,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

#[derive(Clone, Debug)]
struct Job {
    words: String,
    number: u64,
    state: State,
    /// When it has come where it is, among all that do.
    turn: u64,
    /// When something becomes of it by itself.
    at_ms: u64,
    priority: u64,
    retries: u64,
    backoff_ms: u64,
    timeout_ms: u64,
    keep_ms: u64,
    deadline_ms: Option<u64>,
    created_at_ms: u64,
    tries: u64,
    lease: Option<String>,
    /// The command that has ended the lease.
    word: Option<&'static str>,
    result: Option<String>,
}

/// A queue whose commands are given and answered as words.
#[derive(Clone, Debug)]
pub struct Oracle {
    name: String,
    jobs: BTreeMap<u64, Job>,
    /// Leases that were given, with the jobs under them.
    leases: Vec<(u64, String)>,
    added: u64,
    turns: u64,
    now_ms: u64,
}

/// What happens with time, in the order in which that of one moment happens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Due,
    LeaseEnds,
    Deadline,
}

impl Oracle {
    /// A queue to which nothing was added.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            jobs: BTreeMap::new(),
            leases: Vec::new(),
            added: 0,
            turns: 0,
            now_ms: 0,
        }
    }

    /// Time has passed, and all that is due happens, in its order.
    pub fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        let mut events = Vec::new();
        for (id, job) in &self.jobs {
            match job.state {
                State::Scheduled => events.push((job.at_ms, Event::Due, format!("j{id}"), *id)),
                State::Running => {
                    events.push((job.at_ms, Event::LeaseEnds, format!("j{id}"), *id));
                }
                State::Ready | State::Done | State::Dead | State::Cancelled => {}
            }
            if let Some(deadline_ms) = job.deadline_ms.filter(|_| !job.state.has_ended()) {
                events.push((deadline_ms, Event::Deadline, format!("j{id}"), *id));
            }
        }
        events.sort();
        for (_, event, _, id) in events.into_iter().filter(|event| event.0 <= now_ms) {
            let job = &self.jobs[&id];
            match event {
                Event::Due if job.state == State::Scheduled && job.at_ms <= now_ms => {
                    self.go(id, State::Ready, 0);
                }
                Event::LeaseEnds if job.state == State::Running => self.fail(id, None),
                Event::Deadline if !job.state.has_ended() => self.go(id, State::Dead, 0),
                Event::Due | Event::LeaseEnds | Event::Deadline => {}
            }
        }
        self.jobs.retain(|_, job| match job.state {
            State::Done | State::Cancelled => job.at_ms > now_ms,
            State::Scheduled | State::Ready | State::Running | State::Dead => true,
        });
    }

    fn go(&mut self, id: u64, state: State, at_ms: u64) {
        self.turns += 1;
        let turn = self.turns;
        if let Some(job) = self.jobs.get_mut(&id) {
            (job.state, job.at_ms, job.turn) = (state, at_ms, turn);
        }
    }

    fn fail(&mut self, id: u64, delay_ms: Option<u64>) {
        let job = &self.jobs[&id];
        if job.tries > job.retries {
            return self.go(id, State::Dead, 0);
        }
        let backoff = Backoff {
            min_ms: job.backoff_ms,
            max_ms: 3_600_000,
        };
        let tries = u32::try_from(job.tries).unwrap_or(u32::MAX);
        let rest_ms = delay_ms.unwrap_or_else(|| backoff.rest_ms(job.number, tries));
        self.go(id, State::Scheduled, self.now_ms + rest_ms);
    }

    /// Some command about the queue.
    #[must_use]
    pub fn random_command(&self, random: &mut Random) -> String {
        let name = &self.name;
        let id = random.below(14);
        match random.below(17) {
            0..=4 => self.random_add(random, id),
            5..=7 => format!("JOB.TAKE w 1 {name} COUNT {}", 1 + random.below(4)),
            8..=12 => {
                let Some((id, lease)) = self.some_lease(random) else {
                    return format!("JOB.QUEUE {name}");
                };
                match random.below(6) {
                    0..=1 => format!("JOB.DONE {name} j{id} {lease} RESULT r{id}"),
                    2 => format!("JOB.FAIL {name} j{id} {lease}"),
                    3 => format!(
                        "JOB.FAIL {name} j{id} {lease} DELAY {}",
                        1 + random.below(900)
                    ),
                    4 => format!("JOB.SNOOZE {name} j{id} {lease} {}", 1 + random.below(900)),
                    _ => format!("JOB.PROGRESS {name} j{id} {lease}"),
                }
            }
            13 => format!("JOB.CANCEL {name} j{id}"),
            14 => format!("JOB.REPLAY {name} j{id}"),
            15 => match random.below(6) {
                0 => format!("JOB.REPLAYALL {name}"),
                1 => format!("JOB.DROPALL {name}"),
                _ => format!("JOB.DROP {name} j{id}"),
            },
            _ => format!("JOB.GET {name} j{id}"),
        }
    }

    fn some_lease(&self, random: &mut Random) -> Option<(u64, String)> {
        // Mostly one of the last.
        let last = self.leases.len().checked_sub(1)? as u64;
        let back = if random.chance(4, 5) {
            random.below(3)
        } else {
            random.below(last + 1)
        };
        let at = usize::try_from(last.saturating_sub(back)).unwrap_or_default();
        self.leases.get(at).cloned()
    }

    fn random_add(&self, random: &mut Random, id: u64) -> String {
        let mut words = format!("JOB.ADD {} j{id} p{id}", self.name);
        if random.chance(1, 3) {
            words += &format!(" DELAY {}", 1 + random.below(1_500));
        }
        if random.chance(1, 3) {
            words += &format!(" PRIORITY {}", random.below(10));
        }
        if random.chance(1, 2) {
            words += &format!(" RETRIES {}", random.below(3));
        }
        if random.chance(1, 2) {
            words += &format!(" BACKOFF {}", 1 + random.below(500));
        }
        if random.chance(1, 2) {
            words += &format!(" TIMEOUT {}", 1 + random.below(1_000));
        }
        if random.chance(1, 2) {
            words += &format!(" KEEP {}", 1 + random.below(2_000));
        }
        if random.chance(1, 4) {
            words += &format!(" DEADLINE {}", self.now_ms + random.below(3_000));
        }
        if random.chance(1, 3) {
            words += " UNIQUE live";
        }
        words
    }

    /// Does what a command of [`Oracle::random_command`] asks for; gives the end of its answer.
    ///
    /// # Panics
    /// It is no such command.
    pub fn apply(&mut self, command: &str) -> String {
        let words: Vec<_> = command.split(' ').collect();
        let id = words.get(2).and_then(|word| word.strip_prefix('j'));
        let id = id.map_or(0, |id| id.parse().expect("because ids are numbered"));
        match words[0] {
            "JOB.ADD" => self.add(id, command, &words),
            "JOB.TAKE" => self.take(number(&words, "COUNT").unwrap_or(1)),
            "JOB.DONE" => self.said(id, "done", words[3], |oracle| {
                let keep_ms = oracle.jobs[&id].keep_ms;
                oracle.go(id, State::Done, oracle.now_ms + keep_ms);
                if let Some(job) = oracle.jobs.get_mut(&id) {
                    job.result = Some(words[5].to_owned());
                }
            }),
            "JOB.FAIL" => {
                let delay_ms = number(&words, "DELAY");
                self.said(id, "fail", words[3], |oracle| oracle.fail(id, delay_ms))
            }
            "JOB.SNOOZE" => {
                let delay_ms: u64 = words[4].parse().expect("because it is a number");
                self.said(id, "snooze", words[3], |oracle| {
                    oracle.go(id, State::Scheduled, oracle.now_ms + delay_ms);
                    if let Some(job) = oracle.jobs.get_mut(&id) {
                        job.tries -= 1;
                    }
                })
            }
            "JOB.PROGRESS" => self.progress(id, words[3]),
            "JOB.CANCEL" => self.cancel(id),
            "JOB.REPLAY" => self.of_dead(id, Self::replay),
            "JOB.DROP" => self.of_dead(id, |oracle, id| drop(oracle.jobs.remove(&id))),
            "JOB.REPLAYALL" => self.all_dead(Self::replay),
            "JOB.DROPALL" => self.all_dead(|oracle, id| drop(oracle.jobs.remove(&id))),
            "JOB.GET" => self.get(id),
            "JOB.QUEUE" => self.queue(),
            name => panic!("{name} is none of its commands"),
        }
    }

    /// What an answer tells that nobody knows beforehand: the lease of what was taken.
    pub fn heard(&mut self, answer: &str) {
        let lease = answer
            .split(' ')
            .find_map(|word| word.strip_prefix("lease="));
        let Some(lease) = lease.filter(|lease| *lease != "-") else {
            return;
        };
        for (id, job) in &mut self.jobs {
            if job.state == State::Running && job.lease.is_none() {
                job.lease = Some(lease.to_owned());
                self.leases.push((*id, lease.to_owned()));
            }
        }
    }

    /// Questions whose whole answers say all that there is to know about the queue.
    #[must_use]
    pub fn questions(&self) -> Vec<(String, String)> {
        let name = &self.name;
        let mut questions = vec![(format!("JOB.QUEUE {name}"), self.queue())];
        for state in [State::Ready, State::Dead, State::Scheduled] {
            let ids: Vec<_> = self
                .in_line(state)
                .into_iter()
                .map(|id| format!("j{id}"))
                .collect();
            questions.push((format!("JOB.LIST {name} {}", state.word()), ids.join(" ")));
        }
        questions
    }

    /// The jobs in a state, in the order in which they are listed.
    fn in_line(&self, state: State) -> Vec<u64> {
        let jobs = self.jobs.iter().filter(|(_, job)| job.state == state);
        let mut jobs: Vec<_> = jobs.collect();
        jobs.sort_by_key(|(id, job)| match state {
            State::Ready => (9 - job.priority, job.turn, String::new()),
            State::Scheduled => (job.at_ms, 0, format!("j{id}")),
            State::Running | State::Done | State::Dead | State::Cancelled => {
                (0, job.turn, String::new())
            }
        });
        jobs.into_iter().map(|(id, _)| *id).collect()
    }

    fn add(&mut self, id: u64, command: &str, words: &[&str]) -> String {
        if let Some(job) = self.jobs.get(&id) {
            let makes_room = job.state.has_ended() && command.ends_with("UNIQUE live");
            if !makes_room && job.words != command {
                return "id_conflict".into();
            }
            if !makes_room {
                return self.receipt(id, true);
            }
        }
        let delay_ms = number(words, "DELAY");
        let due_ms = self.now_ms + delay_ms.unwrap_or(0);
        let deadline_ms = number(words, "DEADLINE");
        if deadline_ms.is_some_and(|deadline_ms| deadline_ms <= due_ms) {
            return "deadline_passed".into();
        }
        self.added += 1;
        let job = Job {
            words: command.to_owned(),
            number: self.added,
            state: State::Ready,
            turn: 0,
            at_ms: 0,
            priority: number(words, "PRIORITY").unwrap_or(4),
            retries: number(words, "RETRIES").unwrap_or(10),
            backoff_ms: number(words, "BACKOFF").unwrap_or(1_000),
            timeout_ms: number(words, "TIMEOUT").unwrap_or(60_000),
            keep_ms: number(words, "KEEP").unwrap_or(600_000),
            deadline_ms,
            created_at_ms: self.now_ms,
            tries: 0,
            lease: None,
            word: None,
            result: None,
        };
        self.jobs.insert(id, job);
        match delay_ms {
            Some(_) => self.go(id, State::Scheduled, due_ms),
            None => self.go(id, State::Ready, 0),
        }
        self.receipt(id, false)
    }

    fn take(&mut self, count: u64) -> String {
        let ids = self.in_line(State::Ready).into_iter();
        let ids: Vec<_> = ids
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .collect();
        let taken: Vec<_> = ids.into_iter().map(|id| self.take_one(id)).collect();
        format!("jobs=[{}]", taken.join(" "))
    }

    fn take_one(&mut self, id: u64) -> String {
        let job = &self.jobs[&id];
        let until_ms = self.now_ms + job.timeout_ms;
        let until_ms = job
            .deadline_ms
            .map_or(until_ms, |deadline_ms| deadline_ms.min(until_ms));
        self.go(id, State::Running, until_ms);
        let Some(job) = self.jobs.get_mut(&id) else {
            return String::new();
        };
        job.tries += 1;
        (job.lease, job.word) = (None, None);
        let (tries, priority, created_at_ms) = (job.tries, job.priority, job.created_at_ms);
        format!(
            "{{id=j{id} payload=p{id} tries={tries} priority={priority} \
             created_at_ms={created_at_ms} until_ms={until_ms}}}"
        )
    }

    fn said(
        &mut self,
        id: u64,
        word: &'static str,
        lease: &str,
        done: impl FnOnce(&mut Self),
    ) -> String {
        let Some(job) = self.jobs.get_mut(&id) else {
            return "unknown_job".into();
        };
        if job.lease.as_deref() != Some(lease) {
            return "lease_over".into();
        }
        match (job.state, job.word) {
            (State::Running, _) => {
                job.word = Some(word);
                done(self);
                self.receipt(id, false)
            }
            (State::Cancelled, None) => "job_cancelled".into(),
            (_, Some(before)) if before == word => self.receipt(id, true),
            (_, _) => "lease_over".into(),
        }
    }

    fn progress(&mut self, id: u64, lease: &str) -> String {
        let now_ms = self.now_ms;
        let Some(job) = self.jobs.get_mut(&id) else {
            return "unknown_job".into();
        };
        if job.lease.as_deref() != Some(lease) {
            return "lease_over".into();
        }
        match (job.state, job.word) {
            (State::Running, _) => {
                let until_ms = now_ms + job.timeout_ms;
                job.at_ms = job
                    .deadline_ms
                    .map_or(until_ms, |deadline_ms| deadline_ms.min(until_ms));
                format!("until_ms={}", job.at_ms)
            }
            (State::Cancelled, None) => "job_cancelled".into(),
            (_, _) => "lease_over".into(),
        }
    }

    fn cancel(&mut self, id: u64) -> String {
        let Some(job) = self.jobs.get(&id) else {
            return "unknown_job".into();
        };
        match job.state {
            State::Scheduled | State::Ready | State::Running => {
                let until_ms = self.now_ms + job.keep_ms;
                self.go(id, State::Cancelled, until_ms);
                self.receipt(id, false)
            }
            State::Cancelled => self.receipt(id, true),
            State::Done | State::Dead => format!("job_ended state={}", job.state.word()),
        }
    }

    fn replay(&mut self, id: u64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            (job.tries, job.deadline_ms) = (0, None);
        }
        self.go(id, State::Ready, 0);
    }

    fn of_dead(&mut self, id: u64, act: impl FnOnce(&mut Self, u64)) -> String {
        match self.jobs.get(&id).map(|job| job.state) {
            None => "unknown_job".into(),
            Some(State::Dead) => {
                act(self, id);
                "repeated=false".into()
            }
            Some(state) => format!("not_dead state={}", state.word()),
        }
    }

    fn all_dead(&mut self, act: impl Fn(&mut Self, u64)) -> String {
        if self.added == 0 {
            return "unknown_queue".into();
        }
        let dead = self.in_line(State::Dead);
        for id in &dead {
            act(self, *id);
        }
        format!("dead={} repeated=false", dead.len())
    }

    fn receipt(&self, id: u64, repeated: bool) -> String {
        let job = &self.jobs[&id];
        let due = match job.state {
            State::Scheduled => job.at_ms.to_string(),
            State::Ready | State::Running | State::Done | State::Dead | State::Cancelled => {
                "-".to_owned()
            }
        };
        let (name, state, tries) = (&self.name, job.state.word(), job.tries);
        format!(
            "queue={name} id=j{id} state={state} due_at_ms={due} tries={tries} repeated={repeated}"
        )
    }

    fn get(&self, id: u64) -> String {
        let Some(job) = self.jobs.get(&id) else {
            return "unknown_job".into();
        };
        let payload = match job.state {
            State::Done | State::Cancelled => "-".to_owned(),
            State::Scheduled | State::Ready | State::Running | State::Dead => format!("p{id}"),
        };
        let result = job.result.as_deref().unwrap_or("-");
        format!("payload={payload} result={result}")
    }

    fn queue(&self) -> String {
        if self.added == 0 {
            return "unknown_queue".into();
        }
        let count = |state| self.jobs.values().filter(|job| job.state == state).count();
        let (name, added) = (&self.name, self.added);
        format!(
            "queue={name} added={added} scheduled={} ready={} running={} done={} dead={} cancelled={}",
            count(State::Scheduled),
            count(State::Ready),
            count(State::Running),
            count(State::Done),
            count(State::Dead),
            count(State::Cancelled)
        )
    }
}

/// The number behind a word, if it is there.
fn number(words: &[&str], name: &str) -> Option<u64> {
    let at = words.iter().position(|word| *word == name)?;
    let number = words.get(at + 1)?.parse();
    Some(number.expect("because a number stands behind it"))
}
