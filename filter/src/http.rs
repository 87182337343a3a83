//! One request's stream: its headers and, if need be, its form body are read, and it is decided; while it waits for
//! credit it is held, and if its client leaves meanwhile, others do not wait in vain.

use crate::debug;
use crate::envoy::{self, RequestHeaders};
use crate::request::{self, ResponseHeaders, Step};
use crate::traffic::Admitted;
use crate::vm::Vm;
use crate::waiting::{self, Outcome, Waiter};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::rc::Rc;
use tallygate_core::request::FormBody;

/// The longest form body that is read, in bytes.
const FORM_BYTES: usize = 8 * 1024;
/// The most of a body that is held while its request waits for credit, in bytes: Envoy refuses more than its buffer with
/// 413, which tells nobody to try again.
const HELD_BYTES: usize = 512 * 1024;

/// One request.
pub(crate) struct Http {
    vm: Rc<Vm>,
    context: u32,
    state: State,
    /// Headers for the response, once the request was admitted.
    response: ResponseHeaders,
    /// Whose it is, once it was admitted.
    admitted: Option<Admitted>,
}

enum State {
    /// Not decided.
    New,
    /// Headers are held until the form body is here.
    Buffering(RequestHeaders),
    /// It is held until there is credit.
    Waiting(Rc<Waiter>),
    /// On its way to the upstream, or answered.
    Decided,
}

impl Http {
    pub(crate) fn new(vm: Rc<Vm>, context: u32) -> Self {
        vm.serving.set(true);
        Self {
            vm,
            context,
            state: State::New,
            response: Vec::new(),
            admitted: None,
        }
    }

    /// Decides, and carries it out. Pauses to read a form body, and to wait for credit.
    fn decide(&mut self, headers: RequestHeaders, form_body: FormBody<'_>) -> Action {
        match request::decide(&self.vm, &headers, form_body, true) {
            Step::GoesOn(response, admitted) => {
                self.response = response;
                self.admitted = admitted;
                self.state = State::Decided;
                Action::Continue
            }
            Step::Answered => {
                self.state = State::Decided;
                Action::Pause
            }
            Step::NeedsBody => {
                self.state = State::Buffering(headers);
                Action::Pause
            }
            Step::Dry(dry) => {
                let waiter = Rc::new(Waiter::new(self.context, headers, form_body));
                self.state = if waiting::join(&self.vm, Rc::clone(&waiter), &dry) {
                    State::Waiting(waiter)
                } else {
                    request::not_ready(&self.vm);
                    State::Decided
                };
                Action::Pause
            }
        }
    }

    /// Takes over what was decided for this request while it waited.
    fn take_outcome(&mut self) {
        let State::Waiting(waiter) = &self.state else {
            return;
        };
        if let Some(outcome) = waiter.outcome.take() {
            if let Outcome::WentOn(response, admitted) = outcome {
                self.response = response;
                self.admitted = admitted;
            }
            self.state = State::Decided;
        }
    }
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

impl Context for Http {
    fn on_http_call_response(&mut self, token: u32, _: usize, body_size: usize, _: usize) {
        waiting::answered(&self.vm, self.context, token, body_size);
    }
}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let headers = RequestHeaders::read();
        #[cfg(feature = "trap")]
        crate::trap::on_purpose(&self.vm, &headers);
        let form_body = if self.vm.config.form_credentials {
            form_body(&headers, end_of_stream)
        } else {
            FormBody::Absent
        };
        self.decide(headers, form_body)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.take_outcome();
        match &self.state {
            State::Buffering(_) => {}
            State::Waiting(_) if size > HELD_BYTES => {
                waiting::leave(&self.vm, self.context);
                request::not_ready(&self.vm);
                self.state = State::Decided;
                return Action::Pause;
            }
            State::Waiting(_) => return Action::Pause,
            State::New | State::Decided => return Action::Continue,
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
        self.take_outcome();
        if let State::Waiting(_) = &self.state {
            return Action::Pause;
        }
        let State::Buffering(headers) = std::mem::replace(&mut self.state, State::Decided) else {
            return Action::Continue;
        };
        let body = envoy::request_body(FORM_BYTES);
        self.decide(headers, FormBody::Read(&body))
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.take_outcome();
        let response = std::mem::take(&mut self.response);
        for (name, value) in debug::upstream(&response).into_iter().chain(response) {
            envoy::set_response_header(name, value.as_bytes());
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        waiting::leave(&self.vm, self.context);
        self.take_outcome();
        if let Some(admitted) = &self.admitted {
            self.vm.traffic.ended(admitted);
        }
        if self.vm.is_sampled()
            && let Some(duration_ns) = envoy::integer_property(["request", "duration"])
        {
            self.vm.metrics.duration_us.record(duration_ns / 1_000);
        }
    }
}
