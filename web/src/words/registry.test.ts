import { expect, test } from "vitest";
import { kindOfHost, loginName } from "./registry";

test("a host of a cloud is offered the cloud's own kind", () => {
  expect(kindOfHost("123456789012.dkr.ecr.eu-central-1.amazonaws.com")).toBe("ecr");
  expect(kindOfHost("europe-docker.pkg.dev")).toBe("gar");
  expect(kindOfHost("eu.gcr.io")).toBe("gar");
  expect(kindOfHost("acme.azurecr.io")).toBe("acr");
  expect(kindOfHost("evilgcr.io")).toBe("basic");
  expect(kindOfHost("ghcr.io")).toBe("basic");
});

test("a login is called by the images that it is for", () => {
  expect(loginName({ host: "ghcr.io", prefix: "" })).toBe("ghcr.io");
  expect(loginName({ host: "ghcr.io", prefix: "acme" })).toBe("ghcr.io/acme");
});
