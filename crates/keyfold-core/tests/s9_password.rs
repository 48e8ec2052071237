//! S7, S9, S21 for a password: nobody chooses its costs but this release, a try is one try, and points that would give
//! it away are refused. Against the server's half of the library itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    RecoverySecret,
    recovery::{PasswordError, PasswordLogin, PasswordRegistration},
};
use keyfold_format::ScopeId;
use opaque_ke::{
    ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialRequest, CredentialResponse, Identifiers, RegistrationResponse, ServerLogin, ServerLoginParameters,
    ServerRegistration, ServerSetup,
};
use support::{
    ScriptedRng, SeededRng, hex,
    opaque::{Compat, Server, Suite},
    unhex,
};

const ACCOUNT: ScopeId = ScopeId([0xac; 32]);
const OTHER: ScopeId = ScopeId([0x07; 32]);

fn register(server: &Server, password: &str, rng: &mut SeededRng) -> (RecoverySecret, Vec<u8>) {
    let (state, request) = PasswordRegistration::start(password, rng).unwrap();
    let response = server.register(&request, &ACCOUNT.0).unwrap();
    state.finish(&response, &ACCOUNT, rng).unwrap()
}

fn login(
    server: &mut Server,
    password: &str,
    account: &ScopeId,
    record: Option<&[u8]>,
) -> Result<RecoverySecret, PasswordError> {
    let mut rng = SeededRng::new("login");
    let (state, request) = PasswordLogin::start(password, &mut rng).unwrap();
    let response = server.login(&request, &account.0, record).unwrap();
    state.finish(&response, account, &mut rng)
}

#[test]
fn the_password_comes_to_its_secret_again_and_nothing_else_does() {
    let (mut server, mut rng) = (Server::new("server"), SeededRng::new("set"));
    let (secret, record) = register(&server, "correct horse", &mut rng);
    assert_eq!(record.len(), 192);
    let mut login = |password, account, record| login(&mut server, password, account, record);
    assert_eq!(login("correct horse", &ACCOUNT, Some(&record)), Ok(secret));
    assert_eq!(login("correct horsf", &ACCOUNT, Some(&record)), Err(PasswordError::Wrong));
    assert_eq!(login("correct horse", &ACCOUNT, None), Err(PasswordError::Wrong), "no record");
    assert_eq!(login("correct horse", &OTHER, Some(&record)), Err(PasswordError::Wrong), "of another account");
}

/// A page's module does not outlive a wait for the server.
#[test]
fn who_cannot_keep_his_state_goes_on_from_its_bytes() {
    let (mut server, mut rng) = (Server::new("server"), SeededRng::new("resumed"));
    let (state, request) = PasswordRegistration::start("correct horse", &mut rng).unwrap();
    let response = server.register(&request, &ACCOUNT.0).unwrap();
    let state = PasswordRegistration::resume("correct horse", &state.state()).unwrap();
    let (secret, record) = state.finish(&response, &ACCOUNT, &mut rng).unwrap();
    let (state, request) = PasswordLogin::start("correct horse", &mut rng).unwrap();
    let response = server.login(&request, &ACCOUNT.0, Some(&record)).unwrap();
    let state = state.state();
    assert!(PasswordLogin::resume("correct horse", &state[..191]).is_err());
    let state = PasswordLogin::resume("correct horse", &state).unwrap();
    assert!(state.finish(&response, &ACCOUNT, &mut rng) == Ok(secret));
}

#[test]
fn two_who_have_one_password_have_other_secrets() {
    let (server, mut rng) = (Server::new("server"), SeededRng::new("set"));
    let first = register(&server, "correct horse", &mut rng);
    let second = register(&server, "correct horse", &mut rng);
    assert!(first.0 != second.0 && first.1 != second.1);
}

/// What a record says of the password is worth nothing without the server's secret: with another one, as with a guess
/// at it, the true password does not open it.
#[test]
fn a_record_without_the_server_s_secret_opens_with_no_password() {
    let (server, mut rng) = (Server::new("server"), SeededRng::new("set"));
    let (_, record) = register(&server, "correct horse", &mut rng);
    let mut thief = Server::new("thief");
    assert_eq!(login(&mut thief, "correct horse", &ACCOUNT, Some(&record)), Err(PasswordError::Wrong));
}

