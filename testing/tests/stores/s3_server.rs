//! A server that speaks S3, over a folder, on this machine. What it compares before it writes, others may have changed
//! meanwhile; a lock in front makes one step of it, as it is at those that people use.

use hyper::{
    Method, Request,
    body::Incoming,
    header::{IF_MATCH, IF_NONE_MATCH},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use keyfold_client::stores::{
    BucketStore,
    object_store::{aws::AmazonS3, aws::AmazonS3Builder},
};
use s3s::{auth::SimpleAuth, service::S3Service, service::S3ServiceBuilder};
use std::{
    fs,
    io::{Error, ErrorKind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, sync::RwLock};

pub(super) const BUCKET: &str = "keyfold";

/// Ends with the runtime of the test.
pub(super) struct S3Server {
    folder: tempfile::TempDir,
    address: String,
    front: Arc<Front>,
}

struct Front {
    service: S3Service,
    one_step: RwLock<()>,
    /// Replies to writes that are still to be lost.
    lose: AtomicUsize,
    /// Whether what is written on a condition is written in any case.
    heedless: bool,
}

impl S3Server {
    pub(super) async fn start() -> Self {
        Self::start_as(false).await
    }

    /// One that takes conditions and does not keep them, as older ones do. It asks nobody who he is.
    pub(super) async fn start_heedless() -> Self {
        Self::start_as(true).await
    }

    async fn start_as(heedless: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        if !heedless {
            service.set_auth(SimpleAuth::from_single("alice", "her secret"));
        }
        let (service, lose) = (service.build(), AtomicUsize::new(0));
        let front = Arc::new(Front { service, one_step: RwLock::default(), lose, heedless });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, front.clone()));
        Self { folder, address, front }
    }

    /// The bucket, for who knows a secret.
    pub(super) fn bucket(&self, secret: &str) -> Arc<AmazonS3> {
        let bucket = AmazonS3Builder::new()
            .with_endpoint(&self.address)
            .with_allow_http(true)
            .with_bucket_name(BUCKET)
            .with_skip_signature(self.front.heedless)
            .with_access_key_id("alice")
            .with_secret_access_key(secret);
        Arc::new(bucket.build().unwrap())
    }

    pub(super) async fn store(&self, prefix: &str) -> BucketStore {
        BucketStore::open(self.bucket("her secret"), prefix).await.unwrap()
    }

    /// Where a key lies on the disk.
    pub(super) fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }

    /// Does what is asked with the next writes, and closes the connection in place of saying so.
    pub(super) fn lose_replies(&self, writes: usize) {
        self.front.lose.store(writes, Ordering::SeqCst);
    }

    /// Whether all replies that were to be lost are.
    pub(super) fn lost_them(&self) -> bool {
        self.front.lose.load(Ordering::SeqCst) == 0
    }
}

async fn serve(listener: TcpListener, front: Arc<Front>) {
    while let Ok((connection, _)) = listener.accept().await {
        let front = front.clone();
        let answer = service_fn(move |request| answer(front.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), answer));
    }
}

async fn answer(front: Arc<Front>, mut request: Request<Incoming>) -> Result<hyper::Response<s3s::Body>, Error> {
    if front.heedless {
        request.headers_mut().remove(IF_MATCH);
        request.headers_mut().remove(IF_NONE_MATCH);
    }
    let writes = matches!(*request.method(), Method::PUT | Method::POST | Method::DELETE);
    let answered = if writes {
        let _alone = front.one_step.write().await;
        hyper::service::Service::call(&front.service, request).await
    } else {
        let _beside = front.one_step.read().await;
        hyper::service::Service::call(&front.service, request).await
    };
    let lost = |left: usize| left.checked_sub(1).filter(|_| writes);
    if front.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lost).is_ok() {
        return Err(ErrorKind::ConnectionReset.into());
    }
    answered.map_err(|e| Error::other(format!("{e:?}")))
}
