import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";

import { MockApi, problem } from "../../testing/mock-api";
import { accessibilityProblems, open } from "../../testing/render";

describe("the public page", () => {
  it("says that all is well when it is", async () => {
    const api = new MockApi();
    api.addComponent("API");
    open("/", api);

    expect(await screen.findByRole("heading", { level: 1, name: "All systems operational" })).toBeVisible();
    expect(document.title).toBe("All systems operational · Example Status");
    expect(screen.queryByRole("heading", { name: "Open incidents" })).not.toBeInTheDocument();
    expect(await screen.findByText("None so far.")).toBeVisible();
  });

  it("shows components with their state, open incidents with updates and past ones", async () => {
    open("/", MockApi.withExample());

    expect(await screen.findByRole("heading", { level: 1, name: "Some systems are degraded" })).toBeVisible();
    const components = screen.getByRole("region", { name: "Components" });
    const rows = within(components).getAllByRole("listitem");
    expect(rows.map((row) => row.textContent)).toEqual([
      expect.stringMatching(/^WebsiteThe public site.*Operational$/),
      expect.stringMatching(/^API.*Operational$/),
      expect.stringMatching(/^Sign-in.*Degradedchanged just now$/),
      expect.stringMatching(/^Background jobs.*Maintenancechanged just now$/),
    ]);
    const incidents = screen.getByRole("region", { name: "Open incidents" });
    expect(within(incidents).getByRole("link", { name: "Signing in takes up to a minute" })).toBeVisible();
    expect(within(incidents).getByText("Affects Sign-in")).toBeVisible();
    expect(within(incidents).getByText(/We are rolling out a fix/)).toBeVisible();
    const past = screen.getByRole("region", { name: "Past incidents" });
    expect(await within(past).findByRole("link", { name: "Exports were late" })).toBeVisible();
  });

  it("leads to the page of an incident and takes the focus to its heading", async () => {
    const user = open("/", MockApi.withExample());

    await user.click(await screen.findByRole("link", { name: "Signing in takes up to a minute" }));

    const heading = await screen.findByRole("heading", { level: 1, name: "Signing in takes up to a minute" });
    await waitFor(() => {
      expect(heading).toHaveFocus();
    });
    expect(window.location.pathname).toMatch(/^\/incidents\/\d+$/);
  });

  it("admits that it does not know when the API cannot be reached, and recovers on demand", async () => {
    const api = MockApi.withExample();
    api.failure = () => {
      throw new TypeError("Failed to fetch");
    };
    const user = open("/", api);

    expect(await screen.findByRole("heading", { name: "We cannot tell the state right now" })).toBeVisible();
    const alert = screen.getByRole("alert");
    expect(alert).toHaveTextContent("The status service cannot be reached.");
    expect(alert).not.toHaveTextContent(/operational|\d{3}|TypeError/i);
    // The first try and two more.
    expect(api.seen.filter((line) => line === "GET /api/summary/")).toHaveLength(3);

    api.failure = () => undefined;
    await user.click(within(alert).getByRole("button", { name: "Try again" }));

    expect(await screen.findByRole("heading", { name: "Some systems are degraded" })).toBeVisible();
  });

  it("says since when it has lost contact, and keeps showing what it knew", async () => {
    const api = MockApi.withExample();
    const user = open("/", api);
    await screen.findByRole("heading", { name: "Some systems are degraded" });

    api.failure = () => problem(503, "Not now.");
    window.dispatchEvent(new Event("visibilitychange"));
    await user.click(screen.getByRole("link", { name: "Signing in takes up to a minute" }));
    await user.click(await screen.findByRole("link", { name: "Example Status" }));

    expect(screen.getByRole("heading", { name: "Some systems are degraded" })).toBeVisible();
  });

  it("does not take a page of a proxy for an answer", async () => {
    const api = MockApi.withExample();
    api.failure = ({ url }) =>
      url.includes("/api/summary/")
        ? new Response("<html>Welcome</html>", { headers: { "Content-Type": "text/html" } })
        : undefined;
    open("/", api);

    expect(await screen.findByText("The status service has a problem of its own.")).toBeVisible();
  });

  it.each(["/", "/sign-in", "/nowhere", "/incidents/5", "/incidents/999"])(
    "has no accessibility problem at %s",
    async (path) => {
      open(path, MockApi.withExample());
      await screen.findByRole("heading", { level: 1 });
      await waitFor(() => {
        expect(screen.queryByText(/^(Loading|Asking)/)).not.toBeInTheDocument();
      });

      expect(await accessibilityProblems()).toEqual([]);
    },
  );
});
