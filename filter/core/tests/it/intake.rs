//! Snapshots on their way into shared data, with leaders that trap, stall, and come back too late.

mod world;

use crate::support::{Hooked, Memory, keys, trap, until_trapped};
use proptest::prelude::*;
use std::cell::Cell;
use tallygate_core::decide::Lookup;
use tallygate_core::id::{ApplicationId, PlanId, ProductId};
use tallygate_core::intake::{self, Intake};
use tallygate_core::leader::{Candidate, Role, campaign};
use tallygate_core::shared::{Keys, SharedData as _};
use tallygate_core::wire::{ApplicationV1, Cursor, Digest, ProductV1, SnapshotV1, decode};
use world::{Step, Twist, VMS, World};

fn product(id: i64, revision: i64) -> ProductV1 {
    ProductV1 {
        id: ProductId(id),
        revision,
        system_name: format!("product-{id}"),
        metrics: Vec::new(),
        plans: Vec::new(),
        referrers_required: false,
        // Deleted every fourth time. (What is in a configuration is of no importance here.)
        config: (revision % 4 != 0).then(world::config),
    }
}

fn application(id: i64, revision: i64, ident: Digest) -> ApplicationV1 {
    ApplicationV1 {
        id: ApplicationId(id),
        revision,
        ident,
        product: ProductId(1),
        plan: PlanId(revision),
        live: revision % 3 != 0,
        keys: vec![[u8::try_from(revision % 256).expect("a byte"); 16]],
        referrers: Vec::new(),
        ending: Vec::new(),
    }
}

/// A process with one VM, which leads.
struct Quiet {
    memory: Memory,
    keys: Keys,
    fence: u64,
}

impl Quiet {
    fn new() -> Self {
        let (memory, keys) = (Memory::new(), keys(1));
        let me = Candidate {
            id: 1,
            generation: 1,
            serving: false,
        };
        let Role::Leader { fence, .. } = campaign(&memory, &keys, &me, 0) else {
            unreachable!("nobody else is there");
        };
        Self {
            memory,
            keys,
            fence,
        }
    }

    fn cursor(&self) -> Cursor {
        intake::cursor(&intake::header(&self.memory, &self.keys))
    }

    fn take(&self, page: &SnapshotV1) -> Intake {
        intake::take(&self.memory, &self.keys, self.fence, self.cursor(), page)
    }

    /// What a reader finds that looks at the header just now.
    fn find(&self, ident: Digest) -> Lookup {
        let header = intake::header(&self.memory, &self.keys);
        header.serving.map_or(Lookup::NotReady, |layer| {
            intake::look_up(&self.memory, &self.keys, &layer, &ident)
        })
    }
}

fn page(revision: i64, complete: bool, applications: Vec<ApplicationV1>) -> SnapshotV1 {
    SnapshotV1 {
        epoch: 1,
        now_ms: 0,
        next: Cursor {
            products: revision,
            applications: revision,
            application: i64::MAX,
        },
        complete,
        applications_total: 100,
        products: Vec::new(),
        applications,
    }
}

fn ident(n: u32) -> Digest {
    // Multiplied so that they fall into different buckets.
    u128::from(n)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        .to_be_bytes()
}

fn is_found(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Found(_))
}

#[test]
fn nothing_serves_before_the_snapshot_is_whole() {
    let process = Quiet::new();
    assert_eq!(process.find(ident(1)), Lookup::NotReady);
    let first = page(1, false, vec![application(1, 1, ident(1))]);
    assert_eq!(process.take(&first), Intake::Done);
    assert_eq!(process.find(ident(1)), Lookup::NotReady);
    let second = page(2, true, vec![application(2, 2, ident(2))]);
    assert_eq!(process.take(&second), Intake::Done);
    assert!(is_found(&process.find(ident(1))));
    assert!(is_found(&process.find(ident(2))));
    assert_eq!(process.find(ident(3)), Lookup::Unknown);
}

