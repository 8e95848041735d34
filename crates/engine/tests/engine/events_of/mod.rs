//! Events as the answers of a stepped engine tell them.

/// What a line says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) key: String,
    pub(crate) cursor: u64,
    pub(crate) line: String,
}

/// The events of a page, and where the next one begins; `None` for whoever fell behind.
pub(crate) fn listed(page: &str) -> Option<(Vec<Seen>, Option<u64>)> {
    if page.starts_with("fell_behind") {
        return None;
    }
    let (items, next) = page.rsplit_once(" next=").expect("a page");
    let events = items.split("{at_ms=").skip(1).map(seen);
    Some((events.collect(), next.parse().ok()))
}

fn seen(line: &str) -> Seen {
    let word = |name: &str| {
        let rest = line.split(name).nth(1).expect("every event has it");
        rest.split([' ', '}']).next().unwrap_or_default()
    };
    Seen {
        key: word(" key=").to_owned(),
        cursor: word(" cursor=").parse().expect("a number"),
        line: line.trim_end_matches([' ', ']']).to_owned(),
    }
}

/// Whether an event is of a filter as it is written: ` DOMAIN note`.
pub(crate) fn is_of(event: &Seen, filter: &str) -> bool {
    let words: Vec<_> = filter.split_whitespace().collect();
    words.chunks(2).all(|pair| {
        let wanted = format!(" {}={} ", pair[0].to_lowercase(), pair[1]);
        format!(" {}", event.line).contains(&wanted)
    })
}
