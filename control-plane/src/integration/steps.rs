//! What an answer says about each step of the way. Pure.

use super::call::{Seen, Unanswered};
use super::caller::{Caller, Known};
use super::{Fleet, Sent};
use tallygate_core::wire::UpstreamV1;

/// Staging follows something that can be called.
pub(super) const DEPLOYED: &str = "deployed";
/// The request came to a gateway of ours.
pub(super) const GATEWAY_REACHED: &str = "gateway_reached";
/// It knows the product, in the version that staging follows.
pub(super) const PRODUCT_FOUND: &str = "product_found";
/// Mapping rules match.
pub(super) const RULE_MATCHED: &str = "rule_matched";
/// Credentials and limits let it pass.
pub(super) const AUTHORIZED: &str = "authorized";
/// The upstream answered.
pub(super) const UPSTREAM_ANSWERED: &str = "upstream_answered";

/// All of them, in order.
const ALL: [&str; 6] = [
    DEPLOYED,
    GATEWAY_REACHED,
    PRODUCT_FOUND,
    RULE_MATCHED,
    AUTHORIZED,
    UPSTREAM_ANSWERED,
];

/// A gateway that has not called for longer than this, in seconds, is not there.
const SILENT_SECS: i64 = 60;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What happened, in sentences.
    pub detail: String,
    /// What to do about it; empty when there is nothing to do.
    pub advice: String,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// It is why the request does not come through.
    Failed,
    /// It was not come to.
    Skipped,
}

impl Outcome {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What the answer is judged by.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) version: i64,
    pub(super) sent: &'a Sent,
    /// How many mapping rules could match.
    pub(super) rules: usize,
    /// The product has backends, and none is for this path.
    pub(super) lacks_backend: bool,
    /// What only a gateway of the product can answer.
    pub(super) proof: String,
    pub(super) upstream: Option<&'a UpstreamV1>,
    pub(super) takes_tokens_only: bool,
    pub(super) caller: &'a Caller,
    pub(super) fleet: Fleet,
}

impl Step {
    fn passed(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            outcome: Outcome::Passed,
            detail: detail.into(),
            advice: String::new(),
        }
    }

    pub(super) fn failed(
        name: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            name,
            outcome: Outcome::Failed,
            detail: detail.into(),
            advice: advice.into(),
        }
    }

    fn skipped(name: &'static str) -> Self {
        Self {
            name,
            outcome: Outcome::Skipped,
            detail: String::new(),
            advice: String::new(),
        }
    }
}

/// Steps that were passed, the one that was not, and the rest.
pub(super) fn ending_with(mut steps: Vec<Step>, last: Step) -> Vec<Step> {
    steps.push(last);
    let rest = ALL
        .iter()
        .filter(|name| steps.iter().all(|step| step.name != **name));
    let rest: Vec<Step> = rest.map(|name| Step::skipped(name)).collect();
    steps.extend(rest);
    steps.sort_by_key(|step| ALL.iter().position(|name| *name == step.name));
    steps
}

/// All steps, by what came back.
pub(super) fn judge(expected: &Expected<'_>, seen: &Result<Seen, Unanswered>) -> Vec<Step> {
    let version = expected.version;
    let mut steps = vec![Step::passed(
        DEPLOYED,
        format!("Staging follows version {version}."),
    )];
    let seen = match seen {
        Ok(seen) => seen,
        Err(Unanswered::Private) => {
            let url = &expected.sent.url;
            let detail =
                format!("{url} was not called: its address is not one of the public Internet.");
            let advice = "The operator has to name the gateway: set TALLYGATE_STAGING_GATEWAY_URL to the gateway's address.";
            return ending_with(steps, Step::failed(GATEWAY_REACHED, detail, advice));
        }
        Err(Unanswered::Because(why)) => {
            let url = &expected.sent.url;
            let detail = format!("{url} was not reached. {why}");
            let advice = gateway_advice(expected.fleet);
            return ending_with(steps, Step::failed(GATEWAY_REACHED, detail, advice));
        }
    };
    if seen.header("x-tallygate-probe") != expected.proof {
        let (passed, failed) = unproven(expected, seen);
        steps.extend(passed);
        return ending_with(steps, failed);
    }
    let detail = format!(
        "A gateway answered with {} in {} ms.",
        seen.status, seen.duration_ms
    );
    steps.push(Step::passed(GATEWAY_REACHED, detail));

    let told = seen.header("x-tallygate-version");
    if told != version.to_string() {
        let detail = format!("The gateway decides by version {told}; staging follows {version}.");
        let advice = match fleet_advice(expected.fleet) {
            Some(advice) => advice,
            None => "Try again in a second: the gateway has not read the new version yet.".into(),
        };
        return ending_with(steps, Step::failed(PRODUCT_FOUND, detail, advice));
    }
    let product = seen.header("x-tallygate-product");
    let detail = format!("The gateway knows {product} in version {version}.");
    steps.push(Step::passed(PRODUCT_FOUND, detail));

    let refused = seen.header("x-tallygate-refused");
    let matched = seen.header("x-tallygate-matched-rules");
    if !matched.is_empty() {
        steps.push(Step::passed(RULE_MATCHED, format!("Matched: {matched}.")));
    } else if refused == "no_match" {
        let Sent { method, url, .. } = expected.sent;
        if expected.lacks_backend {
            let detail = format!("No backend of the product is for {url}.");
            let advice = "Use a backend at this path (backend_usages) and deploy, or test a path below one that is used (path).";
            return ending_with(steps, Step::failed(RULE_MATCHED, detail, advice));
        }
        let detail = format!(
            "None of the {} mapping rules of version {version} matches {method} {url}.",
            expected.rules
        );
        let advice =
            "Add a mapping rule and deploy, or test a path that one matches (path, method).";
        return ending_with(steps, Step::failed(RULE_MATCHED, detail, advice));
    }
    match authorized(expected, seen, refused) {
        Ok(step) => steps.push(step),
        Err(step) => return ending_with(steps, step),
    }
    let last = upstream(expected, seen);
    ending_with(steps, last)
}

