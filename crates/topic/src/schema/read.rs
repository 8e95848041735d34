//! Schemas as they are written.

use std::collections::BTreeMap;

use regex_lite::{Regex, RegexBuilder};
use serde_json::{Map, Number, Value};

use super::number::is_same;
use super::{
    ANY, At, CHAIN_MAX, DEPTH_MAX, NODES_MAX, Node, PATTERN_BYTES_MAX, PATTERNS_MAX, Schema, Step,
    Types, Wrong,
};

/// Of a schema the first one behind that which accepts everything.
const ROOT: At = ANY + 1;

/// What may be said without meaning anything for what is accepted.
const ANNOTATIONS: &[&str] = &[
    "$comment",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "default",
    "deprecated",
    "description",
    "examples",
    "format",
    "readOnly",
    "title",
    "writeOnly",
];

/// Where schemas stand that others refer to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

type Read<T> = Result<T, Wrong>;

impl Schema {
    /// The schema of a topic that was declared with this text.
    pub(crate) fn declared(text: &str) -> Self {
        Self::of(text).expect("because what is no schema is refused as a field")
    }

    /// Reads the text of a schema.
    pub(crate) fn of(text: &str) -> Read<Self> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Wrong::of(&[], format!("is no JSON: {error}")))?;
        let mut reader = Reader {
            nodes: vec![Node::any()],
            definitions: BTreeMap::new(),
            patterns: 0,
            depth: 0,
            path: Vec::new(),
        };
        reader.put(ROOT);
        reader.define(&value)?;
        reader.fill(ROOT, &value)?;
        let mut chains = vec![None; reader.nodes.len()];
        for at in 0..reader.nodes.len() {
            chain_of(&reader.nodes, at, 0, &mut chains)?;
        }
        Ok(Self {
            nodes: reader.nodes,
            root: ROOT,
        })
    }
}

/// How many schemas are asked about a value, one because of the other, if this one is. One that asks itself asks too
/// many.
fn chain_of(nodes: &[Node], at: At, before: usize, known: &mut [Option<usize>]) -> Read<usize> {
    if before + known[at].unwrap_or(0) > CHAIN_MAX {
        let what =
            format!("more than {CHAIN_MAX} schemas refer to one another about the same value");
        return Err(Wrong::of(&[], what));
    }
    if let Some(chain) = known[at] {
        return Ok(chain);
    }
    let mut chain = 0;
    for asked in nodes[at].asked() {
        chain = chain.max(1 + chain_of(nodes, asked, before + 1, known)?);
    }
    known[at] = Some(chain);
    Ok(chain)
}

struct Reader<'a> {
    nodes: Vec<Node>,
    /// By what refers to them.
    definitions: BTreeMap<String, At>,
    patterns: usize,
    /// Schemas around the one that is read.
    depth: usize,
    path: Vec<Step<'a>>,
}

impl<'a> Reader<'a> {
    fn wrong<T>(&self, what: impl Into<String>) -> Read<T> {
        Err(Wrong::of(&self.path, what))
    }

    /// A place for the next schema.
    fn put(&mut self, due: At) {
        debug_assert_eq!(self.nodes.len(), due, "places are given in order");
        self.nodes.push(Node::any());
    }

    /// Gives each definition its place, before anything refers to it.
    fn define(&mut self, root: &'a Value) -> Read<()> {
        self.definitions.insert("#".to_owned(), ROOT);
        for list in DEFINITIONS {
            let Some(Value::Object(members)) = root.get(list) else {
                continue;
            };
            for name in members.keys() {
                let at = self.nodes.len();
                self.put(at);
                let step = [Step::Member(list), Step::Member(name)];
                let reference = format!("#{}", super::pointer(&step));
                self.definitions.insert(reference, at);
            }
        }
        Ok(())
    }

