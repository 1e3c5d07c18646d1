//! Against a real API server.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::{sync::LazyLock, time::Duration};

use heddle_kube::{
    Account, AccountClient, ApplyRequest, Cluster, Deleted, FaultClass, Kinds, KubeError, Leadership, OwnClient,
    Served, StoredInventory, sync::Sync,
};
use heddle_reconcile::{DriftRules, GroupKind, Inventory, InventoryEntry, ObjectKey};
use heddle_testkit::{
    cluster::{self, Settings},
    hold::{Fault, Match, Proxy},
    wait::{LONG, until},
};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const MANIFEST: &str = include_str!("../../../../deploy/agent/install.yaml");

struct World {
    runtime: Runtime,
    control_plane: cluster::Cluster,
    cluster: Cluster,
    client: AccountClient,
    kinds: Kinds,
}

/// An account that may do everything in `default`, as kubectl's own rights would let a person make it.
const RIGHTS: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: deployer}\n\
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n\
    subjects: [{kind: ServiceAccount, name: deployer, namespace: default}]\n";

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let (control_plane, cluster, client, kinds) = runtime.block_on(async {
        let control_plane = cluster::Cluster::start(Settings::default()).await.unwrap();
        let definition =
            MANIFEST.split("\n---\n").find(|part| part.contains("kind: CustomResourceDefinition")).unwrap();
        control_plane.kubectl(&["apply", "-f", "-"], definition).await.unwrap();
        control_plane.kubectl(&["apply", "-f", "-"], RIGHTS).await.unwrap();
        let cluster = Cluster::connect(Some(&control_plane.kubeconfig())).await.unwrap();
        let account = Account { namespace: "default".into(), name: "deployer".into() };
        let client = cluster.as_account(&account).unwrap();
        let kinds = client.list_kinds().await.unwrap();
        (control_plane, cluster, client, kinds)
    });
    World { runtime, control_plane, cluster, client, kinds }
});

fn run(test: impl AsyncFnOnce(&'static World)) {
    let world = LazyLock::force(&WORLD);
    world.runtime.block_on(test(world));
}

impl World {
    async fn kubectl(&self, args: &[&str], input: &str) -> String {
        self.control_plane.kubectl(args, input).await.unwrap()
    }

    fn served(&self) -> &Served {
        self.kinds.find(&GroupKind::new("v1", "ConfigMap"), "v1").unwrap()
    }

    async fn apply(&self, name: &str, fields: Value) -> Result<heddle_kube::Applied, KubeError> {
        let mut manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        manifest.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let key = config_map(name);
        self.client
            .apply(ApplyRequest {
                key: &key,
                served: self.served(),
                manifest: &manifest,
                applied_as: None,
                rules: &DriftRules::default(),
                generated: &[],
                dry_run: false,
            })
            .await
    }
}

fn config_map(name: &str) -> ObjectKey {
    ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: Some("default".into()), name: name.into() }
}

#[test]
fn fields_of_others_are_taken_and_named() {
    run(async |world| {
        let theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: taken}\ndata: {a: theirs, b: theirs}\n";
        world.kubectl(&["apply", "--server-side", "--field-manager=ada", "-f", "-"], theirs).await;
        let applied = world.apply("taken", json!({"data": {"a": "ours"}})).await.unwrap();
        let taken: Vec<_> =
            applied.settled.taken.iter().map(|taken| (taken.field.as_str(), taken.manager.as_str())).collect();
        assert_eq!(taken, [("data.a", "ada")]);
        assert!(applied.entry.is_some());
        let again = world.apply("taken", json!({"data": {"a": "ours"}})).await.unwrap();
        assert_eq!((again.settled.taken, again.entry), (vec![], applied.entry));
        let text = world.kubectl(&["get", "configmap", "taken", "-o", "jsonpath={.data}"], "").await;
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"a": "ours", "b": "theirs"}));
    });
}

