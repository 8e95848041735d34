//! Whether a payload is as a schema says.

use serde_json::{Map, Number, Value};

use super::number::{compare, is_same};
use super::{
    ANY, At, CHECK_STEPS_MAX, LENGTH_BYTES, Node, PATTERN_STEPS, Schema, Step, Types, Wrong, told,
};

/// What is wrong with a value, and where.
type Checked = Result<(), Wrong>;

impl Schema {
    /// Checks the bytes of a payload.
    pub(crate) fn check(&self, payload: &[u8]) -> Checked {
        self.check_within(payload, &mut { CHECK_STEPS_MAX })
    }

    /// And takes no more steps than are left of those that a command has for all of its payloads.
    pub(crate) fn check_within(&self, payload: &[u8], steps_left: &mut u64) -> Checked {
        let value = serde_json::from_slice(payload);
        let value = value.map_err(|error| Wrong::of(&[], format!("is no JSON: {error}")))?;
        let checked = self.check_value(self.root, &value, steps_left);
        if *steps_left == 0 {
            let what = format!("takes more than {CHECK_STEPS_MAX} steps to check");
            return Err(Wrong::of(&[], what));
        }
        checked
    }

    /// Checks a value against one of its schemas. What it finds counts only if there are steps left.
    pub(super) fn check_value(&self, at: At, value: &Value, steps_left: &mut u64) -> Checked {
        let mut check = Check {
            nodes: &self.nodes,
            path: Vec::new(),
            asks_whether: 0,
            steps_left: *steps_left,
        };
        let checked = check.value(at, value);
        *steps_left = check.steps_left;
        checked
    }
}

struct Check<'a> {
    nodes: &'a [Node],
    /// Where it is.
    path: Vec<Step<'a>>,
    /// Within how many schemas of which another one may hold instead.
    asks_whether: usize,
    /// Once there are none it comes to an end, whatever it has found.
    steps_left: u64,
}

impl<'a> Check<'a> {
    /// Says what is wrong, unless it is only asked whether something is.
    fn wrong(&self, what: impl FnOnce() -> String) -> Checked {
        Err(match self.asks_whether {
            0 => Wrong::of(&self.path, what()),
            _ => Wrong::default(),
        })
    }

    /// Whether it may go so many steps further.
    fn goes(&mut self, steps: usize) -> bool {
        self.steps_left = self.steps_left.saturating_sub(steps as u64);
        self.steps_left > 0
    }

    fn value(&mut self, at: At, value: &'a Value) -> Checked {
        if !self.goes(1) {
            return self.wrong(|| "is too much".to_owned());
        }
        if at == ANY {
            return Ok(());
        }
        let nodes = self.nodes;
        let node = &nodes[at];
        if node.is_never {
            return self.wrong(|| "must not be there".to_owned());
        }
        if !node.types.has(Types::of(value)) {
            return self.wrong(|| format!("must be {}", node.types.words()));
        }
        self.check_values(node, value)?;
        match value {
            Value::Number(number) => self.number(node, number)?,
            Value::String(text) => self.text(node, text)?,
            Value::Array(items) => self.items(node, items)?,
            Value::Object(members) => self.members(node, members)?,
            Value::Null | Value::Bool(_) => {}
        }
        self.asked(node, value)
    }

    fn check_values(&mut self, node: &Node, value: &Value) -> Checked {
        let Some(values) = &node.values else {
            return Ok(());
        };
        if !self.goes(values.len()) || values.iter().any(|one| is_same(one, value)) {
            return Ok(());
        }
        self.wrong(|| format!("must be one of {}", told(values)))
    }

