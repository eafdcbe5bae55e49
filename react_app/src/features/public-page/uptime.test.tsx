import { fireEvent, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";

import { MockApi } from "../../testing/mock-api";
import { accessibilityProblems, open } from "../../testing/render";
import { barsPath, dayWords, level, percent, uptimeWords } from "./uptime";

describe("uptime in words", () => {
  it.each([
    [1, "100 %"],
    [0.999999, "99.99 %"],
    [0.9985, "99.85 %"],
    [0.29, "29.00 %"],
    [0, "0.00 %"],
  ])("cuts %d and never rounds it up", (ratio, words) => {
    expect(percent(ratio)).toBe(words);
  });

  it("tells a day without failure from one that nobody watched", () => {
    expect([1, null, 0.5].map(uptimeWords)).toEqual(["no failure", "not watched", "50.00 % up"]);
    expect([1, null, 0.999999, 0.99, 0.98, 0].map(level)).toEqual(["up", "unknown", "shaky", "shaky", "down", "down"]);
  });

  it("counts days in UTC, over the ends of months and years", () => {
    expect(dayWords("2026-12-30", 3, "en-GB")).toBe("2 Jan 2027");
    expect(dayWords("2028-02-28", 1, "en-GB")).toBe("29 Feb 2028");
  });

  it("draws every day once, at its place, and failures higher than the rest", () => {
    expect(barsPath([1, 0.5, 1, null], "up")).toBe("M0 9h3V40h-3zM8 9h3V40h-3z");
    expect(barsPath([1, 0.5, 1, null], "down")).toBe("M4 0h3V40h-3z");
    expect(barsPath([1, 0.5, 1, null], "unknown")).toBe("M12 31h3V40h-3z");
  });
});

describe("the bars of a component", () => {
  const FAILED = `${dayWords("2026-11-21", 0)}: 98.20 % up`;

  function watched(now = new Date("2026-11-22T12:00:00Z")): MockApi {
    const api = new MockApi(() => now);
    api.addComponent("API");
    api.addComponent("Unwatched");
    api.watch(1, Array.from({ length: 90 }, (_, day) => (day === 0 ? null : day === 88 ? 0.982 : 1)));
    return api;
  }

  it("say in words what they show", async () => {
    open("/", watched());

    expect(await screen.findByText("99.97 % uptime")).toBeVisible();
    expect(screen.getByText(`Days with a failure: ${FAILED}.`)).toBeInTheDocument();
    expect(screen.getAllByRole("slider")).toHaveLength(1);
  });

  it("can be asked day by day with the keyboard, and let go with Escape", async () => {
    const user = open("/", watched());
    const bars = await screen.findByRole("slider", { name: "Uptime of API by day" });
    expect(screen.queryByText(/: no failure$/)).not.toBeInTheDocument();

    bars.focus();
    expect(await screen.findByText(`${dayWords("2026-11-22", 0)}: no failure`)).toBeVisible();
    // jsdom does not move a range input by keys: this is what a browser tells us after one.
    fireEvent.change(bars, { target: { value: "88" } });
    expect(bars).toHaveAttribute("aria-valuetext", FAILED);
    expect(screen.getByText(FAILED)).toBeVisible();

    await user.keyboard("{Escape}");
    expect(screen.queryByText(FAILED)).not.toBeInTheDocument();
  });

  it("show response times when they are asked for, as a drawing and as a table", async () => {
    const api = watched(new Date());
    const user = open("/", api);
    const toggle = await screen.findByRole("button", { name: "Response time of API" });
    expect(api.seen).not.toContain("GET /api/components/1/latency/");

    await user.click(toggle);
    expect(await screen.findByRole("slider", { name: "Response time of API" })).toBeInTheDocument();
    expect(toggle).toHaveAttribute("aria-expanded", "true");
    await user.click(screen.getByText("As a table"));
    const table = screen.getByRole("table", { name: "Response time of API" });
    // A day of hours but the one that nobody watched, and the head.
    expect(within(table).getAllByRole("row")).toHaveLength(24);
    expect(await accessibilityProblems()).toEqual([]);

    await user.click(screen.getByRole("radio", { name: "90 days" }));
    expect(await screen.findByRole("columnheader", { name: "Day" })).toBeInTheDocument();
  });
});
