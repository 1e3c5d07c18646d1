//! A git host: `git http-backend` behind HTTPS and basic authentication, over one bare repository.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use heddle_source::{Credential, Remote};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use url::Url;

pub const USER: &str = "x-access-token";
pub const PASSWORD: &str = "correct-horse-battery";

/// A running host and the repository `acme/config` on it, with a work tree to commit from.
pub struct GitHost {
    pub url: Url,
    pub ca_pem: Vec<u8>,
    work: PathBuf,
    shared: Arc<Shared>,
    _dir: tempfile::TempDir,
}

struct Shared {
    root: PathBuf,
    packs_sent: AtomicUsize,
    fault: Mutex<Option<StatusCode>>,
    is_silent: AtomicBool,
    asked_in_vain: AtomicUsize,
    redirect: Mutex<Option<(String, String)>>,
    logins: AtomicUsize,
    conversations: AtomicUsize,
    is_public: AtomicBool,
    /// What is served besides, by its path.
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    files_sent: AtomicUsize,
}

impl GitHost {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (root, work) = (dir.path().join("srv"), dir.path().join("work"));
        git(dir.path(), &["init", "--quiet", "--bare", "-b", "main", "srv/acme/config"]);
        git(&root.join("acme/config"), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        git(dir.path(), &["clone", "--quiet", "srv/acme/config", "work"]);
        git(&work, &["checkout", "--quiet", "-b", "main"]);
        let shared = Arc::new(Shared {
            root,
            packs_sent: AtomicUsize::new(0),
            fault: Mutex::default(),
            is_silent: AtomicBool::new(false),
            asked_in_vain: AtomicUsize::new(0),
            redirect: Mutex::default(),
            logins: AtomicUsize::new(0),
            conversations: AtomicUsize::new(0),
            is_public: AtomicBool::new(false),
            files: Mutex::default(),
            files_sent: AtomicUsize::new(0),
        });
        let (address, ca_pem) = serve(Router::new().fallback(answer).with_state(Arc::clone(&shared))).await;
        let url = format!("https://localhost:{}/acme/config", address.port()).parse().unwrap();
        Self { url, ca_pem, work, shared, _dir: dir }
    }

    pub fn remote(&self) -> Remote {
        let credential = Credential { username: USER.into(), password: PASSWORD.into() };
        Remote { url: self.url.clone(), credential: Some(credential), ca_pem: Some(self.ca_pem.clone()) }
    }

