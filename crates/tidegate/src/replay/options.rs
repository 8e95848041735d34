//! What a replay is told: on the command line, and by `demo`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::columns::Columns;
use super::orders::Choice;
use super::share::Share;
use crate::client::{Address, Peer};
use crate::duration;
use crate::interrupt::Interrupt;
use crate::password::{self, Password};
use crate::temporary::TemporaryServer;

/// Less than the demand, so that some of it is sold out.
const SHARE_DEFAULT: &str = "0.9";

/// Enough that units come back all the time.
const CANCEL_SHARE_DEFAULT: &str = "0.1";

/// Enough to keep the executors of a small machine busy while others wait for a sync.
const CONNECTIONS_DEFAULT: u16 = 4;

/// Enough for a full batch per sync; little enough that a lost connection repeats little.
const PIPELINE_DEFAULT: u16 = 128;

/// Longer than a restart takes.
const PATIENCE_DEFAULT: Duration = Duration::from_secs(60);

/// Replays a shop's order lines against real stock counts, through the wire of a server.
///
/// Each SKU gets a share of what the file orders of it; every line is held and confirmed, every
/// cancellation returned, and at the end the server's books are compared with the answers. With
/// --orders each invoice is one order instead.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Order lines: CSV with a header, plain or gzipped.
    file: PathBuf,
    /// The RESP address of a running server. Without it a server is started in a temporary folder
    /// and stopped at the end.
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) addr: Option<Address>,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE", requires = "addr")]
    password_file: Option<PathBuf>,
    /// Units of each SKU, as a share of what its orders ask for, rounded up.
    #[arg(long, default_value = SHARE_DEFAULT)]
    stock_share: Share,
    /// `max`, or lines of the file per second.
    #[arg(long, default_value = "max")]
    speed: Speed,
    /// Where answers are kept, so that an interrupted replay goes on where it was
    /// [default: FILE's name with .journal, in this folder]. Without --addr nothing is kept: the
    /// server goes as well.
    #[arg(long, value_name = "FILE", requires = "addr")]
    journal: Option<PathBuf>,
    /// Set the stock of SKUs that the server has already, whatever they have. Without this a replay that
    /// would have to stops before it changes anything.
    #[arg(long, requires = "addr")]
    overwrite: bool,
    /// Connections to the server.
    #[arg(long, default_value_t = CONNECTIONS_DEFAULT, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// Commands in flight on each connection.
    #[arg(long, default_value_t = PIPELINE_DEFAULT, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pipeline: u16,
    /// Names of columns that differ: invoice=…,time=…,customer=…,sku=…,description=…,quantity=…,unit_price=…
    #[arg(long, default_value = "", hide_default_value = true)]
    columns: Columns,
    /// How long to wait for a server that is away or busy before giving up, like 60s or 500ms.
    #[arg(long, default_value = "60s", value_parser = duration::parse)]
    patience: Duration,
    /// Place each invoice as one order, with ORDER.PLACE, instead of holding and confirming line by line.
    #[arg(long)]
    orders: bool,
    /// The share of orders that are cancelled once they are reserved, by the hash of the invoice.
    #[arg(long, requires = "orders", default_value = CANCEL_SHARE_DEFAULT, value_parser = part)]
    cancel_share: Share,
    /// Cancel all orders that are still reserved at the end. Without this they stay.
    #[arg(long, requires = "orders")]
    cancel_all: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

/// A replay in full.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) file: PathBuf,
    pub(crate) addr: String,
    pub(crate) password: Option<Password>,
    pub(crate) journal: PathBuf,
    /// Whether the journal is there when the replay is over.
    pub(crate) keeps_journal: bool,
    /// Whether SKUs may be declared that the server has otherwise.
    pub(crate) overwrite: bool,
    pub(crate) share: Share,
    pub(crate) speed: Speed,
    pub(crate) connections: usize,
    /// Commands in flight on each connection.
    pub(crate) pipeline: usize,
    pub(crate) columns: Columns,
    pub(crate) patience: Duration,
    /// Ends the replay early.
    pub(crate) interrupt: Interrupt,
}

