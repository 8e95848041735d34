//! The commands of the front itself: what every Redis client expects of a server.

mod client;
mod command;
mod docs;
mod hello;
mod info;

use tidegate_engine::contract::Writer;

use crate::errors::Error;
use crate::parse::Args;
use crate::session::Session;
use crate::wire::{Protocol, Wire};

/// A command of the front itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    Auth,
    Client,
    Command,
    Echo,
    Hello,
    Info,
    Ping,
    Quit,
    Reset,
    Select,
}

/// A built-in command as documentation and `COMMAND` show it.
pub(crate) struct BuiltinDef {
    pub(crate) builtin: Builtin,
    /// In capitals.
    pub(crate) name: &'static str,
    /// Fewest arguments, the name included.
    args_min: usize,
    /// Most arguments.
    args_max: usize,
    summary: &'static str,
}

const fn def(
    builtin: Builtin,
    name: &'static str,
    (args_min, args_max): (usize, usize),
    summary: &'static str,
) -> BuiltinDef {
    BuiltinDef {
        builtin,
        name,
        args_min,
        args_max,
        summary,
    }
}

const ANY: usize = usize::MAX;

/// Every built-in command, in the order of [`Builtin`].
pub(crate) const BUILTINS: &[BuiltinDef] = &[
    def(Builtin::Auth, "AUTH", (2, 3), "Gives the password."),
    def(
        Builtin::Client,
        "CLIENT",
        (2, ANY),
        "SETNAME, GETNAME, SETINFO or ID of the connection.",
    ),
    def(
        Builtin::Command,
        "COMMAND",
        (1, ANY),
        "All commands; COUNT, LIST, INFO or DOCS of them.",
    ),
    def(Builtin::Echo, "ECHO", (2, 2), "Returns its argument."),
    def(
        Builtin::Hello,
        "HELLO",
        (1, ANY),
        "Agrees on a protocol, gives password and name.",
    ),
    def(
        Builtin::Info,
        "INFO",
        (1, ANY),
        "Figures of the server, by sections.",
    ),
    def(
        Builtin::Ping,
        "PING",
        (1, 2),
        "Returns PONG, or its argument.",
    ),
    def(Builtin::Quit, "QUIT", (1, ANY), "Closes the connection."),
    def(
        Builtin::Reset,
        "RESET",
        (1, 1),
        "Forgets everything that the connection agreed on.",
    ),
    def(
        Builtin::Select,
        "SELECT",
        (2, 2),
        "Takes 0: there is one database.",
    ),
];

impl Builtin {
    /// Whether it may be asked before the password is given.
    pub(crate) fn is_for_strangers(self) -> bool {
        match self {
            Self::Auth | Self::Hello | Self::Quit | Self::Reset => true,
            Self::Client | Self::Command | Self::Echo | Self::Info | Self::Ping | Self::Select => {
                false
            }
        }
    }

    fn def(self) -> &'static BuiltinDef {
        &BUILTINS[self as usize]
    }
}

impl BuiltinDef {
    /// Redis' arity: how many arguments, the name included, or the negative of how many at least.
    fn arity(&self) -> i64 {
        let least = i64::try_from(self.args_min).expect("because it is small");
        if self.args_min == self.args_max {
            least
        } else {
            -least
        }
    }
}

/// Carries out a built-in command.
pub(crate) fn run(builtin: Builtin, session: &mut Session, args: Args<'_>) {
    let BuiltinDef {
        name,
        args_min,
        args_max,
        ..
    } = builtin.def();
    if !(*args_min..=*args_max).contains(&args.len()) {
        return session.fail(&Error::Arity(name.to_ascii_lowercase()));
    }
    match builtin {
        Builtin::Auth => hello::auth(session, args),
        Builtin::Client => client::client(session, args),
        Builtin::Command => command::command(session, args),
        Builtin::Echo => session.reply(|wire| wire.bulk(args.get(1).unwrap_or_default())),
        Builtin::Hello => hello::hello(session, args),
        Builtin::Info => info::info(session, args),
        Builtin::Ping => ping(session, args),
        Builtin::Quit => {
            session.reply(|wire| wire.simple("OK"));
            session.end();
        }
        Builtin::Reset => reset(session),
        Builtin::Select => select(session, args),
    }
}

fn ping(session: &mut Session, args: Args<'_>) {
    session.reply(|wire| match args.get(1) {
        Some(message) => wire.bulk(message),
        None => wire.simple("PONG"),
    });
}

fn reset(session: &mut Session) {
    session.name.clear();
    session.is_authenticated = session.front.options.credentials.is_none();
    session.speak(Protocol::Resp2);
    session.reply(|wire| wire.simple("RESET"));
}

fn select(session: &mut Session, args: Args<'_>) {
    match integer(args.get(1).unwrap_or_default()) {
        Some(0) => session.reply(|wire| wire.simple("OK")),
        Some(_) => session.fail(&Error::DatabaseIndex),
        None => session.fail(&Error::NotAnInteger),
    }
}

fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A text of the front's own, or nothing.
fn text_or_null(wire: &mut Wire<'_>, text: &[u8]) {
    if text.is_empty() {
        wire.null()
    } else {
        wire.bulk(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_builtin_has_its_own_definition() {
        assert_eq!(BUILTINS.len(), Builtin::Select as usize + 1);
        for (at, def) in BUILTINS.iter().enumerate() {
            assert_eq!(def.builtin as usize, at);
            assert!(def.args_min <= def.args_max);
        }
    }
}
