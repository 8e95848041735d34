//! Whether a history of concurrent operations is linearizable: whether each of them can have
//! happened at one instant between its call and its return, in an order that a sequential model
//! explains.
//!
//! The search is Wing and Gong's (1993) with Lowe's memoization (*Testing for linearizability*,
//! 2017): it tries the operations that may come next, in the order of their calls, and goes back
//! when an operation has returned that nothing explains; what was reached once by other ways, the
//! same operations done and the same state, is not searched again. The time it takes grows with the
//! length of a history, and exponentially with how many operations overlap.
//!
//! A history of several independent objects is linearizable if that of each object is: check them
//! one by one.

mod course;

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use course::{Course, Event};

/// What an object does when its operations come one after the other.
pub trait Model {
    /// All that the object remembers.
    type State: Clone + Eq + Hash;
    /// What an operation asks for.
    type Input;
    /// What it is answered.
    type Output;

    /// The state after an operation, if it can be answered so. Without an output the answer is not
    /// known.
    fn step(
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;
}

/// An operation as its caller saw it.
#[derive(Clone, Debug)]
pub struct Operation<Input, Output> {
    /// What was asked for.
    pub input: Input,
    /// The answer; without it, the operation has happened once or not at all.
    pub output: Option<Output>,
    /// An instant before which it cannot have happened.
    pub called: u64,
    /// An instant after which it cannot have happened: when it was answered, or when its server
    /// was gone. `u64::MAX` if there is none.
    pub ended: u64,
}

/// The operations of one object, in any order.
pub type History<M> = [Operation<<M as Model>::Input, <M as Model>::Output>];

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexplained {
    /// The most operations that could be explained, in their order, as places in the history.
    pub explained: Vec<usize>,
    /// The operation that had returned then, though no order explains it.
    pub stuck: usize,
}

impl fmt::Display for Unexplained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = &self.explained[self.explained.len().saturating_sub(10)..];
        write!(
            out,
            "operation {} is not explained after {} others, the last of them {last:?}",
            self.stuck,
            self.explained.len()
        )
    }
}

/// Finds an order that explains a history: places in it. Operations that did not happen are not
/// among them.
///
/// # Errors
/// There is none.
pub fn linearize<M: Model>(
    start: M::State,
    history: &History<M>,
) -> Result<Vec<usize>, Unexplained> {
    let mut search = Search::<M>::new(start, history);
    loop {
        let is_step_back = match search.course.event() {
            None => return Ok(search.order()),
            Some(Event::Called(at)) => {
                let Operation { input, output, .. } = &history[at];
                let after = M::step(&search.state, input, output.as_ref());
                if !after.is_some_and(|after| search.advance(at, true, after)) {
                    search.course.skip();
                }
                false
            }
            // It is too late for it: it has not happened.
            Some(Event::Ended(at)) if history[at].output.is_none() => {
                !search.advance(at, false, search.state.clone())
            }
            Some(Event::Ended(at)) => {
                search.note_stuck(at);
                true
            }
        };
        if is_step_back && !search.go_back() {
            return Err(search.furthest);
        }
    }
}

/// Where a search is.
struct Search<M: Model> {
    course: Course,
    state: M::State,
    /// Operations that are decided: the same set in another order is the same.
    decided: Bits,
    steps: Vec<Step<M::State>>,
    seen: HashSet<(Bits, M::State)>,
    furthest: Unexplained,
}

/// A decision about an operation, and what is needed to take it back.
struct Step<State> {
    operation: usize,
    has_happened: bool,
    /// The event at which it was taken.
    event: usize,
    before: State,
}

impl<M: Model> Search<M> {
    fn new(start: M::State, history: &History<M>) -> Self {
        let spans = history.iter().map(|one| (one.called, one.ended));
        Self {
            course: Course::new(&spans.collect::<Vec<_>>()),
            state: start,
            decided: Bits::new(history.len()),
            steps: Vec::new(),
            seen: HashSet::new(),
            furthest: Unexplained {
                explained: Vec::new(),
                stuck: 0,
            },
        }
    }

    /// Decides about an operation and goes on from the start of what is left; `false` if that led
    /// nowhere before.
    fn advance(&mut self, operation: usize, has_happened: bool, after: M::State) -> bool {
        self.decided.flip(operation);
        if !self.seen.insert((self.decided.clone(), after.clone())) {
            self.decided.flip(operation);
            return false;
        }
        let event = self.course.take(operation);
        let before = std::mem::replace(&mut self.state, after);
        self.steps.push(Step {
            operation,
            has_happened,
            event,
            before,
        });
        true
    }

    /// Takes the last decision back; `false` if there is none.
    fn go_back(&mut self) -> bool {
        let Some(step) = self.steps.pop() else {
            return false;
        };
        self.decided.flip(step.operation);
        self.state = step.before;
        self.course.put_back(step.operation, step.event);
        true
    }

    fn order(&self) -> Vec<usize> {
        let happened = self.steps.iter().filter(|step| step.has_happened);
        happened.map(|step| step.operation).collect()
    }

    fn note_stuck(&mut self, stuck: usize) {
        let explained = self.order();
        if explained.len() >= self.furthest.explained.len() {
            self.furthest = Unexplained { explained, stuck };
        }
    }
}

/// A set of operations.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    fn flip(&mut self, at: usize) {
        self.0[at / 64] ^= 1 << (at % 64);
    }
}
