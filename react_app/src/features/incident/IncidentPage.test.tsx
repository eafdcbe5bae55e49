import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import { MockApi } from "../../testing/mock-api";
import { open } from "../../testing/render";

it("shows every update of an incident, newest first", async () => {
  const api = new MockApi();
  const incident = api.addIncident("Uploads fail", { message: "First." });
  for (const message of ["Second.", "Third.", "Fourth."]) api.addUpdate(incident.id, "monitoring", message);
  open(`/incidents/${incident.id}`, api);

  await screen.findByRole("heading", { level: 1, name: "Uploads fail" });

  const updates = within(screen.getByRole("main")).getAllByRole("listitem").map((item) => item.textContent);
  expect(updates).toHaveLength(4);
  expect(updates[0]).toContain("Fourth.");
  expect(updates[3]).toContain("First.");
});

it("says how long a resolved incident lasted", async () => {
  let now = new Date("2026-03-01T10:00:00Z");
  const api = new MockApi(() => now);
  const incident = api.addIncident("Uploads fail");
  now = new Date("2026-03-01T12:05:00Z");
  api.addUpdate(incident.id, "resolved", "Over.");
  open(`/incidents/${incident.id}`, api);

  expect(await screen.findByText("2 hours 5 minutes")).toBeVisible();
});

it.each(["/incidents/999", "/incidents/0", "/incidents/abc", "/nowhere"])("says that %s is nothing", async (path) => {
  open(path, new MockApi());

  expect(await screen.findByRole("heading", { level: 1, name: /There is (no such incident|nothing)/ })).toBeVisible();
});