#[test]
fn s7_a_record_of_other_costs_is_a_wrong_password_and_nothing_on_the_wire_can_ask_for_them() {
    let (mut server, mut rng) = (Server::new("server"), SeededRng::new("set"));
    // The same password, set by a client that does not stretch at all.
    let client = ClientRegistration::<Suite>::start(&mut Compat(&mut rng), b"correct horse").unwrap();
    let response = server.register(&client.message.serialize(), &ACCOUNT.0).unwrap();
    let identifiers = Identifiers { client: Some(&ACCOUNT.0), server: None };
    let params = ClientRegistrationFinishParameters::new(identifiers, None);
    let response = RegistrationResponse::deserialize(&response).unwrap();
    let finished = client.state.finish(&mut Compat(&mut rng), b"correct horse", response, params).unwrap();
    let record = finished.message.serialize();
    assert_eq!(login(&mut server, "correct horse", &ACCOUNT, Some(&record)), Err(PasswordError::Wrong));

    // Every message has one length: there is no room for a cost.
    let altered: [fn(&mut Vec<u8>); 2] = [|response| response.push(0), |response| response.truncate(319)];
    for alter in altered {
        let (state, request) = PasswordLogin::start("correct horse", &mut rng).unwrap();
        let mut response = server.login(&request, &ACCOUNT.0, Some(&record)).unwrap();
        assert_eq!((request.len(), response.len()), (96, 320));
        alter(&mut response);
        assert_eq!(state.finish(&response, &ACCOUNT, &mut rng), Err(PasswordError::Malformed));
    }
}

#[test]
fn s9_an_answer_altered_anywhere_is_refused_and_never_another_secret() {
    let (mut server, mut rng) = (Server::new("server"), SeededRng::new("set"));
    let (_, record) = register(&server, "correct horse", &mut rng);
    // A bit of each part: evaluated point, masking nonce, masked key and envelope, nonce, key share, MAC.
    for at in [0, 40, 70, 100, 170, 200, 230, 300] {
        let (state, request) = PasswordLogin::start("correct horse", &mut rng).unwrap();
        let mut response = server.login(&request, &ACCOUNT.0, Some(&record)).unwrap();
        response[at] ^= 1;
        let refused = state.finish(&response, &ACCOUNT, &mut rng).unwrap_err();
        assert!(matches!(refused, PasswordError::Wrong | PasswordError::Malformed), "byte {at}");
    }
}

#[test]
fn passwords_that_are_none_are_refused() {
    let mut rng = SeededRng::new("lengths");
    for (password, allowed) in [("", false), ("x", true), (&"x".repeat(1_024), true), (&"x".repeat(1_025), false)] {
        assert_eq!(PasswordLogin::start(password, &mut rng).is_ok(), allowed, "{}", password.len());
        assert_eq!(PasswordRegistration::start(password, &mut rng).is_ok(), allowed, "{}", password.len());
    }
}

/// The neutral element; a point of small order of the curve beneath, which ristretto255 has no encoding for; a number
/// above the field's; and what is no point.
fn bad_points() -> [[u8; 32]; 4] {
    let mut above = [0xff; 32];
    (above[0], above[31]) = (0xed, 0x7f);
    let mut order_two = [0xff; 32];
    (order_two[0], order_two[31]) = (0xec, 0x7f);
    [[0; 32], order_two, above, [0x55; 32]]
}

