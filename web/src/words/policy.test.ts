import { expect, test } from "vitest";
import { policyText, proposeAtGitHub } from "./policy";

test("each image that runs under a version gets one rule, within its major version", () => {
  const running = [
    "ghcr.io/acme/api:1.4.2",
    "ghcr.io/acme/api:1.4.1",
    "docker.io/acme/web:v2.9.0",
    "acme/tool:latest",
  ];
  expect(policyText([{ name: "prod", path: "clusters/prod" }], running)).toBe(`version: 1
environments:
  - {name: prod, path: clusters/prod}
images:
  - name: "ghcr.io/acme/api"
    policy: {semver: ">=1.4 <2"}
    mode: pull-request
  - name: "docker.io/acme/web"
    policy: {semver: ">=2.9 <3"}
    mode: pull-request
`);
});

test("where nothing was found an example stands", () => {
  expect(policyText([], [])).toContain('  - name: "ghcr.io/acme/*"');
});

test("the text comes whole through the address of GitHub's editor", () => {
  const text = policyText([], []);
  const url = new URL(proposeAtGitHub("https://github.com/acme/config", "main", text));
  expect(url.pathname).toBe("/acme/config/new/main");
  expect(url.searchParams.get("value")).toBe(text);
});
