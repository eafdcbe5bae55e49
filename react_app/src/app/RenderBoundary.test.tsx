import { screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { MockApi } from "../testing/mock-api";
import { open } from "../testing/render";

vi.mock("../features/history/HistoryPage", () => {
  throw new TypeError("Failed to fetch dynamically imported module");
});

beforeEach(() => {
  // React says so of each error that a boundary takes.
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});

it("says of a page that does not come what it says of an answer, and goes on at the next address", async () => {
  const user = open("/", MockApi.withExample());
  await screen.findByRole("heading", { level: 1 });

  await user.click(screen.getByRole("link", { name: "History" }));

  expect(await screen.findByRole("alert")).toHaveTextContent("The status service cannot be reached.");
  expect(screen.getByRole("button", { name: "Try again" })).toBeVisible();

  await user.click(screen.getByRole("link", { name: "Subscribe" }));
  expect(await screen.findByRole("heading", { level: 1, name: /Be told/ })).toBeVisible();
});
