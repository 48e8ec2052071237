//! Writes `docs/numbers.md` and its charts from what was measured. Text outside its marks stays as people wrote it.

use crate::chart::{self, number};
use crate::table::{Line, Table, Unit, Whose};
use anyhow::Context;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

const BEGIN: &str = "<!-- begin: written by `cargo xtask bench` -->";
const END: &str = "<!-- end -->";
const PREAMBLE: &str = "# Numbers\n\n\
    Measured on one machine, in one run, beside the peers and the limits that stand in the same table: read ratios \
    rather than seconds. `cargo xtask bench` measures all of it again and writes this page; the raw samples are then \
    in `target/bench/`. A target that is missed is printed as missed.\n\n";

/// Writes the page and the charts.
pub(crate) fn write(samples: &Path, docs: &Path) -> anyhow::Result<()> {
    let tables = Table::all(samples)?;
    anyhow::ensure!(!tables.is_empty(), "nothing was measured yet");
    let charts = docs.join("charts");
    std::fs::create_dir_all(&charts)?;
    for table in &tables {
        for unit in units(table) {
            let file = charts.join(chart_name(table, unit));
            std::fs::write(&file, chart::svg(table, unit)).with_context(|| file.display().to_string())?;
        }
    }
    let page = docs.join("numbers.md");
    let before = std::fs::read_to_string(&page).unwrap_or_default();
    let generated: String = tables.iter().map(section).collect();
    print!("{generated}");
    std::fs::write(&page, replaced(&before, &generated)).with_context(|| page.display().to_string())
}

/// The page with what stands between the marks replaced; a page without marks is begun anew.
fn replaced(page: &str, generated: &str) -> String {
    let (head, tail) = match page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1))) {
        Some(parts) => parts,
        None => (PREAMBLE, "\n"),
    };
    format!("{head}{BEGIN}\n{generated}{END}{tail}")
}

/// The units of a table, each once, in the order of its lines.
fn units(table: &Table) -> Vec<Unit> {
    let mut seen = BTreeSet::new();
    table.lines.iter().map(|line| line.unit).filter(|unit| seen.insert(unit.name())).collect()
}

fn chart_name(table: &Table, unit: Unit) -> String {
    let unit: String =
        unit.name().chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("{}-{unit}.svg", table.id)
}

/// One table, as Markdown.
fn section(table: &Table) -> String {
    let mut text = format!("\n## {}\n\n{}\n\nMachine: {}.\n\n", table.title, table.note, table.machine.line());
    text.push_str("| work | median | least … most | must reach | |\n|---|---|---|---|---|\n");
    for line in &table.lines {
        row(&mut text, line);
    }
    text.push('\n');
    for unit in units(table) {
        // Writing into a `String` does not fail.
        let _ = writeln!(text, "![{}, {}](charts/{})\n", table.title, unit.name(), chart_name(table, unit));
    }
    text
}

fn row(text: &mut String, line: &Line) {
    let median = line.median();
    let bold = if line.whose == Whose::Keyfold { "**" } else { "" };
    let least = line.samples.iter().copied().fold(f64::INFINITY, f64::min);
    let most = line.samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let words: Vec<_> = line.targets.iter().map(|target| target.words.as_str()).collect();
    let verdicts: Vec<_> =
        line.targets.iter().map(|target| if target.is_met(median) { "met" } else { "**missed**" }).collect();
    let _ = writeln!(
        text,
        "| {} | {bold}{} {}{bold} | {} … {} | {} | {} |",
        line.work,
        number(median),
        line.unit.name(),
        number(least),
        number(most),
        words.join("; "),
        verdicts.join("; ")
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{machine::Machine, table::Target};

    fn table(value: f64) -> Table {
        let line = Line {
            work: "encrypt".into(),
            whose: Whose::Keyfold,
            unit: Unit::Mebibytes,
            samples: vec![value, value + 1.0, value - 1.0],
            targets: vec![Target::at_most(64.0, Unit::Mebibytes)],
        };
        Table { id: "t".into(), title: "T".into(), note: "N.".into(), machine: Machine::this(), lines: vec![line] }
    }

    #[test]
    fn a_missed_target_is_printed_as_missed() {
        assert!(section(&table(20.0)).contains("| encrypt | **20.0 MiB** | 19.0 … 21.0 | ≤ 64 MiB | met |"));
        assert!(section(&table(80.0)).contains("| ≤ 64 MiB | **missed** |"));
    }

    #[test]
    fn what_people_wrote_around_it_stays() {
        let first = replaced("", "one\n");
        assert!(first.starts_with("# Numbers") && first.contains("one"));
        let edited = format!("Mine.\n{BEGIN}\nold\n{END}\nAlso mine.\n");
        assert_eq!(replaced(&edited, "new\n"), format!("Mine.\n{BEGIN}\nnew\n{END}\nAlso mine.\n"));
    }
}