    fn within<T>(&mut self, step: Step<'a>, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.path.push(step);
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    /// A schema within another one.
    fn schema(&mut self, value: &'a Value) -> Read<At> {
        if *value == Value::Bool(true) {
            return Ok(ANY);
        }
        let at = self.nodes.len();
        if at > NODES_MAX {
            return self.wrong(format!("there are more than {NODES_MAX} schemas"));
        }
        self.put(at);
        self.fill(at, value)?;
        Ok(at)
    }

    fn fill(&mut self, at: At, value: &'a Value) -> Read<()> {
        if self.depth > DEPTH_MAX {
            return self.wrong(format!("more than {DEPTH_MAX} schemas are in one another"));
        }
        self.depth += 1;
        self.nodes[at] = self.node(at, value)?;
        self.depth -= 1;
        Ok(())
    }

    fn node(&mut self, at: At, value: &'a Value) -> Read<Node> {
        let mut node = Node::any();
        match value {
            Value::Bool(accepts) => node.is_never = !accepts,
            Value::Object(members) => {
                for (keyword, value) in members {
                    self.within(Step::Member(keyword), |reader| {
                        reader.keyword(at, &mut node, (keyword, value))
                    })?;
                }
            }
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return self.wrong("must be an object, true or false");
            }
        }
        Ok(node)
    }

    fn keyword(
        &mut self,
        at: At,
        node: &mut Node,
        (keyword, value): (&'a str, &'a Value),
    ) -> Read<()> {
        match keyword {
            "type" => node.types = self.types(value)?,
            "enum" => {
                let values = self.list(value)?.to_vec();
                narrow(node, values);
            }
            "const" => narrow(node, vec![value.clone()]),
            "minimum" => node.minimum = self.number(value)?,
            "exclusiveMinimum" => node.above = self.number(value)?,
            "maximum" => node.maximum = self.number(value)?,
            "exclusiveMaximum" => node.below = self.number(value)?,
            "minLength" => node.length.least = self.count(value)?,
            "maxLength" => node.length.most = self.count(value)?,
            "pattern" => node.pattern = Some(self.pattern(value)?),
            "minItems" => node.count.least = self.count(value)?,
            "maxItems" => node.count.most = self.count(value)?,
            "prefixItems" => node.first_items = self.schemas(value)?,
            "items" => node.items = self.schema(value)?,
            "minProperties" => node.size.least = self.count(value)?,
            "maxProperties" => node.size.most = self.count(value)?,
            "properties" => node.members = self.members(value)?,
            "additionalProperties" => node.other_members = self.schema(value)?,
            "required" => node.required = self.names(value)?.into_iter().collect(),
            "allOf" => {
                let all_of = self.schemas(value)?;
                node.all_of.extend(all_of);
            }
            "anyOf" => node.any_of = self.alternatives(value)?,
            "oneOf" => node.one_of = self.alternatives(value)?,
            "$ref" => {
                let referred = self.referred(value)?;
                node.all_of.push(referred);
            }
            "$id" if at == ROOT => {}
            list if at == ROOT && DEFINITIONS.contains(&list) => self.definitions(list, value)?,
            other => self.annotation(other)?,
        }
        Ok(())
    }

    /// What says nothing about what is accepted; anything else is not known.
    fn annotation(&self, keyword: &str) -> Read<()> {
        if ANNOTATIONS.contains(&keyword) || keyword.starts_with("x-") {
            return Ok(());
        }
        self.wrong("is not among the keywords that topics know, or not there")
    }

    fn definitions(&mut self, list: &'a str, value: &'a Value) -> Read<()> {
        for (name, value) in self.object(value)? {
            let reference = format!(
                "#{}",
                super::pointer(&[Step::Member(list), Step::Member(name)])
            );
            let at = self.definitions[&reference];
            self.within(Step::Member(name), |reader| reader.fill(at, value))?;
        }
        Ok(())
    }

    fn referred(&self, value: &Value) -> Read<At> {
        let reference = self.string(value)?;
        match self.definitions.get(reference) {
            Some(at) => Ok(*at),
            None => self.wrong("must be # or #/$defs/name, of a schema that is there"),
        }
    }

