//! Errors of the front itself, in the words of Redis, on which clients rely.

use std::fmt;

use tidegate_engine::contract::{FieldKind, Invalid, InvalidKind, RequestDef};

use tidegate_engine::limits::BUSY_RETRY_MS;

use crate::limits::ECHOED_BYTES_MAX;
use crate::parse::{Args, Malformed};

/// A request that does not get as far as the engine.
#[derive(Debug)]
pub(crate) enum Error<'a> {
    UnknownCommand(Args<'a>),
    UnknownSubcommand(&'a [u8]),
    /// The name of the command, in lower case; a subcommand stands behind `|`.
    Arity(String),
    Syntax,
    /// A word that is no option of the request, has no value, or stands twice; and how the request
    /// is written.
    Option(&'a [u8], String),
    NotAnInteger,
    Invalid(Invalid),
    /// The same of a request in the words of another system, in these.
    Spoken(String),
    Protocol(Malformed),
    /// `MULTI`, or a command between it and its end.
    NoTransactions,
    /// There is no memory left for what the request would take.
    NoBuffers,
    TransactionDiscarded,
    DatabaseIndex,
    ClientName,
    NoAuthentication,
    NoAuthenticationInHello,
    NoPasswordSet,
    WrongPassword,
    ProtocolVersionUnreadable,
    ProtocolVersion,
    HelloOption(&'a [u8]),
}

impl Error<'_> {
    /// The right error for a field that cannot be taken.
    pub(crate) fn of_field(def: &RequestDef, invalid: Invalid) -> Self {
        let field = def.fields.iter().find(|field| field.name == invalid.field);
        if def.is_spoken() {
            return Self::Spoken(invalid.message);
        }
        let is_integer = field.is_some_and(|field| match field.kind {
            FieldKind::Integer { .. } => true,
            FieldKind::Name
            | FieldKind::Id
            | FieldKind::Payload { .. }
            | FieldKind::Bytes { .. }
            | FieldKind::Address
            | FieldKind::Word(_)
            | FieldKind::Grammar(_)
            | FieldKind::List { .. } => false,
        });
        if is_integer && invalid.kind == InvalidKind::Unreadable {
            Self::NotAnInteger
        } else {
            Self::Invalid(invalid)
        }
    }
}

impl fmt::Display for Error<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCommand(args) => unknown_command(*args, out),
            Self::UnknownSubcommand(name) => {
                write!(out, "ERR unknown subcommand '{}'.", Echoed(name))
            }
            Self::Arity(name) => {
                write!(out, "ERR wrong number of arguments for '{name}' command")
            }
            Self::Syntax => out.write_str("ERR syntax error"),
            Self::Option(word, syntax) => {
                write!(
                    out,
                    "ERR syntax error near '{}': write {syntax}",
                    Echoed(word)
                )
            }
            Self::NotAnInteger => out.write_str("ERR value is not an integer or out of range"),
            Self::Spoken(words) => write!(out, "ERR {words}"),
            Self::Invalid(Invalid { field, message, .. }) => {
                write!(out, "INVALID {field} {message}")
            }
            Self::Protocol(malformed) => write!(out, "ERR Protocol error: {malformed}"),
            Self::NoBuffers => write!(out, "BUSY retry_after_ms={BUSY_RETRY_MS}"),
            Self::NoTransactions => out.write_str(
                "ERR transactions are not supported: nothing between MULTI and EXEC is carried \
                 out. Every command is atomic by itself; send them without MULTI",
            ),
            Self::TransactionDiscarded => out.write_str(
                "EXECABORT Transaction discarded because transactions are not supported",
            ),
            Self::DatabaseIndex => out.write_str("ERR DB index is out of range"),
            Self::ClientName => out.write_str(
                "ERR Client names cannot contain spaces, newlines or special characters.",
            ),
            Self::NoAuthentication => out.write_str("NOAUTH Authentication required."),
            Self::NoAuthenticationInHello => out.write_str(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
                 HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client \
                 and select the RESP protocol version at the same time",
            ),
            Self::NoPasswordSet => out.write_str(
                "ERR AUTH <password> called without any password configured for the default user. \
                 Are you sure your configuration is correct?",
            ),
            Self::WrongPassword => {
                out.write_str("WRONGPASS invalid username-password pair or user is disabled.")
            }
            Self::ProtocolVersionUnreadable => {
                out.write_str("ERR Protocol version is not an integer or out of range")
            }
            Self::ProtocolVersion => out.write_str("NOPROTO unsupported protocol version"),
            Self::HelloOption(word) => {
                write!(out, "ERR Syntax error in HELLO option '{}'", Echoed(word))
            }
        }
    }
}

fn unknown_command(args: Args<'_>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut args = args.iter();
    let name = args.next().unwrap_or_default();
    write!(
        out,
        "ERR unknown command '{}', with args beginning with: ",
        Echoed(name)
    )?;
    let mut room = ECHOED_BYTES_MAX;
    for arg in args {
        let shown = &arg[..arg.len().min(room)];
        write!(out, "'{}' ", Echoed(shown))?;
        room = room.saturating_sub(shown.len() + 3);
        if room == 0 {
            break;
        }
    }
    Ok(())
}

/// The beginning of what a client sent.
struct Echoed<'a>(&'a [u8]);

impl fmt::Display for Echoed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(ECHOED_BYTES_MAX)];
        out.write_str(&String::from_utf8_lossy(shown))
    }
}
