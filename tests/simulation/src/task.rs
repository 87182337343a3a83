//! Work that stops before every call to its host: a coroutine, which the schedule goes on with or drops.
//!
//! Dropping one is what a trap or a crash is: nothing of it survives but what it wrote.

use crate::database::{Key, Mode};
use crate::gateway::Vm;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::RefCell;
use std::rc::Rc;

/// What a task waits for before it goes on.
#[derive(Clone, Debug)]
pub(crate) enum Pause {
    /// Its turn.
    Step,
    /// A row's lock.
    Lock(u64, Key, Mode),
    /// The answer to a call, or its end without one.
    Answer(u64),
}

/// Whose work it is, and with whom it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A VM, by its number among all that there ever were.
    Vm {
        gateway: usize,
        vm: u64,
    },
    Replica(usize),
    /// Somebody at the control plane's API.
    Admin,
}

pub(crate) type Host = Yielder<(), Pause>;

type Body = Coroutine<(), Pause, (), DefaultStack>;

/// A piece of work under way.
pub(crate) struct Task {
    pub(crate) owner: Owner,
    pub(crate) vm: Option<Rc<Vm>>,
    pub(crate) pause: Pause,
    /// Whether it has begun: a VM does one thing at a time.
    pub(crate) begun: bool,
    body: Option<Body>,
}

/// Room for each coroutine's stack: unoptimised code is generous with it.
const STACK_BYTES: usize = 256 * 1024;
/// Stacks kept for the next coroutines.
const KEPT: usize = 256;

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

// === impl Task ===

impl Task {
    pub(crate) fn new(
        owner: Owner,
        vm: Option<Rc<Vm>>,
        work: impl FnOnce(&Host) + 'static,
    ) -> Self {
        let stack = STACKS.with_borrow_mut(Vec::pop);
        let body = |host: &Host, ()| work(host);
        Self {
            owner,
            vm,
            pause: Pause::Step,
            begun: false,
            body: stack
                .or_else(|| DefaultStack::new(STACK_BYTES).ok())
                .map(|stack| Coroutine::with_stack(stack, body)),
        }
    }

    /// Goes on until it waits again; false when it is through.
    pub(crate) fn resume(&mut self) -> bool {
        self.begun = true;
        match self.body.as_mut().map(|body| body.resume(())) {
            Some(CoroutineResult::Yield(pause)) => {
                self.pause = pause;
                true
            }
            _ => false,
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take() else {
            return;
        };
        if !body.done() {
            body.force_unwind();
        }
        let stack = body.into_stack();
        STACKS.with_borrow_mut(|stacks| {
            if stacks.len() < KEPT {
                stacks.push(stack);
            }
        });
    }
}
