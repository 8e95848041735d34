//! `COMMAND DOCS`: documentation out of the definitions of the requests.

use tidegate_engine::contract::{Field, FieldKind, Writer, count_of, resp_word};

use super::{BUILTINS, BuiltinDef};
use crate::front::Front;
use crate::table::{Command, Plan};
use crate::wire::Wire;

/// The documentation of every command.
pub(super) fn all(wire: &mut Wire<'_>, front: &Front) {
    wire.map(front.commands.len());
    BUILTINS.iter().for_each(|def| builtin(wire, front, def));
    front
        .commands
        .plans
        .iter()
        .for_each(|plan| request(wire, front, plan));
}

/// The documentation of one command, behind its name.
pub(super) fn entry_of(wire: &mut Wire<'_>, front: &Front, command: Command) {
    match command {
        Command::Request(plan) => request(wire, front, &plan),
        Command::Builtin(found) => builtin(wire, front, found.def()),
    }
}

fn builtin(wire: &mut Wire<'_>, front: &Front, def: &BuiltinDef) {
    wire.name(&def.name.to_ascii_lowercase());
    wire.map(3);
    head(wire, front, def.summary, "connection");
}

fn request(wire: &mut Wire<'_>, front: &Front, plan: &Plan) {
    let fields = plan.def.fields;
    wire.name(&plan.shown());
    wire.map(if fields.is_empty() { 6 } else { 7 });
    head(wire, front, first_line(plan.def.doc), plan.group);
    if !fields.is_empty() {
        wire.name("arguments");
        let lists = fields.iter().filter(|field| is_list(field));
        wire.list(fields.len() + lists.count());
        for (at, field) in fields.iter().enumerate() {
            if is_list(field) {
                count(wire, field);
            }
            argument(wire, field, at == 0);
        }
    }
    wire.name("syntax");
    wire.text(&plan.def.syntax());
    wire.name("work_class");
    wire.text(plan.def.work_class.word());
    wire.name("refusals");
    wire.map(plan.def.refusals.len());
    for refusal in plan.def.refusals {
        wire.name(&resp_word(refusal.code).map(char::from).collect::<String>());
        wire.text(first_line(refusal.doc));
    }
}

fn head(wire: &mut Wire<'_>, front: &Front, summary: &str, group: &str) {
    wire.name("summary");
    wire.text(summary);
    wire.name("since");
    wire.text(&front.options.version);
    wire.name("group");
    wire.text(group);
}

fn is_list(field: &Field) -> bool {
    matches!(field.kind, FieldKind::List { .. })
}

/// The number of items, before a list and behind its word.
fn count(wire: &mut Wire<'_>, list: &Field) {
    let name = count_of(list);
    wire.map(3 + usize::from(list.word.is_some()));
    wire.name("name");
    wire.text(&name);
    wire.name("display_text");
    wire.text(&name);
    wire.name("type");
    wire.text("integer");
    if let Some(token) = list.word {
        wire.name("token");
        wire.text(token);
    }
}

fn argument(wire: &mut Wire<'_>, field: &Field, is_first: bool) {
    let kind = match field.kind {
        FieldKind::Name | FieldKind::Id if is_first && field.word.is_none() => "key",
        FieldKind::Name
        | FieldKind::Id
        | FieldKind::Payload { .. }
        | FieldKind::Bytes { .. }
        | FieldKind::Address => "string",
        FieldKind::Integer { .. } => "integer",
        FieldKind::Word(_) => "oneof",
        FieldKind::List { .. } => "block",
        FieldKind::Grammar(_) => "string",
    };
    let (words, items): (&[&str], &[Field]) = match field.kind {
        FieldKind::Word(words) => (words, &[]),
        FieldKind::List { fields, .. } => (&[], fields),
        FieldKind::Name
        | FieldKind::Id
        | FieldKind::Payload { .. }
        | FieldKind::Bytes { .. }
        | FieldKind::Address
        | FieldKind::Grammar(_)
        | FieldKind::Integer { .. } => (&[], &[]),
    };
    let flag = match (field.required, items.is_empty()) {
        (true, true) => None,
        (true, false) => Some("multiple"),
        (false, _) => Some("optional"),
    };
    let inner = words.len() + items.len();
    let token = field.word.filter(|_| !is_list(field));
    let extra = [token.is_some(), flag.is_some(), inner > 0];
    wire.map(4 + extra.iter().filter(|is_there| **is_there).count());
    wire.name("name");
    wire.text(field.name);
    wire.name("display_text");
    wire.text(field.name);
    wire.name("type");
    wire.text(kind);
    wire.name("summary");
    wire.text(&summary(field));
    if let Some(token) = token {
        wire.name("token");
        wire.text(token);
    }
    if let Some(flag) = flag {
        wire.name("flags");
        wire.set(1);
        wire.simple(flag);
    }
    if inner > 0 {
        wire.name("arguments");
        wire.list(inner);
        words.iter().for_each(|word| choice(wire, word));
        items.iter().for_each(|field| argument(wire, field, false));
    }
}

/// What a field means, its range, and what it is when it is not sent.
fn summary(field: &Field) -> String {
    let mut summary = first_line(field.doc).to_owned();
    if let FieldKind::Integer { min, max } = field.kind {
        let range = match (min > i64::MIN, max < i64::MAX) {
            (true, true) => format!(" {min} to {max}."),
            (true, false) => format!(" From {min}."),
            (false, true) => format!(" Up to {max}."),
            (false, false) => String::new(),
        };
        summary.push_str(&range);
    }
    if let FieldKind::List { max, .. } = field.kind {
        summary.push_str(&format!(" 1 to {max} of them."));
    }
    if let Some(default) = field.default {
        let default = default.replace('_', "");
        summary.extend([" Without it ", default.trim_matches('"'), "."]);
    }
    summary
}

/// One of the words that an argument may be.
fn choice(wire: &mut Wire<'_>, word: &str) {
    wire.map(4);
    wire.name("name");
    wire.text(word);
    wire.name("display_text");
    wire.text(word);
    wire.name("type");
    wire.text("pure-token");
    wire.name("token");
    wire.text(word);
}

fn first_line(doc: &str) -> &str {
    doc.trim().lines().next().unwrap_or_default()
}