#[test]
fn readers_see_by_the_header_that_something_changed() {
    let process = Quiet::new();
    let mut seen = Vec::new();
    // The last one takes a new layer, since there are many more applications now.
    for (revision, applications_total) in [(5, 100), (6, 100), (6, 100), (7, 100_000), (7, 100_000)]
    {
        let snapshot = SnapshotV1 {
            applications_total,
            ..page(revision, true, vec![application(1, revision, ident(1))])
        };
        if process.take(&snapshot) == Intake::Done {
            let header = intake::header(&process.memory, &process.keys);
            let layer = header.serving.expect("a layer");
            seen.push((layer.number, layer.changes));
        }
    }
    assert_eq!(seen, [(1, 1), (1, 2), (1, 3), (2, 1)]);
}

#[test]
fn a_page_for_another_cursor_is_not_taken() {
    let process = Quiet::new();
    let first = page(5, true, vec![application(1, 5, ident(1))]);
    assert_eq!(process.take(&first), Intake::Done);
    let again = intake::take(
        &process.memory,
        &process.keys,
        process.fence,
        Cursor::default(),
        &first,
    );
    assert_eq!(again, Intake::Stale);
    let older = intake::take(
        &process.memory,
        &process.keys,
        process.fence + 1,
        process.cursor(),
        &page(6, true, vec![application(1, 6, ident(1))]),
    );
    assert_eq!(older, Intake::Stale, "somebody else leads");
    let header = intake::header(&process.memory, &process.keys);
    let elsewhere = intake::take(
        &process.memory,
        &process.keys,
        process.fence + 1,
        process.cursor(),
        &SnapshotV1 {
            epoch: 9,
            ..page(6, true, Vec::new())
        },
    );
    assert_eq!(elsewhere, Intake::Stale);
    assert_eq!(intake::header(&process.memory, &process.keys), header);
    assert_eq!(process.cursor(), first.next);
}

/// At each call of one leader's intake another one takes over with a newer page, which is itself stopped at each of its
/// calls or goes through; then a third one finishes.
#[test]
fn a_leader_that_was_replaced_changes_nothing() {
    let old = SnapshotV1 {
        products: vec![product(1, 5), product(2, 6)],
        ..page(
            6,
            true,
            vec![application(1, 5, ident(1)), application(2, 6, ident(2))],
        )
    };
    let new = SnapshotV1 {
        products: vec![product(1, 7), product(2, 8)],
        ..page(
            9,
            true,
            vec![application(1, 9, ident(1)), application(2, 7, ident(2))],
        )
    };
    let lead = |data: &Hooked<'_>, keys: &Keys, generation| {
        let me = Candidate {
            id: generation,
            generation,
            serving: false,
        };
        match campaign(data, keys, &me, 0) {
            Role::Leader { fence, .. } => fence,
            Role::Follower => unreachable!("the newest configuration leads"),
        }
    };
    const MOST_CALLS: u32 = 40;
    for at in 0..MOST_CALLS {
        for stopped_at in 0..MOST_CALLS {
            let process = Quiet::new();
            process.take(&page(1, true, Vec::new()));
            let after = process.cursor();
            let calls = Cell::new(0);
            let take_over = || {
                let calls = Cell::new(0);
                let stop = || {
                    if calls.replace(calls.get() + 1) == stopped_at {
                        trap();
                    }
                };
                let data = Hooked::new(&process.memory, &stop);
                until_trapped(|| {
                    let fence = lead(&data, &process.keys, 2);
                    intake::take(&data, &process.keys, fence, after, &new)
                });
                assert!(calls.get() < MOST_CALLS);
            };
            let hook = || {
                if calls.replace(calls.get() + 1) == at {
                    take_over();
                }
            };
            let data = Hooked::new(&process.memory, &hook);
            intake::take(&data, &process.keys, process.fence, after, &old);
            assert!(calls.get() < MOST_CALLS);

            let quiet = Hooked::new(&process.memory, &|| ());
            let fence = lead(&quiet, &process.keys, 3);
            let cursor = process.cursor();
            if cursor != new.next {
                let done = intake::take(&quiet, &process.keys, fence, cursor, &new);
                assert_eq!(done, Intake::Done);
            }
            let layer = intake::header(&process.memory, &process.keys)
                .serving
                .expect("a layer");
            assert_eq!(
                layer.products,
                [(ProductId(1), 7)],
                "the other one is deleted"
            );
            for known in &new.products {
                let bytes = process.memory.get(&process.keys.product(1, known.id.0)).0;
                let found: Option<ProductV1> = bytes.and_then(|bytes| decode(&bytes).ok());
                assert_eq!(
                    found.as_ref(),
                    Some(known),
                    "at {at}, stopped at {stopped_at}"
                );
            }
            for (n, plan) in [(1, 9), (2, 7)] {
                let Lookup::Found(found) = process.find(ident(n)) else {
                    unreachable!("it stands there");
                };
                assert_eq!(found.plan, PlanId(plan), "at {at}, stopped at {stopped_at}");
            }
        }
    }
}

