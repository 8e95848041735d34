//! Fields that only counters have.

use std::fmt;

use compact_str::format_compact;
use tidegate_engine::contract::{FieldKind, FieldType, Hasher, InvalidKind, Name, Payload, Raw};
use tidegate_engine::words;

use crate::limits::{DIMS_BYTES_MAX, DIMS_MAX};

/// Whether something is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YesNo {
    /// It is.
    Yes,
    /// It is not.
    No,
}

words!(YesNo {
    "yes" => YesNo::Yes,
    "no" => YesNo::No,
});

/// What an answer to a recording waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Until what it recorded is durable.
    Synced,
    /// Nothing: a crash may lose the last second.
    Relaxed,
}

words!(Durability {
    "synced" => Durability::Synced,
    "relaxed" => Durability::Relaxed,
});

/// Where a late event stands among those of all shards: when it came, its shard, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LatePlace {
    pub(crate) came_at_ms: u64,
    pub(crate) shard: u16,
    pub(crate) number: u64,
}

impl fmt::Display for LatePlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}-{}", self.came_at_ms, self.shard, self.number)
    }
}

impl LatePlace {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (came_at_ms, rest) = text.split_once('-')?;
        let (shard, number) = rest.split_once('-')?;
        Some(Self {
            came_at_ms: came_at_ms.parse().ok()?,
            shard: shard.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl FieldType for LatePlace {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let place = Self::parse(Name::read(raw)?.as_str());
        place.ok_or_else(|| {
            let message = "must be what a page has said is `next`".to_owned();
            (InvalidKind::Unreadable, message)
        })
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(format_compact!("{self};").as_bytes());
    }
}

/// Dimensions of an event: `name=value` each, with a line feed between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dims(Payload<DIMS_BYTES_MAX>);

impl Dims {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Names with their values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.as_str().split('\n');
        pairs.filter_map(|pair| pair.split_once('='))
    }
}

impl FieldType for Dims {
    const KIND: FieldKind = Payload::<DIMS_BYTES_MAX>::KIND;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let text = Payload::read(raw)?;
        let mut names = Vec::new();
        for pair in text.as_str().split('\n') {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                let message = "must be name=value, with a line feed between two of them";
                (InvalidKind::Unreadable, message.to_owned())
            })?;
            Name::read(Raw::String(name))?;
            Name::read(Raw::String(value))?;
            if names.contains(&name) {
                let message = format!("must have one value of {name}");
                return Err((InvalidKind::OutOfRange, message));
            }
            names.push(name);
        }
        Ok(Self(text))
    }

    fn hash(&self, hasher: &mut Hasher) {
        self.0.hash(hasher);
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

/// A dimension and a value of it: `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimValue(Dims);

impl DimValue {
    /// The dimension, and the value.
    pub(crate) fn pair(&self) -> (&str, &str) {
        let pair = self.0.pairs().next();
        pair.expect("because a text without any is not read")
    }
}

impl FieldType for DimValue {
    const KIND: FieldKind = Dims::KIND;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let dims = Dims::read(raw)?;
        if dims.pairs().count() > 1 {
            let message = "must be name=value, of one dimension".to_owned();
            return Err((InvalidKind::OutOfRange, message));
        }
        Ok(Self(dims))
    }

    fn hash(&self, hasher: &mut Hasher) {
        self.0.hash(hasher);
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

/// Names of dimensions, with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimNames(Name);

impl DimNames {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.as_str().split(',')
    }
}

impl FieldType for DimNames {
    const KIND: FieldKind = FieldKind::Name;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let names = Self(Name::read(raw)?);
        let mut all: Vec<&str> = names.iter().collect();
        all.sort_unstable();
        let is_no_name = |name: &&str| name.is_empty() || name.contains('=');
        let is_twice = all.windows(2).any(|two| two[0] == two[1]);
        if all.len() > DIMS_MAX || is_twice || all.iter().any(is_no_name) {
            let message = format!(
                "must be 1 to {DIMS_MAX} different names without =, with commas between them"
            );
            return Err((InvalidKind::OutOfRange, message));
        }
        Ok(names)
    }

    fn hash(&self, hasher: &mut Hasher) {
        self.0.hash(hasher);
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}
