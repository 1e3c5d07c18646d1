#!/usr/bin/env bash
# A real node on this machine: etcd, API server, controllers, scheduler, containerd, kubelet and kube-proxy, with a registry
# and a PostgreSQL beside them. Needs root, and containerd, runc and CNI plugins from Debian.
#
# Usage: node.sh up FOLDER      starts everything there and waits until the node is ready
#        node.sh kill FOLDER    ends kubelet and containerd with everything that runs on the node, at once, as when its power fails
#        node.sh boot FOLDER    starts these again and waits until the node is ready
#        node.sh down FOLDER    ends the Pods, then everything, and takes away what it left elsewhere
#
# FOLDER/admin.kubeconfig has everybody's rights; FOLDER/environment names the addresses.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# An address of this machine alone: that of API server, node and registry. Pods reach it over their bridge.
address=10.98.0.1
pods=10.98.1.0/24
services=10.98.2.0/24
bridge=heddle0
sysctls=(vm.overcommit_memory kernel.panic kernel.panic_on_oops vm.panic_on_oom net.ipv4.ip_forward)

say() { echo "node: $*" >&2; }

tool() { "$here/../tools/build.sh" "$1" | cut -d' ' -f2-; }

start() { # name, program, arguments...
  local name=$1
  shift
  setsid "$@" >"$folder/$name.log" 2>&1 </dev/null &
  echo "$!" >"$folder/$name.pid"
}

wait_for() { # what, seconds, command...
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { say "$what did not come; see the logs in $folder"; return 1; }
    sleep 0.2
  done
}

