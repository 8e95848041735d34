//! A topic that is deleted now and then and declared again: once that it is deleted was acknowledged it is not there until
//! somebody declares it, and what it had is nothing to the next one. The laws tell of what is left.

use tidegate_engine::Random;
use tidegate_engine::contract::Status;
use tidegate_engine::testing::Stepper;

use crate::sales::word;

const TOPIC: &str = "brief";

/// Commands that may be under way.
const ASKED_MAX: usize = 3;

enum About {
    Create,
    /// So many declarations had been sent before.
    Delete {
        creates: u64,
    },
    Read,
    Other,
}

#[derive(Default)]
pub(crate) struct Briefs {
    asked: Vec<(u64, About)>,
    sent: u64,
    /// Declarations so far.
    creates: u64,
    /// Leases that were told.
    leases: Vec<String>,
    is_gone: bool,
}

impl Briefs {
    pub(crate) fn declare(engine: &mut Stepper, parts: u64) {
        engine.call(&format!("TOPIC.CREATE {TOPIC} PARTS {parts}"));
    }

    pub(crate) fn ask(&mut self, engine: &mut Stepper, random: &mut Random) {
        if self.asked.len() == ASKED_MAX {
            return;
        }
        let (about, command) = match random.below(16) {
            0..2 => {
                self.creates += 1;
                self.is_gone = false;
                (About::Create, format!("CREATE {TOPIC}"))
            }
            2 => (
                About::Other,
                format!("GROUP {TOPIC} g LEASE 900 TRIES 2 REST 100"),
            ),
            3..9 => (About::Other, self.publish(random)),
            9..12 => (About::Read, format!("READ {TOPIC} g m COUNT 3")),
            12..14 if !self.leases.is_empty() => {
                let at = random.below(self.leases.len() as u64) as usize;
                let (lease, how) = (self.leases.swap_remove(at), random.below(3) as usize);
                let how = ["ACK", "NACK", "NACK"][how];
                (About::Other, format!("{how} {TOPIC} g {lease}"))
            }
            12..15 => (About::Other, format!("REPLAYALL {TOPIC} g")),
            _ => {
                let creates = self.creates;
                (About::Delete { creates }, format!("DELETE {TOPIC}"))
            }
        };
        let token = engine.submit(&format!("TOPIC.{command}"));
        let token = token.expect("because the command is well formed");
        self.asked.push((token, about));
    }

    fn publish(&mut self, random: &mut Random) -> String {
        self.sent += 1;
        let delay = ["", "", " DELAY 700"][random.below(3) as usize];
        let (id, key) = (self.sent % 40, self.sent % 3);
        format!("PUBLISH {TOPIC} m{id} x KEY k{key}{delay}")
    }

    /// Takes note of what was answered; gives how many answers there were.
    pub(crate) fn collect(&mut self, engine: &Stepper) -> u64 {
        let mut heard = 0;
        for (token, about) in std::mem::take(&mut self.asked) {
            let Some((status, answer)) = engine.answer(token) else {
                self.asked.push((token, about));
                continue;
            };
            heard += 1;
            match about {
                About::Read => {
                    let lease = word(&answer, "lease").filter(|lease| *lease != "-");
                    self.leases.extend(lease.map(str::to_owned));
                }
                About::Delete { creates } if status == Status::Done => {
                    let is_last = creates == self.creates && !self.declares();
                    self.is_gone |= is_last;
                }
                About::Create | About::Delete { .. } | About::Other => {}
            }
        }
        heard
    }

    /// Whether it may be declared at any time.
    fn declares(&self) -> bool {
        let mut asked = self.asked.iter();
        asked.any(|(_, about)| matches!(about, About::Create))
    }

    /// The process has ended: nobody will be answered.
    pub(crate) fn break_off(&mut self) {
        self.asked.clear();
    }

    pub(crate) fn check(&self, engine: &mut Stepper) -> Result<(), String> {
        let told = engine.call(&format!("TOPIC.GET {TOPIC}"));
        if self.is_gone && told != "unknown_topic" {
            return Err(format!("{TOPIC} was deleted: {told}"));
        }
        Ok(())
    }
}
