//! Answers say of which rows they were made: of those in memory, and of those on disk.

use crate::talk::{engine, next_minute, says};

#[test]
fn a_span_over_what_is_in_memory_and_what_is_on_disk_is_one_answer_that_says_so() {
    let mut engine = engine(&["COUNTER.CREATE v SHARDS 1 TOP 5 BUCKETS 1s:1d UNIQUE yes DIMS d"]);
    let now_ms = next_minute(&mut engine);
    // A block has 64 buckets: these lie in three. What is open when a newer one opens gets a row of its own.
    for ago_ms in [200_000, 100_000] {
        let add = format!("COUNTER.ADD v * a AT {} BY ann DIMS d=x", now_ms - ago_ms);
        says(&mut engine, &add, "counted");
    }
    engine.checkpoint();
    says(&mut engine, "COUNTER.ADD v * a BY bob DIMS d=x", "counted");
    let span = format!("FROM {} TO {}", now_ms - 300_000, now_ms + 1_000);
    let ask = |question: &str| format!("COUNTER.{question} {span}");
    says(&mut engine, "COUNTER.GET v a", "count=3 ");
    says(
        &mut engine,
        "COUNTER.GET v a",
        "exact=true rows={memory=2 disk=1} as_of_ms=",
    );
    says(
        &mut engine,
        &ask("RANGE v a"),
        "total=3 values=- exact=true rows={memory=2 disk=1} ",
    );
    for (question, words) in [
        ("GET v *".to_owned(), "rows={memory=1 disk=2} "),
        (ask("RANGE v *"), "rows={memory=1 disk=2} "),
        (ask("TOP v COUNT 5"), "rows={memory="),
        ("HOT v COUNT 5".to_owned(), "rows={memory=3 disk=0} "),
        (ask("UNIQUE v 1 a"), "rows={memory="),
        (
            format!("RANGEALL v 2 a none {span}"),
            "rows={memory=2 disk=1} ",
        ),
        (
            format!("RANGEALL v 2 a none {span}"),
            "rows={memory=0 disk=0} ",
        ),
        ("GETALL v 1 a".to_owned(), "rows={memory=2 disk=1} "),
    ] {
        let question = question.trim_start_matches("COUNTER.");
        says(&mut engine, &format!("COUNTER.{question}"), words);
    }
    engine.checkpoint();
    says(&mut engine, "COUNTER.GET v a", "count=3 ");
    says(&mut engine, "COUNTER.GET v a", "rows={memory=0 disk=3} ");
    says(&mut engine, "COUNTER.GET v *", "rows={memory=0 disk=3} ");
}