#[test]
fn s21_neutral_and_other_bad_points_in_opaque_are_refused_on_both_sides() {
    let (mut server, mut rng) = (Server::new("server"), SeededRng::new("points"));
    let (_, record) = register(&server, "correct horse", &mut rng);
    for point in bad_points() {
        // To the server: it must not evaluate them under its secret.
        assert_eq!(server.register(&point, &ACCOUNT.0), None);
        let (_, request) = PasswordLogin::start("correct horse", &mut rng).unwrap();
        for at in [0, 64] {
            let mut request = request.clone();
            request[at..at + 32].copy_from_slice(&point);
            assert_eq!(server.login(&request, &ACCOUNT.0, Some(&record)), None, "at {at}");
        }
        // To the client: with the neutral element as answer the password alone would decide.
        let (state, request) = PasswordRegistration::start("correct horse", &mut rng).unwrap();
        let response = server.register(&request, &ACCOUNT.0).unwrap();
        let response = [&point[..], &response[32..]].concat();
        assert_eq!(state.finish(&response, &ACCOUNT, &mut rng), Err(PasswordError::Malformed));
        for at in [0, 224] {
            let (state, request) = PasswordLogin::start("correct horse", &mut rng).unwrap();
            let mut response = server.login(&request, &ACCOUNT.0, Some(&record)).unwrap();
            response[at..at + 32].copy_from_slice(&point);
            assert_eq!(state.finish(&response, &ACCOUNT, &mut rng), Err(PasswordError::Malformed), "at {at}");
        }
    }
}

#[test]
fn a_server_that_sends_the_request_back_is_refused() {
    let (mut server, mut rng) = (Server::new("server"), SeededRng::new("reflected"));
    let (_, record) = register(&server, "correct horse", &mut rng);
    let (state, request) = PasswordLogin::start("correct horse", &mut rng).unwrap();
    let mut response = server.login(&request, &ACCOUNT.0, Some(&record)).unwrap();
    response[..32].copy_from_slice(&request[..32]);
    assert_eq!(state.finish(&response, &ACCOUNT, &mut rng), Err(PasswordError::Malformed));
}

