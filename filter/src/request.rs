//! One request, decided and carried out: it goes on, is answered, or lacks what it takes to decide.
//!
//! Everything here acts on the stream whose context is effective: its own while it calls, or that of a request which waited
//! for credit ([`crate::waiting`]).

use crate::config::ColdStart;
use crate::debug;
use crate::envoy::{self, RequestHeaders};
use crate::traffic::Admitted;
use crate::upstream;
use crate::vm::Vm;
use tallygate_core::admission::{self, Admission};
use tallygate_core::compiled::Product;
use tallygate_core::credit::Moment;
use tallygate_core::decide::{Admissible, Decision, decide as decide_up_to_limits};
use tallygate_core::id::ApplicationId;
use tallygate_core::request::{FormBody, RequestView};
use tallygate_core::slot::Charge;
use tallygate_core::verdict::{self, Errors, Reason, Refusal};
use tallygate_core::wire::OnDisconnectV1;

/// What every header that is ours to set begins with: the client's own are removed.
const OURS: &str = "x-tallygate-";
/// Tries at an admission: shared data would have to be wiped again and again to use them up.
const TRIES: u32 = 3;

/// What became of a request.
pub(crate) enum Step {
    /// It goes on to the upstream; these headers are for its response. Whose it is, unless nobody asked.
    GoesOn(ResponseHeaders, Option<Admitted>),
    /// It was answered.
    Answered,
    /// Its form body is needed.
    NeedsBody,
    /// Its credit is dry.
    Dry(Dry),
}

/// Headers for a response.
pub(crate) type ResponseHeaders = Vec<(&'static str, String)>;

/// A request whose credit is dry.
pub(crate) struct Dry {
    /// Whose.
    pub(crate) application: ApplicationId,
    /// What it needs.
    pub(crate) charge: Charge,
    /// Where calls for credit are counted.
    pub(crate) metrics: std::rc::Rc<crate::metrics::ProductMetrics>,
}

/// Decides, and carries it out. Who is not `patient` is refused where its credit is dry.
pub(crate) fn decide(
    vm: &Vm,
    headers: &RequestHeaders,
    form_body: FormBody<'_>,
    patient: bool,
) -> Step {
    let Some(catalogue) = vm.catalogue() else {
        return match vm.config.cold_start {
            ColdStart::Allow => {
                strip_ours(headers);
                Step::GoesOn(Vec::new(), None)
            }
            ColdStart::Deny => refuse(vm, NOT_READY, None, Vec::new()),
        };
    };
    let here_ms = envoy::clock_ms();
    let now_ms = vm.database_ms(here_ms);
    let request = RequestView {
        method: headers.first(":method"),
        authority: headers.first(":authority"),
        target: headers.first(":path"),
        headers,
        form_body,
    };
    let default_product = vm.config.default_product.as_deref();
    match decide_up_to_limits(&catalogue, default_product, &request, vm, now_ms / 1_000) {
        Decision::NeedBody => Step::NeedsBody,
        Decision::Refuse(refused) => {
            let told = debug::headers(
                headers,
                refused.product,
                refused.matches.as_ref(),
                refused.routed.as_ref(),
                now_ms / 1_000,
            );
            let refusal = match refused.reason {
                Reason::UnknownHost => Refusal::UnknownHost,
                Reason::AuthMissing => Refusal::AuthMissing,
                Reason::AuthFailed => Refusal::AuthFailed,
                Reason::NoMatch => Refusal::NoMatch,
                Reason::MetricDisabled => Refusal::MetricDisabled,
                Reason::LimitsExceeded | Reason::NotReady => NOT_READY,
            };
            if let Some(application) = refused.application {
                vm.traffic.refused(application, refused.reason);
            }
            refuse(vm, refusal, refused.product, told)
        }
        Decision::Charge(admissible) => {
            let contact = vm.contact_at(here_ms);
            let away = contact.is_away(here_ms);
            let moment = Moment {
                now_ms,
                credit_is_valid: contact.credit_is_valid(here_ms),
                may_overdraw: away && admissible.product.on_disconnect == OnDisconnectV1::Allow,
            };
            let patient = patient && !away && !contact.refused;
            charge(vm, headers, form_body, admissible, &moment, patient)
        }
    }
}

/// Answers that it is worth trying again in a moment.
pub(crate) fn not_ready(vm: &Vm) -> Step {
    refuse(vm, NOT_READY, None, Vec::new())
}

const NOT_READY: Refusal<'static> = Refusal::NotReady {
    retry_after_secs: 1,
};

