//! Several gateways on one cell, by chance, against sums that are written down beside.

use super::*;
use proptest::prelude::*;
use tallygate_core::book::{declare, prefetch, renew, settle, takes_back};

const HOLDERS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    /// A holder asks for so much, and so much waits with it; it may be a repetition of what it asked before.
    Ask(usize, u64, u64),
    /// It spends so much of what it holds, and so much without credit.
    Spend(usize, u64, u64),
    /// It returns all it has left.
    Return(usize),
    /// Its totals and its usage are reported, perhaps as of a moment ago.
    Report(usize),
    Renew(usize),
    /// Grants of the cell to one that held so much of the window before.
    Prefetch(usize, u64),
    /// It says what it was granted.
    Declare(usize),
    /// The limit is changed by so much.
    Limit(i64),
    /// Time passes, in milliseconds.
    Wait(u64),
}

/// A gateway: what it knows, and what the ledger knows of it.
#[derive(Clone, Copy, Debug, Default)]
struct Gateway {
    granted: u64,
    spent: u64,
    returned: u64,
    /// Usage that is not reported.
    usage: u64,
    lease: Lease,
}

struct World {
    cell: Cell,
    gateways: [Gateway; HOLDERS],
    now_ms: u64,
    used: u64,
    /// The highest limit so far, and what was spent without credit: nothing else may pass it.
    highest: u64,
    over: u64,
}

impl World {
    fn new(limit: u64) -> Self {
        Self {
            cell: cell(limit, 0, 0),
            gateways: Default::default(),
            now_ms: NOW_MS,
            used: 0,
            highest: limit,
            over: 0,
        }
    }

    fn holder(&self, n: usize) -> Holder {
        let instance = [u8::try_from(n).expect("few"); 16];
        holder(instance, HOLDERS as u64, self.now_ms)
    }

    fn run(&mut self, step: &Step) {
        let version = self.cell.version;
        let leased = self.cell.leased;
        let room = self.cell.free();
        match *step {
            Step::Ask(n, need, want) => self.ask(n, need, want),
            Step::Spend(n, spent, over) => {
                let gateway = &mut self.gateways[n];
                let left = gateway.granted - gateway.spent - gateway.returned;
                gateway.spent += spent.min(left);
                gateway.usage += spent.min(left) + over;
                self.over += over;
            }
            Step::Return(n) => {
                let gateway = &mut self.gateways[n];
                if takes_back(&self.cell, &gateway.lease, true, self.now_ms) {
                    gateway.granted = gateway.granted.max(gateway.lease.granted);
                    gateway.returned = gateway.granted - gateway.spent;
                }
            }
            Step::Report(n) => {
                let gateway = &mut self.gateways[n];
                let lease = &mut gateway.lease;
                let (spent, returned) = (gateway.spent, gateway.returned);
                settle(&mut self.cell, lease, spent, returned, self.now_ms);
                let usage = std::mem::take(&mut gateway.usage);
                self.cell.used += usage;
                self.used += usage;
            }
            Step::Renew(n) => {
                let holder = self.holder(n);
                renew(&mut self.cell, &mut self.gateways[n].lease, &holder);
            }
            Step::Prefetch(n, spent) => {
                let holder = self.holder(n);
                let before = reporting([spent, spent, 0], 1_000 * spent);
                prefetch(
                    &mut self.cell,
                    &mut self.gateways[n].lease,
                    &before,
                    &holder,
                );
            }
            Step::Declare(n) => {
                let gateway = &mut self.gateways[n];
                declare(&mut self.cell, &mut gateway.lease, gateway.granted);
            }
            Step::Limit(change) => {
                let limit = self.cell.limit.expect("there is one");
                let limit = limit.saturating_add_signed(change);
                self.cell.limit = Some(limit);
                self.highest = self.highest.max(limit);
            }
            Step::Wait(ms) => self.now_ms += ms,
        }
        self.check(step, version, leased, room);
    }

    fn ask(&mut self, n: usize, need: u64, want: u64) {
        let holder = self.holder(n);
        let gateway = &mut self.gateways[n];
        let numbers = [gateway.granted, gateway.spent, gateway.returned];
        let asked = asking(numbers, need, want);
        let outcome = ask_one(&mut self.cell, &mut gateway.lease, asked, &holder);
        // The answer may be lost: then asking again brings nothing new.
        let once = (self.cell.leased, gateway.lease.granted);
        let again = ask_one(&mut self.cell, &mut gateway.lease, asked, &holder);
        assert_eq!(again, outcome);
        assert_eq!((self.cell.leased, gateway.lease.granted), once);
        if outcome == OutcomeV1::Granted {
            gateway.granted = gateway.granted.max(gateway.lease.granted);
            let left = gateway.granted - gateway.spent - gateway.returned;
            assert!(left >= need, "{left} of {need}");
        }
    }

    /// What holds after every step.
    fn check(&self, step: &Step, version: u64, leased: u64, room: u64) {
        let Self { cell, gateways, .. } = self;
        let left: u64 = gateways.iter().map(|gateway| gateway.lease.left()).sum();
        assert_eq!(cell.leased, left, "{step:?}");
        assert_eq!(cell.used, self.used, "{step:?}");
        assert!(cell.version >= version, "{step:?}");
        if cell.leased != leased {
            assert!(cell.version > version, "{step:?}: a change has its number");
        }
        let granted = cell.leased.saturating_sub(leased);
        assert!(
            granted <= room,
            "{step:?}: {granted} of {room} were granted"
        );
        for gateway in gateways {
            let lease = &gateway.lease;
            assert!(lease.granted >= gateway.granted, "{step:?}");
            assert!(lease.spent <= gateway.spent, "{step:?}");
            assert!(lease.returned <= gateway.returned, "{step:?}");
        }
        let spent: u64 = gateways.iter().map(|gateway| gateway.spent).sum();
        assert!(spent <= self.highest, "{spent} of {}", self.highest);
        assert!(cell.used + cell.leased <= self.highest + self.over);
        let unreported: u64 = gateways.iter().map(|gateway| gateway.usage).sum();
        assert_eq!(self.used + unreported, spent + self.over, "{step:?}");
    }
}

fn step() -> impl Strategy<Value = Step> {
    let gateway = 0..HOLDERS;
    prop_oneof![
        8 => (gateway.clone(), 1_u64..12, 0_u64..40).prop_map(|(n, need, want)| Step::Ask(n, need, want)),
        8 => (gateway.clone(), 0_u64..20, prop_oneof![9 => Just(0_u64), 1 => 1_u64..4])
            .prop_map(|(n, spent, over)| Step::Spend(n, spent, over)),
        2 => gateway.clone().prop_map(Step::Return),
        6 => gateway.clone().prop_map(Step::Report),
        4 => gateway.clone().prop_map(Step::Renew),
        1 => (gateway.clone(), 0_u64..30).prop_map(|(n, spent)| Step::Prefetch(n, spent)),
        1 => gateway.prop_map(Step::Declare),
        1 => (-30_i64..30).prop_map(Step::Limit),
        3 => (1_u64..4_000).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_sequence_grants_more_than_the_limit(
        limit in prop_oneof![0_u64..10, 10_u64..300],
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new(limit);
        for step in &steps {
            world.run(step);
        }
        // In the end all is returned and reported: nothing is held, and nothing was lost.
        for n in 0..HOLDERS {
            world.run(&Step::Return(n));
            world.run(&Step::Report(n));
        }
        prop_assert_eq!(world.cell.leased, 0);
    }
}