    fn types(&self, value: &Value) -> Read<Types> {
        let words = match value {
            Value::Array(_) => self.names(value)?,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => {
                vec![self.string(value)?.to_owned()]
            }
        };
        let mut types = Types::NONE;
        for word in words {
            let known = Types::WORDS.iter().find(|(known, _)| *known == word);
            match known {
                Some((_, known)) => types = types.and(*known),
                None => return self.wrong(format!("{word} is no type")),
            }
        }
        Ok(types)
    }

    fn pattern(&mut self, value: &Value) -> Read<Regex> {
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return self.wrong(format!("there are more than {PATTERNS_MAX} patterns"));
        }
        let pattern = RegexBuilder::new(self.string(value)?)
            .size_limit(PATTERN_BYTES_MAX)
            .build();
        pattern.or_else(|error| self.wrong(format!("is no pattern: {error}")))
    }

    fn schemas(&mut self, value: &'a Value) -> Read<Vec<At>> {
        let mut schemas = Vec::new();
        for (at, value) in self.list(value)?.iter().enumerate() {
            schemas.push(self.within(Step::Item(at), |reader| reader.schema(value))?);
        }
        Ok(schemas)
    }

    /// Schemas of which there is at least one.
    fn alternatives(&mut self, value: &'a Value) -> Read<Vec<At>> {
        let schemas = self.schemas(value)?;
        if schemas.is_empty() {
            return self.wrong("must have at least one schema");
        }
        Ok(schemas)
    }

    fn members(&mut self, value: &'a Value) -> Read<BTreeMap<String, At>> {
        let mut members = BTreeMap::new();
        for (name, value) in self.object(value)? {
            let at = self.within(Step::Member(name), |reader| reader.schema(value))?;
            members.insert(name.clone(), at);
        }
        Ok(members)
    }

    fn names(&self, value: &Value) -> Read<Vec<String>> {
        let names = self.list(value)?.iter();
        names
            .map(|name| self.string(name).map(str::to_owned))
            .collect()
    }

    fn list<'v>(&self, value: &'v Value) -> Read<&'v [Value]> {
        let list = value.as_array().map(Vec::as_slice);
        list.map_or_else(|| self.wrong("must be a list"), Ok)
    }

    fn object<'v>(&self, value: &'v Value) -> Read<&'v Map<String, Value>> {
        let object = value.as_object();
        object.map_or_else(|| self.wrong("must be an object"), Ok)
    }

    fn string<'v>(&self, value: &'v Value) -> Read<&'v str> {
        let string = value.as_str();
        string.map_or_else(|| self.wrong("must be a string"), Ok)
    }

    fn number(&self, value: &Value) -> Read<Option<Number>> {
        match value {
            Value::Number(number) => Ok(Some(number.clone())),
            Value::Null
            | Value::Bool(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => self.wrong("must be a number"),
        }
    }

    fn count(&self, value: &Value) -> Read<u64> {
        let count = value.as_u64();
        count.map_or_else(|| self.wrong("must be a whole number"), Ok)
    }
}

