//! `HELLO` and `AUTH`: which protocol, and who.

use tidegate_engine::contract::Writer;

use super::client::is_client_name;
use super::integer;
use crate::errors::Error;
use crate::options::USER;
use crate::parse::Args;
use crate::session::Session;
use crate::wire::{Protocol, Wire};

/// `AUTH [user] password`.
pub(super) fn auth(session: &mut Session, args: Args<'_>) {
    let (user, password) = match (args.get(1), args.get(2)) {
        (Some(user), Some(password)) => (user, password),
        (password, _) if session.front.options.credentials.is_some() => {
            (USER, password.unwrap_or_default())
        }
        _ => return session.fail(&Error::NoPasswordSet),
    };
    match admits(session, user, password) {
        true => {
            session.is_authenticated = true;
            session.reply(|wire| wire.simple("OK"));
        }
        false => session.fail(&Error::WrongPassword),
    }
}

/// Whether the password is right. Without one, the user `default` may give any, as in Redis.
fn admits(session: &Session, user: &[u8], password: &[u8]) -> bool {
    match &session.front.options.credentials {
        Some(credentials) => credentials.are(user, password),
        None => user == USER,
    }
}

/// What `HELLO` asks for, once all of it is read.
struct Wanted<'a> {
    protocol: Protocol,
    name: Option<&'a [u8]>,
    is_admitted: bool,
}

/// `HELLO [2|3 [AUTH user password] [SETNAME name]]`. It does all of it or nothing.
pub(super) fn hello(session: &mut Session, args: Args<'_>) {
    match wanted(session, args) {
        Ok(wanted) => {
            session.is_authenticated = wanted.is_admitted;
            if let Some(name) = wanted.name {
                session.name = name.to_vec();
            }
            session.speak(wanted.protocol);
            greet(session);
        }
        Err(error) => session.fail(&error),
    }
}

fn wanted<'a>(session: &Session, args: Args<'a>) -> Result<Wanted<'a>, Error<'a>> {
    let mut wanted = Wanted {
        protocol: session.protocol(),
        name: None,
        is_admitted: session.is_authenticated,
    };
    let mut args = args.iter().skip(1);
    if let Some(version) = args.next() {
        wanted.protocol = match integer(version) {
            Some(2) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Err(Error::ProtocolVersion),
            None => return Err(Error::ProtocolVersionUnreadable),
        };
    }
    while let Some(word) = args.next() {
        let is_auth = word.eq_ignore_ascii_case(b"AUTH");
        if !is_auth && !word.eq_ignore_ascii_case(b"SETNAME") {
            return Err(Error::HelloOption(word));
        }
        let value = args.next().ok_or(Error::HelloOption(word))?;
        if is_auth {
            let password = args.next().ok_or(Error::HelloOption(word))?;
            if !admits(session, value, password) {
                return Err(Error::WrongPassword);
            }
            wanted.is_admitted = true;
        } else if is_client_name(value) {
            wanted.name = Some(value);
        } else {
            return Err(Error::ClientName);
        }
    }
    if wanted.is_admitted {
        Ok(wanted)
    } else {
        Err(Error::NoAuthenticationInHello)
    }
}

fn greet(session: &mut Session) {
    let front = std::sync::Arc::clone(&session.front);
    let (id, protocol) = (session.id.cast_signed(), session.protocol());
    session.reply(|wire: &mut Wire<'_>| {
        wire.map(7);
        wire.name("server");
        wire.text(&front.options.server);
        wire.name("version");
        wire.text(&front.options.version);
        wire.name("proto");
        wire.integer(protocol.number());
        wire.name("id");
        wire.integer(id);
        wire.name("mode");
        wire.text("standalone");
        wire.name("role");
        wire.text("master");
        wire.name("modules");
        wire.list(0);
    });
}
