//! What crosses the wire between a Keyfold client and server: requests, responses, events, error codes, HTTP Message Signatures.
