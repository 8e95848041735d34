//! The settings of a server: flags, a file, and the rules that bind them.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use tidegate_engine::limits::CHECKPOINT_EVERY_MS_DEFAULT;
use tidegate_engine::{AllArchiveTimes, ArchiveTimes, Share, Shares, Shed};
use tidegate_http::{Network, Origin};

use super::ServeError;
use super::hooks::HookTable;
use super::memory::MemorySize;
use super::owner::OwnerArgs;
use super::providers::{HostTable, Outside, ProviderTable};
use super::receivers::ReceiverTable;
use crate::password::{Password, VARIABLE};

const RESP_DEFAULT: &str = "127.0.0.1:7379";
const HTTP_DEFAULT: &str = "127.0.0.1:7380";
const DATA_DEFAULT: &str = "tidegate-data";
const CHECKPOINT_EVERY_DEFAULT: Duration = Duration::from_millis(CHECKPOINT_EVERY_MS_DEFAULT);

/// A sample reads 64 MiB at most: at this pace one a second, on average.
const SAMPLE_EVERY_DEFAULT: Duration = Duration::from_secs(60);

/// Serves RESP and HTTP over a data folder.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeArgs {
    /// Data folder [default: tidegate-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the RESP front [default: 127.0.0.1:7379]
    #[arg(long, value_name = "ADDR")]
    resp: Option<SocketAddr>,
    /// Address of the HTTP front [default: 127.0.0.1:7380]
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Another address of the HTTP front, for whoever runs the service: it serves everything, and the other one
    /// only what buyers send themselves
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
    /// Memory to keep to, as 512MiB or 4GiB [default: a quarter of the machine's]
    #[arg(long, value_name = "SIZE")]
    memory: Option<MemorySize>,
    /// Take what has changed to the base after so many seconds [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    checkpoint_every: Option<u32>,
    /// Count a sample of a counter with RAW again after so many seconds, from the events that its topic keeps; 0 for never
    /// [default: 60]
    #[arg(long, value_name = "SECONDS")]
    sample_every: Option<u32>,
    /// Addresses and networks of proxies, with commas between, as 10.0.0.0/8: behind them the client's address is
    /// the last one in X-Forwarded-For that is none of theirs
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',')]
    trust_proxy: Option<Vec<Network>>,
    /// Origins of sites whose pages may send beacons, with commas between, as https://shop.example, or * for all: who
    /// looks at them needs no password for that [default: none but the server's own pages]
    #[arg(long, value_name = "ORIGINS", value_delimiter = ',')]
    beacon_origins: Option<Vec<Origin>>,
    /// Shed this work from the start, until SHED.SET says otherwise: none, optional, or normal, which is optional and
    /// normal [default: none]
    #[arg(long, value_name = "WORK")]
    shed: Option<Shed>,
    /// TOML file with `data`, `resp`, `http`, `admin_listen`, `memory`, `checkpoint_every`, `sample_every`, `password_file`,
    /// `trust_proxy`, `beacon_origins`, `shed`, over which flags win, and `[shares.…]`, `[archives.…]`, `[providers.…]`, `[hooks.…]`,
    /// `[receivers.…]` and `[hosts.…]`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// File with the password that clients must give; TIDEGATE_PASSWORD serves as well
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Listen beyond this machine without a password
    #[arg(long)]
    insecure: bool,
    /// Follow a wall clock that is more than a day ahead of the log
    #[arg(long)]
    accept_clock: bool,
    #[command(flatten)]
    pub(super) owner: OwnerArgs,
}

/// What the file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    data: Option<PathBuf>,
    resp: Option<SocketAddr>,
    http: Option<SocketAddr>,
    admin_listen: Option<SocketAddr>,
    memory: Option<MemorySize>,
    checkpoint_every: Option<NonZeroU32>,
    sample_every: Option<u32>,
    password_file: Option<PathBuf>,
    trust_proxy: Option<Vec<NetworkText>>,
    beacon_origins: Option<Vec<OriginText>>,
    shed: Option<ShedWord>,
    #[serde(default)]
    shares: BTreeMap<String, ShareTable>,
    #[serde(default)]
    archives: BTreeMap<String, ArchiveTable>,
    #[serde(default)]
    providers: BTreeMap<String, ProviderTable>,
    #[serde(default)]
    hooks: BTreeMap<String, HookTable>,
    #[serde(default)]
    receivers: BTreeMap<String, ReceiverTable>,
    #[serde(default)]
    hosts: BTreeMap<String, HostTable>,
}

