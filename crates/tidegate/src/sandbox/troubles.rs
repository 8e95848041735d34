//! What goes wrong with the answers of the API: each as its number and the seed say.

use clap::Args;

use super::chance::{self, Chance, Draws, Span, fit_in_one, one_of};

/// What goes wrong with answers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What becomes of answers (but those of /v1/ledger and of its pages)")]
pub(super) struct Troubles {
    /// Answers wait so long, once what was asked for is done.
    #[arg(long, value_name = "MIN..MAX", default_value = "0..0")]
    delay: Span,
    /// Share of requests that are answered with 500, of which every other one is carried out.
    #[arg(long, value_name = "SHARE", default_value_t)]
    errors: Chance,
    /// Share of requests that are carried out, and whose connection is closed without an answer.
    #[arg(long, value_name = "SHARE", default_value_t)]
    drop_answers: Chance,
    /// Share of requests that are carried out and answered with 200 and nonsense.
    #[arg(long, value_name = "SHARE", default_value_t)]
    garbage: Chance,
    /// Share of requests that are carried out and answered with 200 and 10 MiB.
    #[arg(long, value_name = "SHARE", default_value_t)]
    large: Chance,
    /// So long after the start the provider is down: connections are closed without an answer, and
    /// webhooks wait. Buyers still pay.
    #[arg(long, value_name = "MS", requires = "down_for", value_parser = chance::ms)]
    down_after: Option<u64>,
    /// For so long it is down.
    #[arg(long, value_name = "MS", requires = "down_after", value_parser = chance::ms)]
    down_for: Option<u64>,
}

/// What goes wrong with one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 500, whether it is carried out or not.
    Error {
        is_carried_out: bool,
    },
    Dropped,
    /// 200 with this.
    Garbage(&'static [u8]),
    Large,
}

/// What is answered instead of a payment: nothing, no JSON, half of it, JSON of other kinds, and a
/// payment that nobody asked for.
const GARBAGE: [&[u8]; 8] = [
    b"",
    b"<html><body>Welcome to nginx!</body></html>",
    b"{\"id\":\"1\",\"status\":\"pa",
    b"null",
    b"[]",
    b"{\"id\":\"0\",\"status\":\"settled\",\"amount\":\"15.00\"}",
    b"{\"id\":\"0\",\"order\":\"nobody's\",\"status\":\"paid\",\"amount\":1,\"currency\":\"XXX\",\
      \"paid_amount\":1,\"paid_at_ms\":0,\"checkout_url\":\"https://pay.invalid/checkout/0\",\
      \"refunds\":[]}",
    b"\xff\xfe\x00",
];

impl Troubles {
    /// Whether the shares can be drawn.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if fit_in_one(&[self.errors, self.drop_answers, self.garbage, self.large]) {
            Ok(())
        } else {
            Err(
                "--errors, --drop-answers, --garbage and --large are shares of one whole: \
                 lower one of them",
            )
        }
    }

    /// What goes wrong with the answer of this number, and how long it waits.
    pub(super) fn draw(&self, draws: Draws, number: u64) -> (u64, Option<Trouble>) {
        let mut random = draws.about("answer", &[&number.to_string()]);
        let is_carried_out = random.chance(1, 2);
        let garbage = random.below(GARBAGE.len() as u64) as usize;
        let troubles = [
            (self.errors, Trouble::Error { is_carried_out }),
            (self.drop_answers, Trouble::Dropped),
            (self.garbage, Trouble::Garbage(GARBAGE[garbage])),
            (self.large, Trouble::Large),
        ];
        let trouble = one_of(&mut random, &troubles);
        (self.delay.draw(&mut random), trouble)
    }

    /// From when until when it is down, if it starts at this time.
    pub(super) fn outage(&self, started_ms: u64) -> Option<(u64, u64)> {
        let from_ms = started_ms + self.down_after?;
        Some((from_ms, from_ms + self.down_for?))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// Troubles as a command line says.
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        troubles: Troubles,
    }

    fn troubles(line: &str) -> Troubles {
        let line = ["test"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(line);
        line.expect("a command line").troubles
    }

    #[test]
    fn each_trouble_comes_as_often_as_asked_and_the_same_comes_again() {
        let troubles =
            troubles("--errors 0.2 --drop-answers 0.1 --garbage 0.3 --large 0.05 --delay 5..9");
        let mut found = [0_i32; 5];
        for number in 0..10_000 {
            let drawn = troubles.draw(Draws::of(3), number);
            assert_eq!(drawn, troubles.draw(Draws::of(3), number));
            let (delay_ms, trouble) = drawn;
            assert!((5..=9).contains(&delay_ms));
            found[match trouble {
                Some(Trouble::Error {
                    is_carried_out: true,
                }) => 0,
                Some(Trouble::Error {
                    is_carried_out: false,
                }) => 1,
                Some(Trouble::Dropped) => 2,
                Some(Trouble::Garbage(_)) => 3,
                Some(Trouble::Large) => 4,
                None => continue,
            }] += 1;
        }
        for (found, expected) in found.into_iter().zip([1_000, 1_000, 1_000, 3_000, 500]) {
            assert!((found - expected).abs() < 200, "{found}, not {expected}");
        }
    }

    #[test]
    fn an_outage_counts_from_the_start() {
        let outage = troubles("--down-after 10 --down-for 5").outage(100);
        assert_eq!(outage, Some((110, 115)));
        assert_eq!(troubles("").outage(100), None);
        assert!(Line::try_parse_from(["test", "--down-after", "10"]).is_err());
    }

    #[test]
    fn shares_of_more_than_one_whole_are_refused() {
        assert!(troubles("--errors 0.5 --garbage 0.5").check().is_ok());
        assert!(troubles("--errors 0.5 --garbage 0.6").check().is_err());
    }
}
