//! A person's browser, as far as signing in at GitHub needs one: it follows links by hand and keeps one cookie.

use anyhow::{Context, Result, ensure};
use reqwest::{
    StatusCode,
    header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE},
    redirect::Policy,
};
use serde_json::json;
use url::Url;

/// A browser that is logged in to Heddle.
pub struct Browser {
    client: reqwest::Client,
    api: Url,
    cookies: Vec<String>,
}

impl Browser {
    /// Logs in on Heddle's login page.
    pub async fn login(api: &Url, email: &str, password: &str) -> Result<Self> {
        Self::login_trusting(None, api, email, password).await
    }

    /// As [`Browser::login`], trusting this certificate authority (PEM) alone.
    pub async fn login_trusting(ca_pem: Option<&str>, api: &Url, email: &str, password: &str) -> Result<Self> {
        let mut client = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        if let Some(pem) = ca_pem {
            client = client.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes())?]);
        }
        let client = client.build()?;
        let mut browser = Self { client, api: api.clone(), cookies: Vec::new() };
        browser.login_again(email, password).await?;
        Ok(browser)
    }

    /// Logs in with the cookies of before.
    pub async fn login_again(&mut self, email: &str, password: &str) -> Result<()> {
        let body = json!({"email": email, "password": password});
        let request = self.client.post(self.api.join("/api/v1/login")?).json(&body);
        let request = request.header(ORIGIN, self.origin()).header(COOKIE, self.cookies.join("; "));
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "the login was answered {}", answer.status());
        self.keep_cookies(&answer);
        ensure!(!self.cookies.is_empty(), "the login set no cookie");
        Ok(())
    }

    /// Opens a page and gives the address that it leads on to.
    pub async fn open_redirect(&mut self, page: Url) -> Result<Url> {
        let request = self.client.get(page.clone()).header(COOKIE, self.cookies.join("; "));
        let answer = request.send().await?;
        self.keep_cookies(&answer);
        let status = answer.status();
        let target = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        match target.filter(|_| status.is_redirection()) {
            Some(target) => Ok(page.join(&target)?),
            None => {
                let text = answer.text().await.unwrap_or_default();
                anyhow::bail!("{} answered {status} instead of leading on: {text}", page.path())
            }
        }
    }

    /// Opens a page and gives its status and text.
    pub async fn open(&mut self, page: Url) -> Result<(StatusCode, String)> {
        let request = self.client.get(page).header(COOKIE, self.cookies.join("; "));
        let answer = request.send().await.context("the page did not open")?;
        self.keep_cookies(&answer);
        Ok((answer.status(), answer.text().await?))
    }

    fn keep_cookies(&mut self, answer: &reqwest::Response) {
        for value in answer.headers().get_all(SET_COOKIE) {
            let Some(pair) = value.to_str().ok().and_then(|text| text.split(';').next()) else { continue };
            let name = pair.split('=').next().unwrap_or_default();
            self.cookies.retain(|known| known.split('=').next() != Some(name));
            self.cookies.push(pair.to_owned());
        }
    }

    fn origin(&self) -> String {
        self.api.origin().ascii_serialization()
    }
}