#[test]
fn a_new_epoch_is_read_from_the_beginning_while_the_old_one_serves() {
    let process = Quiet::new();
    process.take(&page(50, true, vec![application(1, 50, ident(1))]));
    let restored = SnapshotV1 {
        epoch: 2,
        ..page(51, true, Vec::new())
    };
    assert_eq!(process.take(&restored), Intake::Restart);
    assert_eq!(process.cursor(), Cursor::default());
    assert!(is_found(&process.find(ident(1))), "the old one serves");
    // Its revisions are lower, and the application is not in it.
    let all = SnapshotV1 {
        epoch: 2,
        ..page(40, true, vec![application(2, 40, ident(2))])
    };
    assert_eq!(process.take(&all), Intake::Done);
    assert_eq!(process.find(ident(1)), Lookup::Unknown);
    assert!(is_found(&process.find(ident(2))));
}

#[test]
fn what_was_loaded_of_an_old_epoch_is_no_part_of_the_new_one() {
    for first_is_whole in [false, true] {
        let process = Quiet::new();
        process.take(&page(
            50,
            first_is_whole,
            vec![application(1, 50, ident(1))],
        ));
        // The leader is stopped while it writes the second page.
        let calls = Cell::new(0);
        let hook = || {
            if calls.replace(calls.get() + 1) == 4 {
                trap();
            }
        };
        let data = Hooked::new(&process.memory, &hook);
        let second = page(51, true, vec![application(3, 51, ident(3))]);
        let (fence, after) = (process.fence, process.cursor());
        assert!(
            until_trapped(|| intake::take(&data, &process.keys, fence, after, &second)).is_none()
        );
        let restored = |page| SnapshotV1 { epoch: 2, ..page };
        assert_eq!(
            process.take(&restored(page(51, true, Vec::new()))),
            Intake::Restart
        );
        let all = restored(page(40, true, vec![application(2, 40, ident(2))]));
        assert_eq!(process.take(&all), Intake::Done);
        assert_eq!(process.find(ident(1)), Lookup::Unknown);
        assert_eq!(process.find(ident(3)), Lookup::Unknown);
        assert!(is_found(&process.find(ident(2))));
    }
}

