//! Host names and addresses as keys: the port dropped, letters in lower case, addresses in binary.

use core::net::Ipv6Addr;

/// The longest name that DNS allows, in bytes. Anything longer is nobody's.
const LONGEST_NAME: usize = 253;

/// What an authority names, in the one form that is compared.
pub(super) struct HostKey {
    bytes: [u8; LONGEST_NAME],
    len: usize,
}

// === impl HostKey ===

impl HostKey {
    /// The key of an authority; none if it cannot be a host's.
    pub(super) fn of(authority: &[u8]) -> Option<Self> {
        let mut key = Self {
            bytes: [0; LONGEST_NAME],
            len: 0,
        };
        match authority {
            [b'[', rest @ ..] => {
                let end = rest.iter().position(|byte| *byte == b']')?;
                let (address, after) = rest.split_at_checked(end)?;
                let port = match after {
                    [b']'] => &[],
                    [b']', b':', port @ ..] => port,
                    _ => return None,
                };
                if !is_port(port) {
                    return None;
                }
                key.push_address(address)?;
            }
            _ => key.push_name(without_port(authority)?)?,
        }
        Some(key)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether it is a name (or an IPv4 address) and not an IPv6 address.
    pub(super) fn is_name(&self) -> bool {
        !self.as_bytes().starts_with(b"[")
    }

    /// `[` and the address's 16 bytes: an address has many spellings, and no name begins so.
    fn push_address(&mut self, text: &[u8]) -> Option<()> {
        let address: Ipv6Addr = core::str::from_utf8(text).ok()?.parse().ok()?;
        self.push(b'[')?;
        for byte in address.octets() {
            self.push(byte)?;
        }
        Some(())
    }

    fn push_name(&mut self, name: &[u8]) -> Option<()> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() || name.split(|byte| *byte == b'.').any(<[u8]>::is_empty) {
            return None;
        }
        for byte in name {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    self.push(byte.to_ascii_lowercase())?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.len)? = byte;
        self.len += 1;
        Some(())
    }
}

/// The names above a name, nearest first: of `a.b.c`, `b.c` and `c`.
pub(super) fn names_above(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = name;
    core::iter::from_fn(move || {
        let dot = rest.iter().position(|byte| *byte == b'.')?;
        rest = rest.get(dot + 1..)?;
        Some(rest)
    })
}

fn without_port(authority: &[u8]) -> Option<&[u8]> {
    let Some(colon) = authority.iter().position(|byte| *byte == b':') else {
        return Some(authority);
    };
    let (host, port) = authority.split_at_checked(colon)?;
    is_port(port.get(1..)?).then_some(host)
}

fn is_port(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_digit)
}
