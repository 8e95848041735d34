//! Documentation as the source carries it, made into running text.

use std::borrow::Cow;

/// Paragraphs of a doc comment: lines joined, margins gone, an empty line between paragraphs.
pub(crate) fn prose(doc: &'static str) -> Cow<'static, str> {
    let doc = doc.trim();
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
        assert_eq!(prose(" one \n"), "one");
        assert_eq!(prose(""), "");
    }
}
