"""Starts the API on a Postgres of its own, makes an account, and lets Schemathesis call it as each kind of caller.

Usage: schema_fuzz.py SCHEMATHESIS API
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SEED = "1"
# What ends the session that asks, waits for long, or needs GitHub.
LEFT_OUT = r"/(login|sign-up|logout|events|hints|lease|github(/.*)?)$|^/api/v1/sessions/|^/agent/"
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(base, path, body, headers):
    request = urllib.request.Request(
        base + path,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", "origin": base, **headers},
    )
    with urllib.request.urlopen(request) as answer:
        return answer.headers, json.load(answer)


def wait_ready(base, api):
    for _ in range(600):
        if api.poll() is not None:
            sys.exit("the API ended before it was ready")
        try:
            with urllib.request.urlopen(base + "/api/openapi.json"):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit("the API was not ready within a minute")


def settle(base, folder):
    """One caller of each kind: a name, the paths that it calls, its headers, its part of the time."""
    person = {"email": "ada@example.com", "password": "warp and weft at dawn", "name": "Ada"}
    headers, _ = call(base, "/api/v1/sign-up", person, {})
    cookie = headers.get_all("set-cookie")[0].split(";")[0]
    _, organization = call(base, "/api/v1/organizations", {"name": "acme"}, {"cookie": cookie})
    receivers = f"/api/v1/organizations/{organization['id']}/receivers"
    _, receiver = call(base, receivers, {"name": "registries"}, {"cookie": cookie})
    ids = {"organization": organization["id"], "receiver": receiver["receiver"]["id"]}
    (folder / "schemathesis.toml").write_text("[parameters]\n" + "".join(f'"path.{k}" = "{v}"\n' for k, v in ids.items()))
    automator = (folder / "automator-token").read_text()
    return [
        ("a person", "^/api/", {"Cookie": cookie, "Origin": base}, 0.6),
        ("an automator", "^/automator/", {"Authorization": f"Bearer {automator}"}, 0.25),
        ("a registry", "^/webhooks/registry/", {"Authorization": f"Bearer {receiver['secret']}"}, 0.15),
    ]


def main(schemathesis, program):
    seconds = int(os.environ.get("HEDDLE_SCHEMA_SECONDS", "60"))
    with tempfile.TemporaryDirectory(prefix="heddle-schema-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "automator-token").write_text("0123456789abcdef0123456789abcdef")
        base = f"http://127.0.0.1:{free_port()}"
        settings = {
            "HEDDLE_PUBLIC_URL": base,
            "HEDDLE_LISTEN": base.removeprefix("http://"),
            "HEDDLE_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
            "HEDDLE_DATA_DIR": str(folder / "data"),
            "HEDDLE_SIGNUP": "open",
            "HEDDLE_AUTOMATOR_TOKEN_FILE": str(folder / "automator-token"),
            "HEDDLE_LOG": "warn",
        }
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"} | settings
        with (folder / "log").open("w") as log:
            api = subprocess.Popen([program], env=environment, stdout=log, stderr=log)
        try:
            wait_ready(base, api)
            failed = [
                name for name, paths, headers, part in settle(base, folder)
                if run(schemathesis, folder, base, paths, headers, max(5, int(seconds * part))) != 0
            ]
            if api.poll() is not None:
                failed.append("the API, which ended")
        finally:
            api.terminate()
            api.wait()
        if failed:
            print((folder / "log").read_text(), file=sys.stderr)
            sys.exit(f"schema-fuzz: failed as {', '.join(failed)}")


def run(schemathesis, folder, base, paths, headers, seconds):
    command = [schemathesis, "run", f"{base}/api/openapi.json", "--url", base]
    command += ["--include-path-regex", paths, "--exclude-path-regex", LEFT_OUT]
    command += ["--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-time", str(seconds), "--seed", SEED]
    command += ["--warnings", "off", "--continue-on-failure", "--request-timeout", "30"]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    return subprocess.run(command, cwd=folder, check=False).returncode


main(*sys.argv[1:])