#[test]
fn misspelt_fields_and_values_of_the_wrong_type_are_refused() {
    run(async |world| {
        let misspelt = world.apply("misspelt", json!({"dta": {"a": "b"}})).await.unwrap_err();
        assert!(matches!(&misspelt, KubeError::Refused(message) if message.contains("dta")), "{misspelt:?}");
        let number = world.apply("number", json!({"data": {"a": 1}})).await.unwrap_err();
        assert!(matches!(&number, KubeError::Refused(message) if message.contains("data.a")), "{number:?}");
    });
}

#[test]
fn a_delete_takes_the_object_with_the_uid_and_no_other() {
    run(async |world| {
        let applied = world.apply("deleted", json!({})).await.unwrap();
        let (key, served) = (config_map("deleted"), world.served());
        let other = "11111111-2222-3333-4444-555555555555";
        assert_eq!(world.client.delete(&key, served, other).await.unwrap(), Deleted::Gone);
        assert!(world.client.find_metadata(&key, served).await.unwrap().is_some());
        assert_eq!(world.client.delete(&key, served, &applied.uid).await.unwrap(), Deleted::Gone);
        assert!(world.client.find_metadata(&key, served).await.unwrap().is_none());
        assert_eq!(world.client.delete(&key, served, &applied.uid).await.unwrap(), Deleted::Gone);
    });
}

#[test]
fn a_delete_is_not_finished_while_a_finalizer_holds_the_object() {
    run(async |world| {
        let held = "example.org/held";
        let applied = world.apply("held", json!({})).await.unwrap();
        let patch = |finalizers: Value| json!({"metadata": {"finalizers": finalizers}}).to_string();
        world.kubectl(&["patch", "configmap", "held", "--type=merge", "-p", &patch(json!([held]))], "").await;
        let (key, served) = (config_map("held"), world.served());
        for _ in 0..2 {
            let deleted = world.client.delete(&key, served, &applied.uid).await.unwrap();
            assert_eq!(deleted, Deleted::Terminating { finalizers: vec![held.to_owned()] });
        }
        world.kubectl(&["patch", "configmap", "held", "--type=merge", "-p", &patch(json!(null))], "").await;
        assert_eq!(world.client.delete(&key, served, &applied.uid).await.unwrap(), Deleted::Gone);
    });
}

#[test]
fn a_kind_that_is_not_served_in_a_version_is_no_object_that_is_gone() {
    run(async |world| {
        let applied = world.apply("served", json!({})).await.unwrap();
        let old = Served { version: "v0".into(), ..world.served().clone() };
        let key = config_map("served");
        let looked = world.client.find_metadata(&key, &old).await.unwrap_err();
        assert!(matches!(looked, KubeError::NotServed(_)), "{looked:?}");
        let deleted = world.client.delete(&key, &old, &applied.uid).await.unwrap_err();
        assert!(matches!(deleted, KubeError::NotServed(_)), "{deleted:?}");
    });
}

#[test]
fn an_account_without_rights_is_forbidden_whoever_the_agent_is() {
    run(async |world| {
        let nobody = Account { namespace: "default".into(), name: "nobody".into() };
        let client = world.cluster.as_account(&nobody).unwrap();
        let error = client.find_metadata(&config_map("x"), world.served()).await.unwrap_err();
        assert!(matches!(&error, KubeError::Forbidden(message) if message.contains("default:nobody")), "{error:?}");
    });
}

#[test]
fn an_aggregated_api_that_is_down_hides_its_own_kinds_only() {
    run(async |world| {
        let service = "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.down.example.org}\n\
            spec: {group: down.example.org, version: v1, groupPriorityMinimum: 10, versionPriority: 10, \
            insecureSkipTLSVerify: true, service: {name: nowhere, namespace: default}}\n";
        world.kubectl(&["apply", "-f", "-"], service).await;
        until("the group to be known as unknown", LONG, async || {
            let kinds = world.client.list_kinds().await.map_err(|error| error.to_string())?;
            assert!(kinds.find(&GroupKind::new("apps/v1", "Deployment"), "apps/v1").is_some());
            let unknown = kinds.unknown_groups.contains(&"down.example.org".to_owned());
            if unknown { Ok(()) } else { Err(format!("{:?}", kinds.unknown_groups)) }
        })
        .await
        .unwrap();
        world.kubectl(&["delete", "apiservice", "v1.down.example.org"], "").await;
    });
}

