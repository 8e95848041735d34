//! The worker that brings what is ready, and the courier, within the engine's process: they run as they are, on a
//! runtime whose time is that of the simulator. What carries requests to hosts is the desk of the receivers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate_courier::{
    Action, Limits, Method, PUSH_ACTION, Service, Services, Signed, outlet, run_over,
};
use tidegate_engine::testing::Stepper;
use tidegate_engine::{Clock, Receivers};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::advance;

use super::receiver::Desk;

/// Receivers, each a host of its own: of messages, and of jobs.
pub(crate) const RECEIVERS: [&str; 2] = ["post", "work"];

/// What they are sent is signed with.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Calls at once that a host bears, and for how long each is waited for.
pub(super) const CONCURRENCY: usize = 5;
const TIMEOUT_MS: u64 = 1_500;

/// How often tasks get their turn before nothing is left to do at one moment: an answer goes through a few of them.
const TURNS: usize = 24;

/// Receivers as the settings name them.
pub(crate) fn receivers() -> Receivers {
    Receivers(RECEIVERS.map(str::to_owned).into())
}

fn services() -> Services {
    let service = |name: &str| Service {
        actions: [(
            PUSH_ACTION.to_owned(),
            Action {
                method: Method::Post,
                url: format!("https://{name}.example/of/{{id}}"),
            },
        )]
        .into(),
        token: None,
        signed: Some(Signed {
            secret: SECRET.parse().expect("because it is a secret"),
            content_type: "text/plain".to_owned(),
        }),
    };
    let limits = Limits {
        concurrency: CONCURRENCY,
        timeout_ms: TIMEOUT_MS,
        private: false,
    };
    let services = RECEIVERS.map(|name| (name.to_owned(), service(name)));
    let hosts = RECEIVERS.map(|name| (format!("{name}.example:443"), limits));
    let services = Services::new(services.into(), BTreeMap::from(hosts));
    services.expect("because their URLs can be called")
}

/// It ends as a process that is killed: nothing is told to anybody.
pub(super) struct Process {
    runtime: Runtime,
    at_us: u64,
    /// Calls are made for this engine, which has none: those of the one under test go to others beside it.
    _idle: Stepper,
}

impl Process {
    pub(super) fn start(engine: &Stepper, desk: &Desk) -> Self {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build();
        let runtime = runtime.expect("because it needs nothing of the system");
        let idle = Stepper::fresh(&[]);
        let (outlet, parcels) = outlet();
        let wire = Arc::new(desk.clone());
        runtime.spawn(run_over(wire, idle.courier.clone(), services(), parcels));
        runtime.spawn(tidegate_push::run(
            engine.door().clone(),
            outlet,
            receivers(),
        ));
        Self {
            runtime,
            at_us: engine.clock.monotonic_us(),
            _idle: idle,
        }
    }

    /// Everything that can happen at this moment does; gives how long it is since it could last, in milliseconds.
    pub(super) fn turn(&mut self, engine: &Stepper) -> u64 {
        let now_us = engine.clock.monotonic_us();
        let passed_us = now_us - std::mem::replace(&mut self.at_us, now_us);
        self.runtime.block_on(async {
            if passed_us > 0 {
                advance(Duration::from_micros(passed_us)).await;
            }
            for _ in 0..TURNS {
                yield_now().await;
            }
        });
        passed_us / 1_000
    }
}