/// How fast the file is walked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// As fast as the server answers.
    Max,
    /// No more lines per second than this.
    LinesPerSecond(f64),
}

impl Speed {
    pub(super) fn lines_per_s(self) -> Option<f64> {
        match self {
            Self::Max => None,
            Self::LinesPerSecond(lines) => Some(lines),
        }
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(lines) if lines.is_finite() && lines > 0.0 => Ok(Self::LinesPerSecond(lines)),
            Ok(_) | Err(_) => Err("a speed is `max` or a number of lines per second".to_owned()),
        }
    }
}

impl Args {
    /// The password of the server that was named. One of our own has none.
    pub(super) fn password(&self) -> Result<Option<Password>, password::Error> {
        let named = self.addr.is_some();
        let found = named.then(|| Password::find(self.password_file.as_deref()));
        Ok(found.transpose()?.flatten())
    }

    /// How orders are replayed, if they are.
    pub(super) fn orders(&self) -> Option<Choice> {
        self.orders.then_some(Choice {
            cancels: self.cancel_share,
            cancels_all: self.cancel_all,
        })
    }

    /// The options, for the server that was named, or one of our own.
    pub(super) fn options(&self, own: Option<&TemporaryServer>) -> Options {
        let named = self.addr.as_ref().map(Address::to_string);
        let addr = own.map(|own| own.addr.clone()).or(named);
        // The journal of a server that goes is of no use without it, so it goes as well.
        let folder = own.map_or_else(PathBuf::new, |own| own.folder().to_owned());
        let default_journal = || {
            let mut name = self.file.file_name().unwrap_or_default().to_owned();
            name.push(".journal");
            folder.join(name)
        };
        Options {
            share: self.stock_share,
            speed: self.speed,
            connections: self.connections.into(),
            pipeline: self.pipeline.into(),
            columns: self.columns.clone(),
            patience: self.patience,
            keeps_journal: own.is_none(),
            overwrite: self.overwrite,
            ..Options::new(
                self.file.clone(),
                addr.expect("because a server without an address is one of our own"),
                self.journal.clone().unwrap_or_else(default_journal),
            )
        }
    }
}

impl Options {
    /// A replay of `file` as it is without any option, all of which goes at the end.
    pub(crate) fn new(file: PathBuf, addr: String, journal: PathBuf) -> Self {
        Self {
            file,
            addr,
            password: None,
            journal,
            keeps_journal: false,
            overwrite: false,
            share: SHARE_DEFAULT.parse().expect("because 0.9 is a share"),
            speed: Speed::Max,
            connections: CONNECTIONS_DEFAULT.into(),
            pipeline: PIPELINE_DEFAULT.into(),
            columns: Columns::default(),
            patience: PATIENCE_DEFAULT,
            interrupt: Interrupt::default(),
        }
    }

    /// The server, as connections know it.
    pub(super) fn peer(&self) -> Peer {
        Peer {
            addr: self.addr.clone(),
            password: self.password.clone(),
            patience: self.patience,
            interrupt: self.interrupt.clone(),
        }
    }
}

/// A share that is no more than all.
fn part(text: &str) -> Result<Share, String> {
    let share: Share = text.parse().map_err(|error| format!("{error}"))?;
    if share.of(1) > 1 {
        return Err("no more than all, which is 1, can be cancelled".to_owned());
    }
    Ok(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_all_orders_are_cancelled() {
        for text in ["0", "0.1", "1"] {
            assert_eq!(
                part(text).map(|share| share.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in ["1.1", "2", "-1", "all"] {
            assert!(part(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_speed_is_max_or_a_number() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("2500".parse(), Ok(Speed::LinesPerSecond(2500.0)));
        for text in ["", "0", "-5", "inf", "nan", "fast"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
