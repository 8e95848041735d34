//! Requests: structs whose fields are declared once, for every front.

use super::field::{Content, Field, Hasher, Invalid, InvalidKind, Raw};

/// A request that any front can build from named or positional values.
pub trait Request: Sized + Send + 'static {
    /// What it does: first line a summary.
    const DOC: &'static str;
    /// Its fields, those by position first.
    const FIELDS: &'static [Field];

    /// Builds the request from one value per field of [`Self::FIELDS`].
    ///
    /// # Errors
    /// The first field that is missing or wrong.
    fn read(values: &Values<'_>) -> Result<Self, Invalid>;

    /// The hash over every field, defaults filled in.
    fn content(&self) -> Content;

    /// Bytes that it takes in memory, with all that it carries.
    fn bytes(&self) -> usize;
}

/// The values of a request, in the order of its fields; `None` where nothing was sent.
#[derive(Debug)]
pub struct Values<'a>(pub &'a [Option<Raw<'a>>]);

impl Values<'_> {
    /// Reads one field.
    ///
    /// # Errors
    /// The field is missing or wrong.
    pub fn field<T: super::FieldType>(
        &self,
        at: usize,
        name: &'static str,
        default: Option<T>,
    ) -> Result<T, Invalid> {
        let Some(raw) = self.0.get(at).copied().flatten() else {
            return default.or_else(T::absent).ok_or_else(|| Invalid {
                field: name,
                kind: InvalidKind::Missing,
                message: "is required".to_owned(),
            });
        };
        T::read(raw).map_err(|(kind, message)| Invalid {
            field: name,
            kind,
            message,
        })
    }
}

/// Hashes the fields of a request. Not for use outside [`request!`](crate::request).
#[doc(hidden)]
pub fn content_of(hash: impl FnOnce(&mut Hasher)) -> Content {
    let mut hasher = Hasher::new();
    hash(&mut hasher);
    hasher.content()
}

/// Declares a request: a struct, its fields' documentation, their RESP words and defaults.
///
/// ```
/// use tidegate_engine::{contract::{Id, Name}, request};
///
/// request! {
///     /// Puts something into a basket.
///     pub struct Put {
///         /// The basket.
///         basket: Name,
///         /// The caller's id of this act.
///         id: Id,
///         /// How long it stays, in milliseconds.
///         ["TTL"] ttl_ms: i64 = 60_000,
///         /// A note for people.
///         ["NOTE"] note: Option<Name>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! request {
    (
        $(#[doc = $doc:literal])+
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $([$word:literal])? $field:ident : $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name {
            $($(#[doc = $field_doc])+ $vis $field: $type,)*
        }

        impl $crate::contract::Request for $name {
            const DOC: &'static str = concat!($($doc, "\n"),+);
            const FIELDS: &'static [$crate::contract::Field] = &[$(
                $crate::contract::Field {
                    name: stringify!($field),
                    word: $crate::request!(@word $($word)?),
                    kind: <$type as $crate::contract::FieldType>::KIND,
                    required: <$type as $crate::contract::FieldType>::REQUIRED
                        && $crate::request!(@required $($default)?),
                    default: $crate::request!(@text $($default)?),
                    doc: concat!($($field_doc, "\n"),+),
                },
            )*];

            #[allow(unused_mut, unused_variables, reason = "a request may have no fields")]
            fn read(
                values: &$crate::contract::Values<'_>,
            ) -> Result<Self, $crate::contract::Invalid> {
                let mut at = 0..;
                Ok(Self {$(
                    $field: values.field(
                        at.next().unwrap_or_default(),
                        stringify!($field),
                        $crate::request!(@value $($default)?),
                    )?,
                )*})
            }

            fn content(&self) -> $crate::contract::Content {
                #[allow(unused_variables, reason = "a request may have no fields")]
                $crate::contract::content_of(|hasher| {
                    $($crate::contract::FieldType::hash(&self.$field, hasher);)*
                })
            }

            fn bytes(&self) -> usize {
                size_of::<Self>() $(+ $crate::contract::FieldType::heap_bytes(&self.$field))*
            }
        }
    };
    (@word) => { None };
    (@word $word:literal) => { Some($word) };
    (@required) => { true };
    (@required $default:literal) => { false };
    (@text) => { None };
    (@text $default:literal) => { Some(stringify!($default)) };
    (@value) => { None };
    (@value $default:literal) => { Some($default.into()) };
}
