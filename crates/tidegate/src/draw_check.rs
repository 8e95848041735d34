//! `tidegate draw-check`: computes the draw of a sale again, from what is public about it.

mod read;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tidegate_sale::draw::{Hash, Mismatch, Published, check, entry_of};
use tidegate_sale::hex::{from_hex, hex};

use self::read::{ReadError, Source};
use crate::client::HttpAddress;
use crate::ending::{Failure, Found};
use crate::output::{grouped, print};
use crate::password::Password;

/// Computes the draw of a sale again, and compares it with the positions that people were told.
///
/// It reads what is public: the commitment, the list, the beacon, and the secret once the draw is over.
/// It exits with 1 if the secret is not what was committed to, the entries are not the list that was closed,
/// anybody stands elsewhere than their lot says, or the server says otherwise than you have noted.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The sale.
    sale: String,
    /// The HTTP address of the server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7380")]
    from: HttpAddress,
    /// A ticket, to see where its holder stands.
    #[arg(long)]
    ticket: Option<String>,
    /// The commitment as you have noted it before the sale: compared with what the server says now.
    #[arg(long, value_name = "HASH", value_parser = hash)]
    commitment: Option<Hash>,
    /// The hash of the list as it was told at the start: compared likewise.
    #[arg(long, value_name = "HASH", value_parser = hash)]
    list: Option<Hash>,
    /// The beacon as the world knows it: compared likewise.
    #[arg(long, value_name = "VALUE")]
    beacon: Option<String>,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Reads, computes and prints.
pub(crate) fn run(args: &Args) -> Result<Found, Failure> {
    let password = Password::find(args.password_file.as_deref()).map_err(Failure::told)?;
    let source = Source::new(args, password.as_ref());
    let draw = source.draw().map_err(Failure::told)?;
    let own = args.ticket.as_deref();
    let own = own.map(|ticket| own_of(&draw, &source, ticket)).transpose();
    let found = Verdict {
        wrong: wrong(args, &draw),
        own: own.map_err(Failure::told)?,
        draw: &draw,
    };
    if args.json {
        print(format_args!("{}\n", found.json()))?;
    } else {
        print(format_args!("{}", found.table()))?;
    }
    Ok(if found.is_sound() {
        Found::Sound
    } else {
        Found::Unsound
    })
}

/// What is not as it should be, in words.
fn wrong(args: &Args, draw: &Published) -> Option<String> {
    let noted = [
        ("commitment", is_other(args.commitment, &draw.commitment)),
        ("list", is_other(args.list, &draw.list)),
        ("beacon", is_other(args.beacon.as_ref(), &&draw.beacon)),
    ];
    if let Some((what, _)) = noted.into_iter().find(|(_, is_other)| *is_other) {
        return Some(format!("the {what} is not the one that you have noted"));
    }
    check(draw).err().map(|mismatch| match mismatch {
        Mismatch::Commitment => "the secret is not the one that was committed to".to_owned(),
        Mismatch::List => "the entries are not those of the list that was closed".to_owned(),
        Mismatch::Position {
            number,
            told,
            drawn,
        } => format!("entry {number} was told position {told}, and its lot gives it {drawn}"),
    })
}

fn is_other<T: PartialEq>(noted: Option<T>, told: &T) -> bool {
    noted.is_some_and(|noted| noted != *told)
}

/// A hash as it is told.
fn hash(text: &str) -> Result<Hash, &'static str> {
    from_hex(&text.to_ascii_lowercase()).ok_or("a hash is 64 digits of hex")
}

/// Where the holder of a ticket stands.
enum Own {
    /// In the list.
    Drawn { number: u64, position: u64 },
    /// Behind it, as who has entered after the start.
    Behind { position: u64 },
    /// Nowhere.
    Unknown,
}

/// Finds a ticket in the list; of another one the server is asked.
fn own_of(draw: &Published, source: &Source<'_>, ticket: &str) -> Result<Own, ReadError> {
    let entry = entry_of(ticket);
    let mut numbered = (1..).zip(&draw.entries);
    if let Some((number, (_, position))) = numbered.find(|(_, (listed, _))| *listed == entry) {
        let position = *position;
        return Ok(Own::Drawn { number, position });
    }
    let told = source.position(ticket)?;
    let behind = told.filter(|position| *position > draw.entries.len() as u64);
    Ok(behind.map_or(Own::Unknown, |position| Own::Behind { position }))
}

struct Verdict<'a> {
    draw: &'a Published,
    wrong: Option<String>,
    own: Option<Own>,
}

impl Verdict<'_> {
    fn is_sound(&self) -> bool {
        self.wrong.is_none() && !matches!(self.own, Some(Own::Unknown))
    }

    fn table(&self) -> String {
        let draw = self.draw;
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12} {value}");
        };
        line("sale", &draw.sale);
        line("entries", &grouped(draw.entries.len() as u64));
        line("commitment", &hex(&draw.commitment));
        line("list", &hex(&draw.list));
        line(
            "beacon",
            if draw.beacon.is_empty() {
                "none"
            } else {
                &draw.beacon
            },
        );
        line("secret", &hex(&draw.secret));
        if let Some(own) = &self.own {
            line("your ticket", &own.words());
        }
        match &self.wrong {
            None => line(
                "the draw",
                "is right: everybody stands where their lot says",
            ),
            Some(wrong) => line("the draw", &format!("is WRONG: {wrong}")),
        }
        text
    }

    fn json(&self) -> Value {
        let draw = self.draw;
        json!({
            "sale": draw.sale,
            "entries": draw.entries.len(),
            "commitment": hex(&draw.commitment).as_str(),
            "list_hash": hex(&draw.list).as_str(),
            "beacon": draw.beacon,
            "secret": hex(&draw.secret).as_str(),
            "ticket": self.own.as_ref().map(Own::json),
            "right": self.wrong.is_none(),
            "wrong": self.wrong,
        })
    }
}

impl Own {
    fn words(&self) -> String {
        match self {
            Self::Drawn { number, position } => format!("entry {number}, position {position}"),
            Self::Behind { position } => {
                format!("position {position}, behind all who were drawn: it is of after the start")
            }
            Self::Unknown => "is not in the list".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Drawn { number, position } => json!({ "number": number, "position": position }),
            Self::Behind { position } => json!({ "number": null, "position": position }),
            Self::Unknown => Value::Null,
        }
    }
}