stop() { # name
  local pid
  pid=$(cat "$folder/$1.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  local end=$((SECONDS + 20))
  while [ -d "/proc/$pid" ] && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null && [ "$SECONDS" -lt "$end" ]; do sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$folder/$1.pid"
}

kubectl() { "$(tool kubectl)" --kubeconfig "$folder/admin.kubeconfig" "$@"; }

write_keys() {
  local at=$folder/keys
  mkdir -p "$at"
  openssl ecparam -name prime256v1 -genkey -noout -out "$at/ca.key" 2>/dev/null
  openssl req -x509 -new -key "$at/ca.key" -subj /CN=heddle-node -days 2 -out "$at/ca.pem"
  openssl ecparam -name prime256v1 -genkey -noout -out "$at/server.key" 2>/dev/null
  openssl req -new -key "$at/server.key" -subj "/CN=$address" \
    | openssl x509 -req -CA "$at/ca.pem" -CAkey "$at/ca.key" -CAcreateserial -days 2 -out "$at/server.pem" \
      -extfile <(echo "subjectAltName=IP:$address,IP:127.0.0.1,IP:10.98.2.1,DNS:localhost,DNS:kubernetes.default.svc") 2>/dev/null
  # With it the API server asks the kubelet, for logs and port-forward.
  openssl ecparam -name prime256v1 -genkey -noout -out "$at/client.key" 2>/dev/null
  openssl req -new -key "$at/client.key" -subj /O=system:masters/CN=kube-apiserver \
    | openssl x509 -req -CA "$at/ca.pem" -CAkey "$at/ca.key" -CAcreateserial -days 2 -out "$at/client.pem" 2>/dev/null
  openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out "$at/accounts.key"
  openssl pkey -in "$at/accounts.key" -pubout -out "$at/accounts.pub"
  local token
  token=$(openssl rand -hex 32)
  local node
  node=$(openssl rand -hex 32)
  printf '%s,admin,admin,system:masters\n%s,system:node:node-1,node,system:nodes\n' "$token" "$node" >"$at/tokens.csv"
  write_kubeconfig "$token" "$folder/admin.kubeconfig"
  write_kubeconfig "$node" "$folder/node.kubeconfig"
}

write_kubeconfig() { # token, file
  cat >"$2" <<END
apiVersion: v1
kind: Config
current-context: default
clusters: [{name: default, cluster: {server: "https://$address:6443", certificate-authority: $folder/keys/ca.pem}}]
users: [{name: default, user: {token: $1}}]
contexts: [{name: default, context: {cluster: default, user: default}}]
END
}

write_settings() {
  mkdir -p "$folder/cni" "$folder/registry" "$folder/closed" "$folder/hosts/$address:5000" "$folder/hosts/$address:5001" "$folder/manifests"
  cat >"$folder/containerd.toml" <<END
version = 2
root = "$folder/containerd"
state = "$folder/containerd-state"
[grpc]
  address = "$folder/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  # Without it no sandbox starts where the right to lower the score is missing.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$folder/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$folder/hosts"
END
  local port
  for port in 5000 5001; do
    printf 'server = "http://%s:%s"\n[host."http://%s:%s"]\n' "$address" "$port" "$address" "$port" >"$folder/hosts/$address:$port/hosts.toml"
  done
  cat >"$folder/cni/10-heddle.conflist" <<END
{"cniVersion": "0.4.0", "name": "heddle", "plugins": [
  {"type": "bridge", "bridge": "$bridge", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$folder/cni-state", "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
  cat >"$folder/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix://$folder/containerd.sock
tlsCertFile: $folder/keys/server.pem
tlsPrivateKeyFile: $folder/keys/server.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $folder/keys/ca.pem}}
authorization: {mode: Webhook}
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
makeIPTablesUtilChains: false
oomScoreAdj: 0
address: $address
healthzBindAddress: $address
clusterDomain: cluster.local
podLogsDir: $folder/pod-logs
END
  cat >"$folder/kube-proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $folder/admin.kubeconfig}
mode: iptables
clusterCIDR: $pods
hostnameOverride: node-1
healthzBindAddress: $address:10256
metricsBindAddress: $address:10249
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
END
  cat >"$folder/registry.yaml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $folder/registry}}
http: {addr: "$address:5000", secret: signs-uploads}
END
  # One that wants a login: registries know passwords by bcrypt, which OpenSSL does not make.
  openssl rand -hex 16 >"$folder/closed-password"
  # shellcheck disable=SC2016
  perl -e 'open my $in, "<", $ARGV[0]; chomp(my $password = <$in>); print "node:", crypt($password, q($2b$05$) . $ARGV[1]), "\n"' \
    "$folder/closed-password" "$(openssl rand -hex 11)" >"$folder/closed-users"
  cat >"$folder/closed.yaml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $folder/closed}}
auth: {htpasswd: {realm: closed, path: $folder/closed-users}}
http: {addr: "$address:5001", secret: signs-uploads}
END
}

# An image with one static program that does nothing, for what holds a Pod together.
import_pause() {
  local at=$folder/pause
  mkdir -p "$at"
  printf '#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\nstatic void end(int s) { exit(s == 0); }\nint main(void) { signal(SIGTERM, end); signal(SIGINT, end); for (;;) pause(); }\n' >"$at/pause.c"
  cc -static -Os -o "$at/program" "$at/pause.c"
  mv "$at/program" "$at/pause"
  tar -C "$at" -cf "$at/layer.tar" pause
  local layer
  layer=$(sha256sum "$at/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/pause"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(dpkg --print-architecture)" "$layer" >"$at/config.json"
  printf '[{"Config":"config.json","RepoTags":["localhost/pause:1"],"Layers":["layer.tar"]}]' >"$at/manifest.json"
  tar -C "$at" -cf "$at/image.tar" manifest.json config.json layer.tar
  ctr --address "$folder/containerd.sock" --namespace k8s.io images import "$at/image.tar" >/dev/null
}

start_database() {
  local programs
  programs=$(dirname "$(find /usr/lib/postgresql -path '*/bin/postgres' | sort -V | tail -1)")
  install -d -o postgres "$folder/database"
  database_password=$(openssl rand -hex 16)
  runuser -u postgres -- "$programs/initdb" --pgdata="$folder/database/data" --auth=trust >"$folder/initdb.log"
  echo "host all all 10.98.0.0/16 scram-sha-256" >>"$folder/database/data/pg_hba.conf"
  start postgres runuser -u postgres -- "$programs/postgres" -D "$folder/database/data" -c "listen_addresses=$address" -c port=5432 \
    -c "unix_socket_directories=$folder/database" -c fsync=off
  asked() { runuser -u postgres -- psql --quiet --host="$folder/database" --command="$1" postgres; }
  wait_for PostgreSQL 30 asked "select 1"
  asked "create role heddle login createrole password '$database_password'"
  asked "create database heddle owner heddle"
}

start_containerd() {
  start containerd containerd --config "$folder/containerd.toml"
  wait_for containerd 30 ctr --address "$folder/containerd.sock" version
}

start_kubelet() {
  start kubelet "$(tool kubelet)" --config "$folder/kubelet.yaml" --kubeconfig "$folder/node.kubeconfig" --hostname-override node-1 \
    --node-ip "$address" --root-dir "$folder/kubelet" --cert-dir "$folder/kubelet-certificates"
}

# What the node itself said last, not what is thought of a node that was heard a while ago.
# shellcheck disable=SC2317
ready() { curl -fsS "http://$address:10248/healthz" && kubectl wait --for=condition=Ready node/node-1 --timeout=1s; }

# Everything that runs on the node, without a word to it: processes of containers and what looks after them.
end_containers() {
  local id
  [ -S "$folder/containerd.sock" ] || return 0
  for id in $(ctr --address "$folder/containerd.sock" --namespace k8s.io tasks list -q 2>/dev/null); do
    ctr --address "$folder/containerd.sock" --namespace k8s.io tasks kill --signal 9 "$id" 2>/dev/null || true
  done
}

kill_node() {
  kill -9 "$(cat "$folder/kubelet.pid")"
  rm -f "$folder/kubelet.pid"
  end_containers
  kill -9 "$(cat "$folder/containerd.pid")"
  # What looks after containers outlives containerd, and does not outlive a machine.
  pgrep -f "containerd-shim.* -address $folder/containerd.sock" | xargs -r kill -9
  rm -f "$folder/containerd.pid" "$folder/containerd.sock"
  say "kubelet, containerd and all containers were killed"
}

boot() {
  start_containerd
  start_kubelet
  wait_for "the node" 90 ready
}

up() {
  [ "$(id -u)" = 0 ] || { say "it takes root, for namespaces, cgroups and mounts"; exit 1; }
  for program in containerd runc ctr docker-registry openssl cc iptables conntrack runuser psql; do
    command -v "$program" >/dev/null || { say "$program is missing: apt-get install --no-install-recommends containerd runc containernetworking-plugins iptables conntrack docker-registry openssl gcc libc6-dev"; exit 1; }
  done
  mkdir -p "$folder"
  sysctl -n "${sysctls[@]}" >"$folder/sysctls"
  ip address show dev lo | grep -q "$address/32" && { say "$address is in use: another node runs, or one was not taken down"; exit 1; }
  ip address add "$address/32" dev lo
  write_keys
  write_settings

  start_database
  start registry docker-registry serve "$folder/registry.yaml"
  start closed docker-registry serve "$folder/closed.yaml"
  start etcd "$(tool etcd)" --data-dir "$folder/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://$address:2379" --advertise-client-urls "http://$address:2379" \
    --listen-peer-urls "http://$address:2380" --initial-advertise-peer-urls "http://$address:2380" --initial-cluster "default=http://$address:2380"
  start kube-apiserver "$(tool kube-apiserver)" --etcd-servers "http://$address:2379" --secure-port 6443 --bind-address "$address" \
    --advertise-address "$address" --cert-dir "$folder/keys" --tls-cert-file "$folder/keys/server.pem" --tls-private-key-file "$folder/keys/server.key" \
    --service-account-key-file "$folder/keys/accounts.pub" --service-account-signing-key-file "$folder/keys/accounts.key" \
    --service-account-issuer https://kubernetes.default.svc --token-auth-file "$folder/keys/tokens.csv" \
    --authorization-mode Node,RBAC --service-cluster-ip-range "$services" --allow-privileged \
    --kubelet-certificate-authority "$folder/keys/ca.pem" --kubelet-preferred-address-types InternalIP \
    --kubelet-client-certificate "$folder/keys/client.pem" --kubelet-client-key "$folder/keys/client.key"
  wait_for "the API server" 90 curl -fsS --cacert "$folder/keys/ca.pem" "https://$address:6443/readyz"
  start kube-controller-manager "$(tool kube-controller-manager)" --kubeconfig "$folder/admin.kubeconfig" --bind-address "$address" \
    --service-account-private-key-file "$folder/keys/accounts.key" --root-ca-file "$folder/keys/ca.pem" --use-service-account-credentials \
    --leader-elect=false --kube-api-qps 300 --kube-api-burst 600 --cluster-cidr "$pods"
  start kube-scheduler "$(tool kube-scheduler)" --kubeconfig "$folder/admin.kubeconfig" --bind-address "$address" --leader-elect=false
  start_containerd
  import_pause
  start_kubelet
  start kube-proxy "$(tool kube-proxy)" --config "$folder/kube-proxy.yaml"
  wait_for "the node" 90 ready
  wait_for "the account \`default\`" 30 kubectl get serviceaccount default
  printf 'address=%s\nregistry=%s:5000\nclosed=%s:5001\nkubeconfig=%s\ndatabase=%s\n' "$address" "$address" "$address" "$folder/admin.kubeconfig" \
    "postgres://heddle:$database_password@$address:5432/heddle" >"$folder/environment"
  say "it is ready: export KUBECONFIG=$folder/admin.kubeconfig; images go to $address:5000"
}

# The kubelet's one chain, which it makes whatever it is told and nothing takes away.
forget_firewall() {
  local program chain
  for program in iptables ip6tables; do
    for chain in INPUT OUTPUT; do "$program" -w -D "$chain" -j KUBE-FIREWALL 2>/dev/null || true; done
    "$program" -w -F KUBE-FIREWALL 2>/dev/null || true
    "$program" -w -X KUBE-FIREWALL 2>/dev/null || true
  done
}

down() {
  # While the kubelet lives, so that the network's own rules go too.
  if [ -f "$folder/kubelet.pid" ]; then
    kubectl delete namespaces --field-selector metadata.name!=default,metadata.name!=kube-system,metadata.name!=kube-public,metadata.name!=kube-node-lease --wait=false >/dev/null 2>&1 || true
    kubectl delete pods --all --all-namespaces --grace-period=5 --timeout=60s >/dev/null 2>&1 || true
  fi
  local part id
  for part in kubelet kube-proxy; do stop "$part"; done
  end_containers
  if [ -S "$folder/containerd.sock" ]; then
    for id in $(ctr --address "$folder/containerd.sock" --namespace k8s.io tasks list -q 2>/dev/null); do
      ctr --address "$folder/containerd.sock" --namespace k8s.io tasks delete --force "$id" >/dev/null 2>&1 || true
    done
  fi
  for part in containerd kube-scheduler kube-controller-manager kube-apiserver etcd registry closed postgres; do stop "$part"; done
  "$(tool kube-proxy)" --cleanup >/dev/null 2>&1 || true
  forget_firewall
  awk -v under="$folder/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
  ip link delete "$bridge" 2>/dev/null || true
  ip address delete "$address/32" dev lo 2>/dev/null || true
  if [ -f "$folder/sysctls" ]; then
    paste -d= <(printf '%s\n' "${sysctls[@]}") "$folder/sysctls" | xargs -r sysctl -q -w || true
  fi
  rm -rf /var/lib/cni/results /var/lib/kubelet/device-plugins
  find /var/log/containers -maxdepth 1 -type l -lname "$folder/*" -delete 2>/dev/null || true
}

folder=$(realpath -m "${2:?which folder}")
case ${1:-} in
  up | down | boot) "$1" ;;
  kill) kill_node ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
