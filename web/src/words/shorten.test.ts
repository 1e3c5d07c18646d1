import { expect, test } from "vitest";
import { imageParts, middle, repositoryName } from "./shorten";

test("a port is no tag", () => {
  expect(imageParts("localhost:5000/shop/api")).toEqual({
    repository: "localhost:5000/shop/api",
    tag: undefined,
    digest: undefined,
  });
});

test("tag and digest are told apart", () => {
  expect(imageParts("ghcr.io/acme/api:1.4.2@sha256:0a1b")).toEqual({
    repository: "ghcr.io/acme/api",
    tag: "1.4.2",
    digest: "sha256:0a1b",
  });
});

test("a long text keeps both ends", () => {
  expect(middle("sha256:0123456789abcdef", 11)).toBe("sha25…bcdef");
  expect(middle("short", 11)).toBe("short");
});

test("an address ends in owner and name", () => {
  expect(repositoryName("https://github.com/acme/config")).toBe("acme/config");
});
