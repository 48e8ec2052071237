//! Secrets of Keyfold: the suite KF1, envelopes, values, wraps, account and keychain keys. No I/O, no clock, no ambient randomness.
