//! QR codes in a terminal, two modules a character.

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

/// Black on white, whatever the terminal's colours are: cameras read no other as surely.
const COLOURS: &str = "\x1b[38;5;16;48;5;231m";
const AS_BEFORE: &str = "\x1b[0m";

/// A text as a QR code. `None` if it is too long for one.
pub(crate) fn drawn(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let modules = code.render::<Dense1x2>().build();
    Some(modules.lines().map(|line| format!("{COLOURS}{line}{AS_BEFORE}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_fits_a_terminal_and_the_longest_one_is_a_code_too() {
        let uri = |user: &str| format!("keyfold:identity/{}/{user}", "A".repeat(43));
        let code = drawn(&uri("alice")).unwrap();
        let width = |line: &str| line.trim_start_matches(COLOURS).trim_end_matches(AS_BEFORE).chars().count();
        assert!(code.lines().all(|line| width(line) == width(code.lines().next().unwrap()) && width(line) < 80));
        assert!(code.lines().count() <= 24, "{}", code.lines().count());
        assert!(drawn(&uri(&"%C3%A4".repeat(64))).is_some());
        assert!(drawn(&"x".repeat(3_000)).is_none());
    }
}
