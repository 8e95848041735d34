//! Who is told at the edge that a SKU is sold out has not overtaken what its own connection sent before.

use crate::support::{Client, Server, folder, http, words};

const ROUNDS: u64 = 100;

#[test]
fn hold_that_is_sent_behind_a_release_finds_the_units() {
    let folder = folder();
    let server = Server::start(folder.path());
    let mut client = Client::to(&server.resp);
    assert_eq!(client.ask("STOCK.SET a 1").refusal(), None);
    client.ask("STOCK.HOLD a h0 1");
    for round in 1..=ROUNDS {
        let told = client.ask("STOCK.HOLD a * 1");
        assert_eq!(told.refusal(), Some("SOLDOUT"));
        let [release, hold, late] = [
            format!("STOCK.RELEASE a h{}", round - 1),
            format!("STOCK.HOLD a h{round} 1"),
            "STOCK.HOLD a * 1".to_owned(),
        ];
        let replies = client.pipeline(&[words(&release), words(&hold), words(&late)]);
        assert_eq!(replies[1].field("state").text(), "held", "round {round}");
        assert_eq!(replies[2].refusal(), Some("SOLDOUT"));
    }
    let metrics = http(&server.http, "GET /metrics", &[], "").body;
    let mut lines = metrics.lines();
    let at_edge = lines.find_map(|line| line.strip_prefix("tidegate_requests_at_edge_total "));
    let at_edge: u64 = at_edge.expect("a figure").parse().expect("a number");
    assert!(at_edge >= ROUNDS / 2, "{at_edge} of {ROUNDS} at the edge");
}
