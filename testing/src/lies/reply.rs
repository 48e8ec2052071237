//! Lies that need no knowledge of what is asked: errors, lost replies, other servers, broken wraps.

use crate::evil::EvilWorld;
use keyfold_format::wrap::{Wrap, WrapKind};
use keyfold_protocol::{
    Code, ErrorBody, route,
    wire::{OwnWraps, Placed},
};
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

/// Every wrap is withheld.
pub(super) fn without_wraps(world: &EvilWorld) -> Result<(), String> {
    alter_wraps(world, |_| Vec::new())
}

/// Every wrap has a byte changed.
pub(super) fn altered_wraps(world: &EvilWorld) -> Result<(), String> {
    alter_wraps(world, |wraps| wraps.iter().map(altered).collect())
}

/// The same place, and a byte of the seal changed.
fn altered(wrap: &Wrap) -> Wrap {
    let mut sealed = wrap.sealed().to_vec();
    if let Some(byte) = sealed.last_mut() {
        *byte ^= 1;
    }
    Wrap::new(&wrap.place(WrapKind::Keychain, wrap.recipient), sealed).expect("it is as long as before")
}

fn alter_wraps(world: &EvilWorld, alter: fn(&[Wrap]) -> Vec<Wrap>) -> Result<(), String> {
    world.evil.lie(move |asked, answer| {
        if answer.status != 200 {
            return;
        }
        if asked.path.ends_with("/placed") {
            let mut placed = Placed::decode(&answer.body).expect("the server wrote it");
            placed.wraps = alter(&placed.wraps);
            answer.body = placed.encode();
        } else if asked.path.ends_with("/wraps") {
            let wraps = OwnWraps::decode(&answer.body).expect("the server wrote it").wraps;
            answer.body = OwnWraps { wraps: alter(&wraps) }.encode();
        }
    });
    Ok(())
}
