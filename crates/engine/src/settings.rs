//! What the settings of a server tell domains: values of types that are theirs.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// At most one value of each type. The same for the whole life of an engine.
#[derive(Clone, Default)]
pub struct Settings(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Settings {
    /// These, and a value.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// The value of a type, if one was given.
    pub(crate) fn get<T: Any>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

/// Receivers that the settings name, to which what is ready may be pushed. Where they are is known outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receivers(pub BTreeSet<String>);

impl fmt::Debug for Settings {
    /// Not what they say: secrets may be among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({})", self.0.len())
    }
}
