//! What each command does; one file per command.

mod ack;
mod appear;
mod append;
mod create;
mod dead;
mod dead_all;
mod delete;
mod desk;
mod extend;
mod find;
mod get;
mod give_back;
mod lag;
mod lease_end;
mod moved;
mod nack;
mod pin;
mod place;
mod publish;
mod publish_all;
mod push;
mod put;
mod read;
mod rest;
mod retain;
mod schema;
mod set_group;
mod steer;
mod told;

pub(crate) use appear::{APPEAR, drop_delayed};
pub use append::Append;
pub(crate) use delete::{Emptied, end, part_of_new, take_name};
pub(crate) use lag::{LOOK_AT_LAG, Lags};
pub(crate) use lease_end::LEASE_END;
pub(crate) use moved::{BLOCKED_GOES, LINE_GOES};
pub(crate) use pin::unpin_of;
pub(crate) use put::append;
pub(crate) use rest::REST_OVER;
pub(crate) use retain::{RETAIN, drop_first, reads_of_first, retain_later};
pub(crate) use schema::{reads_of_schema, schema_of};
pub(crate) use told::{Knows, ToPart};

use compact_str::{CompactString, format_compact};
use tidegate_engine::{KeyReader, Tx};

use desk::Of;

/// The topic, the key of what is open of a group, and the number that a timer was set with.
fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str, u64) {
    let (name, work, number) = (owner.text(), owner.text(), owner.number());
    let work = name.zip(work).zip(number);
    let ((name, work), number) = work.expect("because the timer is set with all three");
    (name, work, number)
}

/// What stands between a topic and a group in what readers wait for. No topic has it in its name.
const READERS: char = '\u{3}';

/// What those wait to be told who read a topic in this group.
fn word_of_readers((name, group): Of<'_>) -> CompactString {
    format_compact!("{name}{READERS}{group}")
}

/// What stands between a stream and a group in what those wait for who read its entries in that.
const STREAM_READERS: char = '\u{4}';

/// What those wait to be told who read a stream in this group.
pub(crate) fn word_of_stream_readers((name, group): Of<'_>) -> CompactString {
    format_compact!("{name}{STREAM_READERS}{group}")
}

/// So many messages were published: that is something for so many readers of each group, of the topic or the stream, and
/// for all who read entries in none: they wait for its name.
pub(crate) fn tell_all_groups(tx: &mut Tx<'_>, name: &str, messages: usize) {
    tx.tell_each(&word_of_readers((name, "")), messages);
    tx.tell_each(&word_of_stream_readers((name, "")), messages);
    if messages > 0 {
        tx.tell(name);
    }
}

/// A text of a field, which is empty if it was not sent.
fn text_of(field: Option<&str>) -> CompactString {
    CompactString::new(field.unwrap_or_default())
}