fn inventory(count: usize) -> Inventory {
    let entry = |number| InventoryEntry {
        uid: Some(format!("uid-{number}")),
        manifest: Some("0123456789abcdef".into()),
        ..InventoryEntry::announced(config_map(&format!("object-{number}")), "v1")
    };
    (0..count).map(entry).collect()
}

async fn sync(world: &World, own: &OwnClient, name: &str) -> Sync {
    let text = format!(
        "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {{name: {name}}}\nspec: {{repository: 'https://e.org/a/b'}}\n"
    );
    world.kubectl(&["apply", "-f", "-"], &text).await;
    let text = world.kubectl(&["get", "sync", name, "-o", "json"], "").await;
    let sync: Sync = serde_json::from_str(&text).unwrap();
    assert_eq!(own.load_inventory(&sync).await.unwrap(), StoredInventory::default());
    sync
}

/// An inventory of which nothing else is there.
fn stored(inventory: Inventory) -> StoredInventory {
    StoredInventory { inventory, has_garbage: false }
}

#[test]
fn an_inventory_grows_and_shrinks_and_goes_with_its_sync() {
    run(async |world| {
        let own = world.cluster.own("default").unwrap();
        let sync = sync(world, &own, "inventory").await;
        let mut written = StoredInventory::default();
        for count in [3, 4000, 2, 0, 1] {
            own.save_inventory(&sync, &mut written, inventory(count)).await.unwrap();
            assert_eq!(written, stored(inventory(count)));
            assert_eq!(own.load_inventory(&sync).await.unwrap(), written);
        }
        let owner = world.kubectl(&["get", "configmap", "inventory-inventory", "-o", "json"], "").await;
        let owner: Value = serde_json::from_str(&owner).unwrap();
        assert_eq!(owner["metadata"]["ownerReferences"][0]["uid"].as_str(), sync.metadata.uid.as_deref());
    });
}