    /// Writes the files, removes those whose content is `None`, commits, pushes; gives the commit.
    pub fn commit(&self, files: &[(&str, Option<&str>)]) -> String {
        for (path, content) in files {
            let path = self.work.join(path);
            match content {
                Some(content) => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, content).unwrap();
                }
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        git(&self.work, &["add", "--all"]);
        git(&self.work, &["commit", "--quiet", "--allow-empty", "-m", "change"]);
        git(&self.work, &["push", "--quiet", "origin", "HEAD"]);
        git(&self.work, &["rev-parse", "HEAD"])
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.work, arguments)
    }

    /// Stores a blob; gives its id.
    pub fn blob(&self, content: &[u8]) -> String {
        self.object("blob", content)
    }

    /// Stores a tree of any entries (mode, name, id), as a host does that does not check what is pushed; gives its id.
    pub fn tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut content = Vec::new();
        for (mode, name, id) in entries {
            content.extend_from_slice(mode.as_bytes());
            content.push(b' ');
            content.extend_from_slice(name);
            content.push(0);
            content.extend(hex::decode(id).unwrap());
        }
        self.object("tree", &content)
    }

    /// Makes a commit of a tree the head of `main`.
    pub fn commit_tree(&self, tree: &str) -> String {
        let commit = git(&self.bare(), &["commit-tree", "-m", "change", tree]);
        git(&self.bare(), &["update-ref", "refs/heads/main", &commit]);
        commit
    }

    fn object(&self, kind: &str, content: &[u8]) -> String {
        let mut child = Command::new("git")
            .current_dir(self.bare())
            .args(["hash-object", "-t", kind, "-w", "--literally", "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), content).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn bare(&self) -> PathBuf {
        self.shared.root.join("acme/config")
    }

    pub fn packs_sent(&self) -> usize {
        self.shared.packs_sent.load(Ordering::Relaxed)
    }

    pub fn fail_with(&self, status: Option<StatusCode>) {
        *self.shared.fault.lock().unwrap() = status;
    }

    /// Takes what is asked, and never answers.
    pub fn fall_silent(&self) {
        self.shared.is_silent.store(true, Ordering::Relaxed);
    }

    /// How often it was asked since it fell silent.
    pub fn asked_in_vain(&self) -> usize {
        self.shared.asked_in_vain.load(Ordering::Relaxed)
    }

    /// Leads what is asked below a path to another address.
    pub fn redirect(&self, path: &str, to: &str) {
        *self.shared.redirect.lock().unwrap() = Some((path.to_owned(), to.to_owned()));
    }

    /// Lets everybody read.
    pub fn make_public(&self) {
        self.shared.is_public.store(true, Ordering::Relaxed);
    }

    /// Serves a file to everybody; gives its address.
    pub fn serve_file(&self, path: &str, content: impl Into<Vec<u8>>) -> String {
        self.shared.files.lock().unwrap().insert(path.to_owned(), content.into());
        self.url.join(path).unwrap().to_string()
    }

    /// How often a file was sent to somebody who did not have it.
    pub fn files_sent(&self) -> usize {
        self.shared.files_sent.load(Ordering::Relaxed)
    }

    /// How often a login was sent.
    pub fn logins(&self) -> usize {
        self.shared.logins.load(Ordering::Relaxed)
    }

    /// How often it was asked which references there are, by whomever.
    pub fn conversations(&self) -> usize {
        self.shared.conversations.load(Ordering::Relaxed)
    }

    pub fn work_tree(&self) -> &Path {
        &self.work
    }
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
        .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if shared.is_silent.load(Ordering::Relaxed) {
        shared.asked_in_vain.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }
    if let Some(status) = *shared.fault.lock().unwrap() {
        return status.into_response();
    }
    if request.uri().path().ends_with("/info/refs") {
        shared.conversations.fetch_add(1, Ordering::Relaxed);
    }
    if request.headers().contains_key(header::AUTHORIZATION) {
        shared.logins.fetch_add(1, Ordering::Relaxed);
    }
    if let Some((path, to)) = &*shared.redirect.lock().unwrap()
        && let Some(rest) = request.uri().path_and_query().unwrap().as_str().strip_prefix(path.as_str())
    {
        return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, format!("{to}{rest}"))]).into_response();
    }
    if let Some(content) = shared.files.lock().unwrap().get(request.uri().path()) {
        let tag = format!("\"{}\"", hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content)));
        if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known == &tag) {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        shared.files_sent.fetch_add(1, Ordering::Relaxed);
        return ([(header::ETAG, tag)], content.clone()).into_response();
    }
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    // A wrong login is refused for what is public too, as GitHub does.
    let is_let_in = match request.headers().get(header::AUTHORIZATION) {
        Some(sent) => sent == &expected,
        None => shared.is_public.load(Ordering::Relaxed),
    };
    if !is_let_in {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")]).into_response();
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", text("content-type"))
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&body).await.unwrap();
    let output = child.wait_with_output().await.unwrap().stdout;
    if output.windows(8).any(|window| window == b"packfile") {
        shared.packs_sent.fetch_add(1, Ordering::Relaxed);
    }
    from_cgi(&output)
}

fn from_cgi(output: &[u8]) -> Response {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        match line.split_once(": ").unwrap() {
            ("Status", status) => response = response.status(status.split(' ').next().unwrap()),
            (name, value) => response = response.header(name, value),
        }
    }
    response.body(Body::from(Bytes::copy_from_slice(&output[end + 4..]))).unwrap()
}

/// Serves over TLS on a free loopback port; gives the address and the authority's certificate.
async fn serve(router: Router) -> (std::net::SocketAddr, Vec<u8>) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = hyper_util::service::TowerToHyperService::new(router);
                let server = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                let _closed = server.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
            });
        }
    });
    (address, authority.pem().into_bytes())
}
