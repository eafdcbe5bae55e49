import { describe, expect, it, vi } from "vitest";

import { MockApi, PASSWORD, problem } from "../../testing/mock-api";
import { Api, parseProblem } from "./client";
import { explain, fieldErrors, type ApiErrorKind } from "./errors";

describe("the client", () => {
  it("writes with a token that is fresh even when another tab has changed it", async () => {
    const server = new MockApi();
    vi.stubGlobal("fetch", server.fetch);
    const [first, second] = [new Api("/api"), new Api("/api")];

    await first.write("POST", "/session/", { username: "ada", password: PASSWORD });
    await second.write("DELETE", "/session/");
    await second.write("POST", "/session/", { username: "ada", password: PASSWORD });

    const draft = { title: "a", message: "b", state: "investigating" };
    await expect(first.write("POST", "/incidents/", draft)).resolves.toMatchObject({ title: "a" });
  });

  it("gives up on a server that never answers", async () => {
    vi.useFakeTimers();
    vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
      const controller = new AbortController();
      setTimeout(() => {
        controller.abort(new DOMException("late", "TimeoutError"));
      }, milliseconds);
      return controller.signal;
    });
    vi.stubGlobal(
      "fetch",
      (_: string, { signal }: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(signal.reason as Error);
          });
        }),
    );
    const answer = new Api("/api").get("/summary/");
    const expectation = expect(answer).rejects.toMatchObject({ kind: "slow" });
    await vi.advanceTimersByTimeAsync(10_000);
    await expectation;
    vi.useRealTimers();
  });

  it.each<[number, ApiErrorKind]>([
    [400, "invalid"],
    [401, "signedOut"],
    [403, "refused"],
    [404, "missing"],
    [409, "conflict"],
    [412, "changed"],
    [429, "busy"],
    [500, "broken"],
    [502, "broken"],
    [504, "broken"],
  ])("turns %d into words", async (status, kind) => {
    vi.stubGlobal("fetch", () => Promise.resolve(problem(status, "Said by the server.")));

    const error: unknown = await new Api("/api").get("/summary/").catch((reason: unknown) => reason);

    expect(error).toMatchObject({ kind });
    const { title, advice } = explain(error);
    expect(`${title} ${advice}`).not.toMatch(/\d{3}/);
  });

  it("understands a gateway's page as a failure", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("<h1>502 Bad Gateway</h1>", { status: 502 })));

    await expect(new Api("/api").get("/summary/")).rejects.toMatchObject({ kind: "broken", problem: null });
  });
});

describe("a problem document", () => {
  it("is read with its field problems", async () => {
    const text = await problem(400, "No.", [
      { pointer: "#/title", detail: "Too long." },
      { pointer: "#/components/0", detail: "Unknown." },
    ]).text();
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(text, { status: 400 })));

    const error: unknown = await new Api("/api").get("/summary/").catch((reason: unknown) => reason);

    expect(fieldErrors(error, "title")).toBe("Too long.");
    expect(fieldErrors(error, "components")).toBe("Unknown.");
    expect(fieldErrors(error, "message")).toBeUndefined();
  });

  it.each(["", "<html>", "null", "[]", '{"status": "400"}', '{"detail": 1, "status": 400}'])(
    "is not made up from %s",
    (text) => {
      expect(parseProblem(text)).toBeNull();
    },
  );
});
