import { describe, expect, it } from "vitest";

import { inOrder, swapped } from "./components/order";
import { fromLocal, toLocal } from "./maintenance/local";
import { interval, suffices } from "./words";

describe("order", () => {
  const rows = ["a", "b", "c"].map((name, index) => ({ id: index + 1, name, position: 0 }));

  it("is by position, and by name where two have the same", () => {
    const mixed = [
      { id: 1, name: "b", position: 1 },
      { id: 2, name: "z", position: 0 },
      { id: 3, name: "a", position: 1 },
    ];
    expect(inOrder(mixed).map(({ id }) => id)).toEqual([2, 3, 1]);
  });

  it("writes no more than it must, and repairs equal positions", () => {
    expect(swapped(rows, 2, -1)).toEqual([
      { id: 3, position: 1 },
      { id: 2, position: 2 },
    ]);
    const tidy = rows.map((row, position) => ({ ...row, position }));
    expect(swapped(tidy, 0, 1)).toEqual([
      { id: 2, position: 0 },
      { id: 1, position: 1 },
    ]);
  });

  it("moves nothing over an end", () => {
    expect(swapped(rows, 0, -1)).toEqual([]);
    expect(swapped(rows, 2, 1)).toEqual([]);
  });
});

describe("a moment on a form", () => {
  it("comes back as it was, to the minute", () => {
    const moment = new Date(2026, 2, 9, 4, 5);
    expect(toLocal(moment)).toBe("2026-03-09T04:05");
    expect(fromLocal(toLocal(moment))).toEqual(moment);
  });

  it.each(["", "soon", "2026-13-01T00:00"])("is none from %s", (text) => {
    expect(fromLocal(text)).toBeNull();
  });
});

it.each([
  [30, "30 seconds"],
  [60, "1 minute"],
  [90, "90 seconds"],
  [300, "5 minutes"],
  [3600, "1 hour"],
])("%d seconds in words", (seconds, words) => {
  expect(interval(seconds)).toBe(words);
});

it("knows which role suffices", () => {
  expect(suffices("editor", "viewer")).toBe(true);
  expect(suffices("editor", "administrator")).toBe(false);
  expect(suffices("", "viewer")).toBe(false);
});
