//! The commands that a front knows: those of the domains, and its own.

use std::collections::HashMap;

use tidegate_engine::contract::{Domain, Field, FieldKind, Grammar, RequestDef};

use crate::builtin::{BUILTINS, Builtin, BuiltinDef};
use crate::limits::{ARGS_MAX, COMMAND_NAME_BYTES_MAX, FIELDS_MAX};

/// What a name stands for.
#[derive(Clone, Copy)]
pub(crate) enum Command {
    /// A request of a domain.
    Request(Plan),
    /// A command of the front itself.
    Builtin(Builtin),
}

/// How the arguments of a request become the values of its fields.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Index of the domain at the door.
    pub(crate) domain: usize,
    /// The name of the domain.
    pub(crate) group: &'static str,
    /// The request.
    pub(crate) def: &'static RequestDef,
    /// How many fields stand by position; all of them are required.
    pub(crate) positions: usize,
    /// Which field is the address of who asks, if one is.
    pub(crate) address: Option<usize>,
    /// The least arguments, the name included.
    least: usize,
}

/// All commands, by name.
pub(crate) struct CommandTable {
    /// Names in capitals.
    by_name: HashMap<&'static [u8], Command>,
    /// In the order in which they were declared.
    pub(crate) plans: Vec<Plan>,
}

impl CommandTable {
    /// # Panics
    /// A domain declares a request that RESP cannot take, or two have the same name.
    pub(crate) fn new(domains: &[Domain]) -> Self {
        let mut table = Self {
            by_name: HashMap::new(),
            plans: Vec::new(),
        };
        for BuiltinDef { name, builtin, .. } in BUILTINS {
            table.insert(name, Command::Builtin(*builtin));
        }
        for (index, domain) in domains.iter().enumerate() {
            for def in domain.requests.iter().filter(|def| !def.streams) {
                let plan = Plan::new(index, domain.name, def);
                table.insert(def.resp, Command::Request(plan));
                table.plans.push(plan);
            }
        }
        table
    }

    fn insert(&mut self, name: &'static str, command: Command) {
        let is_name = name.len() <= COMMAND_NAME_BYTES_MAX
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_lowercase());
        assert!(
            is_name,
            "`{name}` is no name of a command: short, ASCII and in capitals"
        );
        let twice = self.by_name.insert(name.as_bytes(), command);
        assert!(twice.is_none(), "two commands have the name `{name}`");
    }

    /// The command with this name, in whatever case.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Command> {
        let mut capitals = [0; COMMAND_NAME_BYTES_MAX];
        let capitals = capitals.get_mut(..name.len())?;
        capitals.copy_from_slice(name);
        capitals.make_ascii_uppercase();
        self.by_name.get(&*capitals).copied()
    }

    /// How many commands there are.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }
}

impl Plan {
    fn new(domain: usize, group: &'static str, def: &'static RequestDef) -> Self {
        let name = def.resp;
        let positions = def
            .fields
            .iter()
            .take_while(|field| field.word.is_none())
            .count();
        let (first, options) = def.fields.split_at(positions);
        let is_list = |field: &Field| matches!(field.kind, FieldKind::List { .. });
        assert!(
            def.fields.len() <= FIELDS_MAX,
            "`{name}` has too many fields"
        );
        assert!(
            first.iter().enumerate().all(|(at, field)| field.required
                || is_list(field) && at + 1 == positions && options.is_empty()),
            "`{name}`: a position is required, but for a list that is the last of all"
        );
        assert!(
            options.iter().all(|field| field.word.is_some()),
            "`{name}`: positions first"
        );
        assert!(
            def.fields.iter().filter(|field| is_list(field)).count() <= 1,
            "`{name}`: one list"
        );
        let list = first.iter().position(is_list);
        let (width, items_max) = match def
            .fields
            .iter()
            .find(|field| is_list(field))
            .map(|field| field.kind)
        {
            Some(FieldKind::List { fields, max }) => (fields.len(), max),
            _ => (0, 0),
        };
        assert!(
            1 + positions + width * items_max + 2 * options.len() <= ARGS_MAX,
            "`{name}` takes more arguments than a request may have"
        );
        let is_address = |field: &Field| field.kind == FieldKind::Address;
        let address = def.fields.iter().position(is_address);
        assert!(
            address.is_none_or(|at| !def.fields[at].required && at >= positions),
            "`{name}`: an address has a word, and may be absent"
        );
        let least = match list {
            Some(at) if !first[at].required => positions - 1,
            Some(_) => positions + width,
            None => positions,
        };
        Self {
            domain,
            group,
            def,
            positions,
            address,
            least: 1 + least,
        }
    }

    /// The name as errors show it.
    pub(crate) fn shown(&self) -> String {
        self.def.resp.to_ascii_lowercase()
    }

    /// Where the only key stands among the arguments, the name included; 0 if nowhere.
    pub(crate) fn key(&self) -> i64 {
        match self.grammar() {
            Some(grammar) => grammar.key.map_or(0, |key| i64::from(key) + 1),
            None => i64::from(self.positions > 0),
        }
    }

    fn grammar(&self) -> Option<Grammar> {
        match self.def.fields {
            [
                Field {
                    kind: FieldKind::Grammar(grammar),
                    ..
                },
            ] => Some(*grammar),
            _ => None,
        }
    }

    /// Whether a request in the words of another system may have so many arguments, the name included.
    pub(crate) fn takes(&self, args: usize) -> bool {
        let args = i64::try_from(args).unwrap_or(i64::MAX);
        let arity = self.arity();
        args == arity || arity < 0 && args >= -arity
    }

    /// Redis' arity: how many arguments, the name included, or the negative of how many at least.
    pub(crate) fn arity(&self) -> i64 {
        if let Some(grammar) = self.grammar() {
            return grammar.arity;
        }
        let least = i64::try_from(self.least).expect("because fields are few");
        let is_list = |field: &Field| matches!(field.kind, FieldKind::List { .. });
        if self.positions == self.def.fields.len() && !self.def.fields.iter().any(is_list) {
            least
        } else {
            -least
        }
    }
}
