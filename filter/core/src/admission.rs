//! Admission: one compare-and-swap of the application's slot takes the charge, or nothing is taken.
//!
//! Whatever is lost to another worker is decided again from what that worker wrote.

use crate::flush::Flush;
use crate::id::ApplicationId;
use crate::shared::SharedData;
use crate::slot::{Charge, Exceeded, Slot, slot_of};

/// Tries at a slot before the request is told to come back: each one that is lost means that another request was
/// admitted.
const TRIES: u32 = 1_000;

/// What an attempt to admit a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its usage is counted; `lost` tries went to other workers.
    Admitted {
        /// How many.
        lost: u32,
    },
    /// A limit has no room for it; nothing was taken.
    Exceeded,
    /// Shared data belong to another instance by now, or to none: read which, and try again.
    OtherInstance,
    /// Other workers were always faster; nothing was taken.
    Contended,
}

/// Admits a request at `now_secs` since 1970, and sees to it that a flush will find its usage.
///
/// Fills in how each limit stands.
pub fn admit(
    process: &Flush<'_, impl SharedData>,
    application: ApplicationId,
    charge: &mut Charge,
    now_secs: u64,
) -> Admission {
    let number = slot_of(application, process.keys.slots());
    let key = process.keys.slot(number);
    for lost in 0..TRIES {
        let (value, version) = process.data.get(&key);
        let mut slot = Slot::read(value, &process.instance);
        // A place that was never used looks like one that was wiped or that another instance has taken over.
        if slot.was_blank() && !process.is_current() {
            return Admission::OtherInstance;
        }
        let was_dirty = slot.is_dirty();
        if let Err(Exceeded) = slot.admit(application, charge, now_secs) {
            return Admission::Exceeded;
        }
        if process.data.set(&key, slot.as_bytes(), version).is_ok() {
            if !was_dirty && slot.is_dirty() {
                process.enqueue(number);
            }
            return Admission::Admitted { lost };
        }
    }
    Admission::Contended
}
