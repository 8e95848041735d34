//! Outcomes as bytes: a small head for the sink, then JSON.

use hyper::StatusCode;
use tidegate_engine::contract::{Fault, Outcome, Refuse, Renderer, Shape, Status, Writer};

use crate::json::JsonWriter;
use crate::problem::{self, COMMON_MEMBERS};
use crate::prose::prose;
use crate::tag::Tagging;

/// Bytes ahead of the JSON: the status code in 2 bytes, then in 4 bytes when to ask again, in
/// milliseconds, 0 for nothing, then in 8 bytes the tag of the answer, 0 for none; all little endian.
pub(crate) const HEAD_BYTES: usize = 14;

/// Where the tag stands there.
const TAG_AT: usize = 6;

/// How a domain's "no" is told when its class promises that asking again helps.
const REFUSED_BUSY_RETRY_MS: u32 = 1_000;

/// Turns outcomes into JSON.
#[derive(Clone, Copy, Default)]
pub(crate) struct JsonRenderer {
    /// Replies have a tag, and these fields stay out of it.
    pub(crate) tags: Option<&'static [&'static str]>,
}

/// What stands ahead of the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) retry_after_ms: u64,
    /// 0 for none.
    pub(crate) tag: u64,
}

impl Head {
    /// The head of what a [`JsonRenderer`] wrote.
    pub(crate) fn of(rendered: &[u8]) -> Self {
        let head = rendered.first_chunk::<HEAD_BYTES>();
        let [low, high, a, b, c, d, tag @ ..] = *head.expect("because the renderer wrote a head");
        let status = StatusCode::from_u16(u16::from_le_bytes([low, high]));
        Self {
            status: status.expect("because the renderer wrote the code of a status"),
            retry_after_ms: u64::from(u32::from_le_bytes([a, b, c, d])),
            tag: u64::from_le_bytes(tag),
        }
    }
}

impl Renderer for JsonRenderer {
    fn render(&self, outcome: &Outcome<'_>, out: &mut Vec<u8>) {
        match outcome {
            Outcome::Reply(reply) => self.write_reply(*reply, out),
            Outcome::Refused(refusal) => write_refusal(*refusal, out),
            Outcome::Fault(fault) => write_fault(fault, out),
            Outcome::Pending(id) => write_pending(id, out),
        }
    }
}

impl JsonRenderer {
    fn write_reply(self, reply: &dyn Shape, out: &mut Vec<u8>) {
        let head = out.len();
        write_head(out, StatusCode::OK, 0);
        match self.tags {
            None => reply.write_to(&mut JsonWriter::new(out)),
            Some(aside) => {
                let mut tagging = Tagging::new(out, aside);
                reply.write_to(&mut tagging);
                let tag = tagging.tag().to_le_bytes();
                out[head + TAG_AT..head + HEAD_BYTES].copy_from_slice(&tag);
            }
        }
    }
}

fn write_head(out: &mut Vec<u8>, status: StatusCode, retry_after_ms: u32) {
    out.extend_from_slice(&status.as_u16().to_le_bytes());
    out.extend_from_slice(&retry_after_ms.to_le_bytes());
    out.extend_from_slice(&0_u64.to_le_bytes());
}

fn write_refusal(refusal: &dyn Refuse, out: &mut Vec<u8>) {
    let def = refusal.def();
    let status = status_code(def.status);
    let retry_after_ms = match def.status {
        Status::Busy => REFUSED_BUSY_RETRY_MS,
        Status::TooMany => head_ms(refusal.retry_after_ms().unwrap_or_default()),
        Status::Done
        | Status::Pending
        | Status::Unreadable
        | Status::Unauthorized
        | Status::NotFound
        | Status::Conflict
        | Status::OutOfRange
        | Status::Unavailable => 0,
    };
    write_head(out, status, retry_after_ms);
    let mut json = JsonWriter::new(out);
    json.map(0);
    problem::write_common(&mut json, def.code, status, &prose(def.doc));
    refusal.facts(&mut Facts {
        json: &mut json,
        depth: 0,
    });
    json.end();
}

fn write_fault(fault: &Fault, out: &mut Vec<u8>) {
    let (status, retry_after_ms) = match fault {
        Fault::Busy { retry_after_ms } | Fault::Shed { retry_after_ms, .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, Some(*retry_after_ms))
        }
        Fault::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, None),
        Fault::Stopping => (StatusCode::SERVICE_UNAVAILABLE, None),
    };
    write_head(out, status, retry_after_ms.map_or(0, head_ms));
    let mut json = JsonWriter::new(out);
    json.map(0);
    problem::write_common(&mut json, fault.code(), status, &fault.to_string());
    if let Some(retry_after_ms) = retry_after_ms {
        json.name("retry_after_ms");
        json.integer(i64::try_from(retry_after_ms).unwrap_or(i64::MAX));
    }
    if let Fault::Shed { class, .. } = fault {
        json.name("shed");
        json.text(class.word());
    }
    json.end();
}

/// When to ask again, as the head says it: not at once.
fn head_ms(retry_after_ms: u64) -> u32 {
    u32::try_from(retry_after_ms.max(1)).unwrap_or(u32::MAX)
}

