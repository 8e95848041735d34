use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

fn line(path: &str) -> String {
    format!(
        "10.0.0.1 - - [17/May/2015:10:05:03 +0000] \"GET {path} HTTP/1.1\" 200 42 \"-\" \"-\"\n"
    )
}

fn form() -> Form {
    Form::combined("path", None, &[]).expect("a field")
}

/// The keys that are there now, `?` for a line that is bad.
fn keys(source: &mut Source) -> Vec<String> {
    let mut keys = Vec::new();
    while let Some(outcome) = source.next(&form()).expect("it can be read") {
        keys.push(outcome.map_or("?".to_owned(), |counted| counted.event.key.into()));
    }
    keys
}

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut options = File::options();
        let file = options.create(true).append(true).open(self.path(name));
        file.expect("a file")
            .write_all(text.as_bytes())
            .expect("written");
    }
}

#[test]
fn a_file_is_read_plain_or_gzipped_in_several_members() {
    let place = Place::new();
    let text = [
        line("/a"),
        "x\n".to_owned(),
        line("/b").trim_end().to_owned(),
    ];
    place.append("plain", &text.concat());
    let mut packed = Vec::new();
    for part in [&text[..1], &text[1..]] {
        let mut encoder = GzEncoder::new(&mut packed, Compression::fast());
        encoder.write_all(part.concat().as_bytes()).expect("packed");
        encoder.finish().expect("packed");
    }
    fs::write(place.path("packed"), packed).expect("written");
    for name in ["plain", "packed"] {
        let mut source = Source::open(0, &place.path(name), false).expect("opened");
        assert_eq!(keys(&mut source), ["/a", "?", "/b"], "{name}");
        assert_eq!(
            source.bytes(),
            fs::metadata(place.path(name)).expect("a file").len()
        );
    }
}

#[test]
fn lines_are_numbered_from_one_and_have_the_same_ids_in_any_file() {
    let place = Place::new();
    place.append("one", &(line("/a") + "\n" + &line("/b") + &line("/a")));
    place.append("two", &(line("/b") + &line("/a") + &line("/a")));
    let ids = |name, number| {
        let mut source = Source::open(number, &place.path(name), false).expect("opened");
        let mut ids = Vec::new();
        while let Some(outcome) = source.next(&form()).expect("it can be read") {
            match outcome {
                Ok(Counted { id, origin, .. }) => ids.push((id, origin)),
                Err((origin, fault)) => assert_eq!(
                    (origin, fault),
                    (
                        Origin {
                            file: number,
                            line: 2
                        },
                        Fault::Empty
                    )
                ),
            }
        }
        ids
    };
    let (one, two) = (ids("one", 7), ids("two", 8));
    let only = |ids: &[(u128, Origin)]| {
        ids.iter()
            .map(|(id, _)| *id)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(only(&one), only(&two));
    assert_eq!(only(&one).len(), 3);
    assert_eq!(
        one.iter()
            .map(|(_, origin)| origin.line)
            .collect::<Vec<_>>(),
        [1, 3, 4]
    );
}

#[test]
fn a_followed_file_is_read_on_when_it_grows_and_half_a_line_waits() {
    let place = Place::new();
    place.append("log", &line("/a"));
    let mut source = Source::open(0, &place.path("log"), true).expect("opened");
    assert_eq!(keys(&mut source), ["/a"]);
    let more = line("/b");
    place.append("log", &more[..20]);
    assert_eq!(keys(&mut source), [""; 0]);
    place.append("log", &more[20..]);
    assert_eq!(keys(&mut source), ["/b"]);
}

#[test]
fn a_rotated_file_is_read_to_its_end_before_the_new_one() {
    let place = Place::new();
    place.append("log", &line("/a"));
    let mut source = Source::open(0, &place.path("log"), true).expect("opened");
    assert_eq!(keys(&mut source), ["/a"]);
    fs::rename(place.path("log"), place.path("log.1")).expect("renamed");
    place.append("log.1", &line("/b"));
    assert_eq!(keys(&mut source), ["/b"], "the name is nobody's");
    place.append("log", &line("/d"));
    assert_eq!(
        keys(&mut source),
        [""; 0],
        "who writes may be slower than who renames"
    );
    place.append("log.1", line("/c").trim_end());
    assert_eq!(keys(&mut source), ["/c", "/d"]);
    place.append("log", &line("/e"));
    assert_eq!(keys(&mut source), ["/e"]);
}

#[test]
fn a_file_that_is_cut_is_read_from_its_beginning() {
    let place = Place::new();
    place.append("log", &(line("/a") + &line("/b")));
    let mut source = Source::open(0, &place.path("log"), true).expect("opened");
    assert_eq!(keys(&mut source), ["/a", "/b"]);
    fs::write(place.path("log"), line("/c")).expect("cut");
    assert_eq!(keys(&mut source), ["/c"]);
}

#[test]
fn a_gzipped_file_is_not_followed() {
    let place = Place::new();
    fs::write(place.path("log.gz"), GZIP_MAGIC).expect("written");
    let refused = Source::open(0, &place.path("log.gz"), true)
        .err()
        .expect("refused");
    assert!(refused.to_string().contains("--follow"), "{refused}");
}

#[test]
fn a_gzipped_file_that_breaks_off_is_told() {
    let place = Place::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(line("/a").as_bytes()).expect("packed");
    let packed = encoder.finish().expect("packed");
    fs::write(place.path("log.gz"), &packed[..packed.len() - 9]).expect("written");
    let mut source = Source::open(0, &place.path("log.gz"), false).expect("opened");
    let mut told = Ok(());
    for _ in 0..3 {
        told = told.and(source.next(&form()).map(drop));
    }
    assert!(told.is_err());
}
