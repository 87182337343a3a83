//! One request: read it, let the core decide, admit it by one compare-and-swap, and let it go on or answer it.

use crate::config::ColdStart;
use crate::envoy::{self, RequestHeaders};
use crate::upstream;
use crate::vm::Vm;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::rc::Rc;
use tallygate_core::admission::{self, Admission};
use tallygate_core::compiled::Product;
use tallygate_core::decide::{Admissible, Decision, decide};
use tallygate_core::key::{digest, same};
use tallygate_core::mapping::Matches;
use tallygate_core::request::{FormBody, RequestView};
use tallygate_core::verdict::{self, Errors, Reason, Refusal};

/// The longest form body that is read, in bytes.
const FORM_BYTES: usize = 8 * 1024;
/// What every header that is ours to set begins with: the client's own are removed.
const OURS: &str = "x-tallygate-";
/// Asks for an account of the decision; its value is the product's debug secret.
const DEBUG: &str = "x-tallygate-debug";
/// Tries at an admission: shared data would have to be wiped again and again to use them up.
const TRIES: u32 = 3;

/// One request.
pub(crate) struct Http {
    vm: Rc<Vm>,
    state: State,
    /// Headers for the response, once the request was admitted.
    response: Vec<(&'static str, String)>,
}

enum State {
    /// Not decided.
    New,
    /// Headers are held until the form body is here.
    Buffering(RequestHeaders),
    /// On its way to the upstream, or answered.
    Decided,
}

impl Http {
    pub(crate) fn new(vm: Rc<Vm>) -> Self {
        vm.serving.set(true);
        Self {
            vm,
            state: State::New,
            response: Vec::new(),
        }
    }

    /// Decides, and carries it out. Pauses only to read a form body.
    fn decide(&mut self, headers: RequestHeaders, form_body: FormBody<'_>) -> Action {
        let vm = Rc::clone(&self.vm);
        let Some(catalogue) = vm.catalogue() else {
            return match vm.config.cold_start {
                ColdStart::Allow => {
                    strip_ours(&headers);
                    self.go_on()
                }
                ColdStart::Deny => self.refuse(
                    Refusal::NotReady {
                        retry_after_secs: 1,
                    },
                    None,
                    Vec::new(),
                ),
            };
        };
        let now_secs = vm.now_ms() / 1_000;
        let request = RequestView {
            method: headers.first(":method"),
            authority: headers.first(":authority"),
            target: headers.first(":path"),
            headers: &headers,
            form_body,
        };
        match decide(
            &catalogue,
            vm.config.default_product.as_deref(),
            &request,
            &*vm,
            now_secs,
        ) {
            Decision::NeedBody => {
                self.state = State::Buffering(headers);
                Action::Pause
            }
            Decision::Refuse(refused) => {
                let debug = debug_headers(&headers, refused.product, refused.matches.as_ref());
                let refusal = match refused.reason {
                    Reason::UnknownHost => Refusal::UnknownHost,
                    Reason::AuthMissing => Refusal::AuthMissing,
                    Reason::AuthFailed => Refusal::AuthFailed,
                    Reason::NoMatch => Refusal::NoMatch,
                    Reason::MetricDisabled => Refusal::MetricDisabled,
                    Reason::LimitsExceeded | Reason::NotReady => Refusal::NotReady {
                        retry_after_secs: 1,
                    },
                };
                self.refuse(refusal, refused.product, debug)
            }
            Decision::Charge(admissible) => self.charge(headers, form_body, admissible, now_secs),
        }
    }

    fn charge(
        &mut self,
        headers: RequestHeaders,
        form_body: FormBody<'_>,
        mut request: Admissible<'_>,
        now_secs: u64,
    ) -> Action {
        let product = request.product;
        let admitted = admit(&self.vm, &mut request, now_secs);
        let limits = request.limit_states(now_secs);
        let mut debug = debug_headers(&headers, Some(product), Some(&request.matches));
        if !debug.is_empty() {
            let usage = request
                .charge
                .usage
                .iter()
                .map(|&(metric, delta)| format!("{}={delta}", product.metric_name(metric)));
            debug.push(("x-tallygate-usage", usage.collect::<Vec<_>>().join(", ")));
            debug.push(("x-tallygate-application", request.application.to_string()));
        }
        let rate_limit =
            verdict::rate_limit_headers(&limits).filter(|_| product.rate_limit_headers);
        debug.extend(rate_limit.into_iter().flatten());
        match admitted {
            Ok(()) => {
                self.response = debug;
                prepare(&self.vm, &headers, form_body, &request);
                self.vm.metrics.admitted.increment();
                self.go_on()
            }
            Err(Reason::LimitsExceeded) => {
                self.refuse(Refusal::LimitsExceeded(&limits), Some(product), debug)
            }
            Err(_) => self.refuse(
                Refusal::NotReady {
                    retry_after_secs: 1,
                },
                Some(product),
                debug,
            ),
        }
    }

