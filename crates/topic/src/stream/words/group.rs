//! The arguments of `XGROUP` and `XACK`.

use tidegate_engine::contract::{Grammar, Name, Spoken};

use super::{Args, From, ids_of};
use crate::stream::id::StreamId;

/// What is done with a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupDo {
    Create { from: From, makes_stream: bool },
    Destroy,
    SetId(From),
    CreateConsumer(Name),
    DelConsumer(Name),
}

/// A group, and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupWords {
    pub(crate) name: Name,
    pub(crate) group: Name,
    pub(crate) what: GroupDo,
}

fn from(args: &mut Args<'_>) -> Result<From, String> {
    if args.takes("$") {
        return Ok(From::News);
    }
    args.id(0).map(From::Behind)
}

impl Spoken for GroupWords {
    const GRAMMAR: Grammar = Grammar {
        syntax: "CREATE key group id|$ [MKSTREAM] | DESTROY key group | SETID key group id|$ | CREATECONSUMER key group \
                 consumer | DELCONSUMER key group consumer",
        arity: -4,
        key: Some(1),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let subcommand = args.next()?.to_ascii_uppercase();
        let (name, group) = (args.name("stream")?, args.name("group")?);
        let what = match &*subcommand {
            b"CREATE" => GroupDo::Create {
                from: from(&mut args)?,
                makes_stream: args.takes("MKSTREAM"),
            },
            b"DESTROY" => GroupDo::Destroy,
            b"SETID" => GroupDo::SetId(from(&mut args)?),
            b"CREATECONSUMER" => GroupDo::CreateConsumer(args.name("consumer")?),
            b"DELCONSUMER" => GroupDo::DelConsumer(args.name("consumer")?),
            _ => {
                let subcommand = String::from_utf8_lossy(&subcommand).into_owned();
                return Err(format!("unknown subcommand '{subcommand}'."));
            }
        };
        if args.takes("ENTRIESREAD") {
            return Err(
                "ENTRIESREAD is not taken: a group knows how many entries lie before it".to_owned(),
            );
        }
        args.end()?;
        Ok(Self { name, group, what })
    }
}

/// Entries that are acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) name: Name,
    pub(crate) group: Name,
    pub(crate) ids: Vec<StreamId>,
}

impl Spoken for Ack {
    const GRAMMAR: Grammar = Grammar {
        syntax: "key group id [id …]",
        arity: -4,
        key: Some(0),
    };

    fn parse(args: &[&[u8]]) -> Result<Self, String> {
        let mut args = Args::new(args);
        let (name, group) = (args.name("stream")?, args.name("group")?);
        let ids = ids_of(args.rest())?;
        Ok(Self { name, group, ids })
    }
}
