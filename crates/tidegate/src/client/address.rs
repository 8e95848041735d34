//! Where a server listens, as the command line names it.

use std::fmt;
use std::str::FromStr;

/// `HOST:PORT`, of which the host may be a name: it is looked up at every attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(String);

/// A text that is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address is HOST:PORT, like localhost:7379 or [::1]:7379")]
pub(crate) struct NotAnAddress;

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(NotAnAddress)?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        // Without brackets the last part of an IPv6 address would pass for a port.
        let name = bracketed.unwrap_or(host);
        let is_named = !name.is_empty() && (bracketed.is_some() || !name.contains(':'));
        let is_plain = !name.contains(['/', '@', '[', ']']) && !name.contains(char::is_whitespace);
        match port.parse::<u16>() {
            Ok(1..) if is_named && is_plain => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(NotAnAddress),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for text in [
            "localhost:7379",
            "127.0.0.1:1",
            "[::1]:7379",
            "a-b.example:65535",
        ] {
            assert_eq!(
                text.parse::<Address>().map(|addr| addr.to_string()),
                Ok(text.into())
            );
        }
        for text in [
            "",
            "localhost",
            ":7379",
            "localhost:",
            "localhost:0",
            "localhost:65536",
            "::1:7379",
            "[]:7379",
            "http://localhost:7380",
            "a b:7379",
            "localhost:http",
        ] {
            assert_eq!(text.parse::<Address>(), Err(NotAnAddress), "{text}");
        }
    }
}
