//! Outcomes as RESP. Runs on the executor: nothing but bytes crosses threads.

use tidegate_engine::contract::{Fault, Outcome, Refuse, Renderer, Writer, resp_word};

use crate::facts::Facts;
use crate::wire::{Protocol, Wire};

/// Turns outcomes into one of the two protocols.
#[derive(Debug)]
pub(crate) struct RespRenderer(Protocol);

impl RespRenderer {
    /// The renderer of a protocol.
    pub(crate) fn of(protocol: Protocol) -> &'static Self {
        match protocol {
            Protocol::Resp2 => &Self(Protocol::Resp2),
            Protocol::Resp3 => &Self(Protocol::Resp3),
        }
    }
}

impl Renderer for RespRenderer {
    fn render(&self, outcome: &Outcome<'_>, out: &mut Vec<u8>) {
        match outcome {
            Outcome::Reply(reply) => reply.write_to(&mut Wire::new(out, self.0)),
            Outcome::Refused(refusal) => refused(*refusal, self.0, out),
            Outcome::Fault(fault) => faulted(fault, out),
            Outcome::Pending(key) => pending(key, out),
        }
    }
}

fn refused(refusal: &dyn Refuse, protocol: Protocol, out: &mut Vec<u8>) {
    if let Some(words) = refusal.words() {
        return Wire::new(out, protocol).error(&words);
    }
    out.push(b'-');
    out.extend(resp_word(refusal.def().code));
    refusal.facts(&mut Facts::new(out));
    out.extend_from_slice(b"\r\n");
}

fn faulted(fault: &Fault, out: &mut Vec<u8>) {
    out.push(b'-');
    out.extend(resp_word(fault.code()));
    let what_to_do = match fault {
        Fault::Busy { retry_after_ms } => format!(" retry_after_ms={retry_after_ms}\r\n"),
        Fault::Shed {
            class,
            retry_after_ms,
        } => {
            let class = class.word();
            format!(" retry_after_ms={retry_after_ms} shed={class}\r\n")
        }
        Fault::DiskFull | Fault::Stopping => format!(" {fault}\r\n"),
    };
    out.extend_from_slice(what_to_do.as_bytes());
}

fn pending(key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"-PENDING");
    let mut facts = Facts::new(out);
    facts.name("id");
    facts.text(key);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use tidegate_engine::contract::{RefusalDef, Shape, Status, WorkClass};

    use super::*;

    struct Everything;

    impl Shape for Everything {
        fn write_to(&self, out: &mut dyn Writer) {
            out.map(5);
            out.name("id");
            out.text("7001");
            out.name("left");
            out.integer(-12);
            out.name("repeated");
            out.boolean(true);
            out.name("next");
            out.null();
            out.name("items");
            out.list(2);
            out.boolean(false);
            out.text("");
            out.end();
            out.end();
        }
    }

    struct No;

    impl Refuse for No {
        fn def(&self) -> &'static RefusalDef {
            &RefusalDef {
                code: "sold_out",
                status: Status::Conflict,
                doc: "",
            }
        }

        fn facts(&self, out: &mut dyn Writer) {
            out.name("available");
            out.integer(0);
            out.name("buyer");
            out.text("a \"b\"\\\r\nc");
            out.name("plain");
            out.text("été");
            out.name("ids");
            out.list(2);
            out.text("1");
            out.map(1);
            out.name("open");
            out.boolean(false);
            out.end();
            out.end();
        }
    }

    /// In the words of another system, with what somebody has sent.
    struct Sent;

    impl Refuse for Sent {
        fn def(&self) -> &'static RefusalDef {
            No.def()
        }

        fn words(&self) -> Option<&str> {
            Some("ERR no 'a\r\n:1\r\n'")
        }
    }

    #[test]
    fn error_in_the_words_of_another_system_is_one_line() {
        let told = rendered(Protocol::Resp2, &Outcome::Refused(&Sent));
        assert_eq!(told, "-ERR no 'a  :1  '\r\n");
    }

    fn rendered(protocol: Protocol, outcome: &Outcome<'_>) -> String {
        let mut out = Vec::new();
        RespRenderer::of(protocol).render(outcome, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn reply_is_a_flat_array_in_resp2() {
        assert_eq!(
            rendered(Protocol::Resp2, &Outcome::Reply(&Everything)),
            "*10\r\n$2\r\nid\r\n$4\r\n7001\r\n$4\r\nleft\r\n:-12\r\n$8\r\nrepeated\r\n:1\r\n\
             $4\r\nnext\r\n$-1\r\n$5\r\nitems\r\n*2\r\n:0\r\n$0\r\n\r\n"
        );
    }

    #[test]
    fn reply_is_a_typed_map_in_resp3() {
        assert_eq!(
            rendered(Protocol::Resp3, &Outcome::Reply(&Everything)),
            "%5\r\n$2\r\nid\r\n$4\r\n7001\r\n$4\r\nleft\r\n:-12\r\n$8\r\nrepeated\r\n#t\r\n\
             $4\r\nnext\r\n_\r\n$5\r\nitems\r\n*2\r\n#f\r\n$0\r\n\r\n"
        );
    }

    #[test]
    fn refusal_is_an_error_of_one_line_with_its_facts() {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            assert_eq!(
                rendered(protocol, &Outcome::Refused(&No)),
                "-SOLDOUT available=0 buyer=\"a \\\"b\\\"\\\\\\r\\nc\" plain=été \
                 ids=[1,{open=false}]\r\n"
            );
        }
    }

    #[test]
    fn what_is_not_known_yet_says_what_to_ask_about() {
        let told = rendered(Protocol::Resp3, &Outcome::Pending("o-1"));
        assert_eq!(told, "-PENDING id=o-1\r\n");
    }

    #[test]
    fn fault_says_what_to_do() {
        let faults = [
            Fault::Busy { retry_after_ms: 50 },
            Fault::DiskFull,
            Fault::Stopping,
            Fault::Shed {
                class: WorkClass::Optional,
                retry_after_ms: 1_000,
            },
        ];
        let lines = faults.map(|fault| rendered(Protocol::Resp3, &Outcome::Fault(&fault)));
        assert_eq!(lines[0], "-BUSY retry_after_ms=50\r\n");
        assert_eq!(lines[3], "-BUSY retry_after_ms=1000 shed=optional\r\n");
        assert!(
            lines[1].starts_with("-DISKFULL the disk is full"),
            "{}",
            lines[1]
        );
        assert!(
            lines[2].starts_with("-STOPPING the server is stopping"),
            "{}",
            lines[2]
        );
    }
}
