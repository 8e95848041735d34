//! What the server answers, as far as a person or the books look at it.

use std::borrow::Cow;
use std::rc::Rc;

use serde::Deserialize;

use super::ask::Ask;

/// How long to stay away where a server that is busy does not say.
const BUSY_MS: u64 = 1_000;

/// How long to wait before what is pending is asked again: it was waited for already.
const PENDING_MS: u64 = 100;

/// An answer, or what is there in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes(Yes),
    /// A "no", by its code.
    No(Box<str>),
    /// Overload, or pending: ask again after so long.
    Busy {
        after_ms: u64,
    },
    /// The connection was cut, or nothing came in time: it may have been done or not.
    Lost,
    /// Not what the documentation says.
    Nonsense(Box<str>),
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yes {
    Time(Time),
    Sale(Sale),
    Joined(Joined),
    Standing(Standing),
    Goods(Page<Good>),
    Token(Token),
    Bought(Bought),
    /// A payment was taken in, or an order cancelled, or will be (202).
    Done,
    Order(Box<Order>),
    Stock(Units),
    Reviews(Page<Review>),
}

/// What time it is for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Time {
    pub(super) now_ms: u64,
}

/// The sale that the crowd comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Sale {
    pub(super) starts_at_ms: u64,
    pub(super) ends_at_ms: u64,
    /// Units that a buyer may have over all goods, if there are any.
    pub(super) max: Option<u64>,
}

/// A place in line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Joined {
    pub(super) ticket: Rc<str>,
    pub(super) ask_after_ms: u64,
}

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) state: State,
    /// Units that nobody holds.
    pub(super) available: Option<u64>,
    pub(super) ask_after_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Early,
    Drawing,
    Waiting,
    Admitted,
    SoldOut,
    Over,
}

/// A good on the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Good {
    pub(super) sku: Rc<str>,
    /// Units that can be had; nothing until that is known.
    pub(super) available: Option<u64>,
}

/// A token for some units of one good.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Token {
    pub(super) token: Rc<str>,
    pub(super) nonce: Rc<str>,
}

/// An order that has its units.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Bought {
    pub(super) order: Rc<str>,
    pub(super) quantity: u64,
    pub(super) total: u64,
    /// Nothing once it is long over.
    pub(super) pay_by_ms: Option<u64>,
}

/// An order as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Order {
    pub(super) state: Box<str>,
    pub(super) total: u64,
    pub(super) lines: Vec<Line>,
    pub(super) payments: Vec<Payment>,
    pub(super) refunds: Vec<Refund>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Line {
    pub(super) sku: Rc<str>,
    pub(super) quantity: u64,
    pub(super) refunded: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Payment {
    pub(super) payment: Box<str>,
    /// By which the provider knows it.
    pub(super) number: Box<str>,
    pub(super) state: Box<str>,
    pub(super) paid_amount: Option<u64>,
    pub(super) refunded: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Refund {
    pub(super) state: Box<str>,
}

/// The units of a SKU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Units {
    pub(super) total: u64,
    pub(super) available: u64,
    pub(super) held: u64,
    pub(super) sold: u64,
}

/// Something that a person is to look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Review {
    pub(super) id: Rc<str>,
    pub(super) payment: Box<str>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Where the next page begins: a text or a number, as the list has it.
    #[serde(deserialize_with = "place")]
    pub(super) next: Option<Rc<str>>,
}

fn place<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Rc<str>>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(from)?;
    Ok(value.map(|value| match value.as_str() {
        Some(text) => text.into(),
        None => value.to_string().into(),
    }))
}

/// What polls read of an answer: without copying, for they are the most.
#[derive(Deserialize)]
struct Polled {
    state: State,
    #[serde(default)]
    available: Option<u64>,
    ask_after_ms: u64,
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(default)]
    retry_after_ms: Option<u64>,
}

