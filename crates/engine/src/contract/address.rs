//! Where a request comes from, as its front knows it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::field::{FieldKind, FieldType, Hasher, InvalidKind, Raw, text_of};

/// Bits of an IPv6 address that stand for one place: whoever has one such network has all of its addresses.
const IPV6_BITS: u32 = 64;

/// The address of who asks: one of IPv4, or the network of 64 bits of one of IPv6, which is what a home or a
/// phone is given (RFC 6177). An IPv4 address written as IPv6 is that of IPv4.
///
/// A front fills it in. It is no part of what is asked for: a retry may come from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// 16 bytes, other ones for every other address: IPv4 as it is mapped into IPv6.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(ip.into()),
            IpAddr::V6(ip) => {
                let network = ip.to_bits() >> (128 - IPV6_BITS) << (128 - IPV6_BITS);
                Self(Ipv6Addr::from_bits(network).into())
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => ip.fmt(out),
            IpAddr::V6(ip) => write!(out, "{ip}/{IPV6_BITS}"),
        }
    }
}

impl FieldType for Address {
    const KIND: FieldKind = FieldKind::Address;

    fn read(raw: Raw<'_>) -> Result<Self, (InvalidKind, String)> {
        if let Raw::Address(ip) = raw {
            return Ok(ip.into());
        }
        let text = std::str::from_utf8(text_of(raw)?).ok();
        let ip: Option<IpAddr> = text.and_then(|text| text.parse().ok());
        let wrong = || {
            let message = "must be an IP address, as 192.0.2.1 or 2001:db8::1".to_owned();
            (InvalidKind::Unreadable, message)
        };
        ip.map(Self::from).ok_or_else(wrong)
    }

    fn hash(&self, _hasher: &mut Hasher) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let read = Address::read(Raw::Text(text.as_bytes()));
        read.map_or_else(|(_, wrong)| wrong, |address| address.to_string())
    }

    #[test]
    fn address_stands_for_the_place_that_one_who_asks_has() {
        for (text, place) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ] {
            assert_eq!(shown(text), place);
        }
    }

    #[test]
    fn what_is_no_address_says_what_would_be_one() {
        for text in [
            "",
            "192.0.2",
            "192.0.2.1:80",
            "[::1]",
            "fe80::1%eth0",
            "home",
            " ::1",
        ] {
            assert!(shown(text).starts_with("must be an IP address"), "{text}");
        }
        assert!(Address::read(Raw::Integer(1)).is_err());
    }

    #[test]
    fn each_address_has_bytes_of_its_own() {
        let texts = [
            "192.0.2.1",
            "192.0.2.2",
            "::",
            "2001:db8:1:2::",
            "2001:db8:1:3::",
        ];
        let bytes = texts.map(|text| {
            let address = Address::read(Raw::Text(text.as_bytes()));
            address.expect("it is one").bytes()
        });
        let distinct: std::collections::BTreeSet<_> = bytes.iter().collect();
        assert_eq!(distinct.len(), texts.len());
    }

    #[test]
    fn retry_from_elsewhere_has_the_same_content() {
        let content = |text: &str| {
            let address = Address::read(Raw::Text(text.as_bytes())).expect("it is one");
            super::super::content_of(|hasher| Some(address).hash(hasher))
        };
        assert_eq!(content("192.0.2.1"), content("2001:db8::1"));
    }
}