    fn number(&self, node: &Node, number: &Number) -> Checked {
        let against = |bound: &Option<Number>| bound.as_ref().map(|bound| compare(number, bound));
        let is_wrong = [
            (
                &node.minimum,
                "at least",
                against(&node.minimum).is_some_and(|at| at.is_lt()),
            ),
            (
                &node.above,
                "more than",
                against(&node.above).is_some_and(|at| at.is_le()),
            ),
            (
                &node.maximum,
                "at most",
                against(&node.maximum).is_some_and(|at| at.is_gt()),
            ),
            (
                &node.below,
                "less than",
                against(&node.below).is_some_and(|at| at.is_ge()),
            ),
        ];
        match is_wrong.into_iter().find(|(_, _, is_wrong)| *is_wrong) {
            Some((Some(bound), words, _)) => self.wrong(|| format!("must be {words} {bound}")),
            Some((None, ..)) | None => Ok(()),
        }
    }

    fn text(&mut self, node: &Node, text: &str) -> Checked {
        if !node.length.has_surely(text)
            && self.goes(text.len() / LENGTH_BYTES)
            && !node.length.has(text.chars().count() as u64)
        {
            let (least, most) = (node.length.least, node.length.most);
            return self.wrong(|| sized(least, most, "characters"));
        }
        let Some(pattern) = &node.pattern else {
            return Ok(());
        };
        if self.goes(PATTERN_STEPS * text.len()) && !pattern.is_match(text) {
            return self.wrong(|| format!("must match {}", pattern.as_str()));
        }
        Ok(())
    }

    fn items(&mut self, node: &Node, items: &'a [Value]) -> Checked {
        if !node.count.has(items.len() as u64) {
            return self.wrong(|| sized(node.count.least, node.count.most, "items"));
        }
        for (at, item) in items.iter().enumerate() {
            self.within(Step::Item(at), node.item(at), item)?;
        }
        Ok(())
    }

    fn members(&mut self, node: &Node, members: &'a Map<String, Value>) -> Checked {
        if !node.size.has(members.len() as u64) {
            return self.wrong(|| sized(node.size.least, node.size.most, "members"));
        }
        let mut required = node.required.iter();
        if let Some(name) = required.find(|name| !members.contains_key(*name)) {
            return self.wrong(|| format!("must have {name}"));
        }
        for (name, member) in members {
            self.within(Step::Member(name), node.member(name), member)?;
        }
        Ok(())
    }

    fn within(&mut self, step: Step<'a>, at: At, value: &'a Value) -> Checked {
        self.path.push(step);
        self.value(at, value)?;
        self.path.pop();
        Ok(())
    }

    /// What other schemas say of the same value.
    fn asked(&mut self, node: &Node, value: &'a Value) -> Checked {
        for at in &node.all_of {
            self.value(*at, value)?;
        }
        if !node.any_of.is_empty() && !node.any_of.iter().any(|at| self.accepts(*at, value)) {
            return self.wrong(|| "must be as one of anyOf says".to_owned());
        }
        let accepting = node.one_of.iter().filter(|at| self.accepts(**at, value));
        match accepting.count() {
            1 => Ok(()),
            _ if node.one_of.is_empty() => Ok(()),
            0 => self.wrong(|| "must be as one of oneOf says".to_owned()),
            _ => self.wrong(|| "is as more than one of oneOf says".to_owned()),
        }
    }

    fn accepts(&mut self, at: At, value: &'a Value) -> bool {
        let depth = self.path.len();
        self.asks_whether += 1;
        let is_right = self.value(at, value).is_ok();
        self.asks_whether -= 1;
        self.path.truncate(depth);
        is_right
    }
}

