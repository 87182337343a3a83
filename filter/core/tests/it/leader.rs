//! Who leads, among VMs that come, serve, stop and trap.

use crate::support::{Hooked, Memory, keys, trap, until_trapped};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use tallygate_core::leader::{
    self, Candidate, LEASE_MS, Role, campaign, is_led_by_newer, mark_busy,
};
use tallygate_core::shared::{Keys, SharedData};

const NOW_MS: u64 = 1_795_514_400_000;

fn candidate(id: u64, generation: u64, serving: bool) -> Candidate {
    Candidate {
        id,
        generation,
        serving,
    }
}

/// A process in which VMs take their turns one after the other.
struct Process {
    memory: Memory,
    keys: Keys,
}

impl Process {
    fn new() -> Self {
        Self {
            memory: Memory::new(),
            keys: keys(1),
        }
    }

    fn campaign(&self, me: Candidate, now_ms: u64) -> Role {
        campaign(&self.memory, &self.keys, &me, now_ms)
    }

    fn leads(&self, me: Candidate, now_ms: u64) -> bool {
        self.campaign(me, now_ms) != Role::Follower
    }

    /// The fence, when it leads.
    fn fence(&self, me: Candidate, now_ms: u64) -> u64 {
        match self.campaign(me, now_ms) {
            Role::Leader { fence, .. } => fence,
            Role::Follower => unreachable!("it leads"),
        }
    }
}

#[test]
fn it_settles_on_a_vm_that_serves_no_traffic() {
    let process = Process::new();
    let [main, worker, other] = [
        candidate(1, 1, false),
        candidate(2, 1, true),
        candidate(3, 1, true),
    ];
    assert!(process.leads(worker, NOW_MS));
    assert!(
        !process.leads(other, NOW_MS),
        "among equals the first stays"
    );
    assert!(process.leads(main, NOW_MS));
    assert!(!process.leads(worker, NOW_MS + 1));
    for now_ms in (NOW_MS..NOW_MS + 60_000).step_by(200) {
        assert!(process.leads(main, now_ms));
        assert!(!process.leads(worker, now_ms));
        assert!(!process.leads(other, now_ms));
    }
}

#[test]
fn a_leader_that_begins_to_serve_yields() {
    let process = Process::new();
    let fence = process.fence(candidate(1, 1, false), NOW_MS);
    assert!(!process.leads(candidate(2, 1, false), NOW_MS));
    assert_eq!(process.fence(candidate(1, 1, true), NOW_MS), fence);
    assert!(process.leads(candidate(2, 1, false), NOW_MS));
    assert!(!process.leads(candidate(1, 1, true), NOW_MS));
    assert!(!leader::still(&process.memory, &process.keys, fence));
}

#[test]
fn the_newest_configuration_wins() {
    let process = Process::new();
    let old = candidate(1, 1, false);
    let new = candidate(2, 2, true);
    let (memory, keys) = (&process.memory, &process.keys);
    assert!(process.leads(old, NOW_MS));
    assert!(!is_led_by_newer(memory, keys, 1, NOW_MS));
    assert!(process.leads(new, NOW_MS), "even on a VM that serves");
    assert!(!process.leads(old, NOW_MS));
    assert!(is_led_by_newer(memory, keys, 1, NOW_MS));
    assert!(!is_led_by_newer(memory, keys, 2, NOW_MS));
    // Should it stop, the old one goes on, until the new one is back.
    assert!(!process.leads(old, NOW_MS + LEASE_MS - 1));
    assert!(!is_led_by_newer(memory, keys, 1, NOW_MS + LEASE_MS));
    assert!(process.leads(old, NOW_MS + LEASE_MS));
    assert!(process.leads(new, NOW_MS + LEASE_MS));
}