/// No problem, and no reply yet.
fn write_pending(id: &str, out: &mut Vec<u8>) {
    write_head(out, StatusCode::ACCEPTED, 0);
    let mut json = JsonWriter::new(out);
    json.map(2);
    json.name("code");
    json.text("pending");
    json.name("id");
    json.text(id);
    json.end();
}

/// The status code of a class of outcomes.
pub(crate) fn status_code(status: Status) -> StatusCode {
    match status {
        Status::Done => StatusCode::OK,
        Status::Pending => StatusCode::ACCEPTED,
        Status::Unreadable => StatusCode::BAD_REQUEST,
        Status::Unauthorized => StatusCode::UNAUTHORIZED,
        Status::NotFound => StatusCode::NOT_FOUND,
        Status::Conflict => StatusCode::CONFLICT,
        Status::OutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
        Status::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Status::Busy | Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Writes facts as members of a problem. A fact named like a common member is told apart by
/// `fact_`, for a JSON object must not say one name twice.
struct Facts<'a, 'b> {
    json: &'a mut JsonWriter<'b>,
    depth: usize,
}

impl Writer for Facts<'_, '_> {
    fn map(&mut self, len: usize) {
        self.depth += 1;
        self.json.map(len);
    }

    fn name(&mut self, name: &str) {
        if self.depth == 0 && COMMON_MEMBERS.contains(&name) {
            self.json.name(&format!("fact_{name}"));
        } else {
            self.json.name(name);
        }
    }

    fn list(&mut self, len: usize) {
        self.depth += 1;
        self.json.list(len);
    }

    fn end(&mut self) {
        self.depth -= 1;
        self.json.end();
    }

    fn text(&mut self, text: &str) {
        self.json.text(text);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.json.bytes(bytes);
    }

    fn integer(&mut self, value: i64) {
        self.json.integer(value);
    }

    fn boolean(&mut self, value: bool) {
        self.json.boolean(value);
    }

    fn null(&mut self) {
        self.json.null();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tidegate_engine::contract::{RefusalDef, WorkClass};

    use super::*;

    struct Cancelled;

    impl Refuse for Cancelled {
        fn def(&self) -> &'static RefusalDef {
            &RefusalDef {
                code: "not_payable",
                status: Status::Conflict,
                doc: " The order cannot be paid.\n Look at it.\n",
            }
        }

        fn facts(&self, out: &mut dyn Writer) {
            out.name("status");
            out.text("cancelled");
            out.name("paid");
            out.integer(0);
        }
    }

    fn rendered(outcome: &Outcome<'_>) -> (u16, u64, Value) {
        let mut out = Vec::new();
        JsonRenderer::default().render(outcome, &mut out);
        let (head, body) = (Head::of(&out), &out[HEAD_BYTES..]);
        let body = serde_json::from_slice(body).expect("because a rendered outcome is JSON");
        assert_eq!(head.tag, 0);
        (head.status.as_u16(), head.retry_after_ms, body)
    }

    #[test]
    fn a_fact_never_hides_a_common_member() {
        let (status, retry_after_ms, body) = rendered(&Outcome::Refused(&Cancelled));
        assert_eq!((status, retry_after_ms), (409, 0));
        let expected = json!({
            "type": "/docs/problems#not_payable", "title": "not payable", "status": 409,
            "code": "not_payable", "detail": "The order cannot be paid. Look at it.",
            "fact_status": "cancelled", "paid": 0,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn what_is_not_known_yet_is_accepted_and_says_what_to_ask_about() {
        let (status, retry_after_ms, body) = rendered(&Outcome::Pending("o-1"));
        assert_eq!((status, retry_after_ms), (202, 0));
        assert_eq!(body, json!({ "code": "pending", "id": "o-1" }));
    }

    #[test]
    fn what_is_shed_is_busy_and_says_of_which_class_it_is() {
        let shed = Fault::Shed {
            class: WorkClass::Normal,
            retry_after_ms: 1_000,
        };
        let (status, retry_after_ms, body) = rendered(&Outcome::Fault(&shed));
        assert_eq!((status, retry_after_ms), (503, 1_000));
        assert_eq!(
            (&body["code"], &body["shed"]),
            (&json!("busy"), &json!("normal"))
        );
        let detail = "normal work is shed for now; ask again in 1000 ms";
        assert_eq!(body["detail"], detail);
    }

    #[test]
    fn each_fault_has_its_status_and_says_when_to_ask_again() {
        let cases = [
            (Fault::Busy { retry_after_ms: 50 }, 503, 50, "busy"),
            (Fault::DiskFull, 507, 0, "disk_full"),
            (Fault::Stopping, 503, 0, "stopping"),
        ];
        for (fault, status, retry_after_ms, code) in cases {
            let (found_status, found_ms, body) = rendered(&Outcome::Fault(&fault));
            assert_eq!((found_status, found_ms), (status, retry_after_ms));
            assert_eq!(body["code"], code);
            assert_eq!(body["status"], status);
            let documented = problem::ALL.iter().find(|problem| problem.code == code);
            assert_eq!(
                documented.map(|problem| problem.status.as_u16()),
                Some(status)
            );
        }
    }
}