fn charge(
    vm: &Vm,
    headers: &RequestHeaders,
    form_body: FormBody<'_>,
    mut request: Admissible<'_>,
    moment: &Moment,
    patient: bool,
) -> Step {
    let product = request.product;
    let admission = admit(vm, &mut request, moment);
    let metrics = vm.metrics.of(product);
    if admission == Some(Admission::Dry) && patient {
        return Step::Dry(Dry {
            application: request.application,
            charge: request.charge,
            metrics,
        });
    }
    let limits = request.limit_states(moment.now_ms / 1_000);
    let mut more = debug::headers(
        headers,
        Some(product),
        Some(&request.matches),
        request.routed.as_ref(),
        moment.now_ms / 1_000,
    );
    if !more.is_empty() {
        let usage = request
            .charge
            .usage
            .iter()
            .map(|&(metric, delta)| format!("{}={delta}", product.metric_name(metric)));
        more.push(("x-tallygate-usage", usage.collect::<Vec<_>>().join(", ")));
        more.push(("x-tallygate-application", request.application.to_string()));
    }
    let rate_limit = verdict::rate_limit_headers(&limits).filter(|_| product.rate_limit_headers);
    more.extend(rate_limit.into_iter().flatten());
    match admission {
        Some(Admission::Admitted { lost, overdraft }) => {
            vm.metrics.retries.add(u64::from(lost));
            vm.metrics.admitted.add(1);
            vm.metrics.overdraft.add(overdraft);
            metrics.admitted.add(1);
            metrics.overdraft.add(overdraft);
            prepare(vm, headers, form_body, &request);
            let admitted = Admitted {
                application: request.application,
                key: request.key,
            };
            Step::GoesOn(more, Some(admitted))
        }
        Some(Admission::Exceeded) => {
            vm.traffic
                .refused(request.application, Reason::LimitsExceeded);
            refuse(vm, Refusal::LimitsExceeded(&limits), Some(product), more)
        }
        _ => {
            vm.traffic.refused(request.application, Reason::NotReady);
            refuse(vm, NOT_READY, Some(product), more)
        }
    }
}

/// Takes the charge from the application's slot; nothing when shared data will not hold still.
fn admit(vm: &Vm, request: &mut Admissible<'_>, moment: &Moment) -> Option<Admission> {
    for _ in 0..TRIES {
        let admit = if vm.config.guard_against_wipes {
            admission::admit_guarded
        } else {
            admission::admit
        };
        match admit(
            &vm.flush(),
            request.application,
            &mut request.charge,
            moment,
        ) {
            Admission::OtherInstance => {
                vm.read_instance();
            }
            Admission::Contended => break,
            decided => return Some(decided),
        }
    }
    None
}

fn refuse(vm: &Vm, refusal: Refusal<'_>, product: Option<&Product>, more: ResponseHeaders) -> Step {
    vm.metrics.refused(refusal.reason());
    let mut reply = match product {
        Some(product) => refusal.reply(&product.errors, Some(&product.sources)),
        None => refusal.reply(&Errors::default(), None),
    };
    let refused = debug::refused(&more, refusal.reason());
    reply.headers.extend(
        more.into_iter()
            .chain(refused)
            .map(|(name, value)| (name.to_owned(), value)),
    );
    envoy::reply(reply.status, &reply.headers, &reply.body);
    Step::Answered
}

/// Makes the request fit to be seen by the upstream.
fn prepare(vm: &Vm, headers: &RequestHeaders, form_body: FormBody<'_>, request: &Admissible<'_>) {
    let product = request.product;
    strip_ours(headers);
    if !product.secret_token.is_empty() {
        envoy::set_request_header(upstream::SECRET_TOKEN, product.secret_token.as_bytes());
    }
    let target = headers.first(":path");
    let stripped = product.sources.strip_target(target);
    for name in product.sources.headers_to_strip() {
        envoy::remove_request_header(name);
    }
    if let FormBody::Read(body) = form_body
        && let Some(left) = product.sources.strip_form(body)
    {
        envoy::set_request_body(body.len(), &left);
        if headers.get("content-length").is_some() {
            envoy::set_request_header("content-length", left.len().to_string().as_bytes());
        }
    }
    upstream::choose(
        &vm.config.upstream,
        request,
        stripped.as_deref().unwrap_or(target),
        stripped.is_some(),
    );
}

/// Removes what only the gateway may say.
fn strip_ours(headers: &RequestHeaders) {
    headers
        .starting_with(OURS)
        .for_each(envoy::remove_request_header);
    if headers.get(upstream::SECRET_TOKEN).is_some() {
        envoy::remove_request_header(upstream::SECRET_TOKEN);
    }
}
