//! For tests: a server that speaks just enough RESP for a replay, and misbehaves on demand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::books::Units;
use super::fake_stock::FakeStock;
use crate::client::Reply;

/// What goes wrong, counted over all commands.
#[derive(Clone, Copy, Default)]
pub(super) struct Faults {
    /// Every so many commands one is answered BUSY.
    pub(super) busy_every: Option<u64>,
    /// Every so many commands the connection is closed instead of answering.
    pub(super) close_every: Option<u64>,
    /// After so many commands the server is gone.
    pub(super) gone_after: Option<u64>,
}

/// A listening server. It is gone when dropped.
pub(super) struct FakeServer {
    pub(super) addr: String,
    gone: Arc<AtomicBool>,
}

struct Shared {
    stock: Arc<Mutex<FakeStock>>,
    faults: Faults,
    commands: AtomicU64,
    gone: Arc<AtomicBool>,
}

impl FakeServer {
    /// Serves the stock on a free port.
    pub(super) fn start(stock: &Arc<Mutex<FakeStock>>, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("bound").to_string();
        let gone = Arc::new(AtomicBool::new(false));
        let (stock, commands) = (Arc::clone(stock), AtomicU64::new(0));
        let shared = Arc::new(Shared {
            stock,
            faults,
            commands,
            gone: Arc::clone(&gone),
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.gone.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { addr, gone }
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it is gone.
        drop(TcpStream::connect(&self.addr));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        stream.set_nodelay(true).expect("because it is open");
        let mut incoming = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut chunk) {
            incoming.extend_from_slice(&chunk[..read]);
            let mut taken = 0;
            while let Ok(Some((command, used))) = Reply::parse(&incoming[taken..]) {
                let parts = parts(&command);
                taken += used;
                let Some(answer) = self.answer(&parts) else {
                    return;
                };
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            incoming.drain(..taken);
        }
    }

    /// The bytes of the answer; nothing closes the connection, done or not.
    fn answer(&self, parts: &[String]) -> Option<String> {
        let number = self.commands.fetch_add(1, Ordering::SeqCst) + 1;
        let due = |every: Option<u64>| every.is_some_and(|every| number.is_multiple_of(every));
        if self.faults.gone_after.is_some_and(|after| number > after) {
            self.gone.store(true, Ordering::SeqCst);
        }
        if self.gone.load(Ordering::SeqCst) {
            return None;
        }
        if due(self.faults.busy_every) {
            return Some("-BUSY retry_after_ms=1\r\n".to_owned());
        }
        let answer = execute(&mut self.stock.lock().expect("no panics"), parts);
        (!due(self.faults.close_every)).then_some(answer)
    }
}

fn parts(command: &Reply<'_>) -> Vec<String> {
    let Reply::Array(parts) = command else {
        return Vec::new();
    };
    let text = |part: &Reply<'_>| String::from_utf8_lossy(part.text().unwrap_or_default()).into();
    parts.iter().map(text).collect()
}

fn execute(stock: &mut FakeStock, parts: &[String]) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let units = |text: &str| text.parse().expect("a number");
    let (sku, answer) = match parts[..] {
        ["STOCK.LIST", "LIMIT", _] => return list(stock, ""),
        ["STOCK.LIST", "LIMIT", _, "AFTER", after] => return list(stock, after),
        ["STOCK.GET", sku] => {
            let row = stock.skus.get(sku).map(|units| row(sku, units));
            return row.unwrap_or_else(|| "-UNKNOWNSKU\r\n".to_owned());
        }
        ["STOCK.SET", sku, total] => (sku, stock.set(sku, units(total))),
        ["STOCK.HOLD", sku, id, quantity, "BUYER", _, "TTL", _] => {
            (sku, stock.hold(sku, id, units(quantity)))
        }
        ["STOCK.CONFIRM", sku, id] => (sku, stock.confirm(sku, id)),
        ["STOCK.RETURN", sku, hold, id, "QTY", quantity] => {
            (sku, stock.take_back(sku, hold, id, units(quantity)))
        }
        _ => return format!("-ERR unknown command {parts:?}\r\n"),
    };
    match answer {
        Ok(repeated) => {
            let (sku, repeated) = (bulk(sku), u8::from(repeated));
            format!("*4\r\n+sku\r\n{sku}+repeated\r\n:{repeated}\r\n")
        }
        Err(words) => format!("-{words}\r\n"),
    }
}

/// Pages of two, so that there are many.
fn list(stock: &FakeStock, after: &str) -> String {
    let mut rest = stock
        .skus
        .iter()
        .filter(|(sku, _)| sku.as_str() > after)
        .peekable();
    let page: Vec<_> = rest.by_ref().take(2).collect();
    let items: String = page.iter().map(|(sku, units)| row(sku, units)).collect();
    let next = rest
        .peek()
        .and(page.last())
        .map_or("$-1\r\n".to_owned(), |(sku, _)| bulk(sku));
    format!("*4\r\n+items\r\n*{}\r\n{items}+next\r\n{next}", page.len())
}

fn row(sku: &str, units: &Units) -> String {
    let Units {
        total,
        available,
        held,
        sold,
    } = units;
    let sku = bulk(sku);
    format!(
        "*10\r\n+sku\r\n{sku}+total\r\n:{total}\r\n+available\r\n:{available}\r\n\
         +held\r\n:{held}\r\n+sold\r\n:{sold}\r\n"
    )
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
