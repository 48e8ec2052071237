//! Aligned columns, and labelled lines, for people. Separate because width is what a terminal shows, not bytes.

use unicode_width::UnicodeWidthStr;

const GAP: usize = 2;

/// Rows under a heading, columns aligned; the last column is as long as it likes.
pub(crate) fn columns<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut all = vec![heading.map(str::to_uppercase)];
    all.extend(rows);
    aligned(&all)
}

/// Lines of a label and a value. Lines without a value are left out.
pub(crate) fn fields<'a>(lines: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let lines: Vec<_> =
        lines.into_iter().filter_map(|(label, value)| value.map(|value| [label.to_owned(), value])).collect();
    aligned(&lines)
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat((width + GAP).saturating_sub(cell.width())));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_what_is_seen() {
        let rows = [["日記".to_owned(), "1".to_owned()], ["notes".to_owned(), "2".to_owned()]];
        assert_eq!(columns(["purpose", "key"], rows), "PURPOSE  KEY\n日記     1\nnotes    2\n");
    }

    #[test]
    fn a_field_without_a_value_is_left_out() {
        let text = fields([("user", Some("alice".to_owned())), ("expires", None)]);
        assert_eq!(text, "user  alice\n");
    }
}
