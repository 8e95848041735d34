//! Takes what the engine wants called, sends it as hosts bear it, and reports what came of it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::{Courier, HostFigures, Report, Try};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::address::Guarded;
use crate::client::{Brought, Client, Sending};
use crate::host::{Host, Next, Sent};
use crate::parcel::{Parcels, Sealed, request};
use crate::service::{Services, authority_of};
use crate::wire::{Network, Wire};

/// What is sent to a host.
enum Errand {
    Call(Try),
    Parcel(Sealed),
}

impl Sent for Errand {
    fn is_retry(&self) -> bool {
        match self {
            Self::Call(one) => one.is_retry(),
            Self::Parcel(sealed) => sealed.is_retry(),
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Call(one) => one.number(),
            Self::Parcel(sealed) => sealed.number(),
        }
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::Call(one) => one.is_gone(),
            Self::Parcel(sealed) => sealed.is_gone(),
        }
    }

    fn wait_ms_max(&self) -> u64 {
        match self {
            Self::Call(one) => one.wait_ms_max(),
            Self::Parcel(sealed) => sealed.wait_ms_max(),
        }
    }
}

/// Something that was sent has ended.
struct Ended {
    sent: ToHost,
    is_success: bool,
    /// Whoever gave it had less time than the host is given to answer.
    is_cut_off: bool,
    /// Of a call what it has brought.
    call: Option<(Try, Report)>,
}

/// Where something was sent, and whether it depends what comes next there.
struct ToHost {
    host: String,
    is_probe: bool,
}

/// Calls for an engine until it stops, and brings parcels, over the network.
pub async fn run(courier: Courier, services: Services, parcels: Parcels) {
    let network = Network::new(Guarded::new(services.private_names()));
    run_over(Arc::new(network), courier, services, parcels).await;
}

