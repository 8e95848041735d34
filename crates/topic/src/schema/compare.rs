//! Whether a schema accepts all that another one accepts, so that it may take its place.
//!
//! It is held against the other keyword by keyword, so it is told sooner that it does not than too late: what is
//! found to be accepted is. `definitions` may refer to one another: a pair that is under way is taken for granted
//! within itself, as each turn of it is about a value within the value before.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::number::compare;
use super::{
    ANY, At, COMPARE_DEPTH_MAX, COMPARE_STEPS_MAX, Node, PAIR_STEPS, Schema, Step, Types, Wrong,
    told,
};

type Compared = Result<(), Wrong>;

impl Schema {
    /// Whether all that was accepted before is accepted by this one; else where it is not, and what.
    pub(crate) fn check_follows(&self, before: &Self) -> Compared {
        let mut comparison = Comparison {
            schemas: [before, self],
            under_way: Vec::new(),
            path: Vec::new(),
            asks_whether: 0,
            steps_left: COMPARE_STEPS_MAX,
        };
        let compared = comparison.accepts_all((BEFORE, before.root), (AFTER, self.root));
        if comparison.steps_left == 0 {
            let what = format!("takes more than {COMPARE_STEPS_MAX} steps to compare");
            return Err(Wrong::of(&[], what));
        }
        compared
    }
}

/// One of the two roots.
type Side = usize;

const BEFORE: Side = 0;
const AFTER: Side = 1;

/// A schema of one of the roots.
type Of = (Side, At);

/// How one number is to be beside another one.
type Is = fn(Ordering) -> bool;

const GE: Is = Ordering::is_ge;
const GT: Is = Ordering::is_gt;
const LE: Is = Ordering::is_le;
const LT: Is = Ordering::is_lt;

struct Comparison<'a> {
    schemas: [&'a Schema; 2],
    /// Pairs of which it is being found out whether all that the first accepts the second accepts.
    under_way: Vec<(Of, Of)>,
    path: Vec<Step<'a>>,
    /// Within how many pairs of which another one may do instead.
    asks_whether: usize,
    steps_left: u64,
}

impl<'a> Comparison<'a> {
    /// Says what is wrong, unless it is only asked whether something is.
    fn wrong(&self, what: impl FnOnce() -> String) -> Compared {
        Err(match self.asks_whether {
            0 => Wrong::of(&self.path, what()),
            _ => Wrong::default(),
        })
    }

