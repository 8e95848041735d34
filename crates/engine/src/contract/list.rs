//! A list: a field of several items, each with fields of its own.

use std::collections::BTreeMap;

use super::field::{Field, FieldKind, FieldType, Hasher, InvalidKind, Raw};
use super::request::{Request, Values};
use crate::divide::Piece;
use crate::limits::PIECES_MAX;

/// 1 to `MAX` items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Box<[T]>);

impl<T, const MAX: usize> List<T, MAX> {
    /// The items, in the order in which they were sent.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.0
    }
}

impl<T: Request, const MAX: usize> List<T, MAX> {
    /// Divides the items by where each belongs, in this order; which items each piece has is numbered from 0. `None`
    /// if all belong in one place, and stay here.
    pub fn divide<K: Ord>(
        &mut self,
        place_of: impl FnMut(&T) -> K,
    ) -> Option<BTreeMap<K, Piece<Self>>> {
        let places: Vec<K> = self.0.iter().map(place_of).collect();
        let is_several = places.windows(2).any(|pair| pair[0] != pair[1]);
        is_several.then(|| self.divide_into(places))
    }

    /// The same though all may belong in one place.
    pub fn divide_all<K: Ord>(
        &mut self,
        place_of: impl FnMut(&T) -> K,
    ) -> BTreeMap<K, Piece<Self>> {
        let places = self.0.iter().map(place_of).collect();
        self.divide_into(places)
    }

    fn divide_into<K: Ord>(&mut self, places: Vec<K>) -> BTreeMap<K, Piece<Self>> {
        const {
            assert!(
                MAX <= PIECES_MAX,
                "there are as many pieces as items at most"
            );
        }
        let mut divided: BTreeMap<K, (Vec<T>, Vec<u16>)> = BTreeMap::new();
        let items = std::mem::take(&mut self.0).into_iter().zip(0..);
        for ((item, at), place) in items.zip(places) {
            let (items, numbers) = divided.entry(place).or_default();
            items.push(item);
            numbers.push(at);
        }
        let piece = |(items, numbers): (Vec<T>, Vec<u16>)| Piece {
            what: Self(items.into()),
            items: numbers.into(),
        };
        let pieces = divided.into_iter();
        pieces.map(|(place, of)| (place, piece(of))).collect()
    }
}

/// The number of values of each item, and that each is found by its position.
const fn width_of<T: Request>() -> usize {
    let mut at = 0;
    while at < T::FIELDS.len() {
        let field = &T::FIELDS[at];
        assert!(field.word.is_none(), "an item's fields have places");
        assert!(
            !matches!(field.kind, FieldKind::List { .. }),
            "an item has no list"
        );
        at += 1;
    }
    assert!(at > 0, "an item has a field");
    at
}

/// Why there cannot be so many items, if there cannot.
fn check_count(items: usize, max: usize) -> Result<(), (InvalidKind, String)> {
    if (1..=max).contains(&items) {
        return Ok(());
    }
    let message = format!("must have 1 to {max} items, not {items}");
    Err((InvalidKind::OutOfRange, message))
}

impl<T: Request, const MAX: usize> FieldType for List<T, MAX> {
    const KIND: FieldKind = FieldKind::List {
        fields: T::FIELDS,
        max: MAX,
    };

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let found = match raw {
            Raw::List(values) => {
                let width = const { width_of::<T>() };
                debug_assert!(values.len().is_multiple_of(width), "items are whole");
                check_count(values.len() / width, MAX)?;
                return read_items(values).map(Self);
            }
            Raw::Text(_) | Raw::String(_) | Raw::Base64(_) => "a string",
            Raw::Integer(_) => "a number",
            Raw::Address(_) => "an address",
            Raw::Other(what) => what,
        };
        let message = format!("must be a list of objects, not {found}");
        Err((InvalidKind::Unreadable, message))
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&(self.0.len() as u64).to_le_bytes());
        for item in &self.0 {
            hasher.update(&item.content().0.to_le_bytes());
        }
    }

    fn heap_bytes(&self) -> usize {
        self.0.iter().map(Request::bytes).sum()
    }
}

/// Where each field has its place, an empty text is one that was not given, if it may be left out.
fn given_to<'a>(value: Option<Raw<'a>>, field: &Field) -> Option<Raw<'a>> {
    value.filter(|raw| field.required || !matches!(raw, Raw::Text(b"")))
}

