//! What an answer of a receiver means, and what is kept of it for people.

use sha2::{Digest, Sha256};
use tidegate_courier::Delivery;

/// What is to become of what was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is done, with this result.
    Done(Vec<u8>),
    /// It is worked on still.
    Working,
    /// It has failed, and is not to be tried again.
    Refused(String),
    /// It has failed; this is why, and when it may be tried again, if that was said.
    Failed(String, Option<u64>),
    /// The receiver knows nothing of it: it was not its turn in time.
    NotSent,
}

impl Verdict {
    pub(crate) fn of(delivery: Delivery) -> Self {
        match delivery {
            Delivery::NotSent => Self::NotSent,
            Delivery::Nothing { why } => Self::Failed(cut(&why).to_owned(), None),
            Delivery::Answered {
                status: 200..300,
                body,
                ..
            } => Self::Done(body),
            Delivery::Answered { status: 425, .. } => Self::Working,
            Delivery::Answered {
                status: status @ 409,
                body,
                ..
            } => Self::Refused(why(status, &body)),
            Delivery::Answered {
                status,
                body,
                retry_after_ms,
            } => {
                let rest_ms = retry_after_ms.map(|ms| ms.min(REST_MS_MAX));
                Self::Failed(why(status, &body), rest_ms)
            }
        }
    }
}

/// Who asks for a longer rest is asked again after a day.
const REST_MS_MAX: u64 = 24 * 3_600_000;

/// Bytes that are kept of why something has failed: as many as a group keeps of a cause.
const WHY_BYTES_MAX: usize = 200;

/// What a status and the beginning of a body say, as far as it is text.
fn why(status: u16, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(&body[..body.len().min(WHY_BYTES_MAX)]);
    let said = format!("answered {status}: {}", body.trim());
    cut(&said).trim_end_matches([':', ' ']).to_owned()
}

/// So much of why something has failed as is kept.
pub(crate) fn cut(why: &str) -> &str {
    &why[..why.floor_char_boundary(WHY_BYTES_MAX)]
}

/// The id under which something is brought: the same however often, and of nothing else.
pub(crate) fn id_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let hex = digest[..16].iter().map(|byte| format!("{byte:02x}"));
    format!("msg_{}", hex.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Verdict {
        Verdict::of(Delivery::Answered {
            status,
            body: body.as_bytes().to_vec(),
            retry_after_ms: Some(u64::MAX),
        })
    }

    #[test]
    fn answers_are_done_working_refused_or_failed() {
        for status in [200, 201, 204, 299] {
            assert_eq!(answered(status, "r"), Verdict::Done(b"r".to_vec()));
        }
        assert_eq!(answered(425, ""), Verdict::Working);
        let refused = Verdict::Refused("answered 409: no such buyer".to_owned());
        assert_eq!(answered(409, "no such buyer\n"), refused);
        for status in [100, 199, 300, 307, 400, 408, 410, 424, 426, 500, 503] {
            let failed = Verdict::Failed(format!("answered {status}"), Some(REST_MS_MAX));
            assert_eq!(answered(status, ""), failed);
        }
    }

    #[test]
    fn what_was_not_sent_has_not_failed() {
        assert_eq!(Verdict::of(Delivery::NotSent), Verdict::NotSent);
        let why = "no answer".to_owned();
        let failed = Verdict::Failed(why.clone(), None);
        assert_eq!(Verdict::of(Delivery::Nothing { why }), failed);
    }

    #[test]
    fn long_words_are_cut_between_two_characters() {
        let Verdict::Failed(why, _) = answered(500, &"ä".repeat(500)) else {
            panic!("it has failed");
        };
        assert!((190..=WHY_BYTES_MAX).contains(&why.len()), "{why}");
    }

    #[test]
    fn ids_are_the_same_for_the_same_and_have_no_full_stop() {
        let id = id_of(&["job", "q.1", "a"]);
        assert_eq!(id, id_of(&["job", "q.1", "a"]));
        assert_ne!(id, id_of(&["job", "q.", "1a"]));
        assert!(
            id.starts_with("msg_") && id.len() == 36 && !id.contains('.'),
            "{id}"
        );
    }
}
