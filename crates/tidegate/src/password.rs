//! The password between clients and a server: where it comes from, and that nothing prints it.

use std::env::{self, VarError};
use std::fmt;
use std::fs;
use std::path::Path;

/// The environment variable that holds the password.
pub(crate) const VARIABLE: &str = "TIDEGATE_PASSWORD";

/// What a server asks for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(String);

/// A password that was given and cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Error(String);

impl Password {
    /// The password in `file`, or else in the environment. One that is there and useless is a
    /// mistake, not a wish to do without.
    pub(crate) fn find(file: Option<&Path>) -> Result<Option<Self>, Error> {
        file.map_or_else(of_environment, |path| Self::of_file(path).map(Some))
    }

    /// The password in `file`.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Error> {
        let useless = |why: &dyn fmt::Display| Error(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| useless(&error))?;
        // An editor ends the last line.
        let password = text.trim_end_matches(['\r', '\n']);
        check(password).map_err(|why| useless(&why))?;
        Ok(Self(password.to_owned()))
    }

    /// The password itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

fn of_environment() -> Result<Option<Password>, Error> {
    let useless = |why| Err(Error(format!("{VARIABLE}: {why}")));
    match env::var(VARIABLE) {
        Ok(password) => match check(&password) {
            Ok(()) => Ok(Some(Password(password))),
            Err(why) => useless(why),
        },
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => useless("the password is not UTF-8"),
    }
}

/// Bytes of a password.
const BYTES_MAX: usize = 1_024;

/// Whether every front can take it: a header of HTTP carries one line, and not the blanks around it.
fn check(password: &str) -> Result<(), &'static str> {
    if password.is_empty() {
        Err("the password is empty")
    } else if password.len() > BYTES_MAX {
        Err("the password has more than 1,024 bytes")
    } else if password.chars().any(char::is_control) {
        Err("the password has control characters or several lines")
    } else if password.trim() != password {
        Err("the password begins or ends with a blank")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_one_front_could_never_take_is_refused() {
        for password in ["", " ", "a ", "\ta", "a\nb", &"a".repeat(1_025)] {
            assert!(check(password).is_err(), "{password:?}");
        }
        for password in ["a", "correct horse", "pässwörd", &"a".repeat(1_024)] {
            assert_eq!(check(password), Ok(()), "{password:?}");
        }
    }

    #[test]
    fn a_password_does_not_show_in_what_is_printed_of_it() {
        assert_eq!(format!("{:?}", Password("secret".to_owned())), "Password");
    }
}
