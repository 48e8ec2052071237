//! Keyfold client: accounts, keychains, sharing in real time and encrypted files, as a state machine with a native driver.
