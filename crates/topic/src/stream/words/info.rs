//! The arguments of `XINFO` and `XLEN`.

use tidegate_engine::contract::{Grammar, Name, Spoken};

use super::Args;

/// What somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Info {
    Stream(Name),
    Groups(Name),
    Consumers(Name, Name),
}

impl Info {
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Stream(name) | Self::Groups(name) | Self::Consumers(name, _) => name,
        }
    }
}

impl Spoken for Info {
    const GRAMMAR: Grammar = Grammar {
        syntax: "STREAM key | GROUPS key | CONSUMERS key group",
        arity: -3,
        key: Some(1),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let subcommand = args.next()?.to_ascii_uppercase();
        let info = match &*subcommand {
            b"STREAM" => Self::Stream(args.name("stream")?),
            b"GROUPS" => Self::Groups(args.name("stream")?),
            b"CONSUMERS" => Self::Consumers(args.name("stream")?, args.name("group")?),
            _ => {
                let subcommand = String::from_utf8_lossy(&subcommand).into_owned();
                return Err(format!("unknown subcommand '{subcommand}'."));
            }
        };
        if args.takes("FULL") {
            return Err("FULL is not there: ask for GROUPS, CONSUMERS and XPENDING".to_owned());
        }
        args.end()?;
        Ok(info)
    }
}

/// A stream whose entries are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Len(pub(crate) Name);

impl Spoken for Len {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key",
        arity: 2,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        Args::new(args).name("stream").map(Self)
    }
}
