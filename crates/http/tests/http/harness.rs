//! An engine stepped by threads, the router over it, and two ways to ask: directly and by wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Request, StatusCode};
use serde_json::Value;
use tidegate_engine::base::{Base, PlainBase};
use tidegate_engine::disk::{Disk, FaultDisk};
use tidegate_engine::limits::{CHECKPOINT_EVERY_MS_DEFAULT, MEMORY_BYTES_MIN};
use tidegate_engine::{
    AllArchiveTimes, Config, Door, Engine, MachineClock, MachineEntropy, Memory, Shares, Space,
    tables_of,
};
use tidegate_http::{Body, Options, RequestBody, Router, router};

use crate::toy::TOY;

/// A server without a socket.
pub(crate) struct Server {
    pub(crate) door: Door,
    pub(crate) router: Router,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem, having checked what all problems share.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        let code = body["code"].as_str().unwrap();
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["type"], format!("/docs/problems#{code}"));
        assert!(!body["detail"].as_str().unwrap().is_empty());
        assert_eq!(body["title"], code.replace('_', " "));
        (self.status.as_u16(), code.to_owned())
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Options::new("0.0.0-test"))
    }

    pub(crate) fn with(options: Options) -> Self {
        let mut server = Self::asleep(options);
        server.wake();
        server
    }

    /// An engine that nobody steps: it admits and never answers.
    pub(crate) fn asleep(options: Options) -> Self {
        let config = Config {
            partitions: 2,
            executors: 1,
            space: Space::of(2),
            memory: Memory::of(MEMORY_BYTES_MIN),
            shares: Shares::new(),
            archives: AllArchiveTimes::new(),
            settings: tidegate_engine::Settings::default(),
            checkpoint_every_ms: CHECKPOINT_EVERY_MS_DEFAULT,
            seed: 1,
            entropy: Arc::new(MachineEntropy),
            reading: Arc::default(),
            accept_clock_jump: false,
        };
        let disk: Arc<dyn Disk> = Arc::new(FaultDisk::default());
        let base = PlainBase::open(Arc::clone(&disk), &tables_of(&[TOY])).unwrap();
        let places = (disk, Arc::new(base) as Arc<dyn Base>);
        let clock = Arc::new(MachineClock::default());
        let spawn = Box::new(|_: &'static str, work: Box<dyn FnOnce() + Send>| work());
        let engine = Engine::open(&config, places, clock, &[TOY], spawn).unwrap();
        let Engine {
            door,
            executors,
            mut writer,
            ..
        } = engine;
        let ended = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let run = |mut step: Box<dyn FnMut() + Send>| {
            let ended = Arc::clone(&ended);
            thread::spawn(move || {
                thread::park();
                while !ended.load(Ordering::Relaxed) {
                    step();
                    thread::sleep(Duration::from_micros(200));
                }
            })
        };
        for mut executor in executors {
            threads.push(run(Box::new(move || {
                let _ = executor.step();
            })));
        }
        threads.push(run(Box::new(move || {
            writer.step().unwrap();
        })));
        let readers = door.clone();
        threads.push(run(Box::new(
            move || while readers.read_step(false).unwrap() {},
        )));
        let events = door.clone();
        threads.push(run(Box::new(move || {
            events.tell_step(false);
        })));
        Self {
            router: router(door.clone(), options),
            door,
            ended,
            threads,
        }
    }

    pub(crate) fn wake(&mut self) {
        for thread in &self.threads {
            thread.thread().unpark();
        }
    }

    pub(crate) async fn send(&self, request: Request<impl RequestBody>) -> Answered {
        let response = self.router.answer(None, request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answered {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answered {
        self.send(Request::get(uri).body(Body::empty()).unwrap())
            .await
    }

    /// Puts a thing into the box `box`, with this body.
    pub(crate) async fn put(&self, body: &str) -> Answered {
        self.send(put(body)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.wake();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// A request that puts a thing into the box `box`.
pub(crate) fn put(body: &str) -> Request<Body> {
    post("/v1/boxes/box/things", body)
}

pub(crate) fn post(uri: &str, body: &str) -> Request<Body> {
    let request = Request::post(uri).header("content-type", "application/json");
    request.body(Body::from(body.to_owned())).unwrap()
}
