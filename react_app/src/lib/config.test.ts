import { describe, expect, it, vi } from "vitest";

import { ConfigError, loadConfig, parseConfig } from "./config";

describe("config.json", () => {
  it("is parsed", () => {
    expect(parseConfig({ siteName: " Acme ", apiBase: "/api" })).toEqual({ siteName: "Acme", apiBase: "/api" });
  });

  it.each([
    [null, "is not an object"],
    [[], "is not an object"],
    [{}, "siteName must be a text; apiBase must be a path"],
    [{ siteName: "", apiBase: "/api" }, "siteName must be a text"],
    [{ siteName: "Acme", apiBase: "https://evil.example" }, "apiBase must be a path"],
    [{ siteName: "Acme", apiBase: "//evil.example" }, "apiBase must be a path"],
    [{ siteName: "Acme", apiBase: "/api/" }, "apiBase must be a path"],
    [{ siteName: "Acme", apiBase: "/api", debug: true }, "debug is unknown"],
  ])("is refused when wrong: %j", (value, words) => {
    expect(() => parseConfig(value)).toThrow(words);
  });

  it.each([
    ["a page instead", () => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } })],
    ["a refusal", () => new Response("no", { status: 403 })],
  ])("is refused when the server answers %s", async (_, answer) => {
    vi.stubGlobal("fetch", () => Promise.resolve(answer()));

    await expect(loadConfig()).rejects.toThrow(ConfigError);
  });
});
