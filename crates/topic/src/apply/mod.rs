//! What each command does; one file per command.

mod ack;
mod appear;
mod create;
mod dead;
mod desk;
mod extend;
mod find;
mod get;
mod give_back;
mod lease_end;
mod nack;
mod pin;
mod publish;
mod publish_all;
mod put;
mod read;
mod rest;
mod retain;
mod set_group;

pub(crate) use appear::APPEAR;
pub(crate) use lease_end::LEASE_END;
pub(crate) use rest::REST_OVER;
pub(crate) use retain::RETAIN;

use compact_str::CompactString;
use tidegate_engine::KeyReader;

/// The topic, the group and the number that a timer was set with.
fn owner_of<'a>(owner: &mut KeyReader<'a>) -> (&'a str, &'a str, u64) {
    let (name, group, number) = (owner.text(), owner.text(), owner.number());
    let group = name.zip(group).zip(number);
    let ((name, group), number) = group.expect("because the timer is set with all three");
    (name, group, number)
}

/// A text of a field, which is empty if it was not sent.
fn text_of(field: Option<&str>) -> CompactString {
    CompactString::new(field.unwrap_or_default())
}
