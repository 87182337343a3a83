//! What schedules came to, added up.

use std::ops::AddAssign;

macro_rules! counts {
    ($($(#[doc = $what:literal])* $name:ident)*) => {
        /// How often what happened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[doc = $what])* pub $name: u64,)*
        }

        impl Counts {
            /// All of them, with their names.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counts! {
    /// Schedules that ran.
    schedules
    /// Host calls and statements.
    steps
    /// Units of usage admitted.
    admitted
    /// Of them, in overdraft.
    overdraft
    /// Requests refused for their limits.
    refused
    /// Requests told to come back.
    unavailable
    /// Calls for credit.
    asks
    /// Calls with usage.
    syncs
    /// Grants of credit.
    grants
    /// Recalls of credit.
    recalls
    /// Messages lost.
    lost
    /// Messages that came twice.
    twice
    /// Messages that came much later.
    late
    /// VMs that trapped.
    traps
    /// Gateways killed.
    kills
    /// Shared data wiped under live VMs.
    wipes
    /// Listeners reloaded.
    reloads
    /// Gateways drained.
    drains
    /// Gateways cut off.
    partitions
    /// Control planes away.
    outages
    /// Replicas killed.
    crashes
    /// Databases restarted.
    restarts
    /// Backups restored.
    restores
    /// Clocks set.
    clock_steps
    /// Limits changed.
    limits_changed
    /// Applications moved to another plan.
    moves
    /// Records forgotten.
    forgotten
    /// Requests admitted by VMs that had not noticed yet that shared data were wiped.
    ghosts
}

impl Counts {
    /// All faults together.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.lost
            + self.twice
            + self.late
            + self.traps
            + self.kills
            + self.wipes
            + self.reloads
            + self.partitions
            + self.outages
            + self.crashes
            + self.restarts
            + self.restores
            + self.clock_steps
    }
}
