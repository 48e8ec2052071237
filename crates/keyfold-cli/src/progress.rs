//! How far a long command is: a bar on standard error, if that is a terminal. Separate so that no verb draws anything
//! where nobody looks.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// A bar that vanishes when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Of `total` bytes; without one, it counts.
    pub(crate) fn new(output: Output, total: Option<u64>) -> Self {
        if output.is_json() || !io::stderr().is_terminal() {
            return Self(None);
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{wide_bar} {percent:>3} %  {bytes_per_sec}  {eta}"),
            None => (ProgressBar::no_length(), "{spinner} {bytes}  {bytes_per_sec}"),
        };
        // The templates are constants; one that does not parse would show the plain bar.
        Self(Some(match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }))
    }

    /// A handle that says how far it is.
    pub(crate) fn reporter(&self) -> Arc<dyn Fn(u64) + Send + Sync> {
        let bar = self.0.clone();
        Arc::new(move |bytes| {
            if let Some(bar) = &bar {
                bar.set_position(bytes);
            }
        })
    }
}

/// A bar of steps, of which nobody knows beforehand how many there will be.
#[derive(Debug)]
pub(crate) struct Steps(Option<ProgressBar>);

impl Steps {
    /// Nothing is drawn before the first step. `what` they are.
    pub(crate) fn new(output: Output, what: &'static str) -> Self {
        if output.is_json() || !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(0).with_prefix(what);
        let style = ProgressStyle::with_template("{prefix}: {pos} of {len}  {wide_bar}  {eta}");
        Self(Some(style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)))
    }

    /// So many are done, of so many.
    pub(crate) fn at(&self, done: usize, all: usize) {
        if let Some(bar) = &self.0 {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