#[test]
fn a_first_page_that_broke_off_is_no_part_of_what_comes_next() {
    for stopped_at in 0..12 {
        let process = Quiet::new();
        let calls = Cell::new(0);
        let hook = || {
            if calls.replace(calls.get() + 1) == stopped_at {
                trap();
            }
        };
        let data = Hooked::new(&process.memory, &hook);
        let first = page(50, true, vec![application(1, 50, ident(1))]);
        let after = Cursor::default();
        until_trapped(|| intake::take(&data, &process.keys, process.fence, after, &first));
        // Before it is tried again, the database is restored.
        let all = SnapshotV1 {
            epoch: 2,
            ..page(40, true, vec![application(2, 40, ident(2))])
        };
        while process.take(&all) != Intake::Done {}
        assert_eq!(
            process.find(ident(1)),
            Lookup::Unknown,
            "stopped at {stopped_at}"
        );
        assert!(is_found(&process.find(ident(2))));
    }
}

#[test]
fn a_reader_of_a_layer_that_is_gone_is_not_told_unknown() {
    let process = Quiet::new();
    process.take(&page(5, true, vec![application(1, 5, ident(1))]));
    let seen = intake::header(&process.memory, &process.keys)
        .serving
        .expect("a layer");
    let look_up = |n| intake::look_up(&process.memory, &process.keys, &seen, &ident(n));
    let absent = (2..100).find(|n| {
        let bucket = tallygate_core::directory::bucket_of(&ident(*n), seen.bits);
        process
            .memory
            .get(&process.keys.bucket(seen.number, bucket))
            .0
            .is_none()
    });
    let absent = absent.expect("a bucket nobody is in");
    assert_eq!(look_up(absent), Lookup::Unknown);
    process.memory.wipe();
    assert_eq!(look_up(absent), Lookup::NotReady);
    assert_eq!(look_up(1), Lookup::NotReady);
}

#[test]
fn applications_are_stored_in_64_bytes_each() {
    let process = Quiet::new();
    let applications: Vec<_> = (1..=4_000)
        .map(|id| application(i64::from(id), 5, ident(id)))
        .collect();
    let snapshot = SnapshotV1 {
        applications_total: 4_000,
        ..page(5, true, applications)
    };
    assert_eq!(process.take(&snapshot), Intake::Done);
    let bytes = process.memory.bytes("bucket.");
    assert!(bytes <= 4_000 * 64, "{bytes} bytes");
    assert!((1..=4_000).all(|n| is_found(&process.find(ident(n)))));
}

#[test]
fn any_bytes_can_stand_there() {
    for bytes in [&b""[..], b"\0", &[0xff; 64], &[1; 64]] {
        let process = Quiet::new();
        process.memory.put(&process.keys.header(), bytes);
        for bucket in 0..64 {
            process.memory.put(&process.keys.bucket(1, bucket), bytes);
        }
        process.take(&page(5, true, vec![application(1, 5, ident(1))]));
        process.take(&page(6, true, vec![application(1, 6, ident(1))]));
        assert!(is_found(&process.find(ident(1))), "{bytes:?}");
    }
}

fn vm() -> impl Strategy<Value = usize> {
    0..VMS
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_i64..5).prop_map(Step::ChangeProduct),
        6 => (0_u32..9).prop_map(Step::ChangeApplication),
        1 => (1_u32..9).prop_map(Step::Grow),
        1 => (0_i64..6).prop_map(Step::Restore),
        8 => vm().prop_map(Step::Campaign),
        1 => (0_u64..3_000).prop_map(Step::Wait),
        10 => vm().prop_map(Step::Ask),
        10 => (0_usize..4, any::<bool>()).prop_map(|(n, again)| Step::Take(n, again)),
        4 => vm().prop_map(Step::Tick),
        6 => vm().prop_map(Step::LookUp),
    ]
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        16 => Just(Twist::Nothing),
        1 => Just(Twist::Trap),
        3 => step().prop_map(Twist::Meanwhile),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_happens_on_the_way_it_knows_what_the_control_plane_knows(
        steps in prop::collection::vec(step(), 1..50),
        twists in prop::collection::vec(twist(), 0..200),
        seed in any::<u32>(),
    ) {
        let world = World::new(twists, seed);
        for step in &steps {
            world.run(step);
        }
        world.settle();
    }
}
