//! `tidegate backup`: takes a copy from a running server.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tidegate_engine::backup::{BackupReader, Contents, Damage};
use tidegate_http::limits::BACKUP_TIMEOUT;

use super::FILE;
use super::progress::Counted;
use super::table::{Table, json};
use crate::client::{HttpAddress, get};
use crate::ending::{Failure, Found};
use crate::output::print;
use crate::password::Password;

/// What the file is called until it is whole.
const UNFINISHED: &str = "backup.tide.tmp";

/// The server gives up first, and says why.
const HEAD_WAIT: Duration = BACKUP_TIMEOUT.saturating_add(Duration::from_secs(30));

/// Copies everything that a running server holds, as of one moment, into a new folder.
///
/// The server goes on meanwhile. What was acknowledged before this command is in the copy. Every
/// checksum is verified as it comes; a copy that was cut off is none.
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// The HTTP address of the server.
    #[arg(long, value_name = "URL")]
    from: HttpAddress,
    /// File with the server's password; TIDEGATE_PASSWORD serves as well.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The folder, which is made or empty.
    dir: PathBuf,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
enum SaveError {
    #[error("{path} is not empty: a backup has a folder of its own")]
    NotEmpty { path: String },
    #[error("{from}: {error}")]
    Server { from: String, error: String },
    #[error("{path}: {error}")]
    Folder { path: String, error: io::Error },
}

/// Takes the copy and prints what it holds.
pub(crate) fn run(args: &BackupArgs) -> Result<Found, Failure> {
    let password = Password::find(args.password_file.as_deref()).map_err(Failure::told)?;
    let contents = save(args, password.as_ref()).map_err(Failure::told)?;
    if args.json {
        print(format_args!("{}\n", json(&contents)))?;
    } else {
        let file = args.dir.join(FILE);
        print(format_args!(
            "{}every checksum is right: {} is whole\n",
            Table(&contents),
            file.display()
        ))?;
    }
    Ok(Found::Sound)
}

fn save(args: &BackupArgs, password: Option<&Password>) -> Result<Contents, SaveError> {
    let failed = |error| SaveError::Folder {
        path: args.dir.display().to_string(),
        error,
    };
    if !is_free(&args.dir).map_err(failed)? {
        let path = args.dir.display().to_string();
        return Err(SaveError::NotEmpty { path });
    }
    let body = get(&args.from, "/backup", password, HEAD_WAIT);
    let body = body.map_err(|error| of_server(args, error.told(password.is_some())))?;
    fs::create_dir_all(&args.dir).map_err(failed)?;
    let unfinished = args.dir.join(UNFINISHED);
    let mut file = File::create(&unfinished).map_err(failed)?;
    let mut unwritten = None;
    let copied = copy(Copied {
        from: Counted::new(body, "backup", None),
        to: &mut file,
        unwritten: &mut unwritten,
    });
    let kept = match (unwritten, copied) {
        (Some(error), _) => Err(failed(error)),
        (None, Err(damage)) => Err(of_server(args, damage.to_string())),
        (None, Ok(contents)) => keep(&args.dir, &unfinished, &file)
            .map(|()| contents)
            .map_err(failed),
    };
    if kept.is_err() {
        // What is left of it can do no harm: the next backup takes its place.
        fs::remove_file(&unfinished).ok();
    }
    kept
}

/// Whether nothing but an unfinished backup is in the folder, if there is one.
fn is_free(dir: &Path) -> io::Result<bool> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
        Ok(mut entries) => entries.try_fold(true, |free, entry| {
            Ok(free && entry?.file_name() == UNFINISHED)
        }),
    }
}

fn of_server(args: &BackupArgs, error: String) -> SaveError {
    let from = args.from.to_string();
    SaveError::Server { from, error }
}

/// Reads a whole backup, and so verifies it.
fn copy(from: impl Read) -> Result<Contents, Damage> {
    let mut reader = BackupReader::open(from)?;
    while reader.next_frame()?.is_some() {}
    let contents = reader.into_contents();
    Ok(contents.expect("because its end was read"))
}

/// Gives the file its name, durably.
fn keep(dir: &Path, unfinished: &Path, file: &File) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(unfinished, dir.join(FILE))?;
    let whole = fs::canonicalize(dir)?;
    [Some(&*whole), whole.parent()]
        .into_iter()
        .flatten()
        .try_for_each(|folder| File::open(folder)?.sync_all())
}

/// What is read, written to a file on the way.
struct Copied<'a, R> {
    from: R,
    to: &'a mut File,
    /// Why it could not be written.
    unwritten: &'a mut Option<io::Error>,
}

impl<R: Read> Read for Copied<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        if let Err(error) = self.to.write_all(&into[..read]) {
            let kind = error.kind();
            *self.unwritten = Some(error);
            return Err(kind.into());
        }
        Ok(read)
    }
}
