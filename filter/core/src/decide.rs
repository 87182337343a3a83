//! The decision on one request, up to the limits: product, credentials, mapping rules, application, plan.
//!
//! What remains is one compare-and-swap on the application's slot ([`crate::slot::Slot::admit`]), which the filter
//! repeats until it is not lost to another worker.

use crate::backend::Routed;
use crate::compiled::{Catalogue, PlanLimit, Product};
use crate::credential::{Found, Presented};
use crate::directory::Application;
pub use crate::directory::Lookup;
use crate::id::{ApplicationId, ProductId};
use crate::key::{digest, ident};
use crate::mapping::{Matches, Subject};
use crate::metric::{Usage, roll_up};
use crate::path::split_target;
use crate::referrer::comes_from;
use crate::request::{FormBody, RequestView};
use crate::slot::{Charge, LimitCharge};
use crate::verdict::{LimitState, Reason};
use crate::wire::{Digest, UpstreamV1};
use alloc::{sync::Arc, vec::Vec};

/// Where applications are found.
pub trait Directory {
    /// The application with this ident.
    fn find(&self, ident: &Digest) -> Lookup;

    /// Digests of credentials that authenticated before, if they are remembered: hashing costs more than all else that
    /// is decided. Nothing but digests may be remembered.
    fn recall(&self, _: &Credentials<'_>) -> Option<Digests> {
        None
    }

    /// Credentials have authenticated, and had these digests.
    fn remember(&self, _: &Credentials<'_>, _: Digests) {}
}

/// What a request presented to a product.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The product.
    pub product: ProductId,
    /// An `app_id`, a `user_key`, or what a verified token names.
    pub identifier: &'a [u8],
    /// The key, where one is asked for.
    pub key: Option<&'a [u8]>,
}

/// Digests of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Of the product and identifier.
    pub ident: Digest,
    /// Of the key.
    pub key: Option<Digest>,
}

/// What is decided before the limits are asked.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Read the urlencoded body and decide again.
    NeedBody,
    /// No.
    Refuse(Refused<'a>),
    /// Yes, if the limits have room.
    Charge(Admissible<'a>),
}

/// A refusal before the limits.
#[derive(Debug)]
pub struct Refused<'a> {
    /// Why.
    pub reason: Reason,
    /// Whose request it was, when that is known: with a wrong key, too.
    pub application: Option<ApplicationId>,
    /// Whose words to refuse in.
    pub product: Option<&'a Product>,
    /// The rules that matched, when it came to that.
    pub matches: Option<Matches>,
    /// The backend it was for, when it came to that and the product has any.
    pub routed: Option<Routed<'a>>,
}

/// A request that only its limits can still stop.
#[derive(Debug)]
pub struct Admissible<'a> {
    /// Its product.
    pub product: &'a Product,
    /// Who calls.
    pub application: ApplicationId,
    /// The digest of the key it calls with, where one is asked for.
    pub key: Option<Digest>,
    /// The product's own rules that matched.
    pub matches: Matches,
    /// The backend that it goes to, when the product has any.
    pub routed: Option<Routed<'a>>,
    /// What it uses and which limits it meets.
    pub charge: Charge,
    /// The plan's limits that the charge meets, in its order.
    pub limits: Vec<&'a PlanLimit>,
    /// The canonical path below the product's base path, and the backend's.
    pub path: Vec<u8>,
}

