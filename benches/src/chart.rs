//! A bar chart as SVG: one bar a line, and a mark where its target is. Written by hand because it is one page of
//! rectangles, which reads in a browser, in light and in dark, without a script.

use crate::table::{Bound, Line, Table, Unit, Whose};
use std::fmt::Write;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 90.0;
const ROW: f64 = 26.0;
const TOP: f64 = 34.0;

/// The lines of a table that count `unit`, as a chart.
pub(crate) fn svg(table: &Table, unit: Unit) -> String {
    let lines: Vec<&Line> = table.lines.iter().filter(|line| line.unit == unit).collect();
    let marks = lines.iter().flat_map(|line| &line.targets).map(|target| bound(target.bound));
    let most = lines.iter().map(|line| line.median()).chain(marks).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let scale = (WIDTH - LEFT - RIGHT) / most;
    let height = TOP + ROW * lines.len() as f64 + 8.0;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <title>{title}, {unit}</title>\n\
         <style>text{{font:13px system-ui,sans-serif;fill:#24292f}}.k{{fill:#2563eb}}.p{{fill:#94a3b8}}.l{{fill:#cbd5e1}}\
         .t{{stroke:#b91c1c;stroke-width:2}}@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.k{{fill:#60a5fa}}\
         .p{{fill:#64748b}}.l{{fill:#475569}}.t{{stroke:#f87171}}}}</style>\n\
         <text x=\"{LEFT}\" y=\"18\">{title}, {unit} (red: what Keyfold must reach)</text>\n",
        title = escape(&table.title),
        unit = unit.name(),
    );
    for (line, row) in lines.iter().zip(0u32..) {
        let y = TOP + ROW * f64::from(row);
        let class = match line.whose {
            Whose::Keyfold => "k",
            Whose::Peer => "p",
            Whose::Limit => "l",
        };
        let width = (line.median() * scale).max(1.0);
        // Writing into a `String` does not fail.
        let _ = write!(
            svg,
            "<text x=\"{label}\" y=\"{base}\" text-anchor=\"end\">{work}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"18\" rx=\"2\"/>\
             <text x=\"{value:.1}\" y=\"{base}\">{median}</text>",
            label = LEFT - 8.0,
            base = y + 14.0,
            work = escape(&line.work),
            value = LEFT + width + 6.0,
            median = number(line.median()),
        );
        for target in &line.targets {
            let x = LEFT + bound(target.bound) * scale;
            let (from, to) = (y - 3.0, y + 21.0);
            let _ = write!(svg, "<line class=\"t\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from}\" y2=\"{to}\"/>");
        }
        svg.push('\n');
    }
    svg.push_str("</svg>\n");
    svg
}

fn bound(bound: Bound) -> f64 {
    match bound {
        Bound::AtLeast(value) | Bound::AtMost(value) => value,
    }
}

/// A number with as many digits as anybody reads.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "–".to_owned(),
        size if size >= 100.0 => {
            let whole = format!("{value:.0}");
            let first = whole.len() % 3;
            let mut digits = String::new();
            for (at, digit) in whole.chars().enumerate() {
                if at > 0 && at % 3 == first {
                    digits.push(',');
                }
                digits.push(digit);
            }
            digits
        }
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{machine::Machine, table::Target};

    #[test]
    fn a_number_is_grouped_and_rounded() {
        let shown = [0.123, 12.34, 123.4, 1234.5, 123_456.0, 1_234_567.0, f64::NAN].map(number);
        assert_eq!(shown, ["0.12", "12.3", "123", "1,234", "123,456", "1,234,567", "–"]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_number() {
        let line = |work: &str, value: f64, targets| Line {
            work: work.into(),
            whose: Whose::Keyfold,
            unit: Unit::Rate,
            samples: vec![value],
            targets,
        };
        let table = Table {
            id: "a".into(),
            title: "A < B".into(),
            note: String::new(),
            machine: Machine::this(),
            lines: vec![line("half", 50.0, vec![Target::times(1.0, "whole", 100.0)]), line("whole", 100.0, vec![])],
        };
        let svg = svg(&table, Unit::Rate);
        assert!(svg.contains("A &lt; B"));
        assert!(svg.contains("width=\"210.0\"") && svg.contains("width=\"420.0\""), "{svg}");
        assert!(svg.contains("x1=\"670.0\""), "the mark stands where the longer bar ends: {svg}");
    }
}
