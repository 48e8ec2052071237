//! Times as people read them, and spans as they type them.

use crate::fault::Fault;
use jiff::{Span, SpanRelativeTo, Timestamp};

/// A time in milliseconds since 1970, to the second, in UTC.
pub(crate) fn readable(ms: u64) -> String {
    match i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        // Beyond the calendar: the number as it is.
        None => format!("{ms} ms"),
    }
}

/// A date's milliseconds since 1970, as RFC 3339; beyond the years that it knows, the number as it is.
pub(crate) fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// This machine's time.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// A span such as `7d` or `12h 30min`, from now, as milliseconds since 1970. A day has 24 hours.
pub(crate) fn after(span: &str) -> Result<u64, Fault> {
    let understood = span.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours())).ok();
    understood
        .filter(|length| length.is_positive())
        .and_then(|length| Timestamp::now().checked_add(length).ok())
        .and_then(|time| u64::try_from(time.as_millisecond()).ok())
        .ok_or_else(|| Fault::usage(format!("`{span}` is not a span of time")).hint("Write it as 7d, 12h or 30min."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_a_date_in_utc() {
        assert_eq!(readable(1_763_760_645_123), "2025-11-21 21:30:45 UTC");
        assert_eq!(rfc3339(1_763_760_645_123), "2025-11-21T21:30:45.123Z");
    }

    #[test]
    fn a_time_beyond_the_calendar_does_not_panic() {
        assert_eq!(readable(u64::MAX), format!("{} ms", u64::MAX));
        for ms in [i64::MIN, i64::MAX] {
            assert_eq!(rfc3339(ms), ms.to_string());
        }
    }

    #[test]
    fn a_span_lies_ahead_by_what_it_says() {
        let day = 24 * 60 * 60 * 1000;
        let (now, later) = (after("1ms").unwrap(), after("7d").unwrap());
        assert!((7 * day - 1000..7 * day + 10_000).contains(&(later - now)), "{now} {later}");
        assert!(after("1d 12h").is_ok() && after("30min").is_ok());
    }

    #[test]
    fn a_span_without_a_unit_or_of_nothing_is_refused() {
        for span in ["7", "soon", "", "-1d", "0s", "99999999999d"] {
            assert_eq!(after(span).unwrap_err().exit(), 2, "{span}");
        }
    }
}
