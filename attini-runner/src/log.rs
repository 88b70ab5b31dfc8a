use std::sync::Arc;
use std::time::Duration;

use attini_core::port::{LogLine, LogStore};
use attini_core::value::ObjectKey;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// Most bytes of one job's output that are stored (runner.md 4.9).
pub(crate) const LOG_LIMIT_BYTES: usize = 50 * 1024 * 1024;
/// Most bytes that wait for a store which does not take them.
const BACKLOG_LIMIT_BYTES: usize = 1024 * 1024;

/// The stored log of one job. The job never waits for it, and its failures never fail the job.
#[derive(Debug)]
pub(crate) struct JobLog {
    sender: UnboundedSender<LogLine>,
    writer: JoinHandle<Result<(), String>>,
    bytes: usize,
}

impl JobLog {
    /// Starts to store lines, each at most `flush` after it came. How many are stored is told to `stored`.
    pub(crate) fn start(
        store: Arc<dyn LogStore>,
        key: ObjectKey,
        flush: Duration,
        stored: impl FnMut(usize) + Send + 'static,
    ) -> Self {
        let (sender, receiver) = unbounded_channel();
        let writer = tokio::spawn(write_lines(store, key, flush, receiver, stored));
        Self { sender, writer, bytes: 0 }
    }

    pub(crate) fn push(&mut self, mut line: LogLine) {
        if self.bytes > LOG_LIMIT_BYTES {
            return;
        }
        self.bytes += line.text.len() + 1;
        if self.bytes > LOG_LIMIT_BYTES {
            line.text = format!("The log is cut here: it has more than {LOG_LIMIT_BYTES} bytes");
        }
        // The writer goes before the sender only when the runtime ends.
        let _closed = self.sender.send(line);
    }

    /// Waits until all lines are stored, at most `wait`; says what went wrong.
    pub(crate) async fn finish(self, wait: Duration) -> Result<(), String> {
        drop(self.sender);
        match timeout(wait, self.writer).await {
            Ok(Ok(stored)) => stored,
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("its store did not take it within {wait:?}")),
        }
    }
}

async fn write_lines(
    store: Arc<dyn LogStore>,
    key: ObjectKey,
    flush: Duration,
    mut lines: UnboundedReceiver<LogLine>,
    mut stored: impl FnMut(usize) + Send,
) -> Result<(), String> {
    let mut batch: Vec<LogLine> = Vec::new();
    let mut failure = None;
    let mut count = 0;
    let mut open = true;
    while open {
        match lines.recv().await {
            Some(line) => batch.push(line),
            None => open = false,
        }
        let deadline = Instant::now() + flush;
        while open {
            tokio::select! {
                biased;
                line = lines.recv() => match line {
                    Some(line) => batch.push(line),
                    None => open = false,
                },
                () = sleep_until(deadline) => break,
            }
        }
        if batch.is_empty() {
            continue;
        }
        // Lines that were not taken are offered again with the next ones: twice is better than never.
        match store.append(&key, &batch).await {
            Ok(()) => {
                count += batch.len();
                stored(count);
                batch.clear();
            }
            Err(error) => {
                failure = Some(crate::backoff::with_causes(&error));
                if batch.iter().map(|line| line.text.len() + 1).sum::<usize>() > BACKLOG_LIMIT_BYTES {
                    batch.clear();
                }
            }
        }
    }
    if !batch.is_empty() && store.append(&key, &batch).await.is_ok() {
        batch.clear();
    }
    match failure {
        Some(failure) if !batch.is_empty() => Err(failure),
        _ => Ok(()),
    }
}
