//! Callers who wait, whose jobs are taken together: one call of a worker over HTTP, a result for each.

use std::thread;

use crate::support::{Client, Server, folder, http, wait_for};
use serde_json::{Value, json};

#[test]
fn callers_who_wait_have_their_own_results_of_one_batch_that_survives_a_kill() {
    let folder = folder();
    let mut server = Server::start(&folder.path().join("data"));
    let set = json!({ "aggregate": 3, "grace_ms": 60_000 }).to_string();
    let told = http(&server.http, "PUT /v1/queues/rates", &[], &set);
    assert_eq!(told.json()["batch"]["jobs"], 3, "{}", told.body);
    let mut client = Client::to(&server.resp);
    client.ask("JOB.ADD rates eur EUR GROUP fx");
    assert_eq!(
        client.ask("JOB.GET rates eur").field("state").text(),
        "blocked"
    );

    server.kill();
    let server = Server::start(&folder.path().join("data"));
    let callers = ["usd", "gbp"].map(|id| {
        let resp = server.resp.clone();
        thread::spawn(move || {
            let mut client = Client::to(&resp);
            client.ask(&format!("JOB.ADD rates {id} {id} GROUP fx"));
            client.ask(&format!("JOB.GET rates {id} WAIT 20000"))
        })
    });
    let take = json!({ "member": "w", "queues": [{ "queue": "rates" }], "wait_ms": 20_000 });
    let taken = wait_for("the batch", || {
        let told = http(&server.http, "POST /v1/jobs/take", &[], &take.to_string()).json();
        (told["group"] == "fx").then_some(told)
    });
    let jobs = taken["jobs"].as_array().expect("jobs");
    assert_eq!((jobs.len(), &jobs[0]["id"]), (3, &json!("eur")));
    let results: Vec<Value> = jobs
        .iter()
        .map(|job| json!({ "id": job["id"], "result": format!("rate of {}", job["payload"]) }))
        .collect();
    let lease = taken["lease"].as_str().expect("a lease");
    let done = format!("POST /v1/queues/rates/leases/{lease}/done");
    let told = http(
        &server.http,
        &done,
        &[],
        &json!({ "jobs": results }).to_string(),
    );
    let states: Vec<_> = told.json()["jobs"].as_array().expect("jobs").clone();
    assert!(
        states.iter().all(|job| job["state"] == "done"),
        "{states:?}"
    );
    for (caller, id) in callers.into_iter().zip(["usd", "gbp"]) {
        let job = caller.join().expect("it was answered");
        assert_eq!(job.field("result").text(), format!("rate of \"{id}\""));
    }
}
