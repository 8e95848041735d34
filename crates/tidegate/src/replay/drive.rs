//! From a plan to its end: resume, spread the SKUs over connections, run, compare the books.

use std::collections::HashSet;

use super::asker::Asker;
use super::books::{self, Books, Units};
use super::course::Course;
use super::journal::{Asked, Entry, Journal};
use super::lanes::Session;
use super::live::Observer;
use super::plan::{Plan, Sku};
use super::report::Report;
use super::sku_course::{Command, SkuCourse};
use super::{Error, Options, guard, input, journal};

/// Replays a file, and tells what came of it.
pub(crate) fn run(options: &Options, observer: &mut dyn Observer) -> Result<Report, Error> {
    let (plan, hash) = plan(options, false)?;
    let (session, courses) = begin(options, &hash, "", |entries| resume(&plan, entries))?;
    let declared = courses.iter().find(|course| course.declared());
    guard::refuse_another_server(options, declared.map(SkuCourse::sku))?;
    guard::refuse_to_overwrite(options, undeclared(&courses))?;
    let lines = plan.lines.len() as u64;
    let outcome = session.run(courses, |course| course.sku().lines.len(), lines, observer)?;

    let expected = expected(&outcome.courses);
    let skus: HashSet<_> = expected.iter().map(|(sku, _)| *sku).collect();
    let rows = books::rows(&mut Asker::new(options), |sku| skus.contains(sku))?;
    let books = Books::compare(&expected, known_before(&outcome.courses), &rows);
    Ok(Report::new(options, &plan, &outcome, books))
}

/// What the file asks for, and the hash by which a journal knows it again.
pub(super) fn plan(options: &Options, with_price: bool) -> Result<(Plan, String), Error> {
    let (file, share) = (&options.file, options.share);
    let read = input::read(file, &options.columns, share, with_price);
    read.map_err(|source| Error::Input {
        file: options.file.clone(),
        source,
    })
}

/// Opens the journal of a replay of this `kind`, and goes on where it ends.
pub(super) fn begin<'r, C>(
    options: &'r Options,
    hash: &str,
    kind: &str,
    resume: impl FnOnce(&[Entry]) -> Result<C, journal::Error>,
) -> Result<(Session<'r>, C), Error> {
    let (share, columns) = (options.share, options.columns.to_string());
    let identity = format!("input={hash} share={share} columns={columns:?}{kind}");
    let in_journal = |source| Error::Journal {
        path: options.journal.clone(),
        source,
    };
    let (journal, entries) = Journal::open(&options.journal, &identity).map_err(in_journal)?;
    let courses = resume(&entries).map_err(in_journal)?;
    Ok((Session { options, journal }, courses))
}

/// The state of every SKU after the answers in a journal.
pub(super) fn resume<'p>(
    plan: &'p Plan,
    entries: &[Entry],
) -> Result<Vec<SkuCourse<'p>>, journal::Error> {
    // There are no more SKUs than records, whose number is 32 bits.
    let skus = 0..plan.skus.len() as u32;
    let mut courses: Vec<_> = skus.map(|sku| SkuCourse::new(plan, sku)).collect();
    apply_all(entries, |entry| apply(plan, &mut courses, entry))?;
    Ok(courses)
}

/// Applies the answers in a journal; `apply` gives nothing for what cannot have been asked.
pub(super) fn apply_all(
    entries: &[Entry],
    mut apply: impl FnMut(&Entry) -> Option<()>,
) -> Result<(), journal::Error> {
    for (line, entry) in (2..).zip(entries) {
        apply(entry).ok_or_else(|| {
            let text = "an answer to something that was not asked".to_owned();
            journal::Error::Unreadable { line, text }
        })?;
    }
    Ok(())
}

fn apply(plan: &Plan, courses: &mut [SkuCourse<'_>], entry: &Entry) -> Option<()> {
    let index = plan
        .lines
        .binary_search_by_key(&entry.record, |line| line.record)
        .ok()?;
    let course = &mut courses[plan.lines[index].sku as usize];
    let about = |command: &Command| match *command {
        Command::Declare => true,
        Command::Hold { line } | Command::Confirm { line } => line as usize == index,
        Command::Return { line, .. } => line as usize == index,
    };
    let asked = |command: &Command| Asked::from(*command) == entry.asked && about(command);
    let command = course.wants().into_iter().find(asked)?;
    course.record(command, entry.verdict.clone()).ok()
}

/// The SKUs that are going to be declared.
fn undeclared<'p>(courses: &[SkuCourse<'p>]) -> impl Iterator<Item = &'p Sku> {
    let declares = |course: &&SkuCourse<'_>| !course.declared() && course.at().is_some();
    courses.iter().filter(declares).map(SkuCourse::sku)
}

/// What the answers add up to, when every line is done. A SKU that was never declared, as nothing
/// orders it, has no row to compare.
fn expected<'p>(courses: &[SkuCourse<'p>]) -> Vec<(&'p str, Units)> {
    let declared = courses.iter().filter(|course| course.declared());
    let row = |course: &SkuCourse<'p>| {
        let (total, sold) = (course.sku().total, course.tally().sold());
        let units = Units {
            total,
            available: total.saturating_sub(sold),
            held: 0,
            sold,
        };
        (&*course.sku().name, units)
    };
    declared.map(row).collect()
}

fn known_before(courses: &[SkuCourse<'_>]) -> u64 {
    courses.iter().map(SkuCourse::known_before).sum()
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;