/// The same over another wire. What it does depends on what comes, and when, and on nothing else.
pub async fn run_over(
    wire: Arc<dyn Wire>,
    courier: Courier,
    services: Services,
    mut parcels: Parcels,
) {
    let bell = Arc::new(Notify::new());
    let ringer = Arc::clone(&bell);
    courier.set_waker(Box::new(move || ringer.notify_one()));
    let (report, mut ended) = mpsc::unbounded_channel();
    let mut driver = Driver {
        way: Way {
            client: Client::over(wire),
            services,
            report,
        },
        courier,
        hosts: BTreeMap::new(),
        started: Instant::now(),
    };
    while !driver.courier.is_stopping() {
        driver.take();
        driver.leave_out();
        let wake_ms = driver.send();
        let pause = wake_ms.map(|at_ms| at_ms.saturating_sub(driver.now_ms()).max(1));
        let pause = Duration::from_millis(pause.unwrap_or(PAUSE_MAX_MS).min(PAUSE_MAX_MS));
        tokio::select! {
            biased;
            Some(one) = ended.recv() => driver.take_in(one),
            Some(sealed) = parcels.0.recv() => driver.take_parcel(sealed),
            () = bell.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
        // Whatever else has come: neither waits behind the other.
        while let Ok(one) = ended.try_recv() {
            driver.take_in(one);
        }
        while let Ok(sealed) = parcels.0.try_recv() {
            driver.take_parcel(sealed);
        }
    }
}

/// However little happens, what it does is told this often.
const PAUSE_MAX_MS: u64 = 1_000;

struct Driver {
    way: Way,
    courier: Courier,
    hosts: BTreeMap<String, Host<Errand>>,
    started: Instant,
}

/// How something is sent.
struct Way {
    client: Client,
    services: Services,
    report: mpsc::UnboundedSender<Ended>,
}

impl Driver {
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Takes what is to be tried, each to its host.
    fn take(&mut self) {
        for one in self.courier.take() {
            let found = self
                .way
                .services
                .find(&one.service, &one.action, &one.about);
            let host = match found {
                Ok((_, uri, _)) => authority_of(&uri),
                Err(why) => {
                    self.courier.report(&one, nothing(why));
                    continue;
                }
            };
            self.push(host, Errand::Call(one));
        }
    }

    /// Takes a parcel, to its host.
    fn take_parcel(&mut self, sealed: Sealed) {
        let parcel = &sealed.parcel;
        match self.way.services.receiver(&parcel.receiver, &parcel.about) {
            Ok((uri, ..)) => self.push(authority_of(&uri), Errand::Parcel(sealed)),
            Err(_) => sealed.refuse(),
        }
    }

    fn push(&mut self, host: String, errand: Errand) {
        let now_ms = self.now_ms();
        let limits = self.way.services.limits(&host);
        let new = || Host::new(limits, now_ms);
        self.hosts
            .entry(host)
            .or_insert_with(new)
            .push(errand, now_ms);
    }

    /// Leaves out what was taken back while it waited.
    fn leave_out(&mut self) {
        let withdrawn: HashSet<u64> = self.courier.take_withdrawn().into_iter().collect();
        if !withdrawn.is_empty() {
            let hosts = self.hosts.values_mut();
            hosts.for_each(|host| host.leave_out(&withdrawn));
        }
    }

    /// Sends what hosts bear; gives when to look again.
    fn send(&mut self) -> Option<u64> {
        let now_ms = self.now_ms();
        let mut wake_ms = None;
        let mut figures = Vec::new();
        for (name, host) in &mut self.hosts {
            loop {
                match host.next(now_ms) {
                    Next::Send { one, is_probe } => {
                        let sent = ToHost {
                            host: name.clone(),
                            is_probe,
                        };
                        self.way.send(one, sent, host.limits.timeout_ms);
                    }
                    Next::TooLong(Errand::Call(one)) => {
                        self.courier.report(&one, nothing(host.why()));
                    }
                    Next::TooLong(Errand::Parcel(sealed)) => sealed.refuse(),
                    Next::Nothing { until_ms } => {
                        wake_ms = until_ms.into_iter().chain(wake_ms).min();
                        break;
                    }
                }
            }
            figures.push(HostFigures {
                host: name.clone(),
                breaker: host.breaker(),
                in_flight: host.in_flight() as u64,
                waiting: host.waiting() as u64,
                answered: host.answered,
                failed: host.failed,
            });
        }
        self.courier.tell(figures);
        wake_ms
    }

    fn take_in(&mut self, ended: Ended) {
        let now_ms = self.now_ms();
        let ToHost { host, is_probe } = ended.sent;
        if let Some(host) = self.hosts.get_mut(&host) {
            if ended.is_cut_off && !is_probe {
                host.was_cut_off();
            } else {
                host.ended(is_probe, ended.is_success, now_ms);
            }
        }
        if let Some((one, report)) = ended.call {
            self.courier.report(&one, report);
        }
    }
}

impl Way {
    /// Sends something; how it ends is reported.
    fn send(&self, errand: Errand, sent: ToHost, timeout_ms: u64) {
        match errand {
            Errand::Call(one) => self.send_call(one, sent, timeout_ms),
            Errand::Parcel(sealed) => self.send_parcel(sealed, sent, timeout_ms),
        }
    }

    fn send_call(&self, one: Try, sent: ToHost, timeout_ms: u64) {
        let found = self.services.find(&one.service, &one.action, &one.about);
        let (method, uri, token) = found.expect("because it was found when it was taken");
        let sending = Sending {
            method,
            uri,
            token: token.cloned(),
            timeout_ms,
        };
        let (client, report) = (self.client.clone(), self.report.clone());
        tokio::spawn(async move {
            let Brought {
                report: brought,
                is_success,
            } = client.send(&one, sending).await;
            let ended = Ended {
                sent,
                is_success,
                is_cut_off: false,
                call: Some((one, brought)),
            };
            report.send(ended).ok(); // Nobody takes it any more once the engine stops.
        });
    }

    fn send_parcel(&self, sealed: Sealed, sent: ToHost, timeout_ms: u64) {
        let left_ms = sealed.begin();
        let is_short = left_ms < timeout_ms;
        let timeout_ms = timeout_ms.min(left_ms);
        let Sealed { parcel, back, .. } = sealed;
        let found = self.services.receiver(&parcel.receiver, &parcel.about);
        let request = request(
            &parcel,
            found.expect("because it was found when it was taken"),
        );
        let (client, report) = (self.client.clone(), self.report.clone());
        tokio::spawn(async move {
            let began = Instant::now();
            let (delivery, is_success) = client.bring(request, timeout_ms).await;
            back.send(delivery).ok(); // Who gave it may have stopped waiting.
            let has_run_out = began.elapsed() >= Duration::from_millis(timeout_ms);
            let ended = Ended {
                sent,
                is_success,
                is_cut_off: is_short && has_run_out && !is_success,
                call: None,
            };
            report.send(ended).ok(); // As above.
        });
    }
}

fn nothing(why: String) -> Report {
    Report::Nothing {
        why,
        retry_after_ms: None,
    }
}
