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
    const components = await screen.findByRole("region", { name: "Components" });
    const rows = within(components).getAllByRole("listitem");
    expect(rows.map((row) => row.textContent)).toEqual([
      expect.stringMatching(/^WebsiteOperationalThe public site/),
      expect.stringMatching(/^APIOperational/),
      expect.stringMatching(/^Sign-inDegraded.*since just now$/),
      expect.stringMatching(/^Background jobsMaintenance.*since just now$/),
    ]);
    const incidents = screen.getByRole("region", { name: "Open incidents" });
    expect(within(incidents).getByRole("link", { name: "Signing in takes up to a minute" })).toBeVisible();
    expect(within(incidents).getByText("Affects Sign-in")).toBeVisible();
    expect(within(incidents).getByText("Minor incident")).toBeVisible();
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

  it("puts components below the heading of their group, those of none first", async () => {
    const api = new MockApi();
    for (const name of ["Website", "Status page", "Queue"]) api.addComponent(name);
    api.addGroup("Inside", [3]);
    api.addGroup("Empty", []);
    open("/", api);

    const components = await screen.findByRole("region", { name: "Components" });
    const words = within(components).getAllByText(/^(Website|Status page|Queue|Inside|Empty)$/);
    expect(words.map(({ textContent }) => textContent)).toEqual(["Website", "Status page", "Inside", "Queue"]);
    expect(within(components).getByRole("heading", { level: 3, name: "Inside" })).toBeVisible();
  });

  it("tells maintenance that runs from maintenance that is planned, and not of what is over", async () => {
    const api = new MockApi();
    api.addComponent("API");
    api.addMaintenance("Now", { from: -1, to: 1, state: "in_progress", components: [1] });
    api.addMaintenance("Soon", { from: 24, to: 25 });
    api.addMaintenance("Over", { from: -5, to: -4, state: "completed" });
    api.addMaintenance("Dropped", { from: 5, to: 6, state: "cancelled" });
    open("/", api);

    const running = await screen.findByRole("region", { name: "Maintenance under way" });
    expect(within(running).getAllByRole("heading", { level: 3 }).map((one) => one.textContent)).toEqual(["Now"]);
    expect(within(running).getByText("Affects API")).toBeVisible();
    const planned = await screen.findByRole("region", { name: "Planned maintenance" });
    expect(within(planned).getAllByRole("heading", { level: 3 }).map((one) => one.textContent)).toEqual(["Soon"]);
  });

  it("says when the back end itself shows what it last knew", async () => {
    const api = MockApi.withExample();
    api.staleSince = "2026-03-01T10:20:00Z";
    open("/", api);

    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("Our records cannot be reached right now.");
    expect(alert).toHaveTextContent(/the last that we know, from .*2026/);
    expect(screen.getByText(/^Last known at/)).toBeVisible();
  });

  it("shows the state although the uptime cannot be had", async () => {
    const api = MockApi.withMonths();
    api.failure = ({ url }) => (url.includes("/uptime/") ? problem(503, "Not now.") : undefined);
    open("/", api);

    expect(await screen.findByText("The uptime of the last 90 days cannot be shown right now.")).toBeVisible();
    expect(screen.getByText("Website")).toBeVisible();
    expect(screen.queryByRole("slider")).not.toBeInTheDocument();
  });

  it("asks for nothing that only staff needs", async () => {
    const api = MockApi.withMonths();
    open("/", api);
    await screen.findByRole("region", { name: "Past incidents" });
    await screen.findByRole("link", { name: "Exports were late" });

    expect(new Set(api.seen)).toEqual(new Set(["GET /api/summary/", "GET /api/uptime/", "GET /api/incidents/"]));
  });

  it.each([
    "/",
    "/sign-in",
    "/nowhere",
    "/incidents/5",
    "/incidents/999",
    "/history",
    "/history/2020-01",
    "/subscribe",
    "/subscriptions/confirm?token=x",
    "/subscriptions/unsubscribe",
  ])(
    "has no accessibility problem at %s",
    async (path) => {
      open(path, MockApi.withMonths());
      await screen.findByRole("heading", { level: 1 });
      await waitFor(() => {
        expect(screen.queryByText(/^(Loading|Asking)/)).not.toBeInTheDocument();
      });

      expect(await accessibilityProblems()).toEqual([]);
    },
  );
});
