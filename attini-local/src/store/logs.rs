use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use attini_core::port::{BoxError, LogLine, LogStore, Unavailable};
use attini_core::value::{ObjectKey, Timestamp};
use serde::{Deserialize, Serialize};

use super::file_name::segment;
use super::{Home, HomeError};

/// End of the names of log files; no directory here ends so.
const EXTENSION: &str = ".ndjson";

/// Logs as files under `logs/`, one JSON object per line, as the runner writes them to S3 (runner.md 4.9).
#[derive(Debug)]
pub struct FileLogStore {
    home: Home,
    /// Where the last read of a log stopped, so that following it does not read it from the start each time.
    positions: Mutex<HashMap<ObjectKey, Position>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Position {
    line: usize,
    offset_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct LineWire<'a> {
    timestamp: i64,
    #[serde(borrow)]
    data: std::borrow::Cow<'a, str>,
}

impl FileLogStore {
    /// Takes the logs of a home.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self { home, positions: Mutex::default() }
    }

    /// Returns the file of a log, whether it exists or not.
    #[must_use]
    pub fn path(&self, log: &ObjectKey) -> PathBuf {
        let mut path = self.home.path().join("logs");
        let mut parts: Vec<String> = log.as_str().split('/').map(segment).collect();
        let file = parts.pop().unwrap_or_default();
        for part in parts {
            // A directory must never have the name of a file: `a` and `a.ndjson/b` are two logs.
            path.push(match part.strip_suffix(EXTENSION) {
                Some(start) => format!("{start}%2Endjson"),
                None => part,
            });
        }
        path.push(format!("{file}{EXTENSION}"));
        path
    }

    fn read_file(&self, log: &ObjectKey, path: &Path, from: usize) -> Result<Vec<LogLine>, BoxError> {
        let failed = |error| HomeError::file("read", path, error);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error).into()),
        };
        let known = self.positions.lock().unwrap_or_else(PoisonError::into_inner).get(log).copied();
        let mut at = known.filter(|position| position.line <= from).unwrap_or_default();
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(at.offset_bytes)).map_err(failed)?;
        let mut lines = Vec::new();
        let mut text = Vec::new();
        loop {
            text.clear();
            let count = reader.read_until(b'\n', &mut text).map_err(failed)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            if at.line >= from {
                lines.push(parse(&text).map_err(|error| format!("{} line {}: {error}", path.display(), at.line + 1))?);
            }
            at.line += 1;
            at.offset_bytes += u64::try_from(count).unwrap_or(u64::MAX);
        }
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).insert(log.clone(), at);
        Ok(lines)
    }
}

#[async_trait]
impl LogStore for FileLogStore {
    async fn append(&self, log: &ObjectKey, lines: &[LogLine]) -> Result<(), Unavailable> {
        if lines.is_empty() {
            return Ok(());
        }
        let path = self.path(log);
        let failed = |error: BoxError| Unavailable::new(format!("write log {log}"), error);
        let text = render(lines).map_err(|error| failed(error.into()))?;
        append(&path, text.as_bytes()).map_err(|error| failed(HomeError::file("write", &path, error).into()))
    }

    fn place(&self, log: &ObjectKey) -> Option<String> {
        Some(self.path(log).display().to_string())
    }

    async fn read(&self, log: &ObjectKey, from: usize) -> Result<Vec<LogLine>, Unavailable> {
        let path = self.path(log);
        self.read_file(log, &path, from).map_err(|error| Unavailable::new(format!("read log {log}"), error))
    }
}

fn render(lines: &[LogLine]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for line in lines {
        let wire = LineWire { timestamp: line.time.as_ms(), data: line.text.as_str().into() };
        text.push_str(&serde_json::to_string(&wire)?);
        text.push('\n');
    }
    Ok(text)
}

fn parse(text: &[u8]) -> Result<LogLine, serde_json::Error> {
    let wire: LineWire<'_> = serde_json::from_slice(text)?;
    Ok(LogLine { time: Timestamp::from_ms(wire.timestamp), text: wire.data.into_owned() })
}

/// Appends whole lines; several writers take turns.
fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    file.lock()?;
    // Half a line at the end is what a writer left that died. Nobody has seen it, and the next line must not join it.
    let end = end_of_last_line(&mut file)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(text)
}

fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(4096);
        let length = usize::try_from(end - start).unwrap_or(buffer.len());
        let part = buffer.get_mut(..length).unwrap_or_default();
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(index) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + u64::try_from(index).unwrap_or(0) + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