    fn go_on(&mut self) -> Action {
        self.state = State::Decided;
        Action::Continue
    }

    fn refuse(
        &mut self,
        refusal: Refusal<'_>,
        product: Option<&Product>,
        more: Vec<(&'static str, String)>,
    ) -> Action {
        self.state = State::Decided;
        self.vm.metrics.refused(refusal.reason());
        let mut reply = match product {
            Some(product) => refusal.reply(&product.errors, Some(&product.sources)),
            None => refusal.reply(&Errors::default(), None),
        };
        reply.headers.extend(
            more.into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        envoy::reply(reply.status, &reply.headers, &reply.body);
        Action::Pause
    }
}

/// Takes the charge from the application's slot.
fn admit(vm: &Vm, request: &mut Admissible<'_>, now_secs: u64) -> Result<(), Reason> {
    for _ in 0..TRIES {
        match admission::admit(
            &vm.flush(),
            request.application,
            &mut request.charge,
            now_secs,
        ) {
            Admission::Admitted { lost } => {
                vm.metrics.retries.add(lost);
                return Ok(());
            }
            Admission::Exceeded => return Err(Reason::LimitsExceeded),
            Admission::OtherInstance => {
                vm.read_instance();
            }
            Admission::Contended => break,
        }
    }
    Err(Reason::NotReady)
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
        product,
        &request.path,
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

/// What the debug header asks for; nothing unless its secret is the product's.
fn debug_headers(
    headers: &RequestHeaders,
    product: Option<&Product>,
    matches: Option<&Matches>,
) -> Vec<(&'static str, String)> {
    let (Some(product), Some(secret)) = (product, headers.get(DEBUG)) else {
        return Vec::new();
    };
    if !product
        .debug_secret
        .is_some_and(|known| same(&known, &digest(secret)))
    {
        return Vec::new();
    }
    let rules = matches
        .into_iter()
        .flat_map(Matches::iter)
        .filter_map(|n| product.rules.rule(n));
    let patterns: Vec<_> = rules.map(|rule| rule.pattern.as_str().to_owned()).collect();
    vec![
        ("x-tallygate-product", product.system_name.clone()),
        ("x-tallygate-matched-rules", patterns.join(", ")),
    ]
}

/// Whether an urlencoded body may follow that is short enough to read.
fn form_body(headers: &RequestHeaders, end_of_stream: bool) -> FormBody<'static> {
    let content_type = headers.first("content-type");
    let is_form = content_type
        .windows(33)
        .any(|part| part.eq_ignore_ascii_case(b"application/x-www-form-urlencoded"));
    let has_body =
        matches!(headers.first(":method"), b"POST" | b"PUT" | b"PATCH") && !end_of_stream;
    let length = headers
        .get("content-length")
        .and_then(|length| std::str::from_utf8(length).ok()?.parse::<usize>().ok());
    if is_form && has_body && length.is_none_or(|length| length <= FORM_BYTES) {
        FormBody::Unread
    } else {
        FormBody::Absent
    }
}

impl Context for Http {}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let headers = RequestHeaders::read();
        #[cfg(feature = "trap")]
        crate::trap::on_purpose(&headers);
        let form_body = form_body(&headers, end_of_stream);
        self.decide(headers, form_body)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !matches!(self.state, State::Buffering(_)) {
            return Action::Continue;
        }
        if size <= FORM_BYTES && !end_of_stream {
            return Action::Pause;
        }
        let State::Buffering(headers) = std::mem::replace(&mut self.state, State::New) else {
            return Action::Continue;
        };
        if size > FORM_BYTES {
            return self.decide(headers, FormBody::Absent);
        }
        let body = envoy::request_body(size);
        self.decide(headers, FormBody::Read(&body))
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        let State::Buffering(headers) = std::mem::replace(&mut self.state, State::Decided) else {
            return Action::Continue;
        };
        let body = envoy::request_body(FORM_BYTES);
        self.decide(headers, FormBody::Read(&body))
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        for (name, value) in std::mem::take(&mut self.response) {
            envoy::set_response_header(name, value.as_bytes());
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        if self.vm.is_sampled()
            && let Some(duration_ns) = envoy::integer_property(["request", "duration"])
        {
            self.vm.metrics.duration_us.record(duration_ns / 1_000);
        }
    }
}
