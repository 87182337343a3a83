//! The filter's own configuration: the same for an Envoy of ours, an Envoy of the operator's, and Istio.

use super::{ControlPlane, Environment};
use serde_json::{Value, json};

/// What a filter is told.
#[derive(Clone, Copy, Debug)]
pub struct Plugin<'a> {
    /// The configuration it follows.
    pub environment: Environment,
    /// Envoy's cluster for the control plane.
    pub cluster: &'a str,
    /// Where that is.
    pub control_plane: &'a ControlPlane,
    /// The gateway's token.
    pub token: &'a str,
    /// Who says where admitted requests go.
    pub upstream: Upstream<'a>,
    /// The product for hosts that no product claims, by system name.
    pub default_product: Option<&'a str>,
    /// Whether form bodies are read.
    pub form_credentials: bool,
    /// Whether shared data may be wiped under live VMs.
    pub guard_against_wipes: bool,
}

/// Who says where admitted requests go.
#[derive(Clone, Copy, Debug)]
pub enum Upstream<'a> {
    /// The filter, by these clusters for http and https.
    Filter {
        /// For http.
        plain: &'a str,
        /// For https.
        tls: &'a str,
    },
    /// The operator's routes.
    Routes,
}

// === impl Plugin ===

impl Plugin<'_> {
    /// As the filter reads it.
    #[must_use]
    pub fn to_value(self) -> Value {
        let mut value = json!({
            "environment": self.environment.as_str(),
            "control_plane": {
                "cluster": self.cluster,
                "authority": self.control_plane.authority(),
                "token": self.token,
            },
        });
        match self.upstream {
            Upstream::Filter { plain, tls } => {
                value["upstream"] = json!("tallygate");
                value["clusters"] = json!({"plain": plain, "tls": tls});
            }
            Upstream::Routes => value["upstream"] = json!("envoy"),
        }
        value["default_product"] = json!(self.default_product);
        value["cold_start"] = json!("deny");
        value["form_credentials"] = json!(self.form_credentials);
        if self.guard_against_wipes {
            value["guard_against_wipes"] = json!(true);
        }
        value
    }
}
