//! Which page a request comes from, and which host it believes it speaks to. Pure.

use std::{net::IpAddr, str::FromStr};

/// Where a page came from, as browsers write it: `https://wall.example:8443`, or `null` for a page
/// that is not to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    /// Host and port; the port only where it is not the scheme's own.
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
    /// Whether a page of this origin was served by `host`, a `Host` header. By which scheme that was,
    /// only a proxy in front of us would know.
    pub fn is_of(&self, host: &str) -> bool {
        let host = host.trim().to_ascii_lowercase();
        !self.scheme.is_empty() && self.authority == without_own_port(&self.scheme, &host)
    }

    /// Whether it came encrypted, through a proxy.
    pub fn is_secure(&self) -> bool {
        self.scheme == "https"
    }
}

fn without_own_port(scheme: &str, authority: &str) -> String {
    let own = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(own).unwrap_or(authority).to_owned()
}

/// Whether `host`, a `Host` header, can only mean this machine: a name of loopback, or the address
/// `bound`. Any other name may be a stranger's that resolves to this machine today.
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
    fn an_origin_is_of_the_host_that_served_it() {
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
    fn only_origins_are_read_as_such() {
        assert_eq!("HTTPS://A:443/".parse::<Origin>(), "https://a".parse());
        for wrong in ["wall.example", "ws://a", "https://", "https://a/b", "https://u@a", "*", ""] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_a_stranger_may_hold_does_not_mean_this_machine() {
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
