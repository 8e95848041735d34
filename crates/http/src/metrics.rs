//! `/metrics`: what the engine and this front count, as Prometheus text.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tidegate_engine::contract::WorkClass;
use tidegate_engine::{AnsweredAt, DomainFigures, Door, HostFigures};

use crate::answer::{Response, answer};
use crate::latency::{BOUNDS_US, Latency};
use crate::router::Front;

/// Media type of the text exposition format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Status classes as the label names them, from 1xx on.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What this front counts.
pub(crate) struct HttpMetrics {
    by_class: [AtomicU64; CLASSES.len()],
    in_flight: AtomicU64,
    forwarded_malformed: AtomicU64,
    /// Of each request, in the order in which they are declared.
    pub(crate) latencies: Vec<(&'static str, Latency)>,
}

/// A request that has no answer yet.
pub(crate) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpMetrics {
    pub(crate) fn new(latencies: Vec<(&'static str, Latency)>) -> Self {
        Self {
            by_class: Default::default(),
            in_flight: AtomicU64::default(),
            forwarded_malformed: AtomicU64::default(),
            latencies,
        }
    }

    /// Counts a request as in flight until the guard is dropped, as it also is when the client
    /// goes away.
    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    /// Counts a header that was to say where a request comes from and did not.
    pub(crate) fn count_malformed_forwarded(&self) {
        self.forwarded_malformed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.by_class.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Everything counted, now.
pub(crate) fn metrics(front: &Front) -> Response {
    let mut text = Text::default();
    text.engine(&front.door);
    text.http(&front.metrics);
    text.latencies(&front.metrics.latencies);
    let version = front.options.version.replace(['\\', '"', '\n'], "_");
    text.family("tidegate_build_info", "gauge", "The version that runs.");
    text.sample(
        "tidegate_build_info",
        &format!("{{version=\"{version}\"}}"),
        1,
    );
    (front.options.metrics)(&mut text.0);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    answer(StatusCode::OK, headers, text.0)
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }

    fn engine(&mut self, door: &Door) {
        let metrics = door.metrics();
        let counters = [
            (
                "requests_admitted",
                "Requests admitted by the engine.",
                &metrics.requests_admitted,
            ),
            (
                "requests_at_edge",
                "Requests answered from memory, without their partition.",
                &metrics.requests_at_edge,
            ),
            (
                "requests_busy",
                "Requests turned away at the door.",
                &metrics.requests_busy,
            ),
            ("timers_fired", "Timers fired.", &metrics.timers_fired),
            (
                "groups_durable",
                "Groups of records made durable.",
                &metrics.groups_durable,
            ),
            (
                "records_durable",
                "Records made durable.",
                &metrics.records_durable,
            ),
            ("checkpoints", "Checkpoints ended.", &metrics.checkpoints),
            (
                "checkpoints_failed",
                "Times that a checkpoint found no room on the disk; it is tried again.",
                &metrics.checkpoints_failed,
            ),
            (
                "rows_fetched",
                "Rows read from the base for commands and timers.",
                &metrics.rows_fetched,
            ),
            ("seals", "Seals written while idle.", &metrics.seals),
        ];
        for (name, help, counter) in counters {
            self.single(
                &format!("tidegate_{name}_total"),
                "counter",
                help,
                counter.get(),
            );
        }
        self.domains(door);
        self.names(door);
        self.hosts(door);
        self.shed(door);
        self.hot(door);
        let waiting = door.waiting();
        self.single(
            "tidegate_requests_waiting",
            "gauge",
            "Requests that wait to run.",
            waiting,
        );
        let help = "1 while the log or a checkpoint finds no room on the disk.";
        let is_full = u64::from(door.is_disk_full());
        self.single("tidegate_disk_full", "gauge", help, is_full);
        let help = "Milliseconds by which the wall clock is off while it is not followed.";
        self.single(
            "tidegate_clock_stepped_ms",
            "gauge",
            help,
            door.clock_stepped_ms(),
        );
    }

    fn domains(&mut self, door: &Door) {
        type Figure = fn(&DomainFigures) -> u64;
        let families: [(&str, &str, &str, Figure); 5] = [
            (
                "commands_total",
                "counter",
                "Commands and queries run.",
                |of| of.commands,
            ),
            ("busy_total", "counter", "Requests turned away.", |of| {
                of.busy
            }),
            (
                "log_bytes_total",
                "counter",
                "Bytes of rows handed to the log.",
                |of| of.log_bytes,
            ),
            (
                "row_bytes",
                "gauge",
                "Memory that rows take which are not known to be in the base.",
                |of| of.row_bytes,
            ),
            (
                "waiting",
                "gauge",
                "Commands and queries that wait to run.",
                |of| of.waiting,
            ),
        ];
        for (name, kind, help, figure) in families {
            let name = format!("tidegate_domain_{name}");
            self.family(&name, kind, &format!("{help} By structure."));
            for of in door.domain_figures() {
                let labels = format!("{{domain=\"{}\"}}", of.name);
                self.sample(&name, &labels, figure(&of));
            }
        }
    }

    /// What is counted by name.
    fn names(&mut self, door: &Door) {
        let name = "tidegate_refusals_total";
        let help = "Commands and queries refused, by structure and code.";
        self.family(name, "counter", help);
        for of in door.domain_figures() {
            for (code, value) in of.refusals {
                let labels = format!("{{domain=\"{}\",code=\"{code}\"}}", of.name);
                self.sample(name, &labels, value);
            }
        }
        for domain in door.domains() {
            let figures = door.domain_figures().find(|of| of.name == domain.name);
            let counts = figures.map(|of| of.counts).unwrap_or_default();
            for (def, (name, value)) in domain.counts.iter().zip(counts) {
                let name = format!("tidegate_{}_{name}_total", domain.name);
                self.single(&name, "counter", def.doc, value);
            }
        }
    }

    /// How hot keys are; which, `HOT.LIST` tells.
    fn hot(&mut self, door: &Door) {
        let figures = door.hot_figures();
        let name = "tidegate_hot_key_share";
        let help = "Share of the hottest key in its partition's work, 0 to 1; 0 where none is asked for often.";
        self.family(name, "gauge", help);
        for of in figures
            .iter()
            .filter(|of| of.answered == AnsweredAt::Partition)
        {
            let share = of.share_permille as f64 / 1e3;
            let _ = writeln!(self.0, "{name}{{partition=\"{}\"}} {share}", of.partition);
        }
        let name = "tidegate_hot_keys";
        let help = "Keys that make a tenth or more of what is answered in their partition, or of what the edge answers for it.";
        self.family(name, "gauge", help);
        for answered in [AnsweredAt::Partition, AnsweredAt::Edge] {
            let of_place = figures.iter().filter(|of| of.answered == answered);
            let labels = format!("{{answered=\"{}\"}}", answered.word());
            self.sample(name, &labels, of_place.map(|of| of.keys).sum());
        }
    }

    /// What is shed, by class of work.
    fn shed(&mut self, door: &Door) {
        let figures = door.shed_figures();
        let classes = [
            (WorkClass::Optional, figures.shed_optional),
            (WorkClass::Normal, figures.shed_normal),
        ];
        let (gauge, counter) = ("tidegate_shedding", "tidegate_requests_shed_total");
        self.family(gauge, "gauge", "1 while work of this class is shed.");
        for (class, _) in classes {
            let labels = format!("{{class=\"{}\"}}", class.word());
            self.sample(gauge, &labels, u64::from(figures.shed.sheds(class)));
        }
        let help = "Requests turned away as work of their class was shed.";
        self.family(counter, "counter", help);
        for (class, shed) in classes {
            let labels = format!("{{class=\"{}\"}}", class.word());
            self.sample(counter, &labels, shed);
        }
    }

    /// What the courier does about hosts.
    fn hosts(&mut self, door: &Door) {
        type Figure = fn(&HostFigures) -> u64;
        let families: [(&str, &str, &str, Figure); 5] = [
            (
                "answered_total",
                "counter",
                "Calls to the outside that were answered.",
                |of| of.answered,
            ),
            (
                "failed_total",
                "counter",
                "Calls to the outside that were not, or with an error.",
                |of| of.failed,
            ),
            (
                "in_flight",
                "gauge",
                "Calls to the outside that are under way.",
                |of| of.in_flight,
            ),
            (
                "waiting",
                "gauge",
                "Calls to the outside that wait for their turn.",
                |of| of.waiting,
            ),
            (
                "circuit_open",
                "gauge",
                "1 while the circuit breaker is not closed.",
                |of| u64::from(of.breaker != "closed"),
            ),
        ];
        let hosts = door.host_figures();
        for (name, kind, help, figure) in families {
            let name = format!("tidegate_courier_{name}");
            self.family(&name, kind, &format!("{help} By host."));
            for of in &hosts {
                self.sample(&name, &format!("{{host=\"{}\"}}", of.host), figure(of));
            }
        }
    }

    /// Only of requests that were made.
    fn latencies(&mut self, latencies: &[(&'static str, Latency)]) {
        let name = "tidegate_http_request_seconds";
        let help = "From the head of a request to its answer, waits that it asks for among it. By request.";
        self.family(name, "histogram", help);
        for (request, latency) in latencies {
            let Some(of) = latency.figures() else {
                continue;
            };
            for (bound_us, within) in BOUNDS_US.iter().zip(of.within) {
                let labels = format!("{{request=\"{request}\",le=\"{}\"}}", seconds(*bound_us));
                self.sample(&format!("{name}_bucket"), &labels, within);
            }
            let count = of.within[BOUNDS_US.len()];
            let labels = format!("{{request=\"{request}\",le=\"+Inf\"}}");
            self.sample(&format!("{name}_bucket"), &labels, count);
            let labels = format!("{{request=\"{request}\"}}");
            let _ = writeln!(self.0, "{name}_sum{labels} {}", seconds(of.sum_us));
            self.sample(&format!("{name}_count"), &labels, count);
        }
    }

    fn http(&mut self, metrics: &HttpMetrics) {
        let name = "tidegate_http_requests_total";
        self.family(
            name,
            "counter",
            "HTTP requests answered, by class of status.",
        );
        for (class, counter) in CLASSES.iter().zip(&metrics.by_class) {
            self.sample(
                name,
                &format!("{{class=\"{class}\"}}"),
                counter.load(Ordering::Relaxed),
            );
        }
        let malformed = metrics.forwarded_malformed.load(Ordering::Relaxed);
        let help = "Requests by a trusted proxy whose X-Forwarded-For was malformed: the proxy's address counted.";
        let name = "tidegate_http_forwarded_malformed_total";
        self.single(name, "counter", help, malformed);
        let in_flight = metrics.in_flight.load(Ordering::Relaxed);
        let help = "HTTP requests that have no answer yet, this one among them.";
        self.single("tidegate_http_requests_in_flight", "gauge", help, in_flight);
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
