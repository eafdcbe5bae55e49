import { screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { act } from "react";

import { MockApi, problem } from "../../testing/mock-api";
import { open } from "../../testing/render";

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
});
afterEach(() => {
  vi.useRealTimers();
});

it("refreshes by itself and says when it can no longer", async () => {
  const api = new MockApi();
  const component = api.addComponent("API");
  open("/", api);
  await screen.findByRole("heading", { name: "All systems operational" });

  api.components = [{ ...component, state: "major_outage" }];
  await act(() => vi.advanceTimersByTimeAsync(15_000));
  expect(await screen.findByRole("heading", { name: "Some systems are down" })).toBeVisible();

  api.failure = () => problem(500, "Broken.");
  await act(() => vi.advanceTimersByTimeAsync(16_000));
  expect(await screen.findByText("We have lost contact with the status service.")).toBeVisible();
  expect(screen.getByText(/^What you see below is what we knew at \d/)).toBeVisible();
  expect(screen.getByText(/^Last known at/)).toBeVisible();
  expect(screen.getByRole("heading", { name: "Some systems are down" })).toBeVisible();

  api.failure = () => undefined;
  await act(() => vi.advanceTimersByTimeAsync(16_000));
  expect(screen.queryByText("We have lost contact with the status service.")).not.toBeInTheDocument();
});

it.each(["/", "/history", "/incidents/1"])("says on %s that the records are old", async (path) => {
  const api = new MockApi();
  api.addIncident("Uploads fail");
  api.staleSince = "2026-03-01T10:20:00Z";
  open(path, api);

  expect(await screen.findByText("Our records cannot be reached right now.")).toBeVisible();
});
