//! A folder that another process works in.

use crate::support::{Client, Server, finish};
use crate::work::{assert_all_held, hold_all, serve};

#[test]
fn second_server_is_refused_until_the_first_is_killed() {
    let folder = crate::support::folder();
    let data = folder.path().join("data");
    let mut first = Server::start(&data);
    hold_all(&mut Client::to(&first.resp));
    let second = finish(serve(&data));
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    let why = format!("{} is in use by another process", data.display());
    assert!(said.contains(&why), "{said}");
    assert_all_held(&mut Client::to(&first.resp));
    first.kill();
    assert_all_held(&mut Client::to(&Server::start(&data).resp));
}