/// A network of the file.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct NetworkText(Network);

impl TryFrom<String> for NetworkText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let network = text.parse();
        network
            .map(Self)
            .map_err(|error| format!("`{text}` {error}"))
    }
}

/// An origin of the file.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct OriginText(Origin);

impl TryFrom<String> for OriginText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let origin = text.parse();
        origin
            .map(Self)
            .map_err(|error| format!("`{text}` {error}"))
    }
}

/// What the file says is to be shed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct ShedWord(Shed);

impl TryFrom<String> for ShedWord {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let shed = word.parse();
        shed.map(Self).map_err(|error| format!("`{word}` {error}"))
    }
}

/// What the file may say of a structure's share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareTable {
    weight: Option<u32>,
    inbox_percent: Option<u32>,
    memory_percent: Option<u32>,
    log_percent: Option<u32>,
}

impl ShareTable {
    fn share(&self) -> Share {
        Share {
            weight: self.weight.unwrap_or(Share::default().weight),
            inbox_percent: self.inbox_percent,
            memory_percent: self.memory_percent,
            log_percent: self.log_percent,
        }
    }
}

/// What the file may say of a structure's archives.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchiveTable {
    after_days: Option<u32>,
    keep_days: Option<u32>,
}

impl ArchiveTable {
    fn times(self) -> ArchiveTimes {
        ArchiveTimes {
            after_days: self.after_days,
            keep_days: self.keep_days,
        }
    }
}

/// Settings that were found sound.
#[derive(Clone)]
pub struct Settings {
    /// The data folder; made if it is not there.
    pub data: PathBuf,
    /// Where RESP is spoken; port 0 takes a free one.
    pub resp: SocketAddr,
    /// Where HTTP is spoken; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where everything is served over HTTP, and under `http` only what is public.
    pub admin: Option<SocketAddr>,
    /// Memory to keep to.
    pub memory: MemorySize,
    /// What structures have of what all share.
    pub shares: Shares,
    /// When what is finished leaves for archives, and for how long it is kept there.
    pub archives: AllArchiveTimes,
    /// Who may be called.
    pub outside: Outside,
    /// Take what has changed to the base after so long.
    pub checkpoint_every: Duration,
    /// Count a sample of a counter again after so long, if any.
    pub sample_every: Option<Duration>,
    /// Proxies whose word about where a request comes from is taken.
    pub proxies: Vec<Network>,
    /// Sites whose pages may send beacons.
    pub beacon_origins: Vec<Origin>,
    /// What is shed from the start.
    pub shed: Shed,
    /// What clients must give.
    pub password: Option<String>,
    /// Follow a wall clock that is more than a day ahead of the log.
    pub accept_clock: bool,
}

impl Settings {
    /// A server on the usual addresses over this folder, for this machine only.
    pub(crate) fn usual(data: PathBuf) -> Self {
        let fixed = |text: &str| text.parse().expect("because the default is an address");
        let (resp, http) = (fixed(RESP_DEFAULT), fixed(HTTP_DEFAULT));
        Self {
            data,
            resp,
            http,
            admin: None,
            memory: MemorySize::usual(),
            shares: Shares::new(),
            archives: AllArchiveTimes::new(),
            outside: Outside::default(),
            checkpoint_every: CHECKPOINT_EVERY_DEFAULT,
            sample_every: Some(SAMPLE_EVERY_DEFAULT),
            proxies: Vec::new(),
            beacon_origins: Vec::new(),
            shed: Shed::None,
            password: None,
            accept_clock: false,
        }
    }
}

