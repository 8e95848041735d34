//! What domains have made of texts that their rows hold, kept while it is in use: so it is not made for each command.

use std::any::Any;
use std::sync::Arc;

use crate::limits::MADE_MAX;

/// The last ones that were asked for, the latest first.
#[derive(Default)]
pub(crate) struct Made(Vec<Kept>);

struct Kept {
    text: Box<str>,
    made: Arc<dyn Any + Send + Sync>,
}

impl Made {
    /// What is made of a text, which is made if it is not kept.
    pub(crate) fn of<M: Any + Send + Sync>(
        &mut self,
        text: &str,
        make: impl FnOnce(&str) -> M,
    ) -> Arc<M> {
        let is_it = |kept: &Kept| *kept.text == *text && kept.made.is::<M>();
        if let Some(at) = self.0.iter().position(is_it) {
            self.0[..=at].rotate_right(1);
        } else {
            let made = Arc::new(make(text));
            self.0.truncate(MADE_MAX - 1);
            let text = text.into();
            self.0.insert(0, Kept { text, made });
        }
        let made = Arc::clone(&self.0[0].made).downcast();
        made.unwrap_or_else(|_| unreachable!("because it was found or made as one of these"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_made_once_and_the_rest_is_forgotten() {
        let (mut made, mut times) = (Made::default(), 0);
        let mut length = |text: &str| {
            let length = made.of(text, |text| {
                times += 1;
                text.len()
            });
            (*length, times)
        };
        assert_eq!(
            (length("abc"), length("abc"), length("ab")),
            ((3, 1), (3, 1), (2, 2))
        );
        for at in 0..MADE_MAX - 1 {
            length(&format!("text {at}"));
            length("abc");
        }
        let times = MADE_MAX + 1;
        assert_eq!(length("abc"), (3, times));
        assert_eq!(
            length("ab"),
            (2, times + 1),
            "it was the one that is not in use"
        );
    }

    #[test]
    fn each_type_is_made_of_a_text_by_itself() {
        let mut made = Made::default();
        assert_eq!(*made.of("7", |text| text.len()), 1);
        assert_eq!(*made.of("7", |text| text.to_owned() + "!"), "7!");
        assert_eq!(*made.of("7", |_| 2_usize), 1);
    }
}
