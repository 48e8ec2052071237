//! Lies that need no knowledge of what is asked: errors, lost replies, other servers.

use crate::evil::EvilWorld;
use keyfold_protocol::{Code, ErrorBody, route};
use serde::Deserialize;

/// What answers in place of a Keyfold server of this version.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A web server's page.
    Html,
    /// A server that serves no client as old as this one.
    Newer,
    /// Well signed bytes that are nothing.
    Garbage,
}

/// An error, on every path that ends so.
pub(super) fn error(world: &EvilWorld, path: String, status: u16, code: &str, signed: bool) -> Result<(), String> {
    let code = Code::parse(code);
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with(&path) {
            answer.status = status;
            answer.body = ErrorBody::new(code, "so the operator says").encode();
            answer.signed = signed;
        }
    });
    Ok(())
}

/// Done, and never heard of.
pub(super) fn lost(world: &EvilWorld, path: String) -> Result<(), String> {
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with(&path) {
            answer.status = 502;
            answer.body.clear();
            answer.signed = false;
        }
    });
    Ok(())
}

/// Another server, or another version.
pub(super) fn foreign(world: &EvilWorld, form: Form) -> Result<(), String> {
    world.evil.lie(move |asked, answer| match form {
        Form::Html => {
            answer.status = 200;
            answer.body = b"<!doctype html><title>Welcome</title>".to_vec();
            answer.media_type = "text/html";
            answer.signed = false;
        }
        // What it is, such a server tells everybody.
        Form::Newer if asked.path == route::INFO => {}
        Form::Newer => {
            answer.status = Code::ClientTooOld.status();
            answer.body = ErrorBody::new(Code::ClientTooOld, "this server serves newer clients").encode();
        }
        Form::Garbage => {
            answer.status = 200;
            answer.body = vec![0xff; 64];
        }
    });
    Ok(())
}