impl ServeArgs {
    /// Joins flags, file and defaults, and checks them.
    pub(crate) fn settings(self) -> Result<Settings, ServeError> {
        let file = self
            .config
            .as_ref()
            .map_or_else(|| Ok(ConfigFile::default()), read_file)?;
        let fixed = |text: &str| text.parse().expect("because the default is an address");
        let password = Password::find(self.password_file.or(file.password_file).as_deref())
            .map_err(|error| ServeError::Settings(error.to_string()))?;
        let checkpoint_every = self
            .checkpoint_every
            .or(file.checkpoint_every.map(NonZeroU32::get))
            .map(|seconds| Duration::from_secs(seconds.into()));
        let sample_every = self.sample_every.or(file.sample_every);
        let sample_every = sample_every.map(|seconds| Duration::from_secs(seconds.into()));
        let sample_every = sample_every.unwrap_or(SAMPLE_EVERY_DEFAULT);
        let of_file = file.trust_proxy.into_iter().flatten();
        let of_file = of_file.map(|NetworkText(network)| network);
        let origins = file.beacon_origins.into_iter().flatten();
        let origins = origins.map(|OriginText(origin)| origin);
        let shares = file.shares.iter();
        let archives = file.archives.into_iter();
        let outside = Outside::read(&file.providers, &file.hooks, &file.receivers, &file.hosts)?;
        let settings = Settings {
            outside,
            shares: shares
                .map(|(name, table)| (name.clone(), table.share()))
                .collect(),
            archives: archives
                .map(|(name, table)| (name, table.times()))
                .collect(),
            checkpoint_every: checkpoint_every.unwrap_or(CHECKPOINT_EVERY_DEFAULT),
            sample_every: Some(sample_every).filter(|every| !every.is_zero()),
            data: self
                .data
                .or(file.data)
                .unwrap_or_else(|| DATA_DEFAULT.into()),
            resp: self
                .resp
                .or(file.resp)
                .unwrap_or_else(|| fixed(RESP_DEFAULT)),
            http: self
                .http
                .or(file.http)
                .unwrap_or_else(|| fixed(HTTP_DEFAULT)),
            admin: self.admin_listen.or(file.admin_listen),
            memory: self
                .memory
                .or(file.memory)
                .unwrap_or_else(MemorySize::usual),
            proxies: self.trust_proxy.unwrap_or_else(|| of_file.collect()),
            beacon_origins: self.beacon_origins.unwrap_or_else(|| origins.collect()),
            shed: self
                .shed
                .or(file.shed.map(|ShedWord(shed)| shed))
                .unwrap_or_default(),
            password: password.map(|password| password.reveal().to_owned()),
            accept_clock: self.accept_clock,
        };
        for addr in [settings.resp, settings.http]
            .into_iter()
            .chain(settings.admin)
        {
            if !addr.ip().is_loopback() && settings.password.is_none() && !self.insecure {
                return Err(ServeError::Settings(format!(
                    "{addr} can be reached from other machines: give --password-file FILE \
                     or {VARIABLE}, or say --insecure"
                )));
            }
        }
        Ok(settings)
    }
}

fn read_file(path: &PathBuf) -> Result<ConfigFile, ServeError> {
    let fail = |error: &dyn std::fmt::Display| {
        ServeError::Settings(format!("{}: {error}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| fail(&error))?;
    toml::from_str(&text).map_err(|error| fail(&where_in(&text, &error)))
}

/// What is wrong, and in which line; not the line, in which a secret may stand.
fn where_in(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}

/// A seed that outsiders cannot guess, from the machine's randomness.
pub(super) fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_in_the_file_is_told_without_the_secrets_in_it() {
        let text = "data = \"here\"\n\n[providers.bank]\nwebhook_secret = \"hunter2\"\n";
        let error = toml::from_str::<ConfigFile>(text).expect_err("the field is unknown");
        let told = where_in(text, &error);
        assert!(
            told.starts_with("line 4: unknown field `webhook_secret`"),
            "{told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
    }
}