/// Has a schema accept these values only, of those that it has accepted.
fn narrow(node: &mut Node, mut values: Vec<Value>) {
    if let Some(before) = &node.values {
        values.retain(|value| before.iter().any(|one| is_same(one, value)));
    }
    node.values = Some(values);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, at: &str, what: &str) {
        let wrong = Schema::of(text).unwrap_err();
        assert_eq!(wrong.at, at, "{text}: {}", wrong.what);
        assert!(wrong.what.contains(what), "{text}: {}", wrong.what);
    }

    #[test]
    fn what_is_not_known_is_refused_where_it_stands() {
        for (text, at, what) in [
            ("{", "", "is no JSON"),
            ("1", "", "must be an object, true or false"),
            (
                r#"{"uniqueItems":true}"#,
                "/uniqueItems",
                "is not among the keywords",
            ),
            (
                r#"{"properties":{"a":{"not":{}}}}"#,
                "/properties/a/not",
                "not among",
            ),
            (
                r#"{"properties":{"a":1}}"#,
                "/properties/a",
                "must be an object",
            ),
            (r#"{"items":[{}]}"#, "/items", "must be an object"),
            (r#"{"type":"text"}"#, "/type", "text is no type"),
            (r#"{"type":["null",1]}"#, "/type", "must be a string"),
            (r#"{"enum":1}"#, "/enum", "must be a list"),
            (r#"{"minimum":"1"}"#, "/minimum", "must be a number"),
            (
                r#"{"minLength":-1}"#,
                "/minLength",
                "must be a whole number",
            ),
            (r#"{"pattern":"("}"#, "/pattern", "is no pattern"),
            (r#"{"pattern":"(?=a)"}"#, "/pattern", "is no pattern"),
            (
                r#"{"pattern":"(a{100}){100}"}"#,
                "/pattern",
                "is no pattern",
            ),
            (r#"{"anyOf":[]}"#, "/anyOf", "at least one"),
            (r#"{"required":{}}"#, "/required", "must be a list"),
            (r#"{"properties":[]}"#, "/properties", "must be an object"),
            (r##"{"$ref":"#/$defs/a"}"##, "/$ref", "must be # or"),
            (
                r#"{"$ref":"https://example.com/a"}"#,
                "/$ref",
                "must be # or",
            ),
            (r#"{"items":{"$defs":{}}}"#, "/items/$defs", "not there"),
            (r#"{"items":{"$id":"a"}}"#, "/items/$id", "not there"),
        ] {
            refused(text, at, what);
        }
    }

    #[test]
    fn what_a_schema_may_be_is_bounded() {
        let within =
            |depth: usize| format!("{}{{}}{}", r#"{"items":"#.repeat(depth), "}".repeat(depth));
        assert!(Schema::of(&within(DEPTH_MAX)).is_ok());
        refused(
            &within(120),
            &"/items".repeat(33),
            "schemas are in one another",
        );
        let many = |many: usize| format!(r#"{{"prefixItems":[{}]}}"#, vec!["{}"; many].join(","));
        assert!(Schema::of(&many(NODES_MAX - 1)).is_ok());
        refused(
            &many(NODES_MAX),
            &format!("/prefixItems/{}", NODES_MAX - 1),
            "there are more than",
        );
        let pattern = r#"{"pattern":"a"}"#;
        let patterns = |many: usize| format!(r#"{{"allOf":[{}]}}"#, vec![pattern; many].join(","));
        assert!(Schema::of(&patterns(PATTERNS_MAX)).is_ok());
        refused(
            &patterns(PATTERNS_MAX + 1),
            &format!("/allOf/{PATTERNS_MAX}/pattern"),
            "there are more than",
        );
    }

    #[test]
    fn schemas_that_ask_themselves_about_the_same_value_are_refused() {
        let chain = |many: usize| {
            let links = (1..=many).map(|at| format!(r##""{at}":{{"$ref":"#/$defs/{}"}}"##, at - 1));
            let links: Vec<_> = links.collect();
            format!(r#"{{"$defs":{{"0":{{}},{}}}}}"#, links.join(","))
        };
        assert!(Schema::of(&chain(CHAIN_MAX)).is_ok());
        for text in [
            &*chain(CHAIN_MAX + 1),
            r##"{"$ref":"#"}"##,
            r##"{"$defs":{"a":{"anyOf":[{"allOf":[{"$ref":"#/$defs/a"}]}]}}}"##,
        ] {
            refused(text, "", "refer to one another");
        }
        for text in [
            r##"{"items":{"$ref":"#"}}"##,
            r##"{"$ref":"#/definitions/a~1b","definitions":{"a/b":{"properties":{"c":{"$ref":"#/definitions/a~1b"}}}}}"##,
        ] {
            assert!(Schema::of(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn annotations_say_nothing() {
        let text = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"a","title":"t",
            "default":1,"format":"date","x-of":{"not":1}}"#;
        assert_eq!(Schema::of(text).unwrap().check(b"{}"), Ok(()));
    }
}
