//! One VM's life: configured, ticking, leading or following, and flushing when it goes.

use crate::config::Config;
use crate::envoy::{self, ProcessData};
use crate::http::Http;
use crate::sync::Calls;
use crate::vm::Vm;
use crate::waiting;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::mem::replace;
use std::rc::Rc;
use std::time::Duration;
use tallygate_core::forget::Quiet;
use tallygate_core::key::digest;
use tallygate_core::leader::{self, Candidate, Role};
use tallygate_core::shared::SharedData as _;

const TICK: Duration = Duration::from_millis(200);
/// Slots looked at per tick: of so many ticks, all of them in about a minute; soon after a start, faster.
const SWEEP_TICKS: u32 = 300;
const FAST_SWEEP: u32 = 2_048;

/// A root context. An update of nothing but the plugin's configuration makes a new one in the same VM, beside the
/// old one, which ticks on until its listener has drained.
pub(crate) struct Root {
    context: u32,
    vm: Option<Rc<Vm>>,
    calls: Calls,
    generation: u64,
    fence: Option<u64>,
    swept_to: u32,
    fast_sweeps_left: u32,
    quiet: Quiet,
    leaving: bool,
    superseded: bool,
    said_farewell: bool,
}

impl Root {
    pub(crate) fn new(context: u32) -> Self {
        Self {
            context,
            vm: None,
            calls: Calls::default(),
            generation: 0,
            fence: None,
            swept_to: 0,
            fast_sweeps_left: 0,
            quiet: Quiet::default(),
            leaving: false,
            superseded: false,
            said_farewell: false,
        }
    }

    fn lead(&mut self, vm: &Vm, traps: u32) {
        let step = if self.fast_sweeps_left > 0 {
            FAST_SWEEP
        } else {
            vm.keys.slots().div_ceil(SWEEP_TICKS)
        };
        self.fast_sweeps_left = self.fast_sweeps_left.saturating_sub(1);
        let end = self.swept_to.saturating_add(step).min(vm.keys.slots());
        vm.flush().sweep(self.swept_to..end);
        // Not while nobody could be asked what was forgotten.
        let here_ms = envoy::clock_ms();
        if vm.contact().credit_is_valid(here_ms) && !vm.contact().failed {
            vm.flush()
                .forget(&mut self.quiet, self.swept_to..end, vm.database_ms(here_ms));
        }
        self.swept_to = if end == vm.keys.slots() { 0 } else { end };
        self.calls.sync(vm, false);
        self.calls.report_traffic(vm, false);
        self.calls.ask_for_snapshot(vm, traps);
    }

    /// Tells all that is left to tell, and returns what is still held: the answer to the first farewell recalls it. Returns
    /// whether that is done. One whose place a newer configuration has taken has nothing to tell.
    fn take_leave(&mut self, vm: &Vm) -> bool {
        if self.calls.is_sending() || self.superseded {
            return !self.calls.is_sending();
        }
        let first = !replace(&mut self.said_farewell, true);
        if first {
            vm.flush().sweep(0..vm.keys.slots());
            self.calls.report_traffic(vm, true);
        }
        if first || self.calls.has_more(vm) {
            self.calls.sync(vm, true);
        }
        !self.calls.is_sending()
    }

    fn campaign(&mut self, vm: &Vm) -> Option<u32> {
        let me = Candidate {
            id: vm.id,
            generation: self.generation,
            serving: vm.serving.get(),
        };
        match leader::campaign(&ProcessData, &vm.keys, &me, envoy::clock_ms()) {
            Role::Leader { fence, new, traps } => {
                if new {
                    self.calls.begin();
                    self.swept_to = 0;
                    self.fast_sweeps_left = vm.keys.slots().div_ceil(FAST_SWEEP);
                }
                self.fence = Some(fence);
                Some(traps)
            }
            Role::Follower => {
                self.fence = None;
                None
            }
        }
    }
}

/// Numbers this configuration: the newest that any VM was given has the highest number.
/// Another version of this filter is another configuration.
fn generation(vm: &Vm, configuration: &[u8]) -> u64 {
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let digest = digest(&[version, configuration].concat());
    let key = vm.keys.generation();
    loop {
        let (value, version) = ProcessData.get(&key);
        let known = value
            .as_deref()
            .and_then(|bytes| bytes.split_first_chunk::<8>());
        let (number, same) = known.map_or((0, false), |(number, of)| {
            (u64::from_le_bytes(*number), of == digest)
        });
        if same {
            return number;
        }
        let next = number.saturating_add(1);
        if ProcessData
            .set(
                &key,
                &[next.to_le_bytes().as_slice(), &digest].concat(),
                version,
            )
            .is_ok()
        {
            return next;
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, _: usize, body_size: usize, _: usize) {
        let Some(vm) = self.vm.clone() else { return };
        if !self.calls.answered(&vm, token, body_size, self.fence) {
            waiting::answered(&vm, self.context, token, body_size);
            return;
        }
        if self.leaving {
            if self.take_leave(&vm) {
                envoy::done();
            }
        } else if let Some(traps) = self.campaign(&vm) {
            self.calls.sync(&vm, false);
            self.calls.ask_for_snapshot(&vm, traps);
        }
    }

    fn on_done(&mut self) -> bool {
        let Some(vm) = self.vm.clone() else {
            return true;
        };
        self.leaving = true;
        vm.metrics.publish();
        vm.traffic.merge(&vm, true);
        // Records and outbox belong to the process: if a newer configuration serves it, that one goes on with them.
        self.superseded =
            leader::is_led_by_newer(&ProcessData, &vm.keys, self.generation, envoy::clock_ms());
        self.take_leave(&vm)
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let configuration = envoy::plugin_configuration();
        let config = match Config::parse(&configuration) {
            Ok(config) => config,
            Err(refused) => {
                log::error!("{refused}");
                return false;
            }
        };
        let vm = Rc::new(Vm::new(config, self.context));
        self.generation = generation(&vm, &configuration);
        log::debug!(
            "tallygate {} for {} by way of {}",
            env!("CARGO_PKG_VERSION"),
            vm.config.environment,
            vm.config.cluster
        );
        self.vm = Some(vm);
        envoy::tick_every(TICK);
        true
    }

    fn on_tick(&mut self) {
        let Some(vm) = self.vm.clone() else { return };
        if waiting::take_over(&vm) {
            // The tick was asked for early.
            envoy::tick_every(TICK);
        }
        vm.refresh();
        vm.metrics.publish();
        vm.traffic.merge(&vm, false);
        if self.leaving {
            return;
        }
        if let Some(traps) = self.campaign(&vm) {
            #[cfg(feature = "trap")]
            crate::trap::arm(&vm);
            self.lead(&vm, traps);
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        let vm = self.vm.clone()?;
        Some(Box::new(Http::new(vm, context)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
