//! Requests in the words of another system, whose clients send them as they know them: behind the name stand arguments
//! with a grammar of their own, and the answer has the shape that these clients expect.
//!
//! Such a request has one field, which reads all arguments. It is served by fronts that hand over arguments as they
//! stand; in any other it is not there. Its refusals say in the words of that system what is wrong
//! ([`super::Refuse::words`]).

use super::field::{FieldKind, FieldType, Hasher, InvalidKind, Raw};

/// The arguments of a request as documentation and clients see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// How they are written, behind the name.
    pub syntax: &'static str,
    /// How many there are, the name included, or the negative of how many at least.
    pub arity: i64,
    /// Which of them is the key that the request is about, the name not counted, if it is always the same one.
    pub key: Option<u8>,
}

/// What the arguments of such a request say.
pub trait Spoken: Sized {
    /// How they are written.
    const GRAMMAR: Grammar;

    /// Reads all arguments behind the name.
    ///
    /// # Errors
    /// What is wrong, in the words of the other system.
    fn parse(args: &[&[u8]]) -> Result<Self, String>;
}

/// Arguments that were read, with what they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InWords<T> {
    words: T,
    args: Box<[Box<[u8]>]>,
}

/// What they say.
impl<T> std::ops::Deref for InWords<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.words
    }
}

impl<T: Spoken> FieldType for InWords<T> {
    const KIND: FieldKind = FieldKind::Grammar(T::GRAMMAR);

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        let text = |arg: &Option<Raw<'_>>| {
            let Some(Raw::Text(bytes)) = arg else {
                return None;
            };
            Some(Box::<[u8]>::from(*bytes))
        };
        let args: Option<Box<[_]>> = if let Raw::List(args) = raw {
            args.iter().map(text).collect()
        } else {
            None
        };
        let args = args.ok_or_else(|| {
            let message = "must be arguments as they stand".to_owned();
            (InvalidKind::Unreadable, message)
        })?;
        let behind: Vec<&[u8]> = args.iter().map(|arg| &**arg).collect();
        let words = T::parse(&behind).map_err(|message| (InvalidKind::Unreadable, message))?;
        Ok(Self { words, args })
    }

    fn hash(&self, hasher: &mut Hasher) {
        for arg in &self.args {
            hasher.update(&(arg.len() as u64).to_le_bytes());
            hasher.update(arg);
        }
    }

    fn heap_bytes(&self) -> usize {
        self.args
            .iter()
            .map(|arg| size_of_val(arg) + arg.len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Numbers(Vec<u64>);

    impl Spoken for Numbers {
        const GRAMMAR: Grammar = Grammar {
            syntax: "number [number …]",
            arity: -2,
            key: None,
        };

        fn parse(args: &[&[u8]]) -> Result<Self, String> {
            let number = |arg: &&[u8]| std::str::from_utf8(arg).ok()?.parse().ok();
            let numbers: Option<Vec<u64>> = args.iter().map(number).collect();
            numbers.map(Self).ok_or_else(|| "no number".to_owned())
        }
    }

    fn read(args: &[&str]) -> Result<InWords<Numbers>, String> {
        let args: Vec<_> = args
            .iter()
            .map(|arg| Some(Raw::Text(arg.as_bytes())))
            .collect();
        let read = InWords::<Numbers>::read(Raw::List(&args));
        read.map_err(|(_, message)| message)
    }

    #[test]
    fn all_arguments_are_read_by_the_grammar_and_what_is_wrong_is_told_in_its_words() {
        assert_eq!(read(&["1", "23"]).expect("numbers").0, [1, 23]);
        assert_eq!(read(&["1", "x"]).expect_err("a letter"), "no number");
        assert!(InWords::<Numbers>::read(Raw::Integer(1)).is_err());
    }

    #[test]
    fn other_arguments_are_another_content_and_all_of_them_are_counted() {
        let content = |args: &[&str]| {
            let read = read(args).expect("numbers");
            let content = crate::contract::content_of(|hasher| read.hash(hasher));
            (content, read.heap_bytes())
        };
        assert_eq!(content(&["1", "23"]), content(&["1", "23"]));
        assert_ne!(content(&["1", "23"]).0, content(&["12", "3"]).0);
        assert!(content(&["1", "23"]).1 > 3);
    }
}
