//! The two profiles against each other, and what must break them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use ed25519_dalek::{Signer, SigningKey};
use keyfold_format::{HolderId, ServerId, Signature, VerifyingKey};
use keyfold_protocol::{
    Code,
    signing::{
        Address, Binding, Fields, Method, Nonce, Outgoing, Received, Reply, ReplyHead, Request, RequestFault, Sender,
        request::Verified, response::server_id, sign_response,
    },
};

const NOW: u64 = 1_800_000_000;

fn device_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn server_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn public(key: &SigningKey) -> VerifyingKey {
    VerifyingKey(key.verifying_key().to_bytes())
}

fn sign_with(key: &SigningKey) -> impl Fn(&[u8]) -> Signature {
    |message| Signature(key.sign(message).to_bytes())
}

fn server() -> ServerId {
    server_id(&public(&server_key()))
}

fn request() -> Request {
    Request { method: Method::Post, path: "/v1/scopes".into(), query: String::new(), body: b"body".to_vec() }
}

fn signed() -> Outgoing {
    let to = Address { authority: "Keyfold.example:8787".into(), server: server() };
    request().sign(&to, &HolderId([7; 32]), Nonce([9; 24]), NOW, sign_with(&device_key()))
}

/// What a server makes of a request that arrives like this.
fn arrives(
    out: &Outgoing,
    host: &str,
    edit: impl FnOnce(&mut Vec<(String, String)>, &mut Request),
) -> Result<Verified, RequestFault> {
    let mut headers: Vec<(String, String)> = out.headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    let mut request = out.request.clone();
    edit(&mut headers, &mut request);
    let fields: Fields = headers.into_iter().collect();
    let binding = Binding::of(request.method.as_str(), host, &request.path, &request.query, &fields);
    match (Received { binding: &binding, fields: &fields, body: &request.body }).sender(&server())? {
        Sender::Claimed(claimed) => claimed.verify(&public(&device_key()), NOW),
        Sender::Stranger(_) => Err(RequestFault::Unauthorized),
    }
}

const HOST: &str = "keyfold.example:8787";

#[test]
fn a_signed_request_is_believed() {
    let verified = arrives(&signed(), HOST, |_, _| {}).unwrap();
    assert_eq!((verified.device, verified.created, verified.nonce), (HolderId([7; 32]), NOW, Nonce([9; 24])));
}

#[test]
fn any_covered_part_that_changes_on_the_way_is_refused() {
    let out = signed();
    let refused =
        |host: &str, edit: fn(&mut Vec<(String, String)>, &mut Request)| arrives(&out, host, edit).unwrap_err();
    assert_eq!(refused("other.example:8787", |_, _| {}), RequestFault::Unauthorized);
    assert_eq!(refused(HOST, |_, r| r.method = Method::Delete), RequestFault::Unauthorized);
    assert_eq!(refused(HOST, |_, r| r.path.push('s')), RequestFault::Unauthorized);
    assert_eq!(refused(HOST, |_, r| r.query.push('a')), RequestFault::Unauthorized);
    assert_eq!(refused(HOST, |_, r| r.body.push(0)), RequestFault::Malformed);
    // The body and its digest changed together.
    let other = keyfold_protocol::signing::digest::content_digest(b"other");
    let swap = |headers: &mut Vec<(String, String)>, r: &mut Request| {
        headers[0].1 = other.clone();
        r.body = b"other".to_vec();
    };
    assert_eq!(arrives(&out, HOST, swap).unwrap_err(), RequestFault::Unauthorized);
    let nonce = |headers: &mut Vec<(String, String)>, _: &mut Request| headers[1].1 = "A".repeat(32);
    assert_eq!(arrives(&out, HOST, nonce).unwrap_err(), RequestFault::Unauthorized);
}

#[test]
fn a_field_that_is_absent_repeated_or_of_another_server_is_refused() {
    let out = signed();
    for (i, (name, value)) in out.headers.iter().enumerate() {
        let absent = arrives(&out, HOST, |headers, _| drop(headers.remove(i)));
        assert!(absent.is_err(), "{name} absent");
        let twice = arrives(&out, HOST, |headers, _| headers.push(((*name).to_owned(), value.clone())));
        assert_eq!(twice.unwrap_err(), RequestFault::Malformed, "{name} twice");
    }
    let elsewhere = arrives(&out, HOST, |headers, _| headers[2].1 = ServerId([0; 32]).to_string());
    assert_eq!(elsewhere.unwrap_err(), RequestFault::WrongServer);
}

