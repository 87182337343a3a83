//! While the demo runs, and how it ends: first the gateways (they flush what they counted), then the
//! control plane that takes it. A control plane that dies is left dead: people kill it to see what happens.

use super::child::Child;
use super::screen::Screen;
use super::{Demo, Running, make};
use crate::admin_client::AdminClient;
use anyhow::bail;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long a child may take to end by itself.
const GRACE: Duration = Duration::from_millis(1500);

/// Signals this close together are one.
const SAME_STOP: Duration = Duration::from_secs(1);

/// SIGINT and SIGTERM, from the moment it is made; and those that `make` got in our stead.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

// === impl Stop ===

impl Stop {
    pub(super) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = make::stopping() => {}
        }
    }

    /// Somebody is impatient. (The same stop often comes twice: from a process group, and passed on by `make`.)
    async fn received_again(&mut self) {
        let first = Instant::now();
        while {
            self.received().await;
            first.elapsed() < SAME_STOP
        } {}
    }
}

/// Stays until a signal, or until Envoy ends by itself; then stops all.
pub(super) async fn stay(
    demo: &Demo,
    screen: &mut Screen,
    running: Running,
    stop: &mut Stop,
) -> anyhow::Result<()> {
    // These are this process's own, and outlive those that call them to the last.
    let Running {
        mut envoy,
        mut control_plane,
        upstream: _upstream,
        mail,
        api,
    } = running;
    let mut control_plane_runs = true;
    let envoy_ended = loop {
        tokio::select! {
            () = stop.received() => break None,
            status = envoy.wait() => break Some(status?),
            status = control_plane.wait(), if control_plane_runs => {
                control_plane_runs = false;
                screen.warn(&format!("The control plane ended ({}). The gateway goes on with what it knows;", status?));
                screen.line("  usage waits there until it is started again:\n");
                screen.line(&format!("    {} &\n", demo.serve_command(mail.as_ref())?));
            }
        }
    };
    if let Some(status) = envoy_ended {
        control_plane.stop(GRACE).await;
        bail!("Envoy ended ({status}). Its log:\n{}", envoy.log_end());
    }
    screen.line("\nStopping: draining the gateway, then the control plane …");
    tokio::select! {
        () = stop_all(demo, &api, &mut control_plane, &mut envoy) => screen.line("Stopped."),
        () = stop.received_again() => {
            screen.line("Stopped at once.");
            envoy.kill().await;
            control_plane.kill().await;
        }
    }
    Ok(())
}

async fn stop_all(demo: &Demo, api: &AdminClient, control_plane: &mut Child, envoy: &mut Child) {
    demo.drain_envoy(api).await;
    envoy.stop(GRACE).await;
    control_plane.stop(GRACE).await;
}
