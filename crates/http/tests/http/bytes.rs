//! Bytes in bodies and answers: as they are where they are text, else in base64.

use compact_str::CompactString;
use hyper::Request;
use minicbor::bytes::ByteVec;
use serde_json::{Value, json};
use tidegate_engine::contract::{Apply, Bytes, Name, Never, RefusalDef};
use tidegate_engine::{Reads, Stop, Tx, reply, request};
use tidegate_http::{Body, openapi};

use crate::harness::Server;
use crate::toy::TOY;

request! {
    /// Gives back what it is given.
    pub struct Echo {
        /// The box.
        box_name: Name,
        /// What is given.
        mark: Bytes<4>,
    }
}

reply! {
    /// What was given.
    pub struct Echoed {
        /// The box.
        box_name: CompactString,
        /// What was given.
        mark: ByteVec,
    }
}

impl Apply for Echo {
    type Reply = Echoed;
    type Refusal = Never;
    const REFUSALS: &'static [RefusalDef] = &[];

    fn key(&self) -> &str {
        self.box_name.as_str()
    }

    fn reads(&self, _reads: &mut Reads<'_>) {}

    fn apply(&self, _tx: &mut Tx<'_>) -> Result<Echoed, Stop<Never>> {
        Ok(Echoed {
            box_name: self.box_name.compact(),
            mark: self.mark.as_slice().to_vec().into(),
        })
    }
}

async fn echoed(body: &str) -> (u16, Value) {
    let request = Request::post("/v1/boxes/box/echo").header("content-type", "application/json");
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let answered = Server::start().send(request).await;
    (answered.status.as_u16(), answered.json())
}

#[tokio::test]
async fn bytes_come_back_as_they_were_sent_and_in_base64_only_where_they_are_no_text() {
    for (sent, answered) in [
        (r#"{"mark":"a\"b"}"#, r#"{"box_name":"box","mark":"a\"b"}"#),
        (
            r#"{"mark_base64":"YWI="}"#,
            r#"{"box_name":"box","mark":"ab"}"#,
        ),
        (
            r#"{"mark_base64":"/wA="}"#,
            r#"{"box_name":"box","mark_base64":"/wA="}"#,
        ),
    ] {
        let expected: Value = serde_json::from_str(answered).unwrap();
        assert_eq!(echoed(sent).await, (200, expected), "{sent}");
    }
}

#[tokio::test]
async fn bytes_are_sent_once_and_by_a_name_of_theirs() {
    for (sent, status, detail) in [
        (
            r#"{"mark":"a","mark_base64":"YQ=="}"#,
            400,
            "`mark` is given twice, or stands in the path already",
        ),
        (
            r#"{"mark_base64":"YQ"}"#,
            400,
            "`mark` must be base64, padded, of the alphabet with + and /",
        ),
        (
            r#"{"mark_base64":7}"#,
            400,
            "`mark` must be a string, not a number",
        ),
        (
            r#"{"mark_base64":"MTIzNDU="}"#,
            422,
            "`mark` must be at most 4 bytes long, not 5",
        ),
        (r"{}", 400, "`mark` is required"),
        (
            r#"{"mark":"a","box_name_base64":"YQ=="}"#,
            400,
            "`box_name_base64` is not a field of this request; it takes box_name, mark",
        ),
    ] {
        let (found, problem) = echoed(sent).await;
        assert_eq!(
            (found, &problem["detail"]),
            (status, &json!(detail)),
            "{sent}"
        );
    }
}

#[test]
fn both_names_are_described() {
    let document = openapi(&[TOY], "1.2.3");
    let echo = &document["paths"]["/v1/boxes/{box_name}/echo"]["post"];
    let body = &echo["requestBody"];
    assert_eq!(body["required"], true);
    let schema = &body["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], Value::Null);
    assert_eq!(
        schema["properties"]["mark_base64"]["contentEncoding"],
        "base64"
    );
}
