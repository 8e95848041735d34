//! Documentation as the source carries it, made into running text.

use std::borrow::Cow;

/// Paragraphs of a doc comment: lines joined, margins gone, an empty line between paragraphs. A
/// fragment begins as a sentence does.
pub(crate) fn prose(doc: &'static str) -> Cow<'static, str> {
    let mut text = joined(doc.trim());
    if begins_in_lower_case(&text) {
        text.to_mut()[..1].make_ascii_uppercase();
    }
    text
}

/// Whether a capital letter is wanted. A list of words such as `held, confirmed or released` says
/// what a field holds, and stays as it is sent.
fn begins_in_lower_case(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    text.starts_with(|first: char| first.is_ascii_lowercase()) && !word.ends_with(',')
}

fn joined(doc: &'static str) -> Cow<'static, str> {
    if !doc.contains('\n') {
        return Cow::Borrowed(doc);
    }
    let mut text = String::new();
    for line in doc.lines().map(str::trim) {
        if line.is_empty() {
            text.push_str("\n\n");
            continue;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push(' ');
        }
        text.push_str(line);
    }
    Cow::Owned(text)
}

/// The first line of a doc comment, without its full stop.
pub(crate) fn summary(doc: &'static str) -> &'static str {
    let line = doc.trim().lines().next().unwrap_or_default().trim();
    line.strip_suffix('.').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_paragraph_become_one() {
        let doc = " Puts it away.\n\n It stays\n there.\n";
        assert_eq!(prose(doc), "Puts it away.\n\nIt stays there.");
        assert_eq!(summary(doc), "Puts it away");
        assert_eq!(prose(" One \n"), "One");
        assert_eq!(prose(""), "");
    }

    #[test]
    fn fragments_become_sentences_and_words_stay_as_they_are_sent() {
        assert_eq!(prose("the items"), "The items");
        assert_eq!(
            prose("held, confirmed or released."),
            "held, confirmed or released."
        );
        assert_eq!(prose("`max` bounds a buyer."), "`max` bounds a buyer.");
        assert_eq!(prose("às vezes"), "às vezes", "and no letter is cut in two");
    }
}
