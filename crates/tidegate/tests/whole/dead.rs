//! What was set aside is asked for, replayed and dropped over both fronts.

use crate::support::{Client, Server, http};

#[test]
fn what_was_never_set_aside_is_unknown_over_both_fronts() {
    let folder = crate::support::folder();
    let server = Server::start(&folder.path().join("data"));
    let mut client = Client::to(&server.resp);
    assert_eq!(client.ask("DEAD.LIST").field("items").items(), []);
    let listed = http(&server.http, "GET /v1/dead?state=waiting", &[], "");
    assert_eq!(listed.json()["items"], serde_json::json!([]));
    for act in ["replay", "drop"] {
        let refused = client.ask(&format!("DEAD.{act} 4095-7"));
        assert_eq!(refused.refusal(), Some("UNKNOWNDEAD"));
        let refused = client.ask(&format!("DEAD.{act} 4096-7"));
        assert_eq!(refused.refusal(), Some("INVALID"), "there is no such slot");
        let refused = |id: &str| {
            let target = format!("POST /v1/dead/{id}/{act}");
            let answer = http(&server.http, &target, &[], "");
            (answer.status, answer.json()["code"].clone())
        };
        assert_eq!(refused("4095-7"), (404, "unknown_dead".into()));
        assert_eq!(refused("7").0, 400);
    }
}
