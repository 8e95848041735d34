//! What the crowd is told on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};

use super::pool::Connections;
use crate::client::HttpAddress;
use crate::interrupt::Interrupt;
use crate::password::{self, Password};

/// People of one crowd: each takes some hundred bytes of memory.
const PEOPLE_MAX: u32 = 4_000_000;

/// Connections of bots, and of people who buy: one for so many of people's.
const BOTS_AMONG: u16 = 8;
const SHOP_AMONG: u16 = 4;

/// People come to a sale of a running server: a rehearsal.
///
/// They arrive before the start, at it and after it, wait, poll, double-click, send again what was not answered,
/// buy, pay soon, late or never, and cancel; bots among them flood, forge and steal. At the end everything that
/// somebody was told is compared with what the server has; it exits with 1 if that differs. What people buy stays
/// bought: never point it at a shop's server while it sells.
#[derive(Args, Clone, Debug)]
pub(crate) struct CrowdArgs {
    /// Where the server speaks HTTP.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7380")]
    url: HttpAddress,
    /// The sale, which has goods.
    #[arg(long, value_name = "ID")]
    sale: String,
    /// How many people come.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = value_parser!(u32).range(1..=i64::from(PEOPLE_MAX)))]
    people: u32,
    /// Decides when people come and how they are.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The last people come so long after the start.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// So many bots for each of the people.
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share)]
    bots: f64,
    /// Connections of people, a quarter of them for those who buy; bots have an eighth as many beside them. Each is from an address of its own if the
    /// server is on this machine.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = value_parser!(u16).range(8..=10_000))]
    connections: u16,
    /// The payment provider, as the server names it.
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    provider: String,
    /// Where that provider is, if it is a pay-sandbox: its own list of payments is compared as well.
    #[arg(long, value_name = "URL")]
    provider_url: Option<HttpAddress>,
    /// How long orders may be on their way at the end.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u32).range(1..=86_400))]
    settle: u32,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

/// Everything that a crowd is told.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) url: HttpAddress,
    pub(crate) sale: String,
    pub(crate) people: u32,
    pub(crate) bots: u32,
    pub(crate) seed: u64,
    /// The last ones come so long after the start.
    pub(crate) tail: Duration,
    pub(crate) connections: Connections,
    pub(crate) provider: String,
    pub(crate) provider_url: Option<HttpAddress>,
    pub(crate) settle: Duration,
    pub(crate) password: Option<Password>,
    pub(crate) interrupt: Interrupt,
}

impl CrowdArgs {
    pub(super) fn options(&self, interrupt: Interrupt) -> Result<Options, password::Error> {
        Ok(Options {
            url: self.url.clone(),
            sale: self.sale.clone(),
            people: self.people,
            bots: bots(self.people, self.bots),
            seed: self.seed,
            tail: Duration::from_secs(self.seconds.into()),
            connections: connections(self.connections),
            provider: self.provider.clone(),
            provider_url: self.provider_url.clone(),
            settle: Duration::from_secs(self.settle.into()),
            password: Password::find(self.password_file.as_deref())?,
            interrupt,
        })
    }
}

/// Bots for so many people.
pub(crate) fn bots(people: u32, share: f64) -> u32 {
    (f64::from(people) * share).round() as u32
}

/// So many connections of people, and those of bots beside them.
pub(crate) fn connections(people: u16) -> Connections {
    let (shop, bots) = (people / SHOP_AMONG, people / BOTS_AMONG);
    Connections {
        line: (people - shop).into(),
        shop: shop.into(),
        bots: bots.into(),
    }
}

/// A share of the command line.
pub(crate) fn share(text: &str) -> Result<f64, &'static str> {
    let share: Option<f64> = text.parse().ok();
    let share = share.filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("a share is a decimal from 0 to 1, like 0.05")
}