impl Answer {
    /// The answer as an error message shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::No(code) => format!("no: {code}"),
            Self::Busy { .. } => "that it is busy".to_owned(),
            Self::Lost => "nothing".to_owned(),
            Self::Nonsense(text) => format!("what is not documented: {text}"),
            Self::Yes(_) => "something else".to_owned(),
        }
    }

    /// Reads the answer to a request.
    pub(super) fn read(ask: &Ask, status: u16, body: &[u8]) -> Self {
        match status {
            200 | 201 => Yes::read(ask, body).map_or_else(|| nonsense(body), Self::Yes),
            202 if matches!(ask, Ask::Pay { .. } | Ask::Cancel { .. }) => Self::Yes(Yes::Done),
            202 => Self::Busy {
                after_ms: PENDING_MS,
            },
            429 | 502..=504 => Self::Busy {
                after_ms: problem(body)
                    .and_then(|problem| problem.retry_after_ms)
                    .unwrap_or(BUSY_MS),
            },
            _ => problem(body).map_or_else(
                || nonsense(body),
                |problem| Self::No(problem.code.into_owned().into()),
            ),
        }
    }
}

impl Yes {
    fn read(ask: &Ask, body: &[u8]) -> Option<Self> {
        let read = match ask {
            Ask::Join { .. } => Self::Joined(of(body)?),
            Ask::Position { .. } => Self::Standing(of::<Polled>(body)?.into()),
            Ask::Time => Self::Time(of(body)?),
            Ask::Announce { .. } | Ask::Sale => Self::Sale(of(body)?),
            Ask::Goods => Self::Goods(of(body)?),
            Ask::Token { .. } => Self::Token(of(body)?),
            Ask::Buy { .. } => Self::Bought(of(body)?),
            Ask::Pay { .. } | Ask::Cancel { .. } => Self::Done,
            Ask::Order { .. } => Self::Order(of(body)?),
            Ask::Declare { .. } | Ask::Stock { .. } => Self::Stock(of(body)?),
            Ask::Reviews { .. } => Self::Reviews(of(body)?),
        };
        Some(read)
    }
}

impl From<Polled> for Standing {
    fn from(polled: Polled) -> Self {
        Self {
            state: polled.state,
            available: polled.available,
            ask_after_ms: polled.ask_after_ms,
        }
    }
}

fn of<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

fn problem(body: &[u8]) -> Option<Problem<'_>> {
    of(body)
}

fn nonsense(body: &[u8]) -> Answer {
    let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
    Answer::Nonsense(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Ask {
        Ask::Position { ticket: "1".into() }
    }

    #[test]
    fn a_poll_reads_where_somebody_stands() {
        let body = br#"{"state":"sold_out","position":7,"ahead":null,"available":0,"held":3,
            "back_by_ms":9,"ask_after_ms":2000,"now_ms":1}"#;
        let standing = Standing {
            state: State::SoldOut,
            available: Some(0),
            ask_after_ms: 2_000,
        };
        let read = Answer::read(&position(), 200, body);
        assert_eq!(read, Answer::Yes(Yes::Standing(standing)));
    }

    #[test]
    fn overload_is_told_from_a_no_and_a_no_from_what_is_no_answer() {
        let cases: [(u16, &str, Answer); 5] = [
            (
                503,
                r#"{"code":"busy","retry_after_ms":50}"#,
                Answer::Busy { after_ms: 50 },
            ),
            (502, "<html>", Answer::Busy { after_ms: BUSY_MS }),
            (
                409,
                r#"{"code":"bad_ticket"}"#,
                Answer::No("bad_ticket".into()),
            ),
            (404, "<html>", Answer::Nonsense("<html>".into())),
            (200, "{}", Answer::Nonsense("{}".into())),
        ];
        for (status, body, expected) in cases {
            let read = Answer::read(&position(), status, body.as_bytes());
            assert_eq!(read, expected, "{status} {body}");
        }
    }

    #[test]
    fn a_page_goes_on_behind_a_text_or_a_number() {
        for (next, expected) in [
            ("null", None),
            ("\"A\"", Some("A".into())),
            ("7", Some("7".into())),
        ] {
            let body = format!(r#"{{"items":[{{"sku":"A","available":2}}],"next":{next}}}"#);
            let ask = Ask::Goods;
            let Answer::Yes(Yes::Goods(page)) = Answer::read(&ask, 200, body.as_bytes()) else {
                panic!("{body}");
            };
            assert_eq!(page.next, expected);
        }
    }
}
