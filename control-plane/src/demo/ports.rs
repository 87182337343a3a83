//! The demo's ports: fixed, since operators' scripts depend on them, and each can be set.

use anyhow::bail;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// All on 127.0.0.1.
#[derive(Clone, Debug, clap::Args)]
pub struct Ports {
    /// The developers' portal
    #[arg(
        long = "portal-port",
        value_name = "PORT",
        env = "TALLYGATE_PORTAL_PORT",
        default_value_t = 3000
    )]
    pub portal: u16,
    /// The providers' API, and the gateways'
    #[arg(
        long = "admin-port",
        value_name = "PORT",
        env = "TALLYGATE_ADMIN_PORT",
        default_value_t = 3001
    )]
    pub admin: u16,
    /// The production gateway
    #[arg(
        long = "gateway-port",
        value_name = "PORT",
        env = "TALLYGATE_GATEWAY_PORT",
        default_value_t = 8080
    )]
    pub gateway: u16,
    /// The staging gateway
    #[arg(
        long = "staging-port",
        value_name = "PORT",
        env = "TALLYGATE_STAGING_PORT",
        default_value_t = 8081
    )]
    pub staging: u16,
    /// Envoy's admin interface
    #[arg(
        long = "envoy-admin-port",
        value_name = "PORT",
        env = "TALLYGATE_ENVOY_ADMIN_PORT",
        default_value_t = 9901
    )]
    pub envoy_admin: u16,
    /// The demo's upstream
    #[arg(
        long = "upstream-port",
        value_name = "PORT",
        env = "TALLYGATE_UPSTREAM_PORT",
        default_value_t = 9000
    )]
    pub upstream: u16,
}

// === impl Ports ===

impl Ports {
    /// Where something listens.
    #[must_use]
    pub fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// The same for people and clients.
    #[must_use]
    pub fn url(&self, port: u16) -> String {
        format!("http://{}", self.address(port))
    }

    /// Looks whether all can be listened on, so that the answer names the variable and not a child's log.
    ///
    /// # Errors
    /// When one is taken, or two are the same.
    pub fn check_free(&self) -> anyhow::Result<()> {
        let named = [
            ("TALLYGATE_PORTAL_PORT", self.portal),
            ("TALLYGATE_ADMIN_PORT", self.admin),
            ("TALLYGATE_GATEWAY_PORT", self.gateway),
            ("TALLYGATE_STAGING_PORT", self.staging),
            ("TALLYGATE_ENVOY_ADMIN_PORT", self.envoy_admin),
            ("TALLYGATE_UPSTREAM_PORT", self.upstream),
        ];
        // Held until all are tried: that finds doubles as well.
        let mut held = Vec::new();
        for (variable, port) in named {
            match TcpListener::bind(self.address(port)) {
                Ok(listener) => held.push(listener),
                Err(error) => bail!(
                    "port {port} cannot be used ({error}): free it, or set {variable} to another"
                ),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Ports;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn a_taken_port_is_named_by_its_variable() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut ports = Ports {
            portal: 0,
            admin: 0,
            gateway: 0,
            staging: 0,
            envoy_admin: 0,
            upstream: 0,
        };
        assert!(ports.check_free().is_ok());
        ports.staging = taken.local_addr().unwrap().port();
        let error = ports.check_free().unwrap_err().to_string();
        assert!(
            error.ends_with("set TALLYGATE_STAGING_PORT to another"),
            "{error}"
        );
    }
}
