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
    Each table was measured on one machine, in one run, beside the peers and the limits that stand in the same table: read ratios \
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
    let generated: Vec<String> = tables.iter().map(section).collect();
    print!("{}", generated.concat());
    std::fs::write(&page, replaced(&before, generated)).with_context(|| page.display().to_string())
}

/// The page with what was measured anew between the marks, beside what was not; a page without marks is begun anew.
fn replaced(page: &str, generated: Vec<String>) -> String {
    let (head, kept, tail) = match page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?))) {
        Some((head, (kept, tail))) => (head, kept, tail),
        None => (PREAMBLE, "", "\n"),
    };
    let title = |section: &str| section.trim_start().lines().next().map(str::to_owned);
    let titles: BTreeSet<_> = generated.iter().map(|section| title(section)).collect();
    let kept = kept.split("\n## ").skip(1).map(|section| format!("\n## {}\n\n", section.trim_end()));
    let mut sections: Vec<_> = kept.filter(|section| !titles.contains(&title(section))).chain(generated).collect();
    sections.sort_by_key(|section| place(section));
    let sections = sections.concat();
    format!("{head}{BEGIN}\n{}\n{END}{tail}", sections.trim_end())
}

/// What a section is sorted by: its first chart, whose name starts with the table's id.
fn place(section: &str) -> String {
    let chart = section.split_once("](charts/").and_then(|(_, rest)| rest.split_once(".svg"));
    chart.map(|(name, _)| name.to_owned()).unwrap_or_default()
}

/// The units of a table, each once, in the order of its lines.
fn units(table: &Table) -> Vec<Unit> {
    let mut seen = BTreeSet::new();
    table.lines.iter().map(|line| line.unit).filter(|unit| seen.insert(unit.name())).collect()
}

fn chart_name(table: &Table, unit: Unit) -> String {
    let unit: String = unit
        .name()
        .chars()
        .map(|c| match c {
            'µ' => 'u',
            c if c.is_alphanumeric() => c.to_ascii_lowercase(),
            _ => '-',
        })
        .collect();
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
        let section =
            |title: &str, chart: &str, text: &str| format!("\n## {title}\n\n{text}\n\n![](charts/{chart}.svg)\n\n");
        let first = replaced("", vec![section("Files", "1-file-ms", "one")]);
        assert!(first.starts_with("# Numbers") && first.contains("\none\n"));
        let (files, tabs) = (section("Files", "1-file-ms", "old"), section("Tabs", "9-tabs-ms", "tabs"));
        let edited = format!("Mine.\n{BEGIN}\n{files}{tabs}{END}\nAlso mine.\n");
        let [files, devices] = [section("Files", "1-file-mb", "new"), section("Devices", "4-devices-ms", "devices")];
        let whole = format!("{files}{devices}{tabs}");
        let expected = format!("Mine.\n{BEGIN}\n{}\n{END}\nAlso mine.\n", whole.trim_end());
        let again = replaced(&edited, vec![devices.clone(), files.clone()]);
        assert_eq!(again, expected);
        assert_eq!(replaced(&again, vec![files, devices]), expected);
    }
}
