//! Random schedules: whatever the VMs do, and wherever they are stopped, all that is admitted reaches the ledger once.

use super::world::{Step, Twist, VMS, World};
use proptest::prelude::*;

fn vm() -> impl Strategy<Value = usize> {
    0..VMS
}

fn step(wipes: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        16 => (vm(), 1_i64..6, 0_usize..4).prop_map(|(vm, app, usage)| Step::Admit(vm, app, usage)),
        6 => vm().prop_map(Step::Seal),
        5 => vm().prop_map(Step::Send),
        5 => (0_usize..4, any::<bool>()).prop_map(|(n, again)| Step::Deliver(n, again)),
        5 => (0_usize..4, any::<bool>()).prop_map(|(n, again)| Step::Answer(n, again)),
        1 => (0_usize..4).prop_map(Step::LoseAnswer),
        1 => vm().prop_map(Step::Sweep),
        2 => vm().prop_map(Step::Tick),
        2 => (1_u64..90).prop_map(Step::Wait),
        wipes => Just(Step::Wipe),
    ]
}

fn twist(wipes: u32) -> impl Strategy<Value = Twist> {
    prop_oneof![
        16 => Just(Twist::Nothing),
        1 => Just(Twist::Trap),
        4 => step(wipes).prop_map(Twist::Meanwhile),
    ]
}

fn play(steps: &[Step], twists: Vec<Twist>) {
    let world = World::new(twists);
    for step in steps {
        world.run(step);
    }
    world.settle();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn usage_reaches_the_ledger_exactly_once(
        steps in prop::collection::vec(step(0), 1..40),
        twists in prop::collection::vec(twist(0), 0..200),
    ) {
        play(&steps, twists);
    }

    #[test]
    fn a_wipe_loses_nothing_that_comes_after_it(
        steps in prop::collection::vec(step(2), 1..40),
        twists in prop::collection::vec(twist(1), 0..200),
    ) {
        play(&steps, twists);
    }
}
