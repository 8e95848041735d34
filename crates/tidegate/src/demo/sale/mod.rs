//! `tidegate demo sale`: a server, a payment provider that does everything wrong, a sale of a real shop's products,
//! and a crowd that comes to it.
//!
//! The server is a process of its own, so that it can be killed.

mod kills;
mod plan;
mod shop;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::{Args, value_parser};
use kills::Kills;
use plan::{Plan, VISIT_MS};
use shop::{PROVIDER, Ports, Provider, ShopServer};
use tempfile::TempDir;

use super::{SAMPLE, SAMPLE_NAME, of_this_machine};
use crate::crowd::{self, NewSale, Options, bots, connections, share};
use crate::ending::{Failure, Found};
use crate::interrupt::Interrupt;
use crate::output::{Unprinted, note, print};
use crate::replay::products::{Product, most_ordered};
use crate::serve::Settings;

/// The sale, by its id.
const SALE: &str = "demo";

/// Units that a buyer may have over all goods.
const MAX: u64 = 2;

/// Connections of people.
const CONNECTIONS: u16 = 256;

/// How long orders may be on their way once all people have gone.
const SETTLE: Duration = Duration::from_secs(60);

/// A sale of a real shop's products, with a crowd, bots, a payment provider that does everything wrong, and a ledger
/// at the end.
///
/// All of it happens in a temporary folder, which is gone at the end. It exits with 1 if the ledger is not sound.
#[derive(Args)]
pub(crate) struct SaleArgs {
    /// How many people come.
    #[arg(long, visible_alias = "crowd", value_name = "N", default_value_t = 20_000, value_parser = value_parser!(u32).range(1..=4_000_000))]
    people: u32,
    /// How many products are sold.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = value_parser!(u32).range(1..=1_000))]
    skus: u32,
    /// How many units of all of them.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = value_parser!(u64).range(1..=1_000_000))]
    units: u64,
    /// How often the server is killed with -9 while people come, and started again.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(0..=100))]
    kill: u32,
    /// The last people come so long after the start.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// How long an order waits for payment.
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = value_parser!(u32).range(1..=3_600))]
    pay_within: u32,
    /// So many bots for each of the people.
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share)]
    bots: f64,
    /// Decides what people and the provider do.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// End after the sale instead of keeping the server up.
    #[arg(long)]
    exit: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Address of the RESP front [default: 127.0.0.1:7379, or a free port if that is taken]
    #[arg(long, value_name = "ADDR", value_parser = of_this_machine)]
    resp: Option<SocketAddr>,
    /// Address of the HTTP front [default: 127.0.0.1:7380, or a free port if that is taken]
    #[arg(long, value_name = "ADDR", value_parser = of_this_machine)]
    http: Option<SocketAddr>,
}

/// Runs the sale; the exit code says whether the ledger is sound.
pub(crate) fn run(args: &SaleArgs) -> Result<Found, Failure> {
    let interrupt = Interrupt::listen().map_err(Failure::told)?;
    let folder = TempDir::with_prefix("tidegate-sale-");
    let folder = folder.map_err(|error| Failure::told(shop::Error::Folder(error)))?;
    let new = args.new_sale(folder.path())?;
    let usual = Settings::usual(folder.path().to_owned());
    let ports = Ports::find([args.resp, args.http], [usual.resp, usual.http]);
    let ports = ports.map_err(Failure::told)?;
    let provider = Provider::start(folder.path(), ports.http, args.plan());
    let provider = provider.map_err(Failure::told)?;
    let server =
        ShopServer::start(folder.path(), ports, &provider, args.plan()).map_err(Failure::told)?;
    let options = args.options(ports, &provider, &interrupt)?;
    note(format_args!("{}", args.announced(ports)));
    crowd::open(&options, &new)?;
    let kills = Kills::begin(
        server,
        args.plan().kills_ms(args.kill),
        new.starts_in_ms,
        &interrupt,
    );
    let ended = args.come(&options, ports, &kills);
    kills.end().map_err(Failure::told)?;
    ended
}

impl SaleArgs {
    /// Lets the crowd come, and prints what came of it.
    fn come(&self, options: &Options, ports: Ports, kills: &Kills) -> Result<Found, Failure> {
        let report = crowd::run(options)?;
        if self.kill > 0 {
            let count = kills.count();
            note(format_args!("the server was killed with -9 {count} times"));
        }
        crowd::tell(&report, self.json)?;
        if !self.exit && options.interrupt.check().is_ok() {
            invite(ports)?;
            options.interrupt.wait();
        }
        Ok(report.found())
    }

    fn plan(&self) -> Plan {
        Plan {
            people: self.people.into(),
            units: self.units,
            tail_ms: u64::from(self.seconds) * 1_000,
            ttl_ms: u64::from(self.pay_within) * 1_000,
            seed: self.seed,
        }
    }

    fn new_sale(&self, folder: &Path) -> Result<NewSale, Failure> {
        let plan = self.plan();
        Ok(NewSale {
            goods: products(folder, self.skus as usize)?,
            units: self.units,
            starts_in_ms: plan.lead_ms(),
            lasts_ms: plan.lasts_ms(),
            rate: plan.rate(),
            max: MAX,
            ttl_ms: plan.ttl_ms,
            visit_ms: VISIT_MS,
        })
    }

    fn options(
        &self,
        ports: Ports,
        provider: &Provider,
        interrupt: &Interrupt,
    ) -> Result<Options, Failure> {
        Ok(Options {
            url: format!("http://{}", ports.http)
                .parse()
                .map_err(Failure::told)?,
            sale: SALE.to_owned(),
            people: self.people,
            bots: bots(self.people, self.bots),
            seed: self.seed,
            tail: Duration::from_secs(self.seconds.into()),
            connections: connections(CONNECTIONS),
            provider: PROVIDER.to_owned(),
            provider_url: Some(provider.url.parse().map_err(Failure::told)?),
            settle: SETTLE,
            password: None,
            interrupt: interrupt.clone(),
        })
    }

    fn announced(&self, ports: Ports) -> String {
        let Self {
            people,
            units,
            skus,
            ..
        } = self;
        let Ports { resp, http } = ports;
        format!(
            "{people} people come to {units} units of {skus} products; RESP {resp}; watch it at http://{http}/stage/{SALE}, join at http://{http}/sale/{SALE}"
        )
    }
}

/// What the shop's buyers have ordered most.
fn products(folder: &Path, count: usize) -> Result<Vec<Product>, Failure> {
    let sample = folder.join(SAMPLE_NAME);
    fs::write(&sample, SAMPLE).map_err(|error| Failure::told(shop::Error::Folder(error)))?;
    Ok(most_ordered(&sample, count)?)
}

fn invite(ports: Ports) -> Result<(), Unprinted> {
    let Ports { resp, http } = ports;
    let port = resp.port();
    print(format_args!(
        "
The server stays up until Ctrl-C. Look at
  http://{http}/stage/{SALE}   how it went
  http://{http}/sale/{SALE}    what buyers see
or try:
  redis-cli -p {port} SALE.GET {SALE}
  curl http://{http}/v1/sales/{SALE}/goods
  tidegate draw-check {SALE} --from http://{http}
and see http://{http}/docs
"
    ))
}
