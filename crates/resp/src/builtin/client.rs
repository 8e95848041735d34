//! `CLIENT SETNAME`, `GETNAME`, `SETINFO` and `ID`: what connections say of themselves.

use tidegate_engine::contract::Writer;

use super::text_or_null;
use crate::errors::Error;
use crate::limits::CLIENT_NAME_BYTES_MAX;
use crate::parse::Args;
use crate::session::Session;

/// `CLIENT subcommand …`.
pub(super) fn client(session: &mut Session, args: Args<'_>) {
    let subcommand = args.get(1).unwrap_or_default().to_ascii_lowercase();
    let more = args.len() - 2;
    match (&*subcommand, more) {
        (b"id", 0) => {
            let id = session.id.cast_signed();
            session.reply(|wire| wire.integer(id));
        }
        (b"getname", 0) => {
            let name = session.name.clone();
            session.reply(|wire| text_or_null(wire, &name));
        }
        (b"setname", 1) => set_name(session, args.get(2).unwrap_or_default()),
        (b"setinfo", 2) => set_info(session, args.get(2).unwrap_or_default()),
        (b"id" | b"getname" | b"setname" | b"setinfo", _) => {
            let subcommand = String::from_utf8_lossy(&subcommand);
            session.fail(&Error::Arity(format!("client|{subcommand}")));
        }
        _ => session.fail(&Error::UnknownSubcommand(args.get(1).unwrap_or_default())),
    }
}

/// Whether a connection may be called that: nothing that would break a list of them.
pub(super) fn is_client_name(name: &[u8]) -> bool {
    name.len() <= CLIENT_NAME_BYTES_MAX && name.iter().all(u8::is_ascii_graphic)
}

fn set_name(session: &mut Session, name: &[u8]) {
    if is_client_name(name) {
        session.name = name.to_vec();
        session.reply(|wire| wire.simple("OK"));
    } else {
        session.fail(&Error::ClientName);
    }
}

/// Client libraries say their name and version. Nothing here depends on it, so it is not kept.
fn set_info(session: &mut Session, attribute: &[u8]) {
    if [&b"lib-name"[..], b"lib-ver"]
        .iter()
        .any(|known| attribute.eq_ignore_ascii_case(known))
    {
        session.reply(|wire| wire.simple("OK"));
    } else {
        session.fail(&Error::Syntax);
    }
}