/// An answer without proof: of a gateway that does not know the product, or of something else.
fn unproven(expected: &Expected<'_>, seen: &Seen) -> (Option<Step>, Step) {
    let reached = Step::passed(
        GATEWAY_REACHED,
        format!("A gateway answered with {}.", seen.status),
    );
    match seen.code().as_deref() {
        Some("unknown_host") if seen.status == 404 => {
            let detail = format!("The gateway serves no product at {}.", expected.sent.url);
            let advice = fleet_advice(expected.fleet).unwrap_or_else(|| {
                "Check that the address leads to a gateway of the staging environment, and that it is the product's sandbox_endpoint.".into()
            });
            (Some(reached), Step::failed(PRODUCT_FOUND, detail, advice))
        }
        Some("not_ready") if seen.status == 503 => {
            let detail = "The gateway has not read any configuration yet.";
            let advice =
                fleet_advice(expected.fleet).unwrap_or_else(|| "Try again in a second.".into());
            (Some(reached), Step::failed(PRODUCT_FOUND, detail, advice))
        }
        _ => {
            let detail = format!(
                "What answered with {} did not prove to be a gateway that follows this product.",
                seen.status
            );
            let advice = fleet_advice(expected.fleet).unwrap_or_else(|| {
                "Check that the address leads to the gateway itself, and try again in a second if the secret token was just changed.".into()
            });
            (None, Step::failed(GATEWAY_REACHED, detail, advice))
        }
    }
}

fn gateway_advice(fleet: Fleet) -> String {
    fleet_advice(fleet).unwrap_or_else(|| {
        "Check that sandbox_endpoint leads to the gateway from here; if it does not, the operator can name the gateway's address (TALLYGATE_STAGING_GATEWAY_URL).".into()
    })
}

/// What to do when it is the gateways that something is wrong with.
fn fleet_advice(fleet: Fleet) -> Option<String> {
    match (fleet.gateways, fleet.silent_secs) {
        (0, _) => Some(
            "No gateway of the staging environment was made: tallygate gateway-config --environment staging prints one."
                .into(),
        ),
        (_, None) => Some(
            "The staging gateway has never called: start it, and check that it reaches this control plane."
                .into(),
        ),
        (_, Some(secs)) if secs > SILENT_SECS => Some(format!(
            "No staging gateway has called for {secs} s: check that one runs, and that it reaches this control plane."
        )),
        _ if fleet.behind > 0 => Some(format!(
            "The staging gateways are {} revisions behind: try again in a second.",
            fleet.behind
        )),
        _ => None,
    }
}

