//! Laws: on the way, once nothing is under way, and at the end.

use tidegate_engine::contract::Audit;

use super::{Stop, Violation, World};

impl World {
    /// Laws hold while letters are under way, too: whoever holds units has an owner, or mail is on its way.
    pub(super) fn audit(&mut self) -> Result<(), Violation> {
        self.tally.audits += 1;
        let audit = self.engine.audit();
        if audit.faults.is_empty() {
            return Ok(());
        }
        Err(Violation(format!(
            "laws broken on the way: {:?}",
            audit.faults
        )))
    }

    /// Everything acknowledged is there, and nothing that nobody asked for.
    pub(super) fn check_all(&mut self) -> Result<(), Violation> {
        self.follower.check(&mut self.engine).map_err(Violation)?;
        self.tally.events += std::mem::take(&mut self.follower.count);
        let Self { engine, keys, .. } = self;
        let now_ms = engine.now_ms();
        if now_ms < self.answered_ms {
            let what = format!("time ran back from {} to {now_ms}", self.answered_ms);
            return Err(Violation(what));
        }
        for key in keys {
            if !key.settle(now_ms, |question| engine.call(question)) {
                let lines = key
                    .at(now_ms)
                    .questions()
                    .into_iter()
                    .map(|(question, expected)| {
                        let answer = engine.call(&question);
                        format!(
                            "\n  {question}\n  answered {answer}\n  the last state says {expected}"
                        )
                    });
                let lines: String = lines.collect();
                return Err(Violation(format!(
                    "no state that may have survived answers as the engine does{lines}"
                )));
            }
        }
        let audit = engine.audit();
        if !audit.faults.is_empty() {
            return Err(Violation(format!("laws broken: {:?}", audit.faults)));
        }
        self.check_mail(&audit)?;
        self.orders.check(&mut self.engine).map_err(Violation)?;
        self.sales.check(&mut self.engine).map_err(Violation)?;
        self.splits.check().map_err(Violation)?;
        self.topics.check(&mut self.engine).map_err(Violation)?;
        self.jobs.check(&mut self.engine).map_err(Violation)?;
        self.counters.check(&mut self.engine).map_err(Violation)?;
        self.pushes.check(&mut self.engine).map_err(Violation)
    }

    /// Nothing is on its way: every letter was taken in once, and answered once.
    fn check_mail(&mut self, audit: &Audit) -> Result<(), Violation> {
        let figure = |name: &str| {
            let figure = audit.figures.iter().find(|figure| figure.name == name);
            figure.map_or(0, |figure| figure.value)
        };
        let [sent, received, thanked] = ["note.sent", "note.received", "note.thanked"].map(figure);
        let expected = self.shared..=self.shared + self.perhaps_shared;
        if expected.contains(&sent) && received == sent && thanked == sent {
            return Ok(());
        }
        Err(Violation(format!(
            "{sent} letters sent ({expected:?} were asked for), {received} taken in, {thanked} \
             answered"
        )))
    }

    /// Everything that waits is answered, and the books balance.
    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        self.engine.disk.calm();
        // A sync that failed beside the log is told by its next write.
        match self.execute().and_then(|()| self.write()) {
            Ok(()) => {}
            Err(Stop::Crashed) => return self.restart(true),
            Err(Stop::Broken(violation)) => return Err(violation),
        }
        self.engine.settle();
        self.collect()?;
        if let Some(asked) = self.asked.first() {
            return Err(Violation(format!("{} was never answered", asked.command)));
        }
        self.check_all()?;
        let Self {
            bank,
            gate,
            engine,
            random,
            tally,
            topics,
            jobs,
            counters,
            pushes,
            ..
        } = self;
        tally.calls += bank.asked;
        tally.checks += gate.asked;
        bank.drain(engine, random).map_err(Violation)?;
        bank.check(engine).map_err(Violation)?;
        topics.drain(engine).map_err(Violation)?;
        jobs.drain(engine).map_err(Violation)?;
        counters.drain(engine).map_err(Violation)?;
        pushes.drain(engine).map_err(Violation)?;
        tally.dropped += counters.dropped();
        (tally.brought, tally.brought_again) = (pushes.brought, pushes.brought_again());
        self.audit()
    }
}
