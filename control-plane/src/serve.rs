//! `tallygate serve`: two listeners, and an orderly end.
//!
//! On SIGTERM or SIGINT: `/readyz` says no, long polls are answered, requests in flight are finished, and
//! after at most [`DRAIN`] the process ends whatever is left.

use crate::app::App;
use crate::router;
use anyhow::Context as _;
use axum::Router;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long requests in flight may take to finish.
pub const DRAIN: Duration = Duration::from_secs(25);

/// Serves until `stop` resolves, then drains.
///
/// # Errors
/// When a listener cannot be bound.
pub async fn serve(
    app: App,
    portal: SocketAddr,
    admin: SocketAddr,
    stop: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let portal_listener = bind("TALLYGATE_PORTAL_LISTEN", portal).await?;
    let admin_listener = bind("TALLYGATE_ADMIN_LISTEN", admin).await?;
    tracing::info!(
        portal = %portal_listener.local_addr()?,
        admin = %admin_listener.local_addr()?,
        version = env!("CARGO_PKG_VERSION"),
        "serving"
    );
    let follower = tokio::spawn(app.db.clone().follow());
    let servers = [
        tokio::spawn(run(app.clone(), portal_listener, router::portal(&app))),
        tokio::spawn(run(app.clone(), admin_listener, router::admin(&app))),
    ];
    stop.await;
    tracing::info!("stopping: finishing what is in flight");
    app.stop();
    let drained = tokio::time::timeout(DRAIN, async {
        for server in servers {
            match server.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a listener failed"),
                Err(error) => tracing::error!(%error, "a listener failed"),
            }
        }
    })
    .await;
    if drained.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    follower.abort();
    // Connections held by requests that did not finish must not hold up the end.
    let _ = tokio::time::timeout(Duration::from_secs(3), app.db.close()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Listens for SIGTERM and SIGINT from now on; what it returns resolves on the first.
///
/// # Errors
/// When the process may not listen for signals.
pub fn signal() -> anyhow::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn run(app: App, listener: TcpListener, router: Router) -> std::io::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { app.stopped().await })
        .await
}

async fn bind(variable: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address} ({variable})"))
}