fn authorized(expected: &Expected<'_>, seen: &Seen, refused: &str) -> Result<Step, Step> {
    let failed = |detail: String, advice: &str| Err(Step::failed(AUTHORIZED, detail, advice));
    let application = expected.caller.application.as_ref();
    match refused {
        "" => {
            let id = seen.header("x-tallygate-application");
            let usage = seen.header("x-tallygate-usage");
            let detail = format!("Application {id} may call; this counted {usage}.");
            Ok(Step::passed(AUTHORIZED, detail))
        }
        "auth_missing" => {
            let why = match (&expected.caller.lacking, &expected.caller.credentials) {
                (Some(lacking), _) => format!("{lacking} "),
                (None, Some(super::caller::Credentials::Token(_))) => {
                    return failed(
                        "The gateway did not accept the token.".into(),
                        "Check that it has not expired, that its issuer is oidc_issuer_endpoint and its audience one of oidc_audiences, that it has the claim jwt_claim_with_client_id, and that the gateway's bootstrap was made after the issuer was set (tallygate gateway-config).",
                    );
                }
                (None, _) => String::new(),
            };
            failed(
                format!("{why}The gateway found no credentials."),
                if expected.takes_tokens_only {
                    "Give a token of the product's issuer (bearer_token)."
                } else {
                    "Sign up an application, or give credentials (user_key, or app_id and app_key)."
                },
            )
        }
        "auth_failed" => {
            let (detail, advice) = why_not(application);
            failed(detail, advice)
        }
        "metric_disabled" => {
            let (plan, disabled) = application.map_or(("", String::new()), |application| {
                (application.plan.as_str(), application.disabled.join(", "))
            });
            failed(
                format!("The plan {plan} does not include a metric of this call: its limit is 0 for {disabled}."),
                "Test with an application on another plan (application_id), or change the limit.",
            )
        }
        "limits_exceeded" => {
            let after = seen.header("retry-after");
            let after = if after.is_empty() { String::new() } else { format!(" There is room again in {after} s.") };
            failed(
                format!("A limit of the plan has no room for the call.{after}"),
                "Wait, test with another application, or raise the limit.",
            )
        }
        "not_ready" => failed(
            "The gateway cannot decide yet: it has not read the application's plan, or got no credit from this control plane.".into(),
            "Try again in a second.",
        ),
        other => failed(format!("The gateway refused the call: {other}."), ""),
    }
}

/// Why credentials do not give access; the gateway tells nobody, but here it is known.
fn why_not(application: Option<&Known>) -> (String, &'static str) {
    let Some(application) = application else {
        return (
            "No application of the product has these credentials.".into(),
            "Check them, or name an application instead (application_id).",
        );
    };
    let name = &application.name;
    if application.state != "live" {
        let detail = format!("The application {name} is {}.", application.state);
        return (detail, "Accept or resume it, or test with another.");
    }
    if application.account_state != "approved" {
        let detail = format!(
            "The account of the application {name} is {}.",
            application.account_state
        );
        return (
            detail,
            "Approve or resume the account, or test with another application.",
        );
    }
    if !application.key_fits {
        let detail = format!("The key is none of the application {name}.");
        return (
            detail,
            "Check the key, or name the application instead (application_id).",
        );
    }
    (
        format!("The gateway does not let the application {name} pass, though it may call."),
        "Try again in a second: a change of it may not have arrived yet.",
    )
}

fn upstream(expected: &Expected<'_>, seen: &Seen) -> Step {
    let base = expected.upstream.map(|upstream| {
        let scheme = if upstream.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", upstream.authority, upstream.path_prefix)
    });
    let details = seen.header("x-tallygate-upstream");
    let address = seen.header("x-tallygate-upstream-address");
    let failure = seen.header("x-tallygate-upstream-failure");
    let name = base.as_deref().unwrap_or("The upstream");
    if details == "via_upstream" {
        let at = if address.is_empty() {
            String::new()
        } else {
            format!(" ({address})")
        };
        let detail = format!("{name}{at} answered with {}.", seen.status);
        return if seen.status < 500 {
            Step::passed(UPSTREAM_ANSWERED, detail)
        } else {
            let advice =
                "The request came through the gateway; the upstream itself failed. See its log.";
            Step::failed(UPSTREAM_ANSWERED, detail, advice)
        };
    }
    let cause = if failure.is_empty() { details } else { failure };
    let (what, advice) = if base.is_none() {
        (
            "The product has no private base URL".into(),
            "Set api_backend, or use a backend, and deploy.",
        )
    } else if details.contains("dns") {
        (
            format!("The name of {name} could not be resolved by the gateway"),
            "Check api_backend, and the gateway's name servers.",
        )
    } else if !failure.is_empty() && expected.upstream.is_some_and(|upstream| upstream.tls) {
        (
            format!("No secure connection to {name} came about"),
            "Check the upstream's certificate: its name, its dates, and that the gateway trusts its authority (--ca-file).",
        )
    } else if details.contains("connection") || details.contains("reset") {
        (
            format!("{name} could not be connected to, or ended the connection"),
            "Check that the upstream runs, and that the gateway reaches it.",
        )
    } else if details.contains("timeout") {
        (
            format!("{name} did not answer in time"),
            "Check the upstream.",
        )
    } else {
        (
            format!("{name} was not reached"),
            "Check api_backend, and Envoy's log.",
        )
    };
    let detail = format!(
        "{what}: the gateway answered with {} itself ({cause}).",
        seen.status
    );
    Step::failed(UPSTREAM_ANSWERED, detail, advice)
}

#[cfg(test)]
mod tests;
