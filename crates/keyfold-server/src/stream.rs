//! A connection that gives up on a client that does not take what it asked for. Apart, for hyper watches how long
//! requests take to arrive, but not answers to leave.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// What is taken earns time at this rate, so that slow lines are served and dripping ones are not for ever.
const BYTES_PER_SECOND: u64 = 8 << 10;

/// The connection.
pub(crate) struct Stream<T> {
    inner: T,
    patience: Duration,
    /// Runs from when the client first did not take anything until it took all.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<T> Stream<T> {
    pub(crate) fn new(inner: T, patience: Duration) -> Self {
        Self { inner, patience, deadline: None }
    }

    fn watch(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match (&written, &mut self.deadline) {
            (Poll::Ready(Ok(bytes)), Some(deadline)) => {
                let earned = Duration::from_micros(*bytes as u64 * 1_000_000 / BYTES_PER_SECOND);
                let later = (deadline.deadline() + earned).max(Instant::now());
                deadline.as_mut().reset(later);
                written
            }
            (Poll::Ready(_), _) => written,
            (Poll::Pending, deadline) => {
                let deadline = deadline.get_or_insert_with(|| Box::pin(sleep(self.patience)));
                ready!(deadline.as_mut().poll(context));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// Asked for when everything was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.deadline = None;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const PATIENCE: Duration = Duration::from_millis(300);

    /// Writes 16 KiB to somebody who reads so much every 20 ms, and not at all after so many times.
    async fn write_to_reader_of(chunk: usize, times: usize) -> io::Result<Duration> {
        let (ours, mut theirs) = duplex(64);
        let reading = tokio::spawn(async move {
            let mut bytes = vec![0; chunk];
            for _ in 0..times {
                theirs.read_exact(&mut bytes).await.unwrap();
                sleep(Duration::from_millis(20)).await;
            }
            std::future::pending::<()>().await;
        });
        let (mut stream, started) = (Stream::new(ours, PATIENCE), Instant::now());
        let written = tokio::time::timeout(Duration::from_secs(5), stream.write_all(&[0; 16 << 10])).await;
        reading.abort();
        written.expect("an end").map(|()| started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_served_for_longer_than_one_who_does_not_read() {
        assert!(write_to_reader_of(512, 32).await.unwrap() > PATIENCE);
        for (chunk, times) in [(512, 0), (512, 10)] {
            assert_eq!(write_to_reader_of(chunk, times).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_drips_is_cut_off() {
        assert_eq!(write_to_reader_of(16, usize::MAX).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
