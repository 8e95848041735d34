//! What a check has found, as people and as programs read it.

use std::fmt::{self, Display};

use serde_json::{Map, Value, json};
use tidegate_engine::{Checked, Damage, Repaired};

/// Most faults that are printed one by one.
const FAULTS_SHOWN: usize = 20;

/// What was found, one figure a line.
pub(super) struct Table<'a> {
    pub(super) checked: &'a Checked,
    /// What a repair has done, if one was asked for.
    pub(super) repaired: &'a Option<Option<Repaired>>,
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked {
            log,
            checkpoints,
            damages,
            audit,
        } = self.checked;
        if let Some(repaired) = self.repaired {
            write_repaired(f, repaired.as_ref())?;
        }
        line(f, "log.segments", log.segments)?;
        line(f, "log.groups", log.groups)?;
        line(f, "log.groups_unsealed", log.unsealed)?;
        line(f, "log.records", log.records)?;
        line(f, "log.bytes", log.bytes)?;
        line(f, "checkpoints", checkpoints)?;
        if !damages.is_empty() {
            return write_damages(f, damages);
        }
        for figure in &audit.figures {
            line(f, figure.name, figure.value)?;
        }
        let faults = &audit.faults;
        line(f, "laws broken", faults.len())?;
        for fault in faults.iter().take(FAULTS_SHOWN) {
            writeln!(f, "  {fault}")?;
        }
        if faults.len() > FAULTS_SHOWN {
            writeln!(f, "  … and {} more", faults.len() - FAULTS_SHOWN)?;
        }
        match faults.len() {
            0 => writeln!(
                f,
                "the books balance: every record is sound, every law holds"
            ),
            1 => writeln!(f, "1 law is broken: the books do not balance"),
            broken => writeln!(f, "{broken} laws are broken: the books do not balance"),
        }
    }
}

fn write_repaired(f: &mut fmt::Formatter<'_>, repaired: Option<&Repaired>) -> fmt::Result {
    let Some(Repaired { folder, dropped }) = repaired else {
        return writeln!(f, "nothing is damaged: nothing was changed");
    };
    for line in dropped {
        writeln!(f, "{line}")?;
    }
    writeln!(f, "repaired: what was dropped lies in {folder}")
}

fn write_damages(f: &mut fmt::Formatter<'_>, damages: &[Damage]) -> fmt::Result {
    line(f, "damages", damages.len())?;
    for damage in damages {
        writeln!(f, "  {damage}")?;
    }
    writeln!(
        f,
        "the folder is damaged: no server starts on it, and its rows were not added up. \
         `tidegate check --repair` goes on without what is damaged"
    )
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{name:<26}{value:>16}")
}

/// The same as one document.
pub(super) fn json(checked: &Checked, repaired: Option<&Option<Repaired>>) -> Value {
    let Checked {
        log,
        checkpoints,
        damages,
        audit,
    } = checked;
    let figures: Map<_, _> = audit
        .figures
        .iter()
        .map(|figure| (figure.name.to_owned(), figure.value.into()))
        .collect();
    let mut document = json!({
        "log": {
            "segments": log.segments,
            "groups": log.groups,
            "groups_unsealed": log.unsealed,
            "records": log.records,
            "bytes": log.bytes,
        },
        "checkpoints": checkpoints,
        "damages": damages.iter().map(json_of).collect::<Vec<_>>(),
        "figures": figures,
        "laws_broken": audit.faults,
    });
    if let Some(repaired) = repaired {
        document["repair"] = repaired.as_ref().map_or(
            Value::Null,
            |repaired| json!({ "folder": repaired.folder, "dropped": repaired.dropped }),
        );
    }
    document
}

fn json_of(damage: &Damage) -> Value {
    let words = damage.to_string();
    match damage {
        Damage::Log(damage) => json!({
            "of": "log", "path": damage.path, "offset": damage.offset, "what": damage.what,
        }),
        Damage::Base(damage) => json!({
            "of": "base",
            "path": damage.path,
            "table": damage.table,
            "slots": damage.slots().map(|(first, last)| [first.0, last.0]),
            "keys": damage.shown_keys().map(|(first, last)| [first, last]),
            "rows": damage.rows,
            "what": damage.what,
        }),
        Damage::Row(error) => json!({
            "of": "base", "path": error.path, "table": error.table, "what": words,
        }),
        Damage::Mark(error) => json!({ "of": "mark", "path": error.path, "what": error.what }),
        Damage::Short(_) => json!({ "of": "log", "what": words }),
        Damage::Noted(_) => json!({ "of": "folder", "what": words }),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::contract::Audit;
    use tidegate_engine::{LogDamage, LogReport};

    use super::*;

    fn last_line(faults: usize, damages: Vec<Damage>) -> Option<String> {
        let mut audit = Audit::default();
        audit.faults = vec!["a law".to_owned(); faults];
        let checked = &Checked {
            log: LogReport::default(),
            checkpoints: 0,
            damages,
            audit,
        };
        let repaired = &None;
        let text = Table { checked, repaired }.to_string();
        text.lines().last().map(str::to_owned)
    }

    #[test]
    fn the_last_line_says_whether_the_books_balance() {
        for (faults, expected) in [
            (
                0,
                "the books balance: every record is sound, every law holds",
            ),
            (1, "1 law is broken: the books do not balance"),
            (30, "30 laws are broken: the books do not balance"),
        ] {
            assert_eq!(last_line(faults, Vec::new()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_damaged_folder_is_never_said_to_balance() {
        let damage = Damage::Log(LogDamage {
            path: "log".to_owned(),
            offset: 7,
            what: "torn".to_owned(),
        });
        let last = last_line(0, vec![damage]);
        assert!(last.is_some_and(|line| line.starts_with("the folder is damaged: ")));
    }
}
