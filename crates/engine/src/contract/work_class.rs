//! Classes of work: what is given up first when there is too much of it.

/// A class of work, by what is lost while it is shed: see `shed/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkClass {
    /// What finishes or frees something, or is about money: never shed.
    Core,
    /// What is neither of the others.
    Normal,
    /// What can be asked later as well, as lists and streams of events: shed first.
    Optional,
}

impl WorkClass {
    /// Its word in every front.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Normal => "normal",
            Self::Optional => "optional",
        }
    }
}
