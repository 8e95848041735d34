//! One SKU whose commands come one after the other, in the simplest words there are. No hold
//! expires.

use std::collections::BTreeMap;

use histories::Model;

/// A command about the SKU. Ids are numbers.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Hold {
        id: u64,
        terms: Terms,
    },
    Confirm {
        id: u64,
    },
    Release {
        id: u64,
    },
    Return {
        id: u64,
        of: u64,
        quantity: Option<i64>,
    },
    Add {
        id: u64,
        delta: i64,
    },
    Get,
    HoldInfo {
        id: u64,
    },
}

/// What a hold asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    pub(crate) quantity: i64,
    pub(crate) buyer: u64,
}

/// Most units that a buyer may have.
pub(crate) const BUYER_MAX: i64 = 5;

/// An answer, without its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Units {
        total: i64,
        available: i64,
        held: i64,
        sold: i64,
        version: i64,
    },
    Held {
        state: String,
        quantity: i64,
        available: i64,
        repeated: bool,
    },
    Returned {
        state: String,
        quantity: i64,
        returnable: i64,
        repeated: bool,
    },
    Added {
        delta: i64,
        total: i64,
        repeated: bool,
    },
    Details {
        state: String,
        quantity: i64,
        returned: i64,
        buyer: String,
        steps: usize,
    },
    /// All words of a refusal.
    Refused(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Held,
    Confirmed,
    Released,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Hold {
    terms: Terms,
    state: State,
    /// What was asked for and what was taken back, by the id of the return.
    returns: BTreeMap<u64, (Option<i64>, i64)>,
}

impl Hold {
    fn returned(&self) -> i64 {
        self.returns.values().map(|(_, units)| units).sum()
    }

    fn left(&self) -> i64 {
        self.terms.quantity - self.returned()
    }

    fn word(&self) -> String {
        let word = match self.state {
            State::Held => "held",
            State::Confirmed if self.left() == 0 => "returned",
            State::Confirmed => "confirmed",
            State::Released => "released",
        };
        word.to_owned()
    }
}

/// The SKU.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sku {
    total: i64,
    holds: BTreeMap<u64, Hold>,
    /// What was added and the total then, by id, in the order of the ids.
    adds: BTreeMap<u64, (i64, i64)>,
}

impl Model for Sku {
    type State = Self;
    type Input = Command;
    type Output = Answer;

    fn step(sku: &Self, command: &Command, answer: Option<&Answer>) -> Option<Self> {
        let mut after = sku.clone();
        let expected = after.apply(command);
        answer
            .is_none_or(|answer| *answer == expected)
            .then_some(after)
    }
}

impl Sku {
    /// A SKU that was declared with so many units.
    pub(crate) fn new(total: i64) -> Self {
        let (holds, adds) = (BTreeMap::new(), BTreeMap::new());
        Self { total, holds, adds }
    }

    fn apply(&mut self, command: &Command) -> Answer {
        let done = match *command {
            Command::Hold { id, terms } => self.hold(id, terms),
            Command::Confirm { id } => self.confirm(id),
            Command::Release { id } => self.release(id),
            Command::Return { id, of, quantity } => self.give_back(id, of, quantity),
            Command::Add { id, delta } => self.add(id, delta),
            Command::Get => Ok(self.units()),
            Command::HoldInfo { id } => self.details(id),
        };
        done.unwrap_or_else(Answer::Refused)
    }

    fn in_state(&self, state: State) -> i64 {
        let holds = self.holds.values().filter(|hold| hold.state == state);
        holds.map(Hold::left).sum()
    }

    fn committed(&self) -> i64 {
        self.in_state(State::Held) + self.in_state(State::Confirmed)
    }

    fn available(&self) -> i64 {
        self.total - self.committed()
    }

    fn taken(&self, buyer: u64) -> i64 {
        let of = self.holds.values().filter(|hold| hold.terms.buyer == buyer);
        let alive = of.filter(|hold| hold.state != State::Released);
        alive.map(Hold::left).sum()
    }

    fn of(&mut self, id: u64) -> Result<&mut Hold, String> {
        self.holds.get_mut(&id).ok_or("HOLDNOTFOUND".to_owned())
    }

