//! The event stream on a WebSocket: both sides show who they are, then events come.

use super::client::Client;
use crate::{Error, Result, session::Subscription};
use futures_util::{SinkExt, StreamExt};
use keyfold_protocol::{
    Code,
    events::{Goodbye, News, ServerFrame},
    limits,
};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

const HANDSHAKE: Duration = Duration::from_secs(10);
/// The server pings more often than this; a line that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(90);

/// A stream of events that both sides have signed for.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Connects and subscribes to what happens from now on.
    pub(crate) async fn connect(client: &Client) -> Result<Self> {
        match Self::try_connect(client).await {
            // It may have its next key, and then the signature was for the one before.
            Err(refused) if refused.code == Code::Unauthorized => {
                if client.turn().await?.follow_server().await? {
                    return Self::try_connect(client).await;
                }
                Err(gone("it ended the stream of events"))
            }
            connected => connected,
        }
    }

    async fn try_connect(client: &Client) -> Result<Self> {
        let subscription = client.turn().await?.subscription()?;
        let connecting = Self::subscribe(client, &subscription);
        timeout(HANDSHAKE, connecting).await.map_err(|_| gone("it did not answer in time"))?
    }

    async fn subscribe(client: &Client, subscription: &Subscription) -> Result<Self> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(limits::FRAME_BYTES))
            .max_frame_size(Some(limits::FRAME_BYTES));
        let connected = connect_async_with_config(subscription.url(), Some(config), true).await;
        let (stream, _) = connected.map_err(broken)?;
        let mut socket = Self { stream };
        let ServerFrame::Challenge(challenge) = socket.frame().await? else { return Err(unexpected()) };
        let request = client.turn().await?.answer(subscription, &challenge)?;
        socket.stream.send(Message::binary(request.encode())).await.map_err(broken)?;
        match socket.frame().await? {
            ServerFrame::Welcome(welcome) => subscription.welcomed(&challenge, &request, &welcome)?,
            ServerFrame::Goodbye(Goodbye { code: code @ Code::Unauthorized }) => {
                return Err(Error::new(code, "the server does not take this device's signature"));
            }
            ServerFrame::Goodbye(goodbye) => return Err(farewell(goodbye.code)),
            _ => return Err(unexpected()),
        }
        Ok(socket)
    }

    /// The next news. Safe to drop and call again.
    pub(crate) async fn news(&mut self) -> Result<News> {
        match self.frame().await? {
            ServerFrame::Event(event) => Ok(News::Event(event)),
            ServerFrame::Wraps(wraps) => Ok(News::Wraps(wraps.scope)),
            ServerFrame::Reference(news) => Ok(News::Reference(news)),
            ServerFrame::Enrolment(news) => Ok(News::Enrolment(news.device)),
            ServerFrame::Goodbye(goodbye) => Err(farewell(goodbye.code)),
            _ => Err(unexpected()),
        }
    }

    async fn frame(&mut self) -> Result<ServerFrame> {
        loop {
            let next = timeout(SILENCE, self.stream.next()).await.map_err(|_| gone("it fell silent"))?;
            match next {
                Some(Ok(Message::Binary(bytes))) => return ServerFrame::decode(&bytes).map_err(|_| unexpected()),
                // Pings are answered while reading.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Err(gone("it closed the connection")),
                Some(Ok(_)) => return Err(unexpected()),
                Some(Err(error)) => return Err(broken(error)),
            }
        }
    }
}

fn farewell(code: Code) -> Error {
    match code {
        Code::LoggedOut => Error::new(code, "this device is logged out").hint("Log in first."),
        Code::UnknownDevice => Error::new(code, "the server does not know this device"),
        // Whatever else ends a stream, a new one may start: nothing in it was the server's signed word.
        _ => gone("it ended the stream of events"),
    }
}

fn gone(why: &str) -> Error {
    crate::host::Unreachable::new(why).into()
}

fn broken(error: tungstenite::Error) -> Error {
    gone(&error.to_string())
}

fn unexpected() -> Error {
    Error::new(Code::BadServerSignature, "the stream of events does not follow the protocol")
}
