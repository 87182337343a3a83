//! Admission: one compare-and-swap of the application's slot takes the charge, or nothing is taken.
//!
//! Whatever is lost to another worker is decided again from what that worker wrote. A request that finds its credit
//! dry asks the control plane, and is decided again from scratch when the answer has been applied.

use crate::credit::Moment;
use crate::flush::Flush;
use crate::id::ApplicationId;
use crate::shared::SharedData;
use crate::slot::{Charge, Short, Slot, slot_of};
use crate::wire::AskedCellV1;
use alloc::vec::Vec;

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
        /// How much of it no credit covered: the control plane is away, and the policy allows it.
        overdraft: u64,
    },
    /// A limit has no room for it; nothing was taken.
    Exceeded,
    /// This process holds too little credit for it, and more may be had: nothing was taken. [`asked`] says what to ask for.
    Dry,
    /// Shared data belong to another instance by now, or to none: read which, and try again.
    OtherInstance,
    /// Other workers were always faster; nothing was taken.
    Contended,
}

/// Admits a request, and sees to it that a flush will find its usage.
///
/// Fills in how each limit stands.
pub fn admit(
    process: &Flush<'_, impl SharedData>,
    application: ApplicationId,
    charge: &mut Charge,
    moment: &Moment,
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
        let overdraft = match slot.admit(application, charge, moment) {
            Ok(overdraft) => overdraft,
            Err(Short::Exhausted) => return Admission::Exceeded,
            Err(Short::Dry) => return Admission::Dry,
        };
        if process.data.set(&key, slot.as_bytes(), version).is_ok() {
            if !was_dirty && slot.is_dirty() {
                process.enqueue(number);
            }
            return Admission::Admitted { lost, overdraft };
        }
    }
    Admission::Contended
}

/// As [`admit`], where shared data may be wiped under live VMs: a write that came just after made the record anew, where no
/// flush of the new instance will look, and does not count.
pub fn admit_guarded(
    process: &Flush<'_, impl SharedData>,
    application: ApplicationId,
    charge: &mut Charge,
    moment: &Moment,
) -> Admission {
    match admit(process, application, charge, moment) {
        Admission::Admitted { .. } if !process.is_current() => Admission::OtherInstance,
        decided => decided,
    }
}

/// What to ask for when [`admit`] found a cell dry: what `waiting` requests like this one need.
pub fn asked(
    process: &Flush<'_, impl SharedData>,
    application: ApplicationId,
    charge: &Charge,
    waiting: u64,
) -> Vec<AskedCellV1> {
    let (slot, _) = process.slot(slot_of(application, process.keys.slots()));
    slot.asked(application, charge, waiting)
}
