//! Where a request comes from: the peer's address or, behind proxies that are trusted, what they say.
//!
//! Each proxy adds the address of its own peer at the right end of `X-Forwarded-For`. So the header is read from
//! the right, as long as whoever wrote an element is trusted, and only then: what stands further to the left
//! anybody may have made up. Without trusted proxies nobody looks at it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::header::{HeaderMap, HeaderName};

use crate::limits::FORWARDED_HOPS_MAX;

/// Where proxies say who asks.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u32,
}

/// What is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

impl fmt::Display for NotANetwork {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "must be an IP address or a network, as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32",
        )
    }
}

impl std::error::Error for NotANetwork {}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (first, bits) = match text.split_once('/') {
            Some((first, bits)) => (first, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = first.parse().map_err(|_| NotANetwork)?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).ok();
        let bits = bits.filter(|bits| *bits <= most).ok_or(NotANetwork)?;
        Ok(Self { first, bits })
    }
}

impl Network {
    fn has(&self, ip: IpAddr) -> bool {
        match (self.first, ip) {
            (IpAddr::V4(first), IpAddr::V4(ip)) => {
                let differing = (first.to_bits() ^ ip.to_bits()).leading_zeros();
                differing >= self.bits
            }
            (IpAddr::V6(first), IpAddr::V6(ip)) => {
                let differing = (first.to_bits() ^ ip.to_bits()).leading_zeros();
                differing >= self.bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The header says something else than addresses, or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Who asks, as far as it can be trusted: the rightmost address that is no proxy's; that of the farthest proxy if
/// all are.
pub(crate) fn client(
    peer: IpAddr,
    headers: &HeaderMap,
    proxies: &[Network],
) -> Result<IpAddr, Malformed> {
    let is_trusted = |ip| proxies.iter().any(|network| network.has(ip));
    let mut farthest = peer.to_canonical();
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let elements = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    for (hops, element) in elements.enumerate() {
        if !is_trusted(farthest) {
            break;
        }
        if hops == FORWARDED_HOPS_MAX {
            return Err(Malformed);
        }
        farthest = element_of(element).ok_or(Malformed)?;
    }
    Ok(farthest)
}

/// An address, which some proxies write with the port, and one of IPv6 in brackets then.
fn element_of(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches([' ', '\t']);
    let ip: IpAddr = if let Some(rest) = text.strip_prefix('[') {
        let (ip, port) = rest.split_once(']')?;
        let is_port = port.is_empty() || is_port(port.strip_prefix(':')?);
        IpAddr::V6(ip.parse().ok().filter(|_| is_port)?)
    } else if let Some((ip, port)) = text.split_once(':').filter(|_| text.contains('.')) {
        match ip.parse() {
            Ok(ip) if is_port(port) => IpAddr::V4(ip),
            Ok(_) => return None,
            Err(_) => text.parse().ok()?, // IPv4 as IPv6: `::ffff:192.0.2.1`.
        }
    } else {
        text.parse().ok()?
    };
    Some(ip.to_canonical())
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        let read = texts.iter().map(|text| text.parse().expect("it is one"));
        read.collect()
    }

    /// Who asks, over a proxy at 10.0.0.1 that is trusted with all of 10.0.0.0/8 and fd00::/8.
    fn asked(headers: &[&str]) -> Result<String, Malformed> {
        let mut map = HeaderMap::new();
        for value in headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("it is one");
            map.append(FORWARDED_FOR, value);
        }
        let peer = "::ffff:10.0.0.1".parse().expect("an address");
        let found = client(peer, &map, &networks(&["10.0.0.0/8", "fd00::/8"]));
        found.map(|ip| ip.to_string())
    }

    #[test]
    fn header_is_read_from_the_right_as_far_as_its_writers_are_trusted() {
        let cases: [(&[&str], &str); 8] = [
            (&[], "10.0.0.1"),
            (&["192.0.2.7"], "192.0.2.7"),
            (&["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
            (&["6.6.6.6, 192.0.2.7, 10.0.0.9 ,fd00::1"], "192.0.2.7"),
            (&["6.6.6.6", "192.0.2.7", "10.0.0.9"], "192.0.2.7"),
            (&["junk, 192.0.2.7"], "192.0.2.7"),
            (&["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
            (&["11.0.0.1, 10.0.0.9"], "11.0.0.1"),
        ];
        for (headers, expected) in cases {
            assert_eq!(asked(headers).as_deref(), Ok(expected), "{headers:?}");
        }
    }

    #[test]
    fn elements_are_written_as_proxies_write_them() {
        for (element, expected) in [
            ("192.0.2.7:1234", "192.0.2.7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:1234", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(asked(&[element]).as_deref(), Ok(expected), "{element}");
        }
    }

    #[test]
    fn what_is_no_address_where_one_is_needed_is_malformed() {
        let many = vec!["10.0.0.1"; FORWARDED_HOPS_MAX + 1].join(",");
        for header in [
            "",
            "unknown",
            "192.0.2.7,",
            "6.6.6.6, home, 10.0.0.9",
            "192.0.2.7:http",
            "192.0.2.7:1:2",
            "[192.0.2.7]",
            "[::1",
            "[::1]x",
            "\"192.0.2.7\"",
            "192.0.2.0/24",
            &many,
        ] {
            assert_eq!(asked(&[header]), Err(Malformed), "{header}");
        }
    }

    #[test]
    fn nobody_is_trusted_unless_that_is_said() {
        let mut map = HeaderMap::new();
        map.insert(FORWARDED_FOR, HeaderValue::from_static("192.0.2.7"));
        let peer = "10.0.0.1".parse().expect("an address");
        for proxies in [networks(&[]), networks(&["10.0.0.2", "::/0"])] {
            assert_eq!(client(peer, &map, &proxies), Ok(peer), "{proxies:?}");
        }
    }

    #[test]
    fn network_is_an_address_and_how_many_bits_of_it_count() {
        let has = |network: &str, ip: &str| {
            let network: Network = network.parse().expect("it is one");
            network.has(ip.parse().expect("an address"))
        };
        assert!(has("10.1.2.3/8", "10.255.0.0") && !has("10.0.0.0/8", "11.0.0.0"));
        assert!(has("0.0.0.0/0", "255.0.0.0") && !has("0.0.0.0/0", "::1"));
        assert!(has("2001:db8::/32", "2001:db8:1::") && !has("2001:db8::/32", "2001:db9::"));
        assert!(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.0"));
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10/8",
            "10.0.0.0/-1",
            "proxy",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
