//! Which addresses may be called: none of a private network, unless the settings say so.

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

/// Whether an address is of this machine or of a network that others cannot reach: what stands in the
/// special-purpose registries of RFC 6890 and is not globally reachable, and multicast.
pub(crate) fn is_private(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => is_private_v4(addr),
        IpAddr::V6(addr) => is_private_v6(addr),
    }
}

fn is_private_v4(addr: Ipv4Addr) -> bool {
    let [a, b, c, _] = addr.octets();
    addr.is_private()
        || addr.is_loopback()
        || addr.is_link_local()
        || addr.is_broadcast()
        || addr.is_multicast()
        || addr.is_documentation()
        || a == 0
        || (a, b & 0b1100_0000) == (100, 64)
        || (a, b, c) == (192, 0, 0)
        || (a, b & 0b1111_1110) == (198, 18)
        || a >= 240
}

fn is_private_v6(addr: Ipv6Addr) -> bool {
    if let Some(inner) = addr.to_ipv4() {
        return is_private_v4(inner);
    }
    let segments = addr.segments();
    // Addresses of IPv4 within others: NAT64 and 6to4.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] || segments[0] == 0x2002 {
        let at = if segments[0] == 0x2002 { 1 } else { 6 };
        let [a, b] = segments[at].to_be_bytes();
        let [c, d] = segments[at + 1].to_be_bytes();
        return is_private_v4(Ipv4Addr::new(a, b, c, d));
    }
    addr.is_loopback()
        || addr.is_unspecified()
        || addr.is_multicast()
        || addr.is_unique_local()
        || addr.is_unicast_link_local()
        || segments[..2] == [0x2001, 0xdb8]
        || segments[..4] == [0x100, 0, 0, 0]
}

/// Resolves names; gives no private address but of those that may have one.
#[derive(Clone)]
pub(crate) struct Guarded {
    inner: GaiResolver,
    may_be_private: Arc<HashSet<String>>,
}

impl Guarded {
    pub(crate) fn new(may_be_private: HashSet<String>) -> Self {
        Self {
            inner: GaiResolver::new(),
            may_be_private: Arc::new(may_be_private),
        }
    }
}

impl Service<Name> for Guarded {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let may = self.may_be_private.contains(name.as_str());
        let shown = name.as_str().to_owned();
        let resolved = self.inner.call(name);
        Box::pin(async move {
            let all = resolved.await?;
            let allowed: Vec<_> = all.filter(|addr| may || !is_private(addr.ip())).collect();
            if allowed.is_empty() {
                let why = format!(
                    "{shown} is of a private network, and the settings do not say `private = true` of it"
                );
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known_in_all_their_clothes() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "100::1",
        ];
        for addr in private {
            assert!(is_private(addr.parse().expect("an address")), "{addr}");
        }
        let public = [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::",
        ];
        for addr in public {
            assert!(!is_private(addr.parse().expect("an address")), "{addr}");
        }
    }
}
