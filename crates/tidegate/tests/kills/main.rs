//! Mixed commands over many SKUs while the server is killed with -9 again and again: what was
//! acknowledged is found again, what was in doubt is settled by asking again, the books balance.

#[path = "../support/mod.rs"]
mod support;
mod tally;
mod worker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use support::{Client, Random, Server, figure, finish, tidegate, wait_for};
use tally::Tally;
use worker::Worker;

const SEED: u64 = 20_260_401;

/// Rounds there are at least; and at most, until a kill has fallen between an effect and its
/// acknowledgement, which a fast disk makes rare.
const ROUNDS_LEAST: u64 = 5;
const ROUNDS_MOST: u64 = 60;

const WORKERS: u64 = 8;
const SKUS: u64 = 50;

/// Few enough that many holds are refused.
const UNITS: i64 = 120;

/// Answers of a round before which its server is not killed, and how many more there may be.
const ANSWERS_LEAST: u64 = 1_000;
const ANSWERS_MORE: u64 = 3_000;

/// All workers at once, over one life of a server.
fn run_all(workers: &mut [Worker], addr: &str, settle: bool, meanwhile: impl FnOnce(&AtomicU64)) {
    let answers = AtomicU64::new(0);
    thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| worker.run(addr, &answers, settle));
        }
        meanwhile(&answers);
    });
}

fn check_books(workers: &[Worker], client: &mut Client) -> [i64; 3] {
    let mut sums = [0; 3];
    for sku in 0..SKUS {
        let expected = Tally::of_answers(workers, sku);
        assert_eq!(Tally::of_rows(client, sku), expected, "sku-{sku}");
        for (sum, units) in sums
            .iter_mut()
            .zip([expected.total, expected.held, expected.sold])
        {
            *sum += units;
        }
    }
    sums
}

#[test]
fn what_was_acknowledged_outlives_every_kill_and_what_was_in_doubt_is_settled_by_asking_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut random = Random::new(SEED);
    let mut workers: Vec<_> = (0..WORKERS).map(Worker::new).collect();
    let mut server = Server::start(&data);
    let declare = (0..SKUS).map(|sku| support::words(&format!("STOCK.SET sku-{sku} {UNITS}")));
    let declared = Client::to(&server.resp).pipeline(&declare.collect::<Vec<_>>());
    assert_eq!(declared.len() as u64, SKUS);

    let found_done = |workers: &[Worker]| workers.iter().any(|worker| worker.found_done > 0);
    for round in 0..ROUNDS_MOST {
        if round >= ROUNDS_LEAST && found_done(&workers) {
            break;
        }
        let addr = server.resp.clone();
        let enough = ANSWERS_LEAST + random.below(ANSWERS_MORE);
        run_all(&mut workers, &addr, false, |answers| {
            wait_for("answers", || {
                (answers.load(Ordering::Relaxed) >= enough).then_some(())
            });
            server.kill();
        });
        server = Server::start(&data);
        let mut client = Client::to(&server.resp);
        // Before anything else changes: nothing that was acknowledged is missing.
        workers
            .iter()
            .for_each(|worker| worker.find_all_again(&mut client));
        run_all(&mut workers, &server.resp, true, |_| {});
        workers
            .iter()
            .for_each(|worker| worker.find_all_again(&mut client));
        check_books(&workers, &mut client);
    }

    let [total, held, sold] = check_books(&workers, &mut Client::to(&server.resp));
    server.stop();
    let checked = finish(tidegate(&[&"check", &data]));
    let of = |name| figure(&checked.stdout, name);
    let count = |kind: &str| {
        let done = workers.iter().flat_map(|worker| &worker.done);
        i64::try_from(done.filter(|sent| sent.what.kind() == kind).count()).ok()
    };
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(of("stock.units_total"), Some(total));
    assert_eq!(of("stock.units_held"), Some(held));
    assert_eq!(of("stock.units_sold"), Some(sold));
    assert_eq!(of("stock.adds_applied"), count("add"));
    assert_eq!(of("stock.holds"), count("hold"));
    assert_eq!(of("stock.returns"), count("return"));
    assert_eq!(of("laws broken"), Some(0));
    // What these rounds are for has happened in them.
    let sold_out: u64 = workers.iter().map(|worker| worker.sold_out).sum();
    assert!(sold_out > 0, "nobody was too late");
    assert!(
        found_done(&workers),
        "no kill fell between an effect and its acknowledgement"
    );
}