/// Decides on a request, at `now_secs` since 1970.
pub fn decide<'a>(
    catalogue: &'a Catalogue,
    default_product: Option<&str>,
    request: &RequestView<'_>,
    directory: &impl Directory,
    now_secs: u64,
) -> Decision<'a> {
    let (path, query) = split_target(request.target);
    let Some((product, path)) = catalogue.find(request.authority, path, default_product) else {
        return refuse(Reason::UnknownHost, None, None);
    };
    if product.form_in_rules && request.form_body == FormBody::Unread {
        return Decision::NeedBody;
    }
    let presented = match product.sources.find(request) {
        Found::NeedBody => return Decision::NeedBody,
        Found::None => return refuse(Reason::AuthMissing, Some(product), None),
        Found::Conflict => return refuse(Reason::AuthFailed, Some(product), None),
        Found::Credentials(presented) => presented,
    };
    let form = match request.form_body {
        FormBody::Read(body) if product.form_in_rules => Some(body),
        _ => None,
    };
    let subject = Subject {
        method: request.method,
        path: &path,
        query,
        form,
    };
    let Some((matches, routed)) = matching(product, &subject) else {
        return refuse(Reason::NoMatch, Some(product), None);
    };
    let counted = routed.as_ref().map(|routed| &routed.matches);
    if matches.is_empty() && counted.is_none_or(Matches::is_empty) {
        return refuse(Reason::NoMatch, Some(product), Some((matches, routed)));
    }
    let (application, key) = match authenticate(product, &presented, directory, now_secs) {
        Ok(authenticated) => authenticated,
        Err((reason, whose)) => {
            return of(
                refuse(reason, Some(product), Some((matches, routed))),
                whose,
            );
        }
    };
    let whose = Some(application.id);
    if product.referrers_required
        && !application.referrers.is_empty()
        && !comes_from(&application.referrers, request.headers)
    {
        let refused = refuse(Reason::AuthFailed, Some(product), Some((matches, routed)));
        return of(refused, whose);
    }
    let Some(limits) = product.limits(application.plan) else {
        // The plan is newer than the product's last change that has arrived here.
        let refused = refuse(Reason::NotReady, Some(product), Some((matches, routed)));
        return of(refused, whose);
    };
    let mut usage = product.rules.usage(&matches);
    if let Some(routed) = &routed {
        usage.add_all(&routed.backend.rules.usage(&routed.matches));
    }
    let usage = roll_up(&usage, &product.hierarchy);
    if limits
        .iter()
        .any(|plan| plan.limit.value == 0 && usage.get(plan.limit.metric) > 0)
    {
        let refused = refuse(
            Reason::MetricDisabled,
            Some(product),
            Some((matches, routed)),
        );
        return of(refused, whose);
    }
    let limits_rev = product.revision.max(application.revision);
    let (charge, limits) = charge(&usage, limits, limits_rev, now_secs);
    let path = match &routed {
        Some(routed) => match routed.backend.below(&path) {
            [] => b"/".to_vec(),
            below => below.to_vec(),
        },
        None => path.into_owned(),
    };
    Decision::Charge(Admissible {
        product,
        application: application.id,
        key,
        matches,
        routed,
        charge,
        limits,
        path,
    })
}

/// The product's own rules that match; where it has backends, also the one that the request is for, and those of its
/// rules that match. None when no backend takes it.
///
/// A backend's rules come after the product's: one of those that is `last` keeps them from counting.
fn matching<'a>(
    product: &'a Product,
    subject: &Subject<'_>,
) -> Option<(Matches, Option<Routed<'a>>)> {
    let matches = product.rules.matching(subject);
    if product.backends.is_empty() {
        return Some((matches, None));
    }
    let backend = product.backends.route(subject.path)?;
    let matches_of_backend = if product.rules.ends_search(&matches) {
        Matches::default()
    } else {
        backend.rules.matching(&Subject {
            path: backend.below(subject.path),
            ..*subject
        })
    };
    let routed = Routed {
        backend,
        matches: matches_of_backend,
    };
    Some((matches, Some(routed)))
}

impl<'a> Admissible<'a> {
    /// Where it goes when the gateway chooses: the backend's private base URL, or the product's own.
    #[must_use]
    pub fn upstream(&self) -> Option<&'a UpstreamV1> {
        match &self.routed {
            Some(routed) => Some(&routed.backend.upstream),
            None => self.product.upstream.as_ref(),
        }
    }

    /// The operator's cluster that leads there, if it is not one of the gateway's own.
    #[must_use]
    pub fn cluster(&self) -> Option<&'a str> {
        self.routed.as_ref()?.backend.cluster.as_deref()
    }

    /// How the limits stand, for the client.
    #[must_use]
    pub fn limit_states(&self, now_secs: u64) -> Vec<LimitState<'_>> {
        self.charge
            .limits
            .iter()
            .zip(&self.limits)
            .map(|(charge, plan)| LimitState {
                name: &plan.name,
                limit: charge.value,
                remaining: charge.left,
                elsewhere: charge.elsewhere,
                delta: charge.delta,
                reset_secs: charge.window_end.map(|end| end.saturating_sub(now_secs)),
                window_secs: charge
                    .window_end
                    .map(|end| end.saturating_sub(u64::from(charge.window))),
            })
            .collect()
    }
}