fn read_items<T: Request>(values: &[Option<Raw<'_>>]) -> Result<Box<[T]>, (InvalidKind, String)> {
    let given = values.iter().zip(T::FIELDS.iter().cycle());
    let given: Vec<_> = given
        .map(|(value, field)| given_to(*value, field))
        .collect();
    let items = given.chunks_exact(const { width_of::<T>() });
    let numbered = items.enumerate().map(|(at, values)| {
        T::read(&Values(values)).map_err(|invalid| {
            let (number, field) = (at + 1, invalid.field);
            (
                invalid.kind,
                format!("item {number}: {field} {}", invalid.message),
            )
        })
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Bounded, Id, Name};
    use crate::request;

    request! {
        /// A line.
        struct Line {
            /// What.
            name: Name,
            /// How many.
            units: Bounded<1, 9>,
        }
    }

    type Lines = List<Line, 2>;

    const A: Option<Raw<'_>> = Some(Raw::String("a"));
    const B: Option<Raw<'_>> = Some(Raw::Text(b"b"));
    const THREE: Option<Raw<'_>> = Some(Raw::Integer(3));
    const NINE: Option<Raw<'_>> = Some(Raw::Text(b"9"));

    #[test]
    fn items_are_read_in_order() {
        let lines = Lines::read(Raw::List(&[A, THREE, B, NINE])).expect("two lines");
        let read = lines.items().iter();
        let read: Vec<_> = read
            .map(|line| (line.name.as_str(), line.units.get()))
            .collect();
        assert_eq!(read, [("a", 3), ("b", 9)]);
    }

    #[test]
    fn wrong_item_is_named_by_its_place() {
        let many = Some(Raw::Integer(10));
        let told = |raw: &[Option<Raw<'_>>]| Lines::read(Raw::List(raw)).expect_err("it is wrong");
        let out_of_range = "item 2: units must be 1 to 9, not 10".to_owned();
        let expected = (InvalidKind::OutOfRange, out_of_range);
        assert_eq!(told(&[A, THREE, B, many]), expected);
        let missing = (InvalidKind::Missing, "item 1: units is required".to_owned());
        assert_eq!(told(&[A, None]), missing);
    }

    #[test]
    fn there_are_as_many_items_as_there_may_be() {
        for raw in [&[][..], &[A, THREE, A, THREE, A, THREE]] {
            let (kind, told) = Lines::read(Raw::List(raw)).expect_err("none, or too many");
            assert_eq!(kind, InvalidKind::OutOfRange, "{told}");
        }
        let (kind, told) = Lines::read(Raw::Integer(3)).expect_err("a number");
        assert_eq!(kind, InvalidKind::Unreadable, "{told}");
    }

    request! {
        /// A parcel.
        struct Parcel {
            /// Its id.
            id: Id,
            /// Who has it.
            owner: Option<Name>,
        }
    }

    #[test]
    fn field_that_may_be_left_out_is_an_empty_text_where_it_has_a_place() {
        let read = |raw: &[Option<Raw<'_>>]| List::<Parcel, 2>::read(Raw::List(raw));
        let minted = Some(Raw::Text(b"*"));
        let parcels = read(&[minted, Some(Raw::Text(b"")), A, B]).expect("two parcels");
        let [one, two] = parcels.items() else {
            panic!("{parcels:?}")
        };
        assert_eq!((&one.id, &one.owner), (&Id::Mint, &None));
        assert!(matches!(&two.owner, Some(owner) if owner.as_str() == "b"));
        let absent = read(&[A, None]).expect("one parcel");
        assert_eq!(absent.items()[0].owner, None);
        for wrong in [
            [Some(Raw::Text(b"")), None],
            [A, Some(Raw::String(""))],
            [None, B],
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn content_tells_lists_apart() {
        let content = |raw: &[Option<Raw<'_>>]| {
            let lines = Lines::read(Raw::List(raw)).expect("it is right");
            crate::contract::content_of(|hasher| lines.hash(hasher))
        };
        let one = content(&[A, THREE, B, NINE]);
        assert_eq!(one, content(&[A, THREE, B, NINE]));
        for other in [&[B, NINE, A, THREE][..], &[A, THREE], &[A, NINE, B, THREE]] {
            assert_ne!(one, content(other));
        }
    }
}