#[test]
fn of_two_agents_one_holds_the_lease_until_it_gives_it_up_or_dies() {
    run(async |world| {
        let own = world.cluster.own("default").unwrap();
        let election = |name: &str| own.election(name.to_owned(), Duration::from_secs(1));
        let (mut first, mut second) = (election("first"), election("second"));
        let waits = |holder: &str| Leadership::Waits { holder: holder.to_owned() };
        assert_eq!(first.claim().await.unwrap(), Leadership::Leads);
        assert_eq!(second.claim().await.unwrap(), waits("first"));
        assert_eq!(first.claim().await.unwrap(), Leadership::Leads);
        // It was renewed since, so the second has to wait for a whole duration more.
        assert_eq!(second.claim().await.unwrap(), waits("first"));
        first.release().await.unwrap();
        assert_eq!(second.claim().await.unwrap(), Leadership::Leads);
        second.release().await.unwrap();
        second.release().await.unwrap();
        assert_eq!(second.claim().await.unwrap(), Leadership::Leads);
        // From here on the second is dead.
        until("the lease of a dead process to end", LONG, async || match first.claim().await {
            Ok(Leadership::Leads) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await
        .unwrap();
        assert_eq!(second.claim().await.unwrap(), waits("first"));
    });
}

#[test]
fn an_inventory_that_is_not_whole_is_an_error() {
    run(async |world| {
        let own = world.cluster.own("default").unwrap();
        let sync = sync(world, &own, "broken").await;
        let mut written = StoredInventory::default();
        own.save_inventory(&sync, &mut written, inventory(4000)).await.unwrap();
        let shards = world.kubectl(&["get", "configmap", "-o", "name"], "").await;
        let shard = shards.lines().find(|name| name.contains("/broken-inventory-")).unwrap();
        world.kubectl(&["delete", shard], "").await;
        let error = own.load_inventory(&sync).await.unwrap_err();
        assert!(error.to_string().contains("is missing") && error.class() == FaultClass::Permanent, "{error}");
        // What is written whole again is whole, also where a shard that did not change is gone.
        own.save_inventory(&sync, &mut written, inventory(3999)).await.unwrap();
        assert_eq!(own.load_inventory(&sync).await.unwrap(), stored(inventory(3999)));

        // Whoever knows nothing of the shards that are there, one of them changed by hand, writes the same state whole.
        let shards = world.kubectl(&["get", "configmaps", "-o", "name"], "").await;
        let shard = shards.lines().find(|name| name.contains("/broken-inventory-")).unwrap();
        world.kubectl(&["patch", shard, "--type=merge", "-p", r#"{"data": {"entries": "[]"}}"#], "").await;
        own.save_inventory(&sync, &mut StoredInventory::default(), inventory(3999)).await.unwrap();
        assert_eq!(own.load_inventory(&sync).await.unwrap(), stored(inventory(3999)));
    });
}

#[test]
fn a_state_is_written_with_its_head_and_what_is_over_goes_with_a_later_write() {
    run(async |world| {
        let own = world.cluster.own("default").unwrap();
        let sync = sync(world, &own, "garbage").await;
        let mut written = StoredInventory::default();
        own.save_inventory(&sync, &mut written, inventory(4000)).await.unwrap();
        let (proxy, behind) = world.connect_behind_a_proxy().await;
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "message": "no"});
        let answer = Fault::Answer {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headers: HeaderMap::new(),
            body: status.to_string(),
        };
        proxy.fail(Match::new(Method::DELETE, "configmaps/garbage-inventory-"), answer);
        behind.own("default").unwrap().save_inventory(&sync, &mut written, inventory(2)).await.unwrap();
        assert_eq!(written, StoredInventory { inventory: inventory(2), has_garbage: true });
        let mut read = own.load_inventory(&sync).await.unwrap();
        assert_eq!(read, written, "another process knows of it too");
        own.save_inventory(&sync, &mut read, inventory(3)).await.unwrap();
        assert_eq!(own.load_inventory(&sync).await.unwrap(), stored(inventory(3)));
        let maps = world.kubectl(&["get", "configmap", "-o", "name"], "").await;
        let maps: Vec<_> = maps.lines().filter(|name| name.contains("/garbage-")).collect();
        assert_eq!(maps, ["configmap/garbage-inventory"]);
    });
}

#[test]
fn an_inventory_of_an_earlier_release_is_written_anew() {
    run(async |world| {
        let own = world.cluster.own("default").unwrap();
        let sync = sync(world, &own, "earlier").await;
        let shard = |index: usize, entries: &Inventory| {
            let entries = serde_json::to_string(&entries.iter().collect::<Vec<_>>()).unwrap();
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"entries": entries}, "metadata":
                {"name": format!("earlier-inventory-{index}-of-2"),
                 "labels": {"heddle.dev/inventory-of": sync.metadata.uid.clone().unwrap()}}})
        };
        world.kubectl(&["apply", "-f", "-"], &shard(0, &inventory(5)).to_string()).await;
        own.load_inventory(&sync).await.unwrap_err();
        world.kubectl(&["apply", "-f", "-"], &shard(1, &inventory(0)).to_string()).await;
        assert_eq!(own.load_inventory(&sync).await.unwrap(), stored(inventory(5)));
        let maps = world.kubectl(&["get", "configmap", "-o", "name"], "").await;
        let maps: Vec<_> = maps.lines().filter(|name| name.contains("/earlier-")).collect();
        assert_eq!(maps, ["configmap/earlier-inventory"]);
        assert_eq!(own.load_inventory(&sync).await.unwrap(), stored(inventory(5)));
    });
}

impl World {
    /// A client as [`World::client`], whose requests come through a proxy.
    async fn behind_a_proxy(&self) -> (Proxy, AccountClient) {
        let (proxy, cluster) = self.connect_behind_a_proxy().await;
        let account = Account { namespace: "default".into(), name: "deployer".into() };
        (proxy, cluster.as_account(&account).unwrap())
    }