#[test]
fn a_lease_ends_unless_renewed() {
    let process = Process::new();
    let [first, second] = [candidate(1, 1, false), candidate(2, 1, false)];
    let fence = process.fence(first, NOW_MS);
    // Not written anew at each turn, but in time.
    let version = || process.memory.get(&process.keys.leader()).1;
    let written = version();
    assert_eq!(process.fence(first, NOW_MS + LEASE_MS / 2), fence);
    assert_eq!(version(), written);
    assert_eq!(process.fence(first, NOW_MS + LEASE_MS / 2 + 1), fence);
    assert_ne!(version(), written);
    let end_ms = NOW_MS + LEASE_MS / 2 + 1 + LEASE_MS;
    assert!(!process.leads(second, end_ms - 1));
    assert_eq!(process.fence(second, end_ms), fence + 1);
    assert!(!process.leads(first, end_ms));
}

#[test]
fn a_clock_that_steps_back_stops_nobody() {
    let hour_ms = 3_600_000;
    // The leader is gone.
    let process = Process::new();
    process.fence(candidate(1, 1, false), NOW_MS);
    assert!(process.leads(candidate(2, 1, false), NOW_MS - hour_ms));
    // The leader is there.
    let process = Process::new();
    let fence = process.fence(candidate(1, 1, false), NOW_MS);
    assert_eq!(
        process.fence(candidate(1, 1, false), NOW_MS - hour_ms),
        fence
    );
    assert!(!process.leads(candidate(2, 1, false), NOW_MS - hour_ms));
    // A VM that read its clock a moment before the leader does not take that for a step.
    assert!(!process.leads(candidate(2, 1, false), NOW_MS - hour_ms - 1_000));
}

#[test]
fn traps_while_decoding_are_counted() {
    let process = Process::new();
    let traps = |role| match role {
        Role::Leader { traps, .. } => traps,
        Role::Follower => unreachable!("it leads"),
    };
    let mut now_ms = NOW_MS;
    for id in 1..=5 {
        let role = process.campaign(candidate(id, 1, false), now_ms);
        assert_eq!(u64::from(traps(role)), id - 1);
        let fence = process.fence(candidate(id, 1, false), now_ms);
        mark_busy(&process.memory, &process.keys, fence, true);
        // Renewing while it decodes changes nothing about that.
        process.fence(candidate(id, 1, false), now_ms + LEASE_MS / 2 + 1);
        now_ms += 2 * LEASE_MS;
    }
    // One that stops while it does not decode is no trap; the count goes on …
    let sixth = process.fence(candidate(6, 1, false), now_ms);
    let role = process.campaign(candidate(7, 1, false), now_ms + LEASE_MS);
    assert_eq!(traps(role), 5);
    // … until an answer was decoded; by the leader, not by one that is not any more.
    let fence = process.fence(candidate(7, 1, false), now_ms + LEASE_MS);
    mark_busy(&process.memory, &process.keys, sixth, true);
    mark_busy(&process.memory, &process.keys, fence, true);
    mark_busy(&process.memory, &process.keys, sixth, false);
    assert_eq!(
        traps(process.campaign(candidate(7, 1, false), now_ms + LEASE_MS)),
        5
    );
    mark_busy(&process.memory, &process.keys, fence, false);
    assert_eq!(
        traps(process.campaign(candidate(7, 1, false), now_ms + LEASE_MS)),
        0
    );
    assert_eq!(
        traps(process.campaign(candidate(8, 1, false), now_ms + 3 * LEASE_MS)),
        0
    );
}

#[test]
fn nobody_leads_by_a_fence_of_wiped_data() {
    let process = Process::new();
    let before = process.fence(candidate(1, 1, false), NOW_MS);
    process.memory.wipe();
    assert!(!leader::still(&process.memory, &process.keys, before));
    let after = process.fence(candidate(2, 1, false), NOW_MS + 1);
    assert!(after > before);
    assert!(!leader::still(&process.memory, &process.keys, before));
    assert!(leader::still(&process.memory, &process.keys, after));
}