fn sized(least: u64, most: u64, of: &str) -> String {
    match most {
        u64::MAX => format!("must have at least {least} {of}"),
        most => format!("must have {least} to {most} {of}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of each value; nothing if it is right.
    fn told(schema: &str, values: &[(&str, &str)]) {
        let schema = Schema::of(schema).unwrap();
        for (value, expected) in values {
            let told = schema.check(value.as_bytes());
            let told = told.map_or_else(
                |wrong| format!("{} {}", wrong.at, wrong.what),
                |()| String::new(),
            );
            assert_eq!(told, *expected, "{value}");
        }
    }

    #[test]
    fn payload_is_json_of_a_type() {
        told("{}", &[("1", ""), (r#"{"a":[null]}"#, "")]);
        told("false", &[("1", " must not be there")]);
        told(
            r#"{"type":["integer","null"]}"#,
            &[
                ("1", ""),
                ("1.0", ""),
                ("null", ""),
                ("1.5", " must be null or integer"),
                ("\"1\"", " must be null or integer"),
                (
                    "{",
                    " is no JSON: EOF while parsing an object at line 1 column 1",
                ),
            ],
        );
        told(
            r#"{"type":"number","minimum":1,"exclusiveMaximum":2.5}"#,
            &[
                ("1", ""),
                ("2.4", ""),
                ("0.9", " must be at least 1"),
                ("2.5", " must be less than 2.5"),
                ("true", " must be number"),
            ],
        );
        told(
            r#"{"exclusiveMinimum":1,"maximum":2}"#,
            &[
                ("\"x\"", ""),
                ("2", ""),
                ("1", " must be more than 1"),
                ("3", " must be at most 2"),
            ],
        );
    }

    #[test]
    fn texts_have_a_length_in_characters_and_a_pattern() {
        told(
            r#"{"minLength":2,"maxLength":3,"pattern":"^[a-zä]"}"#,
            &[
                ("\"äa\"", ""),
                ("\"a\"", " must have 2 to 3 characters"),
                ("\"aaaa\"", " must have 2 to 3 characters"),
                ("\"Aa\"", " must match ^[a-zä]"),
                ("7", ""),
            ],
        );
        told(
            r#"{"minLength":1}"#,
            &[("\"\"", " must have at least 1 characters")],
        );
        told(
            r#"{"enum":[1,"a",{"b":[]}],"title":"x"}"#,
            &[
                ("1.0", ""),
                (r#"{"b":[]}"#, ""),
                ("2", r#" must be one of [1,"a",{"b":[]}]"#),
            ],
        );
        told(
            r#"{"const":1,"enum":[1,2]}"#,
            &[("1", ""), ("2", " must be one of [1]")],
        );
    }

    #[test]
    fn members_and_items_are_checked_where_they_are() {
        told(
            r#"{"type":"object","required":["id"],"maxProperties":3,"additionalProperties":{"type":"string"},
                "properties":{"id":{"type":"integer"},"of/~":{"items":{"type":"null"},"prefixItems":[{"type":"string"}],"maxItems":2}}}"#,
            &[
                (r#"{"id":1,"x":""}"#, ""),
                (r#"{"x":""}"#, " must have id"),
                (r#"{"id":"1"}"#, "/id must be integer"),
                (r#"{"id":1,"x":2}"#, "/x must be string"),
                (r#"{"id":1,"of/~":["a",null]}"#, ""),
                (r#"{"id":1,"of/~":["a",1]}"#, "/of~1~0/1 must be null"),
                (r#"{"id":1,"of/~":[1]}"#, "/of~1~0/0 must be string"),
                (
                    r#"{"id":1,"of/~":["a",null,null]}"#,
                    "/of~1~0 must have 0 to 2 items",
                ),
                (
                    r#"{"id":1,"a":"","b":"","c":""}"#,
                    " must have 0 to 3 members",
                ),
            ],
        );
    }

    #[test]
    fn schemas_are_combined_and_refer_to_each_other() {
        told(
            r##"{"$defs":{"tree":{"type":"object","properties":{"of":{"items":{"$ref":"#/$defs/tree"}}},"additionalProperties":false}},
                "allOf":[{"$ref":"#/$defs/tree"},{"minProperties":1}]}"##,
            &[
                (r#"{"of":[{"of":[{}]}]}"#, ""),
                (
                    r#"{"of":[{"of":[{"x":1}]}]}"#,
                    "/of/0/of/0/x must not be there",
                ),
                ("{}", " must have at least 1 members"),
            ],
        );
        told(
            r#"{"anyOf":[{"type":"string"},{"minimum":5}]}"#,
            &[
                ("\"a\"", ""),
                ("6", ""),
                ("4", " must be as one of anyOf says"),
            ],
        );
        told(
            r#"{"properties":{"a":{"anyOf":[{"properties":{"x":{"type":"null"}}},{"minimum":0}]},"b":{"type":"null"}}}"#,
            &[(r#"{"a":{"x":1},"b":1}"#, "/b must be null")],
        );
        told(
            r#"{"oneOf":[{"type":"integer"},{"minimum":5}]}"#,
            &[
                ("1", ""),
                ("5.5", ""),
                ("6", " is as more than one of oneOf says"),
                ("1.5", " must be as one of oneOf says"),
            ],
        );
    }

    #[test]
    fn deepest_payload_is_checked_where_there_is_little_room() {
        let links =
            (1..8).map(|at| format!(r##""{at}":{{"anyOf":[{{"$ref":"#/$defs/{}"}}]}}"##, at - 1));
        let links: Vec<_> = links.take(3).collect();
        let text = format!(
            r##"{{"$ref":"#/$defs/3","$defs":{{"0":{{"items":{{"$ref":"#"}},"type":"array"}},{}}}}}"##,
            links.join(",")
        );
        let payload = format!("{}{}", "[".repeat(127), "]".repeat(127));
        let run = move || Schema::of(&text).unwrap().check(payload.as_bytes());
        let little = std::thread::Builder::new().stack_size(1024 * 1024);
        let checked = little.spawn(run).unwrap().join().unwrap();
        assert_eq!(checked, Ok(()));
    }

    #[test]
    fn payloads_of_a_command_share_their_steps_and_long_texts_take_some() {
        let schema = Schema::of(r#"{"anyOf":[{"maxLength":9},{"maxLength":9},true]}"#).unwrap();
        let payload = format!("\"{}\"", "x".repeat(256 * 1_000));
        let mut steps_left = 5_000;
        let mut check = || schema.check_within(payload.as_bytes(), &mut steps_left);
        assert_eq!([check(), check()], [Ok(()), Ok(())]);
        assert_eq!(
            check().unwrap_err().what,
            "takes more than 4000000 steps to check"
        );
        assert_eq!(steps_left, 0);
    }

    #[test]
    fn what_is_wrong_in_one_of_several_alternatives_is_not_worded() {
        let schema = Schema::of(r#"{"properties":{"a":{"anyOf":[{"type":"null"}]}}}"#).unwrap();
        let value = serde_json::json!({"a": 1});
        let mut check = Check {
            nodes: &schema.nodes,
            path: Vec::new(),
            asks_whether: 1,
            steps_left: 100,
        };
        assert_eq!(check.value(schema.root, &value), Err(Wrong::default()));
        check.asks_whether = 0;
        let told = check.value(schema.root, &value).unwrap_err();
        assert_eq!(told.what, "must be as one of anyOf says");
    }

    #[test]
    fn check_that_takes_too_long_comes_to_an_end_and_accepts_nothing() {
        let many: Vec<_> = (0..900).collect();
        let all: Vec<_> = (0..20)
            .map(|_| format!(r#"{{"enum":{many:?}}}"#))
            .take(4)
            .collect();
        let schema = format!(r#"{{"items":{{"allOf":[{}]}}}}"#, all.join(","));
        let items = vec!["899"; 2_000].join(",");
        told(
            &schema,
            &[
                ("[899]", ""),
                (
                    &format!("[{items}]"),
                    " takes more than 4000000 steps to check",
                ),
            ],
        );
        let texts = vec![format!("\"{}\"", "x".repeat(1_000)); 5_000].join(",");
        let alternatives = r#"{"items":{"oneOf":[{"pattern":"^x"},{"pattern":"y"}]}}"#;
        told(
            alternatives,
            &[(
                &format!("[{texts}]"),
                " takes more than 4000000 steps to check",
            )],
        );
    }
}