impl Credentials<'_> {
    fn digests(&self) -> Digests {
        Digests {
            ident: ident(self.product, self.identifier),
            key: self.key.map(digest),
        }
    }
}

fn refuse<'a>(
    reason: Reason,
    product: Option<&'a Product>,
    matches: Option<(Matches, Option<Routed<'a>>)>,
) -> Decision<'a> {
    let (matches, routed) = match matches {
        Some((matches, routed)) => (Some(matches), routed),
        None => (None, None),
    };
    Decision::Refuse(Refused {
        reason,
        application: None,
        product,
        matches,
        routed,
    })
}

/// A refusal of a request of whom it is known whose it was.
fn of(decision: Decision<'_>, application: Option<ApplicationId>) -> Decision<'_> {
    match decision {
        Decision::Refuse(refused) => Decision::Refuse(Refused {
            application,
            ..refused
        }),
        other => other,
    }
}

/// The application that may call, and the digest of the key that it called with.
type Authenticated = (Arc<Application>, Option<Digest>);
/// Why nobody may call, and whose credentials those would have been.
type Unauthenticated = (Reason, Option<ApplicationId>);

/// The application that may call with these credentials, and the digest of its key. Everything that is wrong with them looks
/// the same to the client; whose they would have been is for its statistics.
fn authenticate(
    product: &Product,
    presented: &Presented,
    directory: &impl Directory,
    now_secs: u64,
) -> Result<Authenticated, Unauthenticated> {
    let (identifier, key): (&[u8], Option<&[u8]>) = match presented {
        Presented::UserKey(key) => (key, None),
        Presented::AppIdAndKey { app_id, app_key } => (app_id, Some(app_key)),
        Presented::Verified { identifier } => (identifier, None),
    };
    let credentials = Credentials {
        product: product.id,
        identifier,
        key,
    };
    let recalled = directory.recall(&credentials);
    let digests = recalled.unwrap_or_else(|| credentials.digests());
    let application = match directory.find(&digests.ident) {
        Lookup::Found(application) => application,
        Lookup::Unknown => return Err((Reason::AuthFailed, None)),
        Lookup::NotReady => return Err((Reason::NotReady, None)),
    };
    let fits = digests
        .key
        .is_none_or(|key| application.has_key(&key, now_secs));
    // An application with keys has an `app_id`, which is a name and no secret: it must not pass for a user key while a
    // product changes from one kind of credentials to the other.
    let is_a_name = matches!(presented, Presented::UserKey(_)) && application.has_keys();
    if fits && !is_a_name && application.live {
        if recalled.is_none() {
            directory.remember(&credentials, digests);
        }
        Ok((application, digests.key))
    } else {
        Err((Reason::AuthFailed, Some(application.id)))
    }
}

/// The charge, and the plan's limits that it meets, in the same order.
fn charge<'a>(
    usage: &Usage,
    limits: &'a [PlanLimit],
    limits_rev: i64,
    now_secs: u64,
) -> (Charge, Vec<&'a PlanLimit>) {
    let met: Vec<&PlanLimit> = limits
        .iter()
        .filter(|plan| usage.get(plan.limit.metric) > 0)
        .collect();
    let charge_of = |plan: &&PlanLimit| {
        let window = plan.limit.period.window(now_secs);
        LimitCharge {
            metric: plan.limit.metric,
            period: plan.limit.period,
            value: plan.limit.value,
            delta: usage.get(plan.limit.metric),
            window: u32::try_from(window.start).unwrap_or(u32::MAX),
            window_end: window.end,
            left: 0,
            elsewhere: false,
        }
    };
    let limits = met.iter().map(charge_of).collect();
    (
        Charge {
            usage: usage.iter().collect(),
            limits,
            limits_rev,
        },
        met,
    )
}
