//! `tidegate draw-check`: computes the draw of a sale again, from what is public about it.

use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tidegate_sale::draw::{Entry, Mismatch, Published, check, entry_of};

use crate::client::{HttpAddress, get};
use crate::ending::{Failure, Found};
use crate::output::{grouped, print};
use crate::password::Password;

/// Entries of one page.
const PAGE: usize = 1_000;

/// Bytes of an answer: a page of entries has less.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

const WAIT: Duration = Duration::from_secs(30);

/// Computes the draw of a sale again, and compares it with the positions that people were told.
///
/// It reads what is public: the commitment, the list, the beacon, and the secret once the draw is over.
/// It exits with 1 if the secret is not what was committed to, the entries are not the list that was closed, or
/// anybody stands elsewhere than their lot says.
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
    #[arg(long, value_name = "HEX")]
    commitment: Option<String>,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("{from}: {error}")]
    Server { from: String, error: String },
    #[error("the draw of {0} is not over: its secret is told then")]
    NotOver(String),
    #[error("the server's answer has no {0} that can be read")]
    Unreadable(&'static str),
}

/// Reads, computes and prints.
pub(crate) fn run(args: &Args) -> Result<Found, Failure> {
    let password = Password::find(args.password_file.as_deref()).map_err(Failure::told)?;
    let draw = read(args, password.as_ref()).map_err(Failure::told)?;
    let found = Verdict {
        wrong: wrong(args, &draw),
        own: args.ticket.as_deref().map(|ticket| own(&draw, ticket)),
        draw: &draw,
    };
    if args.json {
        print(format_args!("{}\n", found.json()))?;
    } else {
        print(format_args!("{}", found.table()))?;
    }
    let is_found = found.own.is_none_or(|own| own.is_some());
    Ok(if found.wrong.is_none() && is_found {
        Found::Sound
    } else {
        Found::Unsound
    })
}

/// What is not as it should be, in words.
fn wrong(args: &Args, draw: &Published) -> Option<String> {
    let noted = args.commitment.as_ref().map(|hex| hex.to_ascii_lowercase());
    if noted.is_some_and(|noted| noted != hex(&draw.commitment)) {
        return Some("the commitment is not the one that you have noted".to_owned());
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

/// The number and position of a ticket, if it is in the list.
fn own(draw: &Published, ticket: &str) -> Option<(u64, u64)> {
    let entry = entry_of(ticket);
    let mut numbered = (1..).zip(&draw.entries);
    let own = numbered.find(|(_, (listed, _))| *listed == entry);
    own.map(|(number, (_, position))| (number, *position))
}

struct Verdict<'a> {
    draw: &'a Published,
    wrong: Option<String>,
    own: Option<Option<(u64, u64)>>,
}

impl Verdict<'_> {
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
        match self.own {
            None => {}
            Some(Some((number, position))) => {
                line(
                    "your ticket",
                    &format!("entry {number}, position {position}"),
                );
            }
            Some(None) => line("your ticket", "is not in the list"),
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
        let own = self.own.flatten();
        json!({
            "sale": draw.sale,
            "entries": draw.entries.len(),
            "commitment": hex(&draw.commitment),
            "list_hash": hex(&draw.list),
            "beacon": draw.beacon,
            "secret": hex(&draw.secret),
            "ticket": own.map(|(number, position)| json!({ "number": number, "position": position })),
            "right": self.wrong.is_none(),
            "wrong": self.wrong,
        })
    }
}

/// All that is public about a draw.
fn read(args: &Args, password: Option<&Password>) -> Result<Published, CheckError> {
    let path = format!("/v1/sales/{}", encoded(&args.sale));
    let sale = ask(args, password, &path)?;
    if sale["secret"].is_null() {
        return Err(CheckError::NotOver(args.sale.clone()));
    }
    let mut draw = Published {
        sale: args.sale.clone(),
        commitment: bytes(&sale, "commitment")?,
        list: bytes(&sale, "list_hash")?,
        beacon: sale["beacon"].as_str().unwrap_or_default().to_owned(),
        secret: bytes(&sale, "secret")?,
        entries: Vec::new(),
    };
    let mut next = "0".to_owned();
    loop {
        let path = format!("{path}/entries?limit={PAGE}&after={next}");
        let page = ask(args, password, &path)?;
        let items = page["items"]
            .as_array()
            .ok_or(CheckError::Unreadable("items"))?;
        for item in items {
            let entry: Entry = bytes(item, "entry")?;
            let position = item["position"].as_u64();
            let position = position.ok_or(CheckError::Unreadable("position"))?;
            draw.entries.push((entry, position));
        }
        match page["next"].as_str() {
            Some(more) => next = more.to_owned(),
            None => return Ok(draw),
        }
    }
}

fn ask(args: &Args, password: Option<&Password>, path: &str) -> Result<Value, CheckError> {
    let failed = |error: String| CheckError::Server {
        from: args.from.to_string(),
        error,
    };
    let body = get(&args.from, path, password, WAIT);
    let body = body.map_err(|error| failed(error.told(password.is_some())))?;
    let answer = serde_json::from_reader(body.take(ANSWER_BYTES_MAX));
    answer.map_err(|error| failed(format!("its answer cannot be read: {error}")))
}

fn bytes<const N: usize>(of: &Value, name: &'static str) -> Result<[u8; N], CheckError> {
    let digits = of[name].as_str().unwrap_or_default();
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or(CheckError::Unreadable(name))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as a part of a path.
fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
