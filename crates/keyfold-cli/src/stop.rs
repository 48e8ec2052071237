//! Being asked to stop: Ctrl-C, or the signal that service managers send.

use crate::fault::Fault;
use keyfold_client::{Code, Error};
use std::pin::pin;

/// Ends when somebody asks us to stop. Listening starts before it returns, so that no signal is lost.
pub(crate) fn requested() -> Result<impl Future<Output = ()> + Send, Fault> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(|error| Fault::io("listening for signals", &error));
        let mut interrupted = listen(SignalKind::interrupt())?;
        let mut terminated = listen(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            // If the console cannot be listened to, only the system can stop us.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Does the work, unless somebody asks us to stop first: then it is dropped where it stands, and `Cancelled`.
pub(crate) async fn or<T>(
    stopped: impl Future<Output = ()>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    let (stopped, work) = (pin!(stopped), pin!(work));
    tokio::select! {
        () = stopped => Err(Fault::new(Code::Cancelled, "stopped; nothing was left behind")),
        done = work => Ok(done?),
    }
}
