//! `COMMAND`: what the commands are, for clients that ask.

use std::sync::Arc;

use tidegate_engine::contract::{Class, Writer};

use super::{BUILTINS, BuiltinDef, docs};
use crate::errors::Error;
use crate::front::Front;
use crate::parse::Args;
use crate::session::Session;
use crate::table::{Command, Plan};
use crate::wire::Wire;

/// `COMMAND [COUNT | LIST | INFO [name …] | DOCS [name …]]`.
pub(super) fn command(session: &mut Session, args: Args<'_>) {
    let front = Arc::clone(&session.front);
    let Some(subcommand) = args.get(1) else {
        return session.reply(|wire| all(wire, &front));
    };
    let named = || args.iter().skip(2).map(|name| front.commands.find(name));
    match (&*subcommand.to_ascii_lowercase(), args.len() - 2) {
        (b"count", 0) => {
            let count = i64::try_from(front.commands.len()).unwrap_or(i64::MAX);
            session.reply(|wire| wire.integer(count));
        }
        (b"count", _) => session.fail(&Error::Arity("command|count".to_owned())),
        (b"list", 0) => session.reply(|wire| names(wire, &front)),
        // Redis' own words where an option is none that it knows; FILTERBY is none here.
        (b"list", _) => session.fail(&Error::Syntax),
        (b"info", 0) => session.reply(|wire| all(wire, &front)),
        (b"info", count) => session.reply(|wire| {
            wire.list(count);
            named().for_each(|command| entry_of(wire, command));
        }),
        (b"docs", 0) => session.reply(|wire| docs::all(wire, &front)),
        (b"docs", _) => session.reply(|wire| {
            let found: Vec<_> = named().flatten().collect();
            wire.map(found.len());
            found
                .iter()
                .for_each(|command| docs::entry_of(wire, &front, *command));
        }),
        _ => session.fail(&Error::UnknownSubcommand(subcommand)),
    }
}

fn all(wire: &mut Wire<'_>, front: &Front) {
    wire.list(front.commands.len());
    BUILTINS.iter().for_each(|def| builtin_entry(wire, def));
    front
        .commands
        .plans
        .iter()
        .for_each(|plan| request_entry(wire, plan));
}

fn names(wire: &mut Wire<'_>, front: &Front) {
    wire.list(front.commands.len());
    let builtins = BUILTINS.iter().map(|def| def.name.to_ascii_lowercase());
    let requests = front.commands.plans.iter().map(Plan::shown);
    builtins.chain(requests).for_each(|name| wire.text(&name));
}

fn entry_of(wire: &mut Wire<'_>, command: Option<Command>) {
    match command {
        Some(Command::Request(plan)) => request_entry(wire, &plan),
        Some(Command::Builtin(builtin)) => builtin_entry(wire, builtin.def()),
        None => wire.null(),
    }
}

fn builtin_entry(wire: &mut Wire<'_>, def: &BuiltinDef) {
    let name = def.name.to_ascii_lowercase();
    entry(wire, &name, def.arity(), &["fast"], 0, &["@connection"]);
}

fn request_entry(wire: &mut Wire<'_>, plan: &Plan) {
    let (flags, categories): (&[_], &[_]) = match plan.def.class {
        Class::Opens => (&["write", "denyoom"], &["@write"]),
        Class::Finishes => (&["write"], &["@write"]),
        Class::Reads => (&["readonly"], &["@read"]),
    };
    let (arity, key) = (plan.arity(), plan.key());
    entry(wire, &plan.shown(), arity, flags, key, categories);
}

/// Name, arity, flags, first key, last key, step, categories, tips, key specifications and
/// subcommands. `key` is where the only key stands, 0 if nowhere.
fn entry(
    wire: &mut Wire<'_>,
    name: &str,
    arity: i64,
    flags: &[&'static str],
    key: i64,
    categories: &[&'static str],
) {
    wire.list(10);
    wire.text(name);
    wire.integer(arity);
    simple_set(wire, flags);
    for at in [key, key, key] {
        wire.integer(at);
    }
    simple_set(wire, categories);
    (0..3).for_each(|_| wire.list(0));
}

fn simple_set(wire: &mut Wire<'_>, words: &[&'static str]) {
    wire.set(words.len());
    words.iter().for_each(|word| wire.simple(word));
}
