//! `INFO`: figures of the server, as `name:value` lines under `# Section`.

use std::fmt::Write as _;

use crate::front::Front;
use crate::parse::Args;
use crate::session::Session;

/// The version of Redis whose behaviour clients may assume. Some (BullMQ, Sidekiq, Spring) look
/// for it in `INFO` and refuse a server that names none or an old one; the newest one on which
/// everything here is worded is 7.0.
const REDIS_VERSION: &str = "7.0.0";

type Figures = Vec<(&'static str, String)>;

type Section = (&'static str, fn(&Front) -> Figures);

const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", clients),
    ("Stats", stats),
    ("Replication", replication),
];

/// `INFO [section …]`.
pub(super) fn info(session: &mut Session, args: Args<'_>) {
    let wanted = |section: &str| {
        args.len() == 1
            || args.iter().skip(1).any(|word| {
                [section, "default", "all", "everything"]
                    .iter()
                    .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
            })
    };
    let mut text = String::new();
    for (section, figures) in SECTIONS.iter().filter(|(section, _)| wanted(section)) {
        let blank = if text.is_empty() { "" } else { "\r\n" };
        line(&mut text, format_args!("{blank}# {section}"));
        for (name, value) in figures(&session.front) {
            line(&mut text, format_args!("{name}:{value}"));
        }
    }
    session.reply(|wire| wire.verbatim(&text));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    write!(text, "{line}\r\n").expect("because a string takes all that is written");
}

fn server(front: &Front) -> Figures {
    let uptime = front.stats.uptime().as_secs();
    vec![
        ("redis_version", REDIS_VERSION.to_owned()),
        ("redis_mode", "standalone".to_owned()),
        ("server_name", front.options.server.clone()),
        ("tidegate_version", front.options.version.clone()),
        ("os", std::env::consts::OS.to_owned()),
        ("process_id", std::process::id().to_string()),
        ("uptime_in_seconds", uptime.to_string()),
        ("uptime_in_days", (uptime / 86_400).to_string()),
    ]
}

fn clients(front: &Front) -> Figures {
    vec![
        ("connected_clients", front.connections().to_string()),
        ("buffer_bytes", front.buffer_bytes().to_string()),
        ("maxclients", front.options.connections_max.to_string()),
    ]
}

fn stats(front: &Front) -> Figures {
    let metrics = front.door.metrics();
    vec![
        (
            "total_connections_received",
            front.stats.connections_total().to_string(),
        ),
        (
            "rejected_connections",
            front.stats.turned_away_total().to_string(),
        ),
        ("moved_connections", front.stats.moves_total().to_string()),
        (
            "total_commands_processed",
            front.stats.requests_total().to_string(),
        ),
        (
            "requests_admitted",
            metrics.requests_admitted.get().to_string(),
        ),
        ("requests_busy", metrics.requests_busy.get().to_string()),
        ("requests_waiting", front.door.waiting().to_string()),
        ("timers_fired", metrics.timers_fired.get().to_string()),
        ("groups_durable", metrics.groups_durable.get().to_string()),
        ("records_durable", metrics.records_durable.get().to_string()),
        (
            "clock_stepped_ms",
            front.door.clock_stepped_ms().to_string(),
        ),
    ]
}

/// Clients that look for the writable server find it.
fn replication(_front: &Front) -> Figures {
    vec![
        ("role", "master".to_owned()),
        ("connected_slaves", "0".to_owned()),
    ]
}
