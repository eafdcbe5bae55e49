import { describe, expect, it } from "vitest";

import { ago, duration } from "./time";

const now = new Date("2026-03-01T12:00:00Z");
const before = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

describe("ago", () => {
  it.each([
    [0, "just now"],
    [59, "just now"],
    [-30, "just now"],
    [60, "1 minute ago"],
    [3599, "59 minutes ago"],
    [7200, "2 hours ago"],
    [86_400 * 3, "3 days ago"],
  ])("%d seconds", (seconds, words) => {
    expect(ago(before(seconds), now, "en")).toBe(words);
  });
});

describe("duration", () => {
  it.each([
    [10, "1 minute"],
    [43 * 60, "43 minutes"],
    [3600, "1 hour"],
    [2 * 3600 + 5 * 60, "2 hours 5 minutes"],
    [86_400 + 3600 + 60, "1 day 1 hour"],
  ])("%d seconds", (seconds, words) => {
    expect(duration(before(seconds), now)).toBe(words);
  });
});
