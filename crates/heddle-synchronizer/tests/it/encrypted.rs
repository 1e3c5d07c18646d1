//! Files that are encrypted with SOPS, applied to the real API server.

use heddle_testkit::{cluster::Cluster, sops::AgeKey};
use serde_json::json;

use crate::setup::{Setup, run};

/// Base64 of `correct-horse-battery`.
const WORD: &str = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";

fn secret(name: &str, target: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: {target}\nstringData:\n  word: correct-horse-battery\n"
    )
}

/// A Sync that opens files by the Secret `age`, which its account may read.
async fn start(cluster: &'static Cluster) -> Setup {
    let setup = Setup::start(cluster, "apps", &[("apps/README.md", "words")]).await;
    setup.allow_all().await;
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "age", "namespace": setup.system},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["age"], "verbs": ["get"]}],
    });
    setup.kubectl(&["apply", "-f", "-"], &role.to_string()).await;
    let account = format!("--serviceaccount={}:heddle-deployer", setup.system);
    setup.kubectl(&["create", "rolebinding", "age", "-n", &setup.system, "--role=age", &account], "").await;
    setup
}

impl Setup {
    async fn give(&self, key: &AgeKey) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "age", "namespace": self.system},
            "stringData": {"prod.agekey": key.identity},
        });
        self.kubectl(&["apply", "-f", "-"], &secret.to_string()).await;
    }

    async fn decrypt(&self) {
        let patch = json!({"spec": {"decrypt": {"secretName": "age"}}});
        self.patch_sync(&patch).await;
    }
}

#[test]
fn secrets_come_decrypted_from_manifests_and_generators_and_nothing_told_holds_their_values() {
    run(async |cluster| {
        let setup = start(cluster).await;
        let key = AgeKey::new().unwrap();
        let plain = key.encrypt("login.yaml", &secret("login", &setup.target), &[]).unwrap();
        let words = key.encrypt("words.env", "word=correct-horse-battery\n", &[]).unwrap();
        let generator = format!(
            "namespace: {}\nsecretGenerator:\n- name: words\n  envs: [words.env]\n  options: {{disableNameSuffixHash: true}}\n",
            setup.target
        );
        let files = [
            ("apps/login.yaml", Some(plain.as_str())),
            ("apps/words/kustomization.yaml", Some(&generator)),
            ("apps/words/words.env", Some(&words)),
        ];
        setup.push(&files).await;
        let refused = setup.condition("Rendered", "False", "Failed").await;
        assert!(refused.contains("spec.decrypt"), "{refused}");
        assert!(setup.find("secret/login").await.is_none());

        setup.decrypt().await;
        let missing = setup.condition("Rendered", "False", "NoKeys").await;
        assert!(missing.contains("the Secret `age` of `spec.decrypt` cannot be used"), "{missing}");
        setup.give(&AgeKey::new().unwrap()).await;
        setup.look();
        let wrong = setup.condition("Rendered", "False", "Failed").await;
        assert!(wrong.contains(&key.recipient), "{wrong}");
        setup.give(&key).await;
        setup.look();
        setup.condition("Ready", "True", "Ready").await;
        for name in ["secret/login", "secret/words"] {
            let found = setup.find(name).await.unwrap();
            assert_eq!(found["data"]["word"], WORD, "{name}");
            assert!(found.get("sops").is_none());
        }

        // One that was changed by hand keeps what is applied, fails alone, and nobody is told what it holds.
        let other = key.encrypt("other.yaml", &secret("other", &setup.target), &[]).unwrap();
        let changed =
            key.encrypt("login.yaml", &secret("login", &setup.target), &["--encrypted-regex", "^stringData$"]);
        let changed = changed.unwrap().replace("name: login", "name: loginn");
        setup.push(&[("apps/login.yaml", Some(&changed)), ("apps/other.yaml", Some(&other))]).await;
        setup
            .eventually("the other file is applied", async || match setup.find("secret/other").await {
                Some(_) => Ok(()),
                None => Err(setup.sync().await.to_string()),
            })
            .await;
        let sync = setup.sync().await;
        let errors = &sync["status"]["errors"];
        assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
        assert_eq!(errors[0]["file"], "apps/login.yaml");
        assert!(errors[0]["message"].as_str().unwrap().contains("its MAC does not fit"), "{errors}");
        assert!(setup.find("secret/login").await.is_some());
        let told = format!("{sync}{}{}", setup.api.everything(), setup.log_text());
        assert!(!told.contains("correct-horse") && !told.contains(WORD), "{told}");
    });
}
