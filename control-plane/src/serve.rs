//! `tallygate serve`: two listeners, and an orderly end.
//!
//! On SIGTERM or SIGINT: `/readyz` says no, long polls are answered, requests in flight are finished, and
//! after at most [`DRAIN`] the process ends whatever is left.

use crate::app::App;
use crate::peer::Peer;
use crate::{mail, router, upkeep, webhooks};
use anyhow::Context as _;
use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;

/// How long requests in flight may take to finish.
pub const DRAIN: Duration = Duration::from_secs(25);
/// How long a client may take to send a request's headers, or to begin with the next one.
const HEADERS: Duration = Duration::from_secs(30);
/// Connections at a time. The portal is for everybody, and must leave file descriptors to the gateways.
const PORTAL_CONNECTIONS: usize = 256;
const ADMIN_CONNECTIONS: usize = 4_096;

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
    let deliveries = [
        tokio::spawn(webhooks::run(app.clone())),
        tokio::spawn(mail::deliver::run(app.clone())),
        tokio::spawn(upkeep::run(app.clone())),
    ];
    let servers = [
        tokio::spawn(run(
            app.clone(),
            portal_listener,
            router::portal(&app),
            PORTAL_CONNECTIONS,
        )),
        tokio::spawn(run(
            app.clone(),
            admin_listener,
            router::admin(&app),
            ADMIN_CONNECTIONS,
        )),
    ];
    stop.await;
    tracing::info!("stopping: finishing what is in flight");
    app.stop();
    let drained = tokio::time::timeout(DRAIN, async {
        for server in servers {
            if let Err(error) = server.await {
                tracing::error!(%error, "a listener failed");
            }
        }
    })
    .await;
    if drained.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    // What is being delivered is delivered again, by whoever comes next.
    for delivery in deliveries {
        delivery.abort();
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

/// Accepts connections until the stop, then waits for those that are answering.
///
/// (`axum::serve` sets no timer, so that a client which never finishes its headers would be waited for for ever.)
async fn run(app: App, listener: TcpListener, router: Router, connections: usize) {
    let room = Arc::new(Semaphore::new(connections));
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    loop {
        let (stream, peer, permit) = tokio::select! {
            () = app.stopped() => break,
            Some(next) = accept(&listener, &room) => next,
        };
        let service = router
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                request
            });
        let service = TowerToHyperService::new(service);
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Answers are small: none should wait for more of it.
                let _ = stream.set_nodelay(true);
                return Some((stream, Peer(address.ip()), permit));
            }
            Err(error) => {
                // Out of file descriptors, most likely: they come back as connections end.
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn bind(variable: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address} ({variable})"))
}