    fn node(&self, (side, at): Of) -> &'a Node {
        let schema = self.schemas[side];
        &schema.nodes[at]
    }

    /// Whether all that `before` accepts `after` accepts.
    fn accepts_all(&mut self, before: Of, after: Of) -> Compared {
        let pair = (before, after);
        self.steps_left = self.steps_left.saturating_sub(1);
        if after.1 == ANY || self.under_way.contains(&pair) {
            return Ok(());
        }
        if self.under_way.len() == COMPARE_DEPTH_MAX {
            return self.wrong(|| "is too deep to compare".to_owned());
        }
        let depth = self.path.len();
        self.under_way.push(pair);
        let compared = self.says_no_more(before, after);
        self.under_way.pop();
        self.path.truncate(depth);
        compared
    }

    fn would_accept(&mut self, before: Of, after: Of) -> bool {
        self.asks_whether += 1;
        let would = self.accepts_all(before, after).is_ok();
        self.asks_whether -= 1;
        would
    }

    fn says_no_more(&mut self, before: Of, after: Of) -> Compared {
        self.own_words(before, after)?;
        for one in &self.node(after).all_of {
            self.accepts_all(before, (after.0, *one))?;
        }
        Ok(())
    }

    /// Of what accepts some values only, each one is tried.
    fn accepts_each(
        &mut self,
        values: &'a [Value],
        (before_side, before): Of,
        (after_side, after): Of,
    ) -> Compared {
        for value in values {
            let steps_left = &mut self.steps_left;
            let mut is_accepted = |side: Side, at| {
                let schema = self.schemas[side];
                schema.check_value(at, value, steps_left).is_ok()
            };
            if is_accepted(before_side, before) && !is_accepted(after_side, after) {
                return self.wrong(|| format!("accepts {value} no more"));
            }
        }
        Ok(())
    }

    /// What `after` says but for its `allOf`: the keywords of `before` imply it, or one of those that hold with them
    /// does, or each of those of which one holds.
    fn own_words(&mut self, before: Of, after: Of) -> Compared {
        if self.steps_left == 0 {
            return self.wrong(|| "takes too many steps".to_owned());
        }
        self.steps_left = self.steps_left.saturating_sub(PAIR_STEPS);
        let node = self.node(before);
        if node.is_never {
            return Ok(());
        }
        if let Some(values) = &node.values {
            return self.accepts_each(values, before, after);
        }
        let depth = self.path.len();
        let compared = self.keywords(before, after);
        let is_implied = compared.is_ok() || self.is_implied_by_others(before, after);
        self.path.truncate(depth);
        if is_implied { Ok(()) } else { compared }
    }

    fn is_implied_by_others(&mut self, (side, before): Of, after: Of) -> bool {
        let node = self.node((side, before));
        let depth = self.path.len();
        let mut implies = |at: &At| {
            self.path.truncate(depth);
            self.asks_whether += 1;
            let is_implied = self.own_words((side, *at), after).is_ok();
            self.asks_whether -= 1;
            is_implied
        };
        let mut alternatives = [&node.any_of, &node.one_of].into_iter();
        node.all_of.iter().any(&mut implies)
            || alternatives.any(|each| !each.is_empty() && each.iter().all(&mut implies))
    }

    fn keywords(&mut self, before: Of, after: Of) -> Compared {
        let (old, new) = (self.node(before), self.node(after));
        if new.is_never {
            return self.wrong(|| "accepts nothing any more".to_owned());
        }
        if !new.types.has(old.types) {
            return self.wrong(|| format!("accepts {} only", new.types.words()));
        }
        if let Some(values) = &new.values {
            return self.wrong(|| format!("accepts {} only", told(values)));
        }
        if old.types.meets(Types::NUMBER) {
            self.bounds(old, new)?;
        }
        if old.types.meets(Types::STRING) {
            self.texts(old, new)?;
        }
        if old.types.meets(Types::ARRAY) {
            self.items((before.0, old), (after.0, new))?;
        }
        if old.types.meets(Types::OBJECT) {
            self.members((before.0, old), (after.0, new))?;
        }
        self.alternatives((before, old), (after, new))
    }

    fn bounds(&self, old: &Node, new: &Node) -> Compared {
        for (bound, words, implied_by) in [
            (
                &new.minimum,
                "at least",
                [(&old.minimum, GE), (&old.above, GE)],
            ),
            (
                &new.above,
                "more than",
                [(&old.above, GE), (&old.minimum, GT)],
            ),
            (
                &new.maximum,
                "at most",
                [(&old.maximum, LE), (&old.below, LE)],
            ),
            (
                &new.below,
                "less than",
                [(&old.below, LE), (&old.maximum, LT)],
            ),
        ] {
            let Some(bound) = bound else {
                continue;
            };
            let implies = |old: &Number, is: Is| is(compare(old, bound));
            let mut before = implied_by.into_iter();
            if !before.any(|(old, is)| old.as_ref().is_some_and(|old| implies(old, is))) {
                return self.wrong(|| format!("accepts what is {words} {bound} only"));
            }
        }
        Ok(())
    }

    fn texts(&self, old: &Node, new: &Node) -> Compared {
        if !old.length.is_in(new.length) {
            return self.wrong(|| "accepts fewer lengths".to_owned());
        }
        let Some(pattern) = &new.pattern else {
            return Ok(());
        };
        let before = old.pattern.as_ref();
        if before.is_none_or(|before| before.as_str() != pattern.as_str()) {
            return self.wrong(|| format!("has another pattern, {}", pattern.as_str()));
        }
        Ok(())
    }

    fn items(
        &mut self,
        (before, old): (Side, &'a Node),
        (after, new): (Side, &'a Node),
    ) -> Compared {
        if !old.count.is_in(new.count) {
            return self.wrong(|| "accepts fewer numbers of items".to_owned());
        }
        let named = old.first_items.len().max(new.first_items.len());
        for at in 0..named {
            if old.count.most > at as u64 {
                self.within(
                    Step::Item(at),
                    (before, old.item(at)),
                    (after, new.item(at)),
                )?;
            }
        }
        if old.count.most > named as u64 {
            self.within(Step::Each, (before, old.items), (after, new.items))?;
        }
        Ok(())
    }

    fn members(
        &mut self,
        (before, old): (Side, &'a Node),
        (after, new): (Side, &'a Node),
    ) -> Compared {
        if !old.size.is_in(new.size) {
            return self.wrong(|| "accepts fewer numbers of members".to_owned());
        }
        if let Some(name) = new.required.difference(&old.required).next() {
            return self.wrong(|| format!("accepts what has {name} only"));
        }
        for name in old.members.keys().chain(new.members.keys()) {
            let (was, is) = ((before, old.member(name)), (after, new.member(name)));
            self.within(Step::Member(name), was, is)?;
        }
        let (was, is) = ((before, old.other_members), (after, new.other_members));
        self.within(Step::Each, was, is)
    }

    fn within(&mut self, step: Step<'a>, before: Of, after: Of) -> Compared {
        self.path.push(step);
        self.accepts_all(before, after)?;
        self.path.pop();
        Ok(())
    }

    fn alternatives(&mut self, (before, old): (Of, &Node), (after, new): (Of, &Node)) -> Compared {
        let of_after = |at: &At| (after.0, *at);
        let mut any_of = new.any_of.iter().map(of_after);
        if !new.any_of.is_empty() && !any_of.any(|one| self.would_accept(before, one)) {
            return self.wrong(|| "no one of anyOf accepts all of it".to_owned());
        }
        if new.one_of.is_empty() {
            return Ok(());
        }
        // Exactly one of them accepts what exactly one has accepted, if each accepts the same as before.
        let mut pairs = old.one_of.iter().zip(&new.one_of);
        let is_same = old.one_of.len() == new.one_of.len()
            && pairs.all(|(was, is)| {
                let (was, is) = ((before.0, *was), (after.0, *is));
                self.would_accept(was, is) && self.would_accept(is, was)
            });
        if !is_same {
            return self.wrong(|| "has another oneOf".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a change; nothing if it may be made.
    fn change(before: &str, after: &str) -> String {
        let (before, after) = (Schema::of(before).unwrap(), Schema::of(after).unwrap());
        let compared = after.check_follows(&before);
        compared.map_or_else(
            |wrong| format!("{} {}", wrong.at, wrong.what),
            |()| String::new(),
        )
    }

    #[test]
    fn what_accepts_more_may_follow_and_what_accepts_less_may_not() {
        for (less, more, told) in [
            ("false", "{}", " accepts nothing any more"),
            (
                r#"{"type":"integer"}"#,
                r#"{"type":"number"}"#,
                " accepts integer only",
            ),
            (
                r#"{"type":"null"}"#,
                r#"{"type":["null","string"]}"#,
                " accepts null only",
            ),
            (
                r#"{"minimum":2}"#,
                r#"{"minimum":1}"#,
                " accepts what is at least 2 only",
            ),
            (
                r#"{"exclusiveMinimum":1}"#,
                r#"{"minimum":1}"#,
                " accepts what is more than 1 only",
            ),
            (
                r#"{"maximum":1}"#,
                r#"{"exclusiveMaximum":2}"#,
                " accepts what is at most 1 only",
            ),
            (
                r#"{"exclusiveMaximum":2}"#,
                r#"{"maximum":2.0}"#,
                " accepts what is less than 2 only",
            ),
            (
                r#"{"minLength":1,"maxLength":4}"#,
                r#"{"maxLength":5}"#,
                " accepts fewer lengths",
            ),
            (r#"{"pattern":"a"}"#, "{}", " has another pattern, a"),
            (
                r#"{"enum":[1,2]}"#,
                r#"{"enum":[1,2,3]}"#,
                " accepts 3 no more",
            ),
            (
                r#"{"const":"a"}"#,
                r#"{"type":"string"}"#,
                " accepts [\"a\"] only",
            ),
            (
                r#"{"minItems":1}"#,
                r#"{"items":{}}"#,
                " accepts fewer numbers of items",
            ),
            (
                r#"{"items":{"type":"null"}}"#,
                r#"{"items":{"type":["null","array"]}}"#,
                "/* accepts null only",
            ),
            (
                r#"{"prefixItems":[{"type":"null"}]}"#,
                r#"{}"#,
                "/0 accepts null only",
            ),
            (
                r#"{"required":["a","b"]}"#,
                r#"{"required":["a"]}"#,
                " accepts what has b only",
            ),
            (
                r#"{"properties":{"a":{"properties":{"b":{"type":"null"}}}}}"#,
                r#"{"properties":{"a":{}}}"#,
                "/a/b accepts null only",
            ),
            (
                r#"{"properties":{"a":{}},"additionalProperties":false}"#,
                r#"{"properties":{"a":{},"b":{"type":"null"}},"additionalProperties":false}"#,
                "/b accepts nothing any more",
            ),
            (
                r#"{"maxProperties":1}"#,
                "true",
                " accepts fewer numbers of members",
            ),
            (
                r#"{"anyOf":[{"type":"null"}]}"#,
                r#"{"anyOf":[{"type":"array"},{"type":"null"}]}"#,
                " no one of anyOf accepts all of it",
            ),
            (
                r#"{"allOf":[{"type":"null"},{"minimum":1}]}"#,
                r#"{"allOf":[{"minimum":1}]}"#,
                " accepts null only",
            ),
            (
                r#"{"oneOf":[{"type":"null"},{"minimum":1}]}"#,
                "{}",
                " has another oneOf",
            ),
        ] {
            assert_eq!(change(less, more), "", "{less} to {more}");
            assert_eq!(change(more, less), told, "{more} to {less}");
            for same in [less, more] {
                assert_eq!(change(same, same), "", "{same}");
            }
        }
    }

    #[test]
    fn it_is_looked_behind_what_a_schema_is_combined_of() {
        for (before, after) in [
            (
                r#"{"anyOf":[{"type":"null"},{"const":1}]}"#,
                r#"{"type":["null","integer"]}"#,
            ),
            (
                r#"{"type":"object"}"#,
                r#"{"type":"object","minimum":3,"items":false,"minLength":2}"#,
            ),
            (
                r#"{"maxItems":1,"items":{"const":1}}"#,
                r#"{"prefixItems":[{"const":1},false]}"#,
            ),
            (
                r#"{"enum":["a",5]}"#,
                r#"{"oneOf":[{"type":"string"},{"type":"number"}]}"#,
            ),
            (
                r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"b":{"$ref":"#/$defs/a"}}}}}"##,
                r##"{"type":["object","null"],"properties":{"b":{"$ref":"#"}}}"##,
            ),
            (
                r#"{"oneOf":[{"type":"null"},{"type":"integer"}]}"#,
                r#"{"oneOf":[{"type":["null"]},{"allOf":[{"type":"integer"}]}]}"#,
            ),
        ] {
            assert_eq!(change(before, after), "", "{before} to {after}");
        }
        // Each alternative accepts more, but what is accepted twice is accepted no more.
        let one_of = |first: &str| format!(r#"{{"oneOf":[{{"const":1}},{first}]}}"#);
        let told = change(&one_of(r#"{"const":2}"#), &one_of(r#"{"enum":[1,2]}"#));
        assert_eq!(told, " has another oneOf");
    }

    #[test]
    fn schemas_that_are_too_much_to_compare_do_not_follow_one_another() {
        let cycle = |many: usize| {
            let links = (0..many).map(|at| {
                let next = (at + 1) % many;
                format!(r##""{at}":{{"items":{{"$ref":"#/$defs/{next}"}},"maxItems":2}}"##)
            });
            let links: Vec<_> = links.collect();
            format!(
                r##"{{"$ref":"#/$defs/0","$defs":{{{}}}}}"##,
                links.join(",")
            )
        };
        assert_eq!(change(&cycle(2), &cycle(3)), "");
        assert_ne!(change(&cycle(29), &cycle(31)), "");
        let nested = |last: &str| {
            let links = (1..4).map(|at| {
                let all = vec![format!(r##"{{"$ref":"#/$defs/{}"}}"##, at - 1); 20].join(",");
                format!(r#""{at}":{{"anyOf":[{all}]}}"#)
            });
            let links: Vec<_> = links.collect();
            format!(
                r##"{{"$ref":"#/$defs/3","$defs":{{"0":{last},{}}}}}"##,
                links.join(",")
            )
        };
        let told = change(&nested(r#"{"type":"null"}"#), &nested(r#"{"minItems":1}"#));
        assert_eq!(told, "", "null is no list");
        let told = change(
            &nested(r#"{"type":"array"}"#),
            &nested(r#"{"type":"null"}"#),
        );
        assert!(told.contains("steps to compare"), "{told}");
        let values: Vec<_> = (0..3_000).collect();
        let many = format!(r#"{{"enum":{values:?}}}"#).replace(' ', "");
        let told = change(&many, &many);
        assert!(told.contains("steps to compare"), "{told}");
    }
}