    fn hold(&mut self, id: u64, terms: Terms) -> Result<Answer, String> {
        if let Some(earlier) = self.holds.get(&id) {
            same(earlier.terms == terms)?;
            return self.receipt(id, true);
        }
        let (taken, available) = (self.taken(terms.buyer), self.available());
        if taken + terms.quantity > BUYER_MAX {
            return Err(format!("OVERLIMIT taken={taken} max={BUYER_MAX}"));
        }
        if terms.quantity > available {
            return Err(format!("SOLDOUT available={available}"));
        }
        let hold = Hold {
            terms,
            state: State::Held,
            returns: BTreeMap::new(),
        };
        self.holds.insert(id, hold);
        self.receipt(id, false)
    }

    fn confirm(&mut self, id: u64) -> Result<Answer, String> {
        let hold = self.of(id)?;
        let repeated = match hold.state {
            State::Held => false,
            State::Confirmed => true,
            State::Released => return Err("HOLDRELEASED".into()),
        };
        hold.state = State::Confirmed;
        self.receipt(id, repeated)
    }

    fn release(&mut self, id: u64) -> Result<Answer, String> {
        let hold = self.of(id)?;
        let repeated = match hold.state {
            State::Held => false,
            State::Released => true,
            State::Confirmed => return Err("ALREADYCONFIRMED".into()),
        };
        hold.state = State::Released;
        self.receipt(id, repeated)
    }

    fn receipt(&mut self, id: u64, repeated: bool) -> Result<Answer, String> {
        let available = self.available();
        let hold = self.of(id)?;
        Ok(Answer::Held {
            state: hold.word(),
            quantity: hold.terms.quantity,
            available,
            repeated,
        })
    }

    fn give_back(&mut self, id: u64, of: u64, asked: Option<i64>) -> Result<Answer, String> {
        let hold = self.of(of)?;
        let earlier = hold.returns.get(&id).copied();
        let quantity = if let Some((asked_before, quantity)) = earlier {
            same(asked_before == asked)?;
            quantity
        } else if hold.state == State::Confirmed {
            let left = hold.left();
            let quantity = asked.unwrap_or(left);
            if quantity > left || left == 0 {
                return Err(format!("RETURNEXCEEDSSOLD returnable={left}"));
            }
            hold.returns.insert(id, (asked, quantity));
            quantity
        } else {
            return Err("NOTCONFIRMED".into());
        };
        Ok(Answer::Returned {
            state: hold.word(),
            quantity,
            returnable: hold.left(),
            repeated: earlier.is_some(),
        })
    }

    fn add(&mut self, id: u64, delta: i64) -> Result<Answer, String> {
        let earlier = self.adds.get(&id).copied();
        let total = if let Some((earlier, total)) = earlier {
            same(earlier == delta)?;
            total
        } else {
            let committed = self.committed();
            if self.total + delta < committed {
                return Err(format!("BELOWCOMMITTED committed={committed}"));
            }
            self.total += delta;
            self.adds.insert(id, (delta, self.total));
            self.total
        };
        Ok(Answer::Added {
            delta,
            total,
            repeated: earlier.is_some(),
        })
    }

    fn units(&self) -> Answer {
        let adds = i64::try_from(self.adds.len()).expect("because they are few");
        Answer::Units {
            total: self.total,
            available: self.available(),
            held: self.in_state(State::Held),
            sold: self.in_state(State::Confirmed),
            version: 1 + adds,
        }
    }

    fn details(&mut self, id: u64) -> Result<Answer, String> {
        let hold = self.of(id)?;
        // Held, then confirmed or released, then returned.
        let steps = 1 + usize::from(hold.state != State::Held) + hold.returns.len();
        Ok(Answer::Details {
            state: hold.word(),
            quantity: hold.terms.quantity,
            returned: hold.returned(),
            buyer: format!("b{}", hold.terms.buyer),
            steps,
        })
    }
}

/// A retry must ask for the same.
fn same(is_same: bool) -> Result<(), String> {
    is_same.then_some(()).ok_or("IDCONFLICT".to_owned())
}
