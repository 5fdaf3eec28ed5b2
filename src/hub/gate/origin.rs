//! Checks of `Origin` and `Host` headers. No I/O.

use std::{net::IpAddr, str::FromStr};

/// Origin of a page as sent by browsers: `https://wall.example:8443`, or `null` for an opaque
/// origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    /// Host and port, without the scheme's default port.
    authority: String,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
        if text == "null" {
            return Ok(Self { scheme: String::new(), authority: text });
        }
        let wrong = || "expected an origin, such as https://wall.example".to_owned();
        let (scheme, authority) = text.split_once("://").ok_or_else(wrong)?;
        let plain = |c: char| c.is_ascii_graphic() && !"/?#@\\".contains(c);
        if !matches!(scheme, "http" | "https")
            || authority.is_empty()
            || !authority.chars().all(plain)
        {
            return Err(wrong());
        }
        Ok(Self { scheme: scheme.to_owned(), authority: without_own_port(scheme, authority) })
    }
}

impl Origin {
    /// True when `host`, a `Host` header, belongs to this origin. The scheme of the request is not
    /// compared, because TLS may end at a proxy in front of the hub.
    pub fn is_of(&self, host: &str) -> bool {
        let host = host.trim().to_ascii_lowercase();
        !self.scheme.is_empty() && self.authority == without_own_port(&self.scheme, &host)
    }

    /// True for `https`, which a proxy in front of the hub terminates.
    pub fn is_secure(&self) -> bool {
        self.scheme == "https"
    }
}

fn without_own_port(scheme: &str, authority: &str) -> String {
    let own = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(own).unwrap_or(authority).to_owned()
}

/// True when `host`, a `Host` header, can only refer to this machine: a loopback name, or the
/// address `bound`. Any other name may belong to an attacker who lets it resolve to this machine.
pub fn means_this_machine(host: &str, bound: IpAddr) -> bool {
    let host = host.trim();
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':').unwrap_or(port)),
        None => host.split_once(':').unwrap_or((host, "")),
    };
    if !port.bytes().all(|digit| digit.is_ascii_digit()) {
        return false;
    }
    match name.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address == bound.to_canonical()
        }
        Err(_) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_matches_only_its_own_host() {
        for (origin, host, same) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://Wall.Example", "wall.example", true),
            ("http://wall.example", "wall.example:80", true),
            ("https://wall.example", "wall.example", true),
            ("https://wall.example", "wall.example:443", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("https://evil.example", "wall.example", false),
            ("http://127.0.0.1:8081", "127.0.0.1:8080", false),
            ("http://wall.example.evil", "wall.example", false),
            ("http://wall.example", "wall.example:443", false),
            ("null", "null", false),
        ] {
            assert_eq!(origin.parse::<Origin>().unwrap().is_of(host), same, "{origin} {host}");
        }
    }

    #[test]
    fn invalid_origins_are_rejected() {
        assert_eq!("HTTPS://A:443/".parse::<Origin>(), "https://a".parse());
        for wrong in ["wall.example", "ws://a", "https://", "https://a/b", "https://u@a", "*", ""] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_loopback_names_and_bound_address_mean_this_machine() {
        let bound = "127.0.0.1".parse().unwrap();
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.:1",
            "hub.localhost",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(means_this_machine(host, bound), "{host}");
        }
        for host in [
            "rebound.example",
            "rebound.example:8080",
            "127.0.0.1.rebound.example",
            "localhost.rebound.example",
            "notlocalhost",
            "192.168.1.5",
            "[fe80::1]",
            "",
            "127.0.0.1:8080:1",
        ] {
            assert!(!means_this_machine(host, bound), "{host}");
        }
        assert!(means_this_machine("192.168.1.5:1", "192.168.1.5".parse().unwrap()));
    }
}
