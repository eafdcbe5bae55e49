import { describe, expect, it } from "vitest";

import { linePath, milliseconds, runs, scale, slots } from "./latency";

describe("the series of response times", () => {
  it("has a place for every hour, and leaves those empty that nobody measured", () => {
    const now = new Date("2026-11-22T12:34:00Z");
    const all = slots(
      [
        { at: "2026-11-22T12:00:00Z", p50_ms: 5, p95_ms: 9 },
        { at: "2026-11-22T10:00:00+00:00", p50_ms: 4, p95_ms: null },
        { at: "2026-11-20T10:00:00Z", p50_ms: 1, p95_ms: 1 },
      ],
      "day",
      now,
    );

    expect(all).toHaveLength(24);
    expect(all.at(-1)).toEqual({ at: new Date("2026-11-22T12:00:00Z"), p50: 5, p95: 9 });
    expect(all.at(-2)).toMatchObject({ p50: null, p95: null });
    expect(all.at(-3)).toMatchObject({ p50: 4, p95: null });
    expect(all.filter(({ p50 }) => p50 !== null)).toHaveLength(2);
    expect([slots([], "week", now).length, slots([], "quarter", now).length]).toEqual([168, 90]);
  });

  it("is drawn with holes as holes, and single values as dashes", () => {
    expect(runs([null, 1, 2, null, 3])).toEqual([
      [1, [1, 2]],
      [4, [3]],
    ]);
    expect(linePath([null, 50, 100, null, 0], 100, 10)).toBe("M1.5 5.00L2.5 0.00M4.2 10.00h.6");
  });

  it.each([
    [0, 1],
    [7, 8],
    [100, 100],
    [101, 200],
    [610, 800],
    [900, 1000],
  ])("gives %d a scale up to %d", (highest, top) => {
    expect(scale(highest)).toBe(top);
  });

  it("writes seconds where there are some", () => {
    expect([240, 1250, 30_000].map(milliseconds)).toEqual(["240 ms", "1.25 s", "30 s"]);
  });
});
