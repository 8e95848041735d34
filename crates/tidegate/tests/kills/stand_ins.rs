//! What a server's threads for checkpoints and segments would look like from outside, shown by
//! programs that stand in for them.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::PATIENCE;
use crate::place::{Hunter, Place};
use crate::support::{folder, pid_of};

/// Where a program is found whose only thread is named so.
fn place_of(
    thread: &str,
    program: &str,
    args: &[&str],
    folder: &Path,
    wanted: Place,
    patience: Duration,
) -> Place {
    let named = folder.join(thread);
    symlink(program, &named).expect("it is not there yet");
    let mut command = Command::new(named);
    command.arg0(program).args(args).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().expect("it is in every Linux");
    let mut hunter = Hunter::new(&folder.join("data"), 1);
    let place = hunter.stop_at(pid_of(&process), wanted, patience);
    assert_eq!(hunter.has_checkpoints, thread == "checkpoint");
    process.kill().expect("it is our child");
    process.wait().expect("it is our child");
    place
}

#[test]
fn a_thread_for_checkpoints_that_does_something_is_at_one() {
    let args = ["if=/dev/zero", "of=/dev/null"];
    let found = place_of(
        "checkpoint",
        "/bin/dd",
        &args,
        folder().path(),
        Place::Checkpoint,
        PATIENCE,
    );
    assert_eq!(found, Place::Checkpoint);
}

#[test]
fn a_thread_for_checkpoints_that_waits_is_at_none() {
    let patience = Duration::from_millis(100);
    let found = place_of(
        "checkpoint",
        "/bin/sleep",
        &["60"],
        folder().path(),
        Place::Trim,
        patience,
    );
    assert_eq!(found, Place::Elsewhere);
}

#[test]
fn a_thread_that_removes_segments_trims() {
    let folder = folder();
    let old = folder.path().join("old");
    fs::create_dir(&old).expect("it is not there yet");
    for name in 0..10_000 {
        fs::write(old.join(name.to_string()), "").expect("the folder is there");
    }
    let found = place_of(
        "trim",
        "/bin/rm",
        &["-r", "old"],
        folder.path(),
        Place::Trim,
        PATIENCE,
    );
    assert_eq!(found, Place::Trim);
}
