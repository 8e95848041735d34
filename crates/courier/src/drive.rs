//! Takes what the engine wants called, sends it as hosts bear it, and reports what came of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::{Courier, HostFigures, Report, Try};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::address::Guarded;
use crate::client::{Brought, Client, Sending};
use crate::host::{Host, Next};
use crate::service::{Services, authority_of};

/// A try that has ended.
struct Ended {
    host: String,
    one: Try,
    is_probe: bool,
    brought: Brought,
}

/// Calls for an engine until it stops.
pub async fn run(courier: Courier, services: Services) {
    let bell = Arc::new(Notify::new());
    let ringer = Arc::clone(&bell);
    courier.set_waker(Box::new(move || ringer.notify_one()));
    let (report, mut ended) = mpsc::unbounded_channel();
    let mut driver = Driver {
        client: Client::new(Guarded::new(services.private_names())),
        courier,
        services,
        hosts: HashMap::new(),
        report,
        started: Instant::now(),
    };
    while !driver.courier.is_stopping() {
        driver.take();
        driver.leave_out();
        let wake_ms = driver.send();
        let pause = wake_ms.map(|at_ms| at_ms.saturating_sub(driver.now_ms()).max(1));
        let pause = Duration::from_millis(pause.unwrap_or(PAUSE_MAX_MS).min(PAUSE_MAX_MS));
        tokio::select! {
            () = bell.notified() => {}
            Some(one) = ended.recv() => {
                driver.take_in(one);
                while let Ok(one) = ended.try_recv() {
                    driver.take_in(one);
                }
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// However little happens, what it does is told this often.
const PAUSE_MAX_MS: u64 = 1_000;

struct Driver {
    client: Client,
    courier: Courier,
    services: Services,
    hosts: HashMap<String, Host>,
    report: mpsc::UnboundedSender<Ended>,
    started: Instant,
}

impl Driver {
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Takes what is to be tried, each to its host.
    fn take(&mut self) {
        for one in self.courier.take() {
            let found = self.services.find(&one.service, &one.action, &one.about);
            let host = match found {
                Ok((_, uri, _)) => authority_of(&uri),
                Err(why) => {
                    self.courier.report(&one, nothing(why));
                    continue;
                }
            };
            let now_ms = self.now_ms();
            let limits = self.services.limits(&host);
            let new = || Host::new(limits, now_ms);
            self.hosts.entry(host).or_insert_with(new).push(one, now_ms);
        }
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
                        let found = self.services.find(&one.service, &one.action, &one.about);
                        let Ok((method, uri, token)) = found else {
                            unreachable!("because it was found when it was taken")
                        };
                        let sending = Sending {
                            method,
                            uri,
                            token: token.cloned(),
                            timeout_ms: host.limits.timeout_ms,
                        };
                        let (client, report) = (self.client.clone(), self.report.clone());
                        let host = name.clone();
                        tokio::spawn(async move {
                            let brought = client.send(&one, sending).await;
                            let ended = Ended {
                                host,
                                one,
                                is_probe,
                                brought,
                            };
                            // Nobody takes it any more once the engine stops.
                            report.send(ended).ok();
                        });
                    }
                    Next::TooLong(one) => self.courier.report(&one, nothing(host.why())),
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
        figures.sort_by(|one, other| one.host.cmp(&other.host));
        self.courier.tell(figures);
        wake_ms
    }

    fn take_in(&mut self, ended: Ended) {
        let now_ms = self.now_ms();
        let Brought { report, is_success } = ended.brought;
        if let Some(host) = self.hosts.get_mut(&ended.host) {
            host.ended(ended.is_probe, is_success, now_ms);
        }
        self.courier.report(&ended.one, report);
    }
}

fn nothing(why: String) -> Report {
    Report::Nothing {
        why,
        retry_after_ms: None,
    }
}