    async fn connect_behind_a_proxy(&self) -> (Proxy, Cluster) {
        let (server, part) = (self.control_plane.url().unwrap(), &self.control_plane);
        let proxy = Proxy::start(server.clone(), Some(part.ca_pem()), Some(part.authority())).await.unwrap();
        let kubeconfig = std::fs::read_to_string(part.kubeconfig()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        let to = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
        std::fs::write(&path, kubeconfig.replace(&to(&server), &to(proxy.url()))).unwrap();
        (proxy, Cluster::connect(Some(&path)).await.unwrap())
    }
}

/// So it is after a kill between the two requests, too.
#[test]
fn what_may_not_go_is_never_ours_and_is_let_go_by_the_next_try() {
    run(async |world| {
        let theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rest}\ndata: {keep: '1', legacy: '1'}\n";
        // One by hand as kubectl does it, and one on the server's side.
        let flux = theirs.replace("keep: '1', legacy: '1'", "late: '1'");
        world.kubectl(&["apply", "--server-side", "--field-manager=kustomize-controller", "-f", "-"], &flux).await;
        world.kubectl(&["apply", "-f", "-"], theirs).await;
        let mine = || world.apply("rest", json!({"data": {"keep": "1"}}));
        mine().await.unwrap();
        let read = async || -> Value {
            let args = ["get", "configmap", "rest", "--show-managed-fields", "-o", "json"];
            serde_json::from_str(&world.kubectl(&args, "").await).unwrap()
        };
        let all = json!({"keep": "1", "late": "1", "legacy": "1"});
        let (proxy, client) = world.behind_a_proxy().await;
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 422, "message": "no"});
        let answer = Fault::Answer {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            headers: HeaderMap::new(),
            body: status.to_string(),
        };
        proxy.fail(Match::new(Method::PATCH, "fieldManager=heddle-leaving"), answer);
        let (key, served) = (config_map("rest"), world.served());
        let refused = client.let_rest_go(&key, served).await.unwrap_err();
        assert!(matches!(&refused, KubeError::Refused(_)), "{refused:?}");
        // An apply of ours, as of the commit before, takes nothing of it along.
        let inherited = mine().await.unwrap().inherited.unwrap();
        assert_eq!(inherited.managers(), ["heddle-leaving"]);
        assert_eq!(inherited.rest().0, ["data.late", "data.legacy"]);
        assert_eq!(read().await["data"], all);

        proxy.heal();
        assert!(client.let_rest_go(&key, served).await.unwrap().unwrap().inherited.is_none());
        let object = read().await;
        assert_eq!(object["data"], json!({"keep": "1"}));
        let managers: Vec<_> = object["metadata"]["managedFields"].as_array().unwrap().iter().collect();
        assert!(managers.len() == 1 && managers[0]["manager"] == "heddle", "{managers:?}");
        assert!(client.let_rest_go(&key, served).await.unwrap().is_none());
    });
}

#[test]
fn whatever_a_webhook_answers_to_a_delete_is_no_proof_that_the_object_is_gone() {
    run(async |world| {
        let applied = world.apply("raced", json!({})).await.unwrap();
        let (proxy, client) = world.behind_a_proxy().await;
        let (key, served) = (config_map("raced"), world.served());
        for code in [409, 404, 410, 403, 422, 500] {
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                "message": "admission webhook \"a.example.org\" denied the request: it is in use"});
            let status_code = StatusCode::from_u16(code).unwrap();
            let answer = Fault::Answer { status: status_code, headers: HeaderMap::new(), body: status.to_string() };
            proxy.fail(Match::new(Method::DELETE, "configmaps/raced"), answer);
            let error = client.delete(&key, served, &applied.uid).await.unwrap_err();
            assert!(matches!(&error, KubeError::Refused(told) if told.contains("it is in use")), "{code}: {error:?}");
        }
        let other = "11111111-2222-3333-4444-555555555555";
        assert_eq!(client.delete(&key, served, other).await.unwrap(), Deleted::Gone);
    });
}
