//! `GET /v1/events`: the event stream, a WebSocket. Who connects shows first which device it is; the address holds no
//! secret. Then come the events that were missed, from the database, and those that happen, from the hub.

use super::{App, Peer, stopped};
use crate::{
    clock,
    domain::{Fault, fault},
    hub::Signal,
};
use axum::{
    Extension,
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use keyfold_format::{Malformed, ScopeId};
use keyfold_protocol::{
    Code,
    events::{Challenge, Cursor, EnrolmentNews, Goodbye, ServerFrame, Subscribe, Welcome, WrapNews},
    limits,
};
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

/// How long the client may take to take a frame of ours.
const PATIENCE: Duration = Duration::from_secs(15);
/// A ping this often keeps the way open and finds out who is gone.
const PING: Duration = Duration::from_secs(20);
/// Whoever says nothing for this long is gone.
const SILENCE: Duration = Duration::from_secs(60);

pub(super) async fn events(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if let Err(limited) = app.domain.admit_address(peer.origin) {
        return limited.into_response();
    }
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(limits::FRAME_BYTES)
            .max_frame_size(limits::FRAME_BYTES)
            .on_upgrade(move |socket| serve(app, peer, socket)),
        Err(rejection) => rejection.into_response(),
    }
}

async fn serve(app: App, peer: Peer, mut socket: WebSocket) {
    // One deadline for all of it, whatever is said meanwhile.
    let ended = match timeout(app.read_timeout, subscribe(&app, &mut socket)).await {
        Ok(Ok(stream)) => stream.run(&app, &mut socket).await,
        Ok(Err(ended)) => ended,
        Err(_) => Ended::Say(Code::Timeout),
    };
    if let Ended::Say(code) = ended {
        _ = send(&mut socket, &ServerFrame::Goodbye(Goodbye { code })).await;
        let frame = CloseFrame { code: close_code::NORMAL, reason: code.as_str().into() };
        _ = timeout(PATIENCE, socket.send(Message::Close(Some(frame)))).await;
    }
    drop(peer.place);
}

/// How a stream ends.
enum Ended {
    /// The other side left, or does not listen.
    Gone,
    /// It is told why.
    Say(Code),
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Say(fault.code())
    }
}

/// A device that showed who it is.
struct Stream {
    account: ScopeId,
    /// Everything up to here was sent.
    sent: Cursor,
    signals: mpsc::Receiver<Signal>,
}

async fn subscribe(app: &App, socket: &mut WebSocket) -> Result<Stream, Ended> {
    let mut challenge = Challenge { nonce: [0; 32] };
    getrandom::fill(&mut challenge.nonce).map_err(|_| Ended::Say(Code::Internal))?;
    send(socket, &ServerFrame::Challenge(challenge.clone())).await?;
    let frame = loop {
        match socket.recv().await {
            Some(Ok(Message::Binary(frame))) => break frame,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Text(_))) => return Err(Ended::Say(Code::Malformed)),
            _ => return Err(Ended::Gone),
        }
    };
    let asked = Subscribe::decode(&frame).map_err(|e: Malformed| Ended::Say(e.into()))?;
    let device = app.domain.device(asked.device).await?;
    let device = device.ok_or_else(|| fault(Code::UnknownDevice, "no account has this device"))?;
    let secrets = &app.domain.secrets;
    asked.verify(&device.signing_key, &secrets.id(), &challenge).map_err(|_| Ended::Say(Code::Unauthorized))?;
    if asked.created.abs_diff(clock::now_ms() / 1_000) > limits::WINDOW_SECONDS {
        return Err(Ended::Say(Code::ClockSkew));
    }
    app.domain.admit_account(device.account)?;
    // First the live events, then what is in the database: nothing falls between.
    let signals = app.domain.hub.subscribe(device.account, asked.device);
    let session = app.domain.device(asked.device).await?;
    if session.is_none_or(|device| device.session_since.is_none()) {
        return Err(Ended::Say(Code::LoggedOut));
    }
    let newest = app.domain.cursor().await?;
    let sent = asked.after.map_or(newest, |after| after.min(newest));
    let signature = secrets.sign(&Welcome::message(&challenge, &asked.nonce, &asked.device, sent));
    send(socket, &ServerFrame::Welcome(Welcome { cursor: sent, signature })).await?;
    Ok(Stream { account: device.account, sent, signals })
}

impl Stream {
    async fn run(mut self, app: &App, socket: &mut WebSocket) -> Ended {
        if let Err(ended) = self.catch_up(app, socket).await {
            return ended;
        }
        let mut stopping = app.stopping.clone();
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let ended = tokio::select! {
                signal = self.signals.recv() => match signal {
                    Some(Signal::Event(event)) if event.cursor <= self.sent => Ok(()),
                    Some(Signal::Event(event)) => {
                        self.sent = event.cursor;
                        send(socket, &ServerFrame::Event(event)).await
                    }
                    Some(Signal::Wraps(scope)) => send(socket, &ServerFrame::Wraps(WrapNews { scope })).await,
                    Some(Signal::Reference(news)) => send(socket, &ServerFrame::Reference(news)).await,
                    Some(Signal::Enrolment(device)) => {
                        send(socket, &ServerFrame::Enrolment(EnrolmentNews { device })).await
                    }
                    Some(Signal::Close(code)) => Err(Ended::Say(code)),
                    // Too slow: it comes back with its cursor.
                    None => Err(Ended::Say(Code::ServerUnavailable)),
                },
                message = socket.recv() => match message {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => { heard = Instant::now(); Ok(()) }
                    Some(Ok(Message::Text(_) | Message::Binary(_))) => Err(Ended::Say(Code::Malformed)),
                    _ => Err(Ended::Gone),
                },
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE { Err(Ended::Gone) } else { write(socket, Message::Ping(Default::default())).await }
                }
                () = stopped(&mut stopping) => Err(Ended::Say(Code::ServerUnavailable)),
            };
            if let Err(ended) = ended {
                return ended;
            }
        }
    }

    async fn catch_up(&mut self, app: &App, socket: &mut WebSocket) -> Result<(), Ended> {
        loop {
            let missed = app.domain.missed(self.account, self.sent).await?;
            let Some(last) = missed.last() else { break };
            let last = last.cursor;
            for event in missed {
                send(socket, &ServerFrame::Event(event)).await?;
            }
            self.sent = last;
        }
        for device in app.domain.asking(self.account).await? {
            send(socket, &ServerFrame::Enrolment(EnrolmentNews { device })).await?;
        }
        Ok(())
    }
}

async fn send(socket: &mut WebSocket, frame: &ServerFrame) -> Result<(), Ended> {
    write(socket, Message::Binary(frame.encode().into())).await
}

async fn write(socket: &mut WebSocket, message: Message) -> Result<(), Ended> {
    match timeout(PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Ended::Gone),
    }
}
