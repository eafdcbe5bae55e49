import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import { MockApi, problem } from "../../testing/mock-api";
import { open } from "../../testing/render";
import { begin, monthOfMoment, monthWords, shifted } from "./months";

function withPast(): MockApi {
  let now = new Date(2026, 0, 15);
  const api = new MockApi(() => now);
  api.addComponent("API");
  api.addIncident("In January", { severity: "critical", components: [1] });
  now = new Date(2026, 2, 31, 23, 59);
  api.addIncident("Late in March");
  now = new Date(2026, 3, 1);
  api.addIncident("In April");
  return api;
}

it("shows the incidents that began in a month, and leads to its neighbours", async () => {
  const user = open("/history/2026-03", withPast());

  expect(await screen.findByRole("heading", { level: 1, name: /^Incidents in .*2026$/ })).toBeVisible();
  expect(await screen.findByRole("link", { name: "Late in March" })).toBeVisible();
  expect(screen.queryByText(/In April|In January/)).not.toBeInTheDocument();

  await user.click(within(screen.getByRole("navigation", { name: "Months" })).getByRole("link", { name: /→/ }));
  expect(await screen.findByRole("link", { name: "In April" })).toBeVisible();
  expect(window.location.pathname).toBe("/history/2026-04");
});

it("leads from an empty month to the last one that was not", async () => {
  const user = open("/history/2026-02", withPast());

  await user.click(await screen.findByRole("link", { name: /^The one before was in January 2026/ }));

  expect(await screen.findByRole("link", { name: "In January" })).toBeVisible();
  expect(screen.getByText("Critical")).toBeVisible();
  expect(screen.getByText(/Affected API/)).toBeVisible();
  expect(await screen.findByText("Nothing before January 2026")).toBeVisible();
});

it("shows a long month page by page", async () => {
  const api = new MockApi();
  for (let number = 1; number <= 60; number += 1) api.addIncident(`Incident ${number}`);
  const user = open("/history", api);

  expect(await screen.findByRole("link", { name: "Incident 60" })).toBeVisible();
  expect(screen.getAllByRole("heading", { level: 2 })).toHaveLength(50);
  await user.click(screen.getByRole("button", { name: "Show more" }));

  expect(await screen.findByRole("link", { name: "Incident 1" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Show more" })).not.toBeInTheDocument();
});

it("says when the month cannot be had", async () => {
  const api = withPast();
  api.failure = () => problem(503, "Not now.");
  open("/history", api);

  expect(await screen.findByRole("alert")).toHaveTextContent("The status service has a problem of its own.");
  expect(screen.queryByText(/No incident began/)).not.toBeInTheDocument();
});

it.each(["2026-13", "2026-1", "now"])("has no month %s", async (month) => {
  open(`/history/${month}`, withPast());

  expect(await screen.findByRole("heading", { level: 1, name: "There is nothing at this address" })).toBeVisible();
});

it("counts months over the ends of years", () => {
  expect([shifted("2026-01", -1), shifted("2026-12", 1), shifted("2026-03", -15)]).toEqual([
    "2025-12",
    "2027-01",
    "2024-12",
  ]);
  expect(monthOfMoment(begin("2026-02"))).toBe("2026-02");
  expect(monthWords("2026-02", "en-GB")).toBe("February 2026");
});
