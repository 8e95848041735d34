//! Damage to what was acknowledged is refused by file and offset; behind it, it is a torn tail.

use crate::machine::picture;
use crate::support::{Client, Server, finish};
use crate::work::{Log, assert_all_held, check, hold_one_more, said, serve};

#[test]
fn flipped_bit_is_refused_by_file_and_offset_up_to_the_last_acknowledged_group() {
    let log = Log::of_killed_server();
    let middle = log.groups[log.groups.len() / 2];
    for group in [middle, log.last_acknowledged()] {
        let folder = crate::support::folder();
        let data = folder.path().join("data");
        let mut bytes = log.bytes.clone();
        bytes[group + 60] ^= 1;
        let segment = log.put(&data, &bytes);
        let before = picture(&data);
        for output in [finish(serve(&data)), check(&data)] {
            let said = said(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            let place = format!("{}: corrupt at byte {group}: ", segment.display());
            assert!(said.contains(&place), "{said}");
        }
        assert!(picture(&data) == before, "a file differs");
    }
}

/// What a power cut may leave behind the last group that was synced and answered.
fn tails(log: &Log) -> Vec<(&'static str, Vec<u8>)> {
    let end = log.bytes.len();
    let seal = *log.groups.last().expect("groups");
    let group = &log.bytes[log.last_acknowledged()..seal];
    let torn = |from: usize, bytes: &[u8]| [&log.bytes[..from], bytes].concat();
    let mut garbled = log.bytes.clone();
    garbled[seal..].fill(0xa5);
    vec![
        ("half a group more", torn(end, &group[..group.len() / 2])),
        ("a group more of noise", torn(end, &vec![0xa5; 4096])),
        ("the end of a group whose begin is missing", {
            torn(end, &[&[0; 48], &group[48..]].concat())
        }),
        ("half a seal", log.bytes[..seal + 24].to_vec()),
        ("a seal of noise", garbled),
        ("no seal", log.bytes[..seal].to_vec()),
    ]
}

#[test]
fn torn_tail_is_cut_and_nothing_acknowledged_is_lost() {
    let log = Log::of_killed_server();
    for (tail, bytes) in tails(&log) {
        for is_short in [false, true] {
            let folder = crate::support::folder();
            let data = folder.path().join("data");
            if is_short {
                log.put_short(&data, &bytes);
            } else {
                log.put(&data, &bytes);
            }
            let mut server = Server::start(&data);
            let mut client = Client::to(&server.resp);
            assert_all_held(&mut client);
            assert_eq!(hold_one_more(&mut client), Ok(()), "{tail}");
            server.kill();
            assert_eq!(check(&data).status.code(), Some(0), "{tail}");
        }
    }
}
