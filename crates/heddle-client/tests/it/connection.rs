use std::{net::SocketAddr, sync::Arc};

use axum::serve::Listener;
use heddle_client::{ClientError, Http, HttpError, UserClient};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::server::{Answer, Server, router};

fn check_base(base: &str, expected: Result<(), &str>) {
    match (Http::new(base.parse().unwrap(), None), expected) {
        (Ok(_), Ok(())) => {}
        (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{base}: {error}"),
        (result, _) => panic!("{base}: {result:?}"),
    }
}

#[test]
fn plain_http_goes_to_loopback_only() {
    check_base("http://127.0.0.1:8080", Ok(()));
    check_base("http://127.8.9.1", Ok(()));
    check_base("http://[::1]:8080", Ok(()));
    check_base("http://localhost:8080/base", Ok(()));
    check_base("https://heddle.example", Ok(()));
    check_base("http://heddle.example", Err("write `https://`"));
    check_base("http://localhost.example", Err("write `https://`"));
    check_base("http://10.0.0.1", Err("write `https://`"));
}

#[test]
fn a_base_address_holds_no_more_than_an_address() {
    check_base("ftp://heddle.example", Err("write `https://host`"));
    check_base("https://ada:hunter2@heddle.example", Err("leave user name and password out"));
    check_base("https://heddle.example?token=hunter2", Err("leave out what follows"));
    for base in ["https://ada:hunter2@heddle.example", "https://heddle.example?token=hunter2"] {
        let error = Http::new(base.parse().unwrap(), None).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn an_extra_authority_must_be_one() {
    let check = |pem: &[u8]| {
        let error = Http::new("https://heddle.example".parse().unwrap(), Some(pem.to_vec())).unwrap_err();
        assert!(matches!(error, HttpError::Certificate(_)), "{error:?}");
    };
    check(b"");
    check(b"not a certificate");
}

#[tokio::test]
async fn an_api_that_is_away_is_transient_and_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = UserClient::new(Http::new(base.parse().unwrap(), None).unwrap(), "t".into());
    let error = client.me().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.to_string(), format!("{base} cannot be reached"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::start(Answer::json(200, &json!({}))).await;
    let answer = Answer::empty(307).header("location", target.http.base().as_str());
    let server = Server::start(answer).await;
    let error = UserClient::new(server.http.clone(), "hdlt_token".into()).me().await.unwrap_err();
    assert!(matches!(error, ClientError::Foreign { .. }), "{error:?}");
}

#[tokio::test]
async fn a_base_with_a_path_keeps_it() {
    let server = Server::start(Answer::problem(401, "unauthorized", "log in")).await;
    let base = server.http.base().join("/heddle/").unwrap();
    let client = UserClient::new(Http::new(base, None).unwrap(), "t".into());
    assert!(matches!(client.me().await.unwrap_err(), ClientError::Unauthorized { .. }));
    assert_eq!(server.seen().uri, "/heddle/api/v1/me");
}

#[tokio::test]
async fn an_extra_authority_is_trusted_and_nobody_else() {
    let (base, ca_pem) = start_tls(Answer::problem(401, "unauthorized", "log in")).await;
    let call = async |ca_pem: Option<Vec<u8>>| {
        let http = Http::new(base.parse().unwrap(), ca_pem).unwrap();
        UserClient::new(http, "t".into()).me().await.unwrap_err()
    };
    let error = call(Some(ca_pem)).await;
    assert!(matches!(error, ClientError::Unauthorized { .. }), "{error:?}");
    let error = call(None).await;
    assert!(matches!(error, ClientError::Unavailable(_)), "{error:?}");
}

/// Serves over TLS with a certificate for 127.0.0.1; gives the address and the authority.
async fn start_tls(answer: Answer) -> (String, Vec<u8>) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", tcp.local_addr().unwrap());
    let listener = TlsListener { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) };
    tokio::spawn(async move { axum::serve(listener, router(answer, Arc::default())).await });
    (base, ca_pem.into_bytes())
}

struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            // A handshake that fails is a client that does not trust us.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