#[test]
fn a_signature_over_less_than_the_profile_is_refused_even_if_it_verifies() {
    let out = signed();
    for (from, to) in [
        (" \"keyfold-nonce\"", ""),
        ("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        ("tag=\"keyfold-request\"", "tag=\"keyfold-response\""),
        (";alg=\"ed25519\"", ""),
        ("created=", "expires=1;created="),
    ] {
        let outcome = arrives(&out, HOST, |headers, _| {
            let input = headers[3].1.replace(from, to);
            assert_ne!(input, headers[3].1);
            headers[3].1 = input;
        });
        assert_eq!(outcome.unwrap_err(), RequestFault::Unauthorized, "{from}");
    }
}

#[test]
fn the_window_is_a_minute_both_ways() {
    let out = signed();
    let fields: Fields = out.headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let binding = Binding::of("POST", HOST, "/v1/scopes", "", &fields);
    let at = |now| {
        let received = Received { binding: &binding, fields: &fields, body: b"body" };
        let Ok(Sender::Claimed(claimed)) = received.sender(&server()) else { panic!("not claimed") };
        claimed.verify(&public(&device_key()), now)
    };
    assert!(at(NOW + 60).is_ok() && at(NOW - 60).is_ok());
    assert_eq!(at(NOW + 61).unwrap_err(), RequestFault::ClockSkew);
    assert_eq!(at(NOW - 61).unwrap_err(), RequestFault::ClockSkew);
}

fn reply(status: u16, body: &[u8], binding: &Binding) -> Reply {
    let head = ReplyHead { status, time_ms: NOW * 1_000 + 5, body };
    let headers = sign_response(head, binding, &server(), sign_with(&server_key()));
    Reply { status, fields: headers.into_iter().collect(), body: body.to_vec() }
}

#[test]
fn a_response_answers_the_request_that_it_is_bound_to_and_no_other() {
    let key = public(&server_key());
    let out = signed();
    let verified = reply(409, b"error", &out.binding).verify(&out.binding, &key).unwrap();
    assert_eq!((verified.status, verified.time_ms, verified.body.as_slice()), (409, NOW * 1_000 + 5, &b"error"[..]));

    let to = Address { authority: HOST.into(), server: server() };
    let another_nonce = request().sign(&to, &HolderId([7; 32]), Nonce([8; 24]), NOW, sign_with(&device_key()));
    let another_path = Request { path: "/v1/other".into(), ..request() }.unsigned(HOST, Nonce([9; 24]));
    let unsigned = request().unsigned(HOST, Nonce([9; 24]));
    for other in [another_nonce, another_path, unsigned] {
        assert!(reply(200, b"", &out.binding).verify(&other.binding, &key).is_err());
        assert!(reply(200, b"", &other.binding).verify(&out.binding, &key).is_err());
        assert!(reply(200, b"", &other.binding).verify(&other.binding, &key).is_ok());
    }
}

#[test]
fn a_changed_unsigned_or_foreign_response_is_not_believed() {
    let key = public(&server_key());
    let binding = signed().binding;
    let good = || reply(401, b"error", &binding);
    assert!(good().verify(&binding, &key).is_ok());
    assert!(good().verify(&binding, &public(&device_key())).is_err());
    assert!(Reply { status: 200, ..good() }.verify(&binding, &key).is_err());
    assert!(Reply { body: b"Error".to_vec(), ..good() }.verify(&binding, &key).is_err());
    assert!(Reply { fields: Fields::default(), ..good() }.verify(&binding, &key).is_err());

    let head = ReplyHead { status: 500, time_ms: 0, body: b"" };
    for lost in 0..4 {
        let mut headers = sign_response(head, &binding, &server(), sign_with(&server_key()));
        headers.remove(lost);
        let reply = Reply { status: 500, fields: headers.into_iter().collect(), body: vec![] };
        assert_eq!(reply.verify(&binding, &key).unwrap_err().code(), Code::BadServerSignature);
    }
}

#[test]
fn a_stranger_asks_with_a_nonce_and_is_answered_verifiably() {
    let out = Request { method: Method::Get, path: "/v1/info".into(), query: String::new(), body: vec![] }
        .unsigned(HOST, Nonce([3; 24]));
    let fields: Fields = out.headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let binding = Binding::of("GET", HOST, "/v1/info", "", &fields);
    let sender = Received { binding: &binding, fields: &fields, body: b"" }.sender(&server());
    assert!(matches!(sender, Ok(Sender::Stranger(Nonce(n))) if n == [3; 24]));
    assert!(reply(200, b"", &binding).verify(&out.binding, &public(&server_key())).is_ok());
}
