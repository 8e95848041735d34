//! Asking a server one thing at a time, while the patience lasts.

use std::time::Duration;

use super::wire::{self, Meaning};
use super::{Error, Options};
use crate::client::{Connection, Halt, Patience, Reply, Unserved};

/// How long to rest after a connection was lost.
const REST: Duration = Duration::from_millis(10);

/// Asks one thing at a time, again and again while the patience lasts.
pub(super) struct Asker {
    patience: Patience,
    connection: Option<Connection>,
}

impl Asker {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            patience: Patience::new(options.peer()),
            connection: None,
        }
    }

    /// An error that tells what the server said.
    pub(super) fn stopped(&self, why: &str) -> Error {
        self.patience.stopped(why).into()
    }

    /// Asks until there is an answer other than BUSY, and reads it.
    pub(super) fn ask<T>(
        &mut self,
        parts: &[&[u8]],
        read: impl Fn(&Reply<'_>) -> T,
    ) -> Result<T, Error> {
        loop {
            self.patience.begin();
            if self.connection.is_none() {
                self.connection = self.patience.connect()?;
            }
            let Some(connection) = &mut self.connection else {
                continue;
            };
            match once(connection, parts, &read, &self.patience) {
                Ok(Asked::Answered(answer)) => {
                    self.patience.renew();
                    return Ok(answer);
                }
                Ok(Asked::Again(wait)) => {
                    self.patience.blame("it is busy".to_owned());
                    self.patience.check()?;
                    std::thread::sleep(wait);
                }
                Err(Halt::Lost(lost)) => {
                    self.connection = None;
                    self.patience.lost(&lost)?;
                    std::thread::sleep(REST);
                }
                Err(Halt::Failed(unserved)) => return Err(unserved.into()),
            }
        }
    }
}

enum Asked<T> {
    Answered(T),
    Again(Duration),
}

fn once<T>(
    connection: &mut Connection,
    parts: &[&[u8]],
    read: impl Fn(&Reply<'_>) -> T,
    patience: &Patience,
) -> Result<Asked<T>, Halt<Unserved>> {
    connection.push(parts);
    connection.flush()?;
    loop {
        if let Some(reply) = connection.next()? {
            if let Reply::Error(text) = reply {
                match wire::error_meaning(text) {
                    Meaning::Again(wait) => return Ok(Asked::Again(wait)),
                    Meaning::Stop(why) if text.starts_with(b"NOAUTH") => {
                        return Err(patience.stopped(&why).into());
                    }
                    Meaning::Final(_) | Meaning::NotYet(..) | Meaning::Stop(_) => {}
                }
            }
            return Ok(Asked::Answered(read(&reply)));
        }
        patience.check()?;
        connection.fill()?;
    }
}
