//! Workers on real threads, as in Envoy: a limit is exact across them while others flush.

use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tallygate_core::shared::{Lost, SharedData, Version};
use tallygate_core::wire::AskedCellV1;

const ONE: ApplicationId = ApplicationId(1);

struct Shared(Mutex<Memory>);

impl SharedData for Shared {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        self.0.lock().expect("nobody panics").get(key)
    }

    fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
        self.0
            .lock()
            .expect("nobody panics")
            .set(key, value, version)
    }
}

#[test]
fn six_hundred_of_a_thousand_are_admitted_by_four_workers() {
    let (shared, keys) = (Shared(Mutex::new(Memory::new())), keys(2));
    let created = shared.set(&keys.instance(), &INSTANCE, Version::Absent);
    assert!(created.is_ok());
    let flush = || Flush {
        data: &shared,
        keys: &keys,
        instance: INSTANCE,
    };
    flush().acknowledge(Sent::of(&flush().outbox().0), EPOCH, 0, 0);
    let limits = [(1, Period::Minute, 600)];
    let moment = moment(NOW_SECS);
    let control_plane = Mutex::new(ControlPlane::new(INSTANCE, &limits));
    let ask = |asked: &[AskedCellV1]| {
        let mut control_plane = control_plane.lock().expect("nobody panics");
        let told = control_plane.ask(ONE, asked, moment.now_ms);
        drop(control_plane);
        flush().apply(ONE, &told, moment.now_ms);
    };
    let (admitted, working) = (AtomicU64::new(0), AtomicBool::new(true));
    let ledger = Mutex::new((0, Counts::new()));
    let deliver = || {
        let outbox = flush().outbox().0;
        let Some(batch) = outbox.next() else { return };
        let (last, sums) = &mut *ledger.lock().expect("nobody panics");
        if batch.seq == *last + 1 {
            *last = batch.seq;
            let rows: Vec<UsageRowV1> = decode(&batch.rows).expect("rows");
            for (key, sum) in counts(&rows) {
                *sums.entry(key).or_default() += sum;
            }
        }
        flush().acknowledge(Sent::of(&outbox), EPOCH, *last, 0);
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for n in 0..250 {
                        let mut mine = charge(&[(1, 1)], &limits, NOW_SECS);
                        match admit_or_ask(&flush(), ONE, &mut mine, &moment, ask) {
                            Admission::Admitted { .. } => {
                                admitted.fetch_add(1, Ordering::Relaxed);
                            }
                            Admission::Exceeded => {}
                            other => unreachable!("{other:?}"),
                        }
                        // Neighbours in the same slots.
                        let mut other = charge(&[(2, 1)], &[], NOW_SECS);
                        admit(&flush(), ApplicationId(2 + n % 5), &mut other, &moment);
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                while working.load(Ordering::Relaxed) {
                    flush().seal();
                    deliver();
                }
            });
        }
        for worker in workers {
            worker.join().expect("no worker panics");
        }
        working.store(false, Ordering::Relaxed);
    });
    assert_eq!(admitted.into_inner(), 600);
    for _ in 0..3 {
        flush().seal();
        deliver();
    }
    let minute = u32::try_from(NOW_SECS / 60).unwrap();
    let mut expected = Counts::from([((1, 1, minute), 600)]);
    expected.extend((2..7).map(|id| ((id, 2, minute), 200)));
    assert_eq!(ledger.lock().expect("nobody panicked").1, expected);
}
