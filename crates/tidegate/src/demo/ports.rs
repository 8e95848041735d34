//! The ports of the demo's server: the usual ones where they are free.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;

use tidegate_engine::contract::Domain;

use super::DemoArgs;
use crate::serve::{ServeError, Server, Settings};

/// A usual port that was taken, and the one in its place.
pub(super) struct Moved {
    usual: u16,
    now: u16,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { usual, now } = self;
        write!(f, "{usual} is taken: using {now}")
    }
}

/// Starts a server where the arguments say. Elsewhere it takes a free port in place of a usual one
/// that is taken.
pub(super) fn start(
    args: &DemoArgs,
    data: PathBuf,
    domains: &[Domain],
) -> Result<(Server, Vec<Moved>), ServeError> {
    let usual = Settings::usual(data);
    let mut settings = Settings {
        resp: args.resp.unwrap_or(usual.resp),
        http: args.http.unwrap_or(usual.http),
        ..usual.clone()
    };
    loop {
        match Server::start(&settings, domains) {
            Ok(server) => {
                let moved = [
                    moved(args.resp, usual.resp, server.resp),
                    moved(args.http, usual.http, server.http),
                ];
                return Ok((server, moved.into_iter().flatten().collect()));
            }
            Err(ServeError::Listen { addr, error }) if error.kind() == ErrorKind::AddrInUse => {
                let taken = if args.resp.is_none() && addr == settings.resp {
                    &mut settings.resp
                } else if args.http.is_none() && addr == settings.http {
                    &mut settings.http
                } else {
                    return Err(ServeError::Listen { addr, error });
                };
                taken.set_port(0);
            }
            Err(other) => return Err(other),
        }
    }
}

fn moved(asked: Option<SocketAddr>, usual: SocketAddr, now: SocketAddr) -> Option<Moved> {
    let (usual, now) = (usual.port(), now.port());
    (asked.is_none() && usual != now).then_some(Moved { usual, now })
}