/// RFC 9807, C.1.1: OPAQUE-3DH with ristretto255 and SHA-512, real test vector 1, whose stretching is the identity.
#[test]
fn s21_the_suite_gives_what_rfc_9807_says() {
    let password = unhex("436f7272656374486f72736542617474657279537461706c65");
    let (context, account) = (unhex("4f50415155452d504f43"), unhex("31323334"));
    let oprf_seed = "f433d0227b0b9dd54f7c4422b600e764e47fb503f1f9a0f0a47c6606b054a7fdc65347f1a08f277e22358bbabe26f823fca82c7848e9a75661f4ec5d5c1989ef";
    let private_key = "47451a85372f8b3537e249d7b54188091fb18edde78094b43e2ba42b5eb89f0d";
    let public_key = "b2fe7af9f48cc502d016729d2fe25cdd433f2c4bc904660b2a382c9b79df1a78";
    // As it is stored: seed, private key, and the public key of the record that stands for none.
    let setup = ServerSetup::<Suite>::deserialize(&unhex(&[oprf_seed, private_key, public_key].concat())).unwrap();
    // A scalar is drawn as 64 bytes and reduced.
    let scripted = |parts: &[&str]| ScriptedRng::new(unhex(&parts.concat()));
    let zeros = &"00".repeat(32);

    let blind = "76cfbfe758db884bebb33582331ba9f159720ca8784a2a070a265d9c2d6abe01";
    let started = ClientRegistration::<Suite>::start(&mut Compat(&mut scripted(&[blind, zeros])), &password).unwrap();
    assert_eq!(hex(&started.message.serialize()), "5059ff249eb1551b7ce4991f3336205bde44a105a032e747d21bf382e75f7a71");
    let response = ServerRegistration::start(&setup, started.message, &account).unwrap().message;
    assert_eq!(
        hex(&response.serialize()),
        "7408a268083e03abc7097fc05b587834539065e86fb0c7b6342fcf5e01e5b019b2fe7af9f48cc502d016729d2fe25cdd433f2c4bc904660b2a382c9b79df1a78"
    );
    let nonce = "ac13171b2f17bc2c74997f0fce1e1f35bec6b91fe2e12dbd323d23ba7a38dfec";
    let params = ClientRegistrationFinishParameters::default();
    let registered = started.state.finish(&mut Compat(&mut scripted(&[nonce])), &password, response, params).unwrap();
    let export_key = "1ef15b4fa99e8a852412450ab78713aad30d21fa6966c9b8c9fb3262a970dc62950d4dd4ed62598229b1b72794fc0335199d9f7fcc6eaedde92cc04870e63f16";
    assert_eq!(hex(&registered.export_key), export_key);
    let record = registered.message.serialize();
    assert_eq!(
        hex(&record),
        "76a845464c68a5d2f7e442436bb1424953b17d3e2e289ccbaccafb57ac5c36751ac5844383c7708077dea41cbefe2fa15724f449e535dd7dd562e66f5ecfb95864eadddec9db5874959905117dad40a4524111849799281fefe3c51fa82785c5ac13171b2f17bc2c74997f0fce1e1f35bec6b91fe2e12dbd323d23ba7a38dfec634b0f5b96109c198a8027da51854c35bee90d1e1c781806d07d49b76de6a28b8d9e9b6c93b9f8b64d16dddd9c5bfb5fea48ee8fd2f75012a8b308605cdd8ba5"
    );

    let blind = "6ecc102d2e7a7cf49617aad7bbe188556792d4acd60a1a8a8d2b65d4b0790308";
    let share = "82850a697b42a505f5b68fcdafce8c31f0af2b581f063cf1091933541936304b";
    let nonce = "da7e07376d6d6f034cfa9bb537d11b8c6b4238c334333d1f0aebb380cae6a6cc";
    let mut rng = scripted(&[blind, zeros, share, nonce]);
    let started = ClientLogin::<Suite>::start(&mut Compat(&mut rng), &password).unwrap();
    let ke1 = started.message.serialize();
    assert_eq!(
        hex(&ke1),
        "c4dedb0ba6ed5d965d6f250fbe554cd45cba5dfcce3ce836e4aee778aa3cd44dda7e07376d6d6f034cfa9bb537d11b8c6b4238c334333d1f0aebb380cae6a6cc6e29bee50701498605b2c085d7b241ca15ba5c32027dd21ba420b94ce60da326"
    );
    // The masking key of the record that stands for none is drawn whether it is needed or not.
    let masking = "38fe59af0df2c79f57b8780278f5ae47355fe1f817119041951c80f612fdfc6d";
    let share = "05a4f54206eef1ba2f615bc0aa285cb22f26d1153b5b40a1e85ff80da12f982f";
    let nonce = "71cd9960ecef2fe0d0f7494986fa3d8b2bb01963537e60efb13981e138e3d4a1";
    let mut rng = scripted(&[zeros, zeros, masking, share, nonce]);
    let params = ServerLoginParameters { context: Some(&context), identifiers: Identifiers::default() };
    let record = Some(ServerRegistration::deserialize(&record).unwrap());
    let request = CredentialRequest::deserialize(&ke1).unwrap();
    let ke2 = ServerLogin::start(&mut Compat(&mut rng), &setup, record, request, &account, params).unwrap();
    let ke2 = ke2.message.serialize();
    assert_eq!(
        hex(&ke2),
        "7e308140890bcde30cbcea28b01ea1ecfbd077cff62c4def8efa075aabcbb47138fe59af0df2c79f57b8780278f5ae47355fe1f817119041951c80f612fdfc6dd6ec60bcdb26dc455ddf3e718f1020490c192d70dfc7e403981179d8073d1146a4f9aa1ced4e4cd984c657eb3b54ced3848326f70331953d91b02535af44d9fedc80188ca46743c52786e0382f95ad85c08f6afcd1ccfbff95e2bdeb015b166c6b20b92f832cc6df01e0b86a7efd92c1c804ff865781fa93f2f20b446c8371b671cd9960ecef2fe0d0f7494986fa3d8b2bb01963537e60efb13981e138e3d4a1c4f62198a9d6fa9170c42c3c71f1971b29eb1d5d0bd733e40816c91f7912cc4a660c48dae03e57aaa38f3d0cffcfc21852ebc8b405d15bd6744945ba1a93438a162b6111699d98a16bb55b7bdddfe0fc5608b23da246e7bd73b47369169c5c90"
    );
    let params = ClientLoginFinishParameters::new(Some(&context), Identifiers::default(), None);
    let response = CredentialResponse::deserialize(&ke2).unwrap();
    let finished = started.state.finish(&mut Compat(&mut SeededRng::new("unused")), &password, response, params);
    assert_eq!(hex(&finished.unwrap().export_key), export_key);
}