#[test]
fn any_bytes_can_stand_there() {
    for bytes in [&b""[..], b"\xff", &[0xff; 100], &[0; 100]] {
        let process = Process::new();
        process.memory.put(&process.keys.leader(), bytes);
        assert!(!leader::still(&process.memory, &process.keys, 0));
        mark_busy(&process.memory, &process.keys, 0, true);
        assert!(!is_led_by_newer(&process.memory, &process.keys, 0, NOW_MS));
        assert!(process.leads(candidate(1, 1, true), NOW_MS));
        assert!(!process.leads(candidate(2, 1, true), NOW_MS));
    }
}

// === VMs that meet in the middle of their turns ===

/// A turn, some time after the one before.
#[derive(Clone, Debug)]
struct Turn {
    vm: u64,
    generation: u64,
    serving: bool,
    later_ms: u64,
}

/// What happens before a VM's next call to its host.
#[derive(Clone, Debug)]
enum Twist {
    Nothing,
    Trap,
    Meanwhile(Turn),
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        6 => Just(Twist::Nothing),
        1 => Just(Twist::Trap),
        3 => turn().prop_map(Twist::Meanwhile),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    (
        1_u64..5,
        1_u64..3,
        any::<bool>(),
        prop_oneof![0_u64..300, 0_u64..5_000],
    )
        .prop_map(|(vm, generation, serving, later_ms)| Turn {
            vm,
            generation,
            serving,
            later_ms,
        })
}

struct Election {
    process: Process,
    now_ms: Cell<u64>,
    twists: RefCell<Vec<Twist>>,
    /// Who was told to lead by which fence.
    fences: RefCell<BTreeMap<u64, u64>>,
    busy: RefCell<Vec<u64>>,
}

impl Election {
    fn take(&self, turn: &Turn) {
        if self.busy.borrow().contains(&turn.vm) {
            return;
        }
        self.busy.borrow_mut().push(turn.vm);
        self.now_ms.set(self.now_ms.get() + turn.later_ms);
        let now_ms = self.now_ms.get();
        let hook = || {
            let twist = self.twists.borrow_mut().pop();
            match twist {
                None | Some(Twist::Nothing) => {}
                Some(Twist::Trap) => trap(),
                Some(Twist::Meanwhile(turn)) => self.take(&turn),
            }
        };
        let data = Hooked::new(&self.process.memory, &hook);
        let me = candidate(turn.vm, turn.generation, turn.serving);
        let role = until_trapped(|| campaign(&data, &self.process.keys, &me, now_ms));
        if let Some(Role::Leader { fence, .. }) = role {
            let holder = *self.fences.borrow_mut().entry(fence).or_insert(turn.vm);
            assert_eq!(holder, turn.vm, "two VMs lead by fence {fence}");
        }
        self.busy.borrow_mut().retain(|vm| *vm != turn.vm);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_two_lead_by_one_fence(
        turns in prop::collection::vec(turn(), 1..30),
        twists in prop::collection::vec(twist(), 0..60),
    ) {
        let election = Election {
            process: Process::new(),
            now_ms: Cell::new(NOW_MS),
            twists: RefCell::new(twists),
            fences: RefCell::default(),
            busy: RefCell::default(),
        };
        for turn in &turns {
            election.take(turn);
        }
        // Left alone, it settles on one of those that serve no traffic under the newest configuration.
        election.twists.borrow_mut().clear();
        let vms = [
            candidate(1, 1, false),
            candidate(2, 2, true),
            candidate(3, 2, false),
            candidate(4, 2, true),
        ];
        let now_ms = election.now_ms.get();
        for later_ms in (0..3_000).step_by(200) {
            for vm in vms {
                election.process.leads(vm, now_ms + later_ms);
            }
        }
        let leading: Vec<_> = vms
            .into_iter()
            .filter(|vm| election.process.leads(*vm, now_ms + 3_000))
            .map(|vm| vm.id)
            .collect();
        prop_assert_eq!(leading, [3]);
    }
}
