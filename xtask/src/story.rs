//! Keyfold in a terminal: builds it and plays the guide "Two people share a key", in a folder that vanishes afterwards.
//! It reads the guide itself, so that the two cannot tell different stories.

use crate::project::{self, Project};
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const GUIDE: &str = "docs/guides/two-people-share-a-key.md";
/// Where the guide's server listens. The play takes a free port instead.
const ADDRESS: &str = "127.0.0.1:8787";
/// Ends what a step prints, before its exit status. No command of the guide prints this byte.
const END: &str = "\u{1e}";

/// How to play.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Do not wait for Enter
    #[arg(long)]
    no_pause: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    println!("Building keyfold …");
    project::succeed(project.cargo().args(["build", "--quiet", "--release", "--locked", "--package", "keyfold-cli"]))?;
    let guide = std::fs::read_to_string(project.root().join(GUIDE)).with_context(|| GUIDE.to_owned())?;
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let folder = tempfile::tempdir()?;
    let mut shell = Shell::start(folder.path(), &project.target().join("release"))?;
    for part in parts(&guide.replace(ADDRESS, &free)) {
        match part {
            Part::Text(text) => println!("{text}"),
            Part::Commands(commands) => {
                for line in commands.lines() {
                    println!("\x1b[1m$ {line}\x1b[0m");
                    shell.play(line)?;
                }
                pause(options)?;
            }
        }
    }
    shell.stop()?;
    println!("Everything was in {}, and that is gone now.", folder.path().display());
    Ok(())
}

fn pause(options: &Options) -> anyhow::Result<()> {
    if !options.no_pause {
        print!("(Enter goes on) ");
        stdout().flush()?;
        // At the end of the input there is nobody to wait for, and the play goes on.
        stdin().read_line(&mut String::new())?;
    }
    Ok(())
}

/// A piece of the guide.
#[derive(PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    Commands(String),
}

/// The guide's text, and what stands between ```sh and ```, in order.
fn parts(guide: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let commands = line == "```sh";
        let line = if commands {
            Part::Commands(lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect())
        } else {
            Part::Text(line.to_owned())
        };
        parts.push(line);
    }
    parts
}

/// A shell that keeps its variables and its background jobs from step to step.
struct Shell {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Shell {
    /// In this folder, with these programs before all others.
    fn start(folder: &Path, programs: &Path) -> anyhow::Result<Self> {
        let mut path = vec![programs.to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new("bash");
        command
            .current_dir(folder)
            .env("PATH", std::env::join_paths(path)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("the guide's commands are for bash, which did not start")?;
        let mut input = child.stdin.take().context("the shell's input is piped")?;
        let output = BufReader::new(child.stdout.take().context("the shell's output is piped")?);
        // However the play ends, no server stays behind.
        writeln!(input, "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT")?;
        Ok(Self { child, input: Some(input), output })
    }

    /// Runs a line, shows what it prints, and fails with it.
    fn play(&mut self, line: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the shell has stopped")?;
        write!(input, "{line}\nprintf '\\036%s\\n' \"$?\"\n")?;
        input.flush()?;
        let mut said = String::new();
        while self.output.read_line(&mut said)? > 0 {
            if let Some((before, status)) = said.split_once(END) {
                print!("{before}");
                if status.trim() != "0" {
                    bail!("`{line}` ended with exit status {}", status.trim());
                }
                return Ok(());
            }
            print!("{said}");
            stdout().flush()?;
            said.clear();
        }
        bail!("the shell ended")
    }

    fn stop(mut self) -> anyhow::Result<()> {
        self.input = None;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The end of its input ends the shell, and its trap what it had started.
        self.input = None;
        self.child.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_text() {
        let text = |text: &str| Part::Text(text.to_owned());
        let expected = [text("a"), Part::Commands("b\nc\n".to_owned()), text("d")];
        assert_eq!(parts("a\n```sh\nb\nc\n```\nd\n"), expected);
    }

    #[test]
    fn the_guide_has_commands() {
        let guide = include_str!("../../docs/guides/two-people-share-a-key.md");
        assert!(guide.contains(ADDRESS));
        assert!(parts(guide).iter().filter(|part| matches!(part, Part::Commands(_))).count() > 5);
    }

    #[test]
    fn a_step_that_fails_stops_the_play_and_variables_last_from_step_to_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Shell::start(folder.path(), folder.path()).unwrap();
        shell.play("A=7").unwrap();
        shell.play("test $A = 7").unwrap();
        assert!(shell.play("false").is_err());
        shell.stop().unwrap();
    }
}
