use std::process::Stdio;

use secrecy::ExposeSecret;
use tokio::process::Command;

use super::Scene;

async fn git(scene: &Scene, token: &str, arguments: &[&str], dir: &std::path::Path) -> (bool, String) {
    let (scheme, rest) = scene.github.web_url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let login = format!("url.{scheme}://x-access-token:{token}@{rest}/.insteadOf={}/", scene.github.web_url());
    let output = Command::new("git")
        .args(["-c", &login])
        .env("GIT_SSL_CAINFO", scene.github.ca_file())
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "credential.helper="])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation#about-authentication-as-a-github-app-installation>
#[tokio::test]
async fn git_fetches_with_an_installation_token_and_a_person_pushes() {
    let scene = Scene::new().await;
    let dir = tempfile::tempdir().unwrap();
    let url = scene.github.clone_url("acme/config");
    let token = scene.bot().await.token;
    let (cloned, said) = git(&scene, &token, &["clone", "--quiet", "--depth=1", &url, "."], dir.path()).await;
    assert!(cloned, "{said}");
    std::fs::write(dir.path().join("a.yaml"), "tag: v7\n").unwrap();
    assert!(git(&scene, &token, &["commit", "--quiet", "-am", "by hand"], dir.path()).await.0);
    let person = scene.github.personal_token("ada");
    let (pushed, said) = git(&scene, person.expose_secret(), &["push", "--quiet", "origin", "main"], dir.path()).await;
    assert!(pushed, "{said}");
    assert_eq!(scene.github.read_file("acme/config", "main", "a.yaml").await.unwrap().unwrap(), "tag: v7\n");
    assert_eq!(scene.github.log("acme/config", "main").await.unwrap()[0].message, "by hand");
}

/// <https://docs.github.com/rest/authentication/authenticating-to-the-rest-api>
#[tokio::test]
async fn git_without_a_right_gets_nothing() {
    let scene = Scene::new().await;
    let dir = tempfile::tempdir().unwrap();
    for token in ["ghs_nonsense", scene.github.personal_token("mallory").expose_secret()] {
        let (cloned, _) =
            git(&scene, token, &["clone", "--quiet", &scene.github.clone_url("acme/config"), "x"], dir.path()).await;
        assert!(!cloned);
    }
    scene.github.set_private("acme/config", false);
    let mallory = scene.github.personal_token("mallory");
    let arguments = ["clone", "--quiet", &scene.github.clone_url("acme/config"), "y"];
    assert!(git(&scene, mallory.expose_secret(), &arguments, dir.path()).await.0, "a public repository is read by all");
}
