import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { MockApi, PASSWORD, problem } from "../../testing/mock-api";
import { accessibilityProblems, open } from "../../testing/render";

let api: MockApi;

beforeEach(() => {
  api = MockApi.withExample();
  api.signedInAs = "ada";
});

const heading = (name: string | RegExp): Promise<HTMLElement> => screen.findByRole("heading", { level: 1, name });
const incident = (): number => api.incidents.find(({ resolved_at }) => resolved_at === null)?.id ?? 0;

describe("the way in and out", () => {
  it("leads a stranger through the sign-in page to where they were going", async () => {
    api.signedInAs = "";
    const user = open("/staff/incidents", api);

    await heading("Sign in");
    await user.type(await screen.findByLabelText("User name"), "ada");
    await user.type(screen.getByLabelText("Password"), `${PASSWORD}{Enter}`);

    await heading("Incidents");
    expect(window.location.pathname).toBe("/staff/incidents");
  });

  it("goes nowhere else, whatever a link says", async () => {
    open("/sign-in?next=//evil.example/staff", api);

    await heading("Overview");
    expect(window.location.href).toBe("https://app.example.com/staff");
  });

  it("signs out", async () => {
    const user = open("/staff/account", api);

    await user.click(await screen.findByRole("button", { name: "Sign out" }));

    await heading("Sign in");
    expect(api.signedInAs).toBe("");
    expect(window.location.search).toBe("");
  });

  it("keeps what was typed when the session ends, and goes on after signing in again", async () => {
    const user = open("/staff/incidents/new", api);
    await user.type(await screen.findByLabelText("Title"), "Uploads fail");
    await user.type(screen.getByLabelText("First update"), "We are looking.");
    api.signedInAs = "";

    await user.click(screen.getByRole("button", { name: "Open incident" }));

    expect(await heading("Sign in again")).toHaveFocus();
    expect(screen.getByLabelText("User name")).toHaveValue("ada");
    await user.type(screen.getByLabelText("Password"), `${PASSWORD}{Enter}`);
    expect(await screen.findByLabelText("Title")).toHaveValue("Uploads fail");
    await user.click(screen.getByRole("button", { name: "Open incident" }));
    await heading("Uploads fail");
  });

  it("says so when the API is away, and comes back", async () => {
    api.failure = () => problem(503, "Away.");
    const user = open("/staff", api);

    expect(await screen.findByRole("alert")).toHaveTextContent("The status service has a problem of its own.");
    api.failure = () => undefined;
    await user.click(screen.getByRole("button", { name: "Try again" }));

    await heading("Overview");
  });

  it("says that nothing can be saved while there is no network", async () => {
    open("/staff", api);
    await heading("Overview");

    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    window.dispatchEvent(new Event("offline"));

    expect(await screen.findByText(/You are offline\./)).toBeVisible();
  });
});

describe("roles", () => {
  it("offers a viewer nothing that would be refused", async () => {
    api.role = "viewer";
    api.console.addMonitor("Front page");
    open("/staff", api);
    await screen.findByText("Sign-in", { selector: "p" });

    expect(screen.queryByRole("link", { name: "Open an incident" })).not.toBeInTheDocument();
    expect(screen.queryByRole("combobox")).not.toBeInTheDocument();
    for (const name of ["Subscribers", "Tokens", "Audit trail"]) {
      expect(screen.queryByRole("link", { name })).not.toBeInTheDocument();
    }
    expect(screen.getByRole("link", { name: "Monitors" })).toBeVisible();
  });

  it("says in words which role a page needs", async () => {
    api.role = "editor";
    open("/staff/tokens", api);

    await heading("This is not for your role");
    expect(screen.getByText(/It needs the role administrator, and yours is editor/)).toBeVisible();
    expect(api.seen).not.toContain("GET /api/tokens/");
  });

  it("passes on the refusal when the role was taken away meanwhile", async () => {
    const user = open("/staff/components", api);
    await user.selectOptions(await screen.findByLabelText("State of API", { selector: "select" }), "Degraded");
    api.role = "viewer";

    await user.click(screen.getByRole("button", { name: "Save the state of API" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("This needs the role editor, and yours is viewer.");
  });
});

describe("the overview", () => {
  it("shows what needs somebody", async () => {
    api.console.addMonitor("Front page", { state: "down" });
    api.console.addMonitor("API health");
    open("/staff", api);

    const failing = within(await screen.findByRole("region", { name: "Failing monitors" }));
    expect(await failing.findByRole("link", { name: "Front page" })).toBeVisible();
    expect(failing.queryByText("API health")).not.toBeInTheDocument();
    const open_ = within(screen.getByRole("region", { name: "Open incidents" }));
    expect(open_.getByRole("link", { name: "Signing in takes up to a minute" })).toBeVisible();
    const wrong = within(screen.getByRole("region", { name: "Components that are not operational" }));
    expect(wrong.getAllByRole("combobox")).toHaveLength(2);
    expect(screen.getByRole("link", { name: /^Incidents 1 open/ })).toBeVisible();
  });

  it("shows a state at once, and puts it back when it was not saved", async () => {
    const user = open("/staff/components", api);
    const select = await screen.findByLabelText("State of Website", { selector: "select" });
    let answer: (response: Response) => void = () => undefined;
    api.failure = ({ method }) =>
      method === "PATCH"
        ? new Promise<Response>((resolve) => {
            answer = resolve;
          })
        : undefined;

    await user.selectOptions(select, "Major outage");
    expect(screen.getByRole("button", { name: "Save the state of Website" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Save the state of Website" }));
    await waitFor(() => {
      expect(screen.getByRole("button", { name: "Save the state of Website" })).toHaveAttribute("aria-disabled", "true");
    });
    expect(select).toHaveValue("major_outage");
    answer(problem(500, "Broken."));

    expect(await screen.findByText(/everybody still sees “Operational”/)).toBeVisible();
    expect(api.components[0]?.state).toBe("operational");
    api.failure = () => undefined;
    await user.click(screen.getByRole("button", { name: "Save the state of Website" }));
    expect(await screen.findByText("Website: Major outage.")).toBeVisible();
    expect(api.components[0]?.state).toBe("major_outage");
  });

  it("says that what is shown is old when the database of the API is away", async () => {
    api.staleSince = "2026-03-01T12:00:00Z";
    open("/staff", api);

    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer.");
  });
});

describe("incidents", () => {
  it("shows what everybody will see while it is typed, and opens it so", async () => {
    const user = open("/staff/incidents/new", api);
    const preview = within(await screen.findByRole("region", { name: "Preview" }));
    expect(preview.getByText("(a title)")).toBeVisible();

    await user.type(screen.getByLabelText("Title"), "Uploads fail");
    await user.type(screen.getByLabelText("First update"), "We are looking.");
    await user.click(screen.getByRole("checkbox", { name: "API" }));
    await user.click(screen.getByRole("checkbox", { name: "Website" }));
    await user.selectOptions(screen.getByLabelText("Severity"), "Critical");
    await user.selectOptions(screen.getByLabelText("Website", { selector: "select" }), "Partial outage");

    expect(preview.getByText("Uploads fail")).toBeVisible();
    expect(preview.getByText("We are looking.")).toBeVisible();
    expect(preview.getByText("Some systems are down")).toBeVisible();
    expect(preview.getByText("Affects Website, API")).toBeVisible();
    expect(api.incidents.some(({ title }) => title === "Uploads fail")).toBe(false);

    await user.click(screen.getByRole("button", { name: "Open incident" }));

    expect(await heading("Uploads fail")).toHaveFocus();
    expect(await screen.findByText("Opened: Uploads fail.")).toBeVisible();
    expect(api.incidents[0]).toMatchObject({ title: "Uploads fail", severity: "critical" });
    expect(api.components.map(({ state }) => state).slice(0, 2)).toEqual(["partial_outage", "major_outage"]);
  });

  it("places what is refused at its field, and takes the focus there", async () => {
    const user = open("/staff/incidents/new", api);
    await user.type(await screen.findByLabelText("Title"), "  ");
    await user.type(screen.getByLabelText("First update"), "We are looking.");

    await user.click(screen.getByRole("button", { name: "Open incident" }));

    await waitFor(() => {
      expect(screen.getByLabelText("Title")).toHaveFocus();
    });
    expect(screen.getByLabelText("Title")).toHaveAccessibleDescription(/This field may not be blank/);
    expect(screen.getByRole("alert")).toHaveTextContent("Something in the form cannot be accepted.");
  });

  it("asks before a link takes away what was typed", async () => {
    const ask = vi.spyOn(window, "confirm").mockReturnValueOnce(false).mockReturnValueOnce(true);
    const user = open("/staff/incidents/new", api);
    await user.type(await screen.findByLabelText("Title"), "Uploads fail");
    const elsewhere = screen.getByRole("link", { name: "Monitors" });

    await user.click(elsewhere);
    expect(screen.getByLabelText("Title")).toHaveValue("Uploads fail");
    expect(window.location.pathname).toBe("/staff/incidents/new");

    await user.click(elsewhere);
    expect(await screen.findByRole("heading", { level: 1, name: "Monitors" })).toBeVisible();
    await user.click(screen.getByRole("link", { name: "Components" }));
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it("keeps what was typed when the server fails, and writes once", async () => {
    const user = open("/staff/incidents/new", api);
    await user.type(await screen.findByLabelText("Title"), "Uploads fail");
    await user.type(screen.getByLabelText("First update"), "We are looking.");
    api.failure = ({ method }) => (method === "POST" ? problem(500, "Broken.") : undefined);

    await user.click(screen.getByRole("button", { name: "Open incident" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("The status service has a problem of its own.");
    expect(screen.getByLabelText("Title")).toHaveValue("Uploads fail");
    expect(api.seen.filter((line) => line.startsWith("POST"))).toHaveLength(1);
  });

  it("resolves one, and gives its components back", async () => {
    const user = open(`/staff/incidents/${incident()}`, api);
    const form = within(await screen.findByRole("form", { name: /^Update on/ }));
    await form.findByLabelText("Sign-in");

    await user.type(form.getByLabelText("What is known now"), "It is over.");
    await user.selectOptions(form.getByLabelText("State"), "Resolved");
    expect(form.getByLabelText("Sign-in")).toHaveValue("operational");
    await user.click(form.getByRole("button", { name: "Post and resolve" }));

    expect(await screen.findByText("Posted, and the incident is resolved.")).toBeVisible();
    expect(api.incidents.find(({ title }) => title.startsWith("Signing"))?.state).toBe("resolved");
    expect(api.components[2]?.state).toBe("operational");
    expect(api.console.bodies.at(-1)?.ifMatch).toMatch(/^"/);
  });

  it("does not let somebody talk past a colleague", async () => {
    const id = incident();
    const user = open(`/staff/incidents/${id}`, api);
    const message = await screen.findByLabelText("What is known now");
    await user.type(message, "All is well.");
    await user.selectOptions(screen.getByLabelText("State"), "Resolved");
    api.addUpdate(id, "monitoring", "The fix is out, but one region is still slow.");

    await user.click(screen.getByRole("button", { name: "Post and resolve" }));

    const conflict = within(await screen.findByRole("alert", { name: "Somebody else has changed this" }));
    expect(conflict.getByText("The fix is out, but one region is still slow.")).toBeVisible();
    expect(conflict.getByText("All is well.")).toBeVisible();
    expect(message).toHaveValue("All is well.");
    expect(api.incidents.find((one) => one.id === id)?.state).toBe("monitoring");

    await user.click(conflict.getByRole("button", { name: "Post mine as well" }));
    expect(await screen.findByText("Posted, and the incident is resolved.")).toBeVisible();
    expect(api.incidents.find((one) => one.id === id)?.updates[0]?.message).toBe("All is well.");
  });

  it("corrects one, shows both versions of a conflict, and writes only what was changed", async () => {
    const id = incident();
    const user = open(`/staff/incidents/${id}`, api);
    await user.click(await screen.findByRole("button", { name: "Correct it" }));
    const title = screen.getByLabelText("Title");
    await user.clear(title);
    await user.type(title, "Mine");
    api.incidents = api.incidents.map((one) => (one.id === id ? { ...one, title: "Theirs", severity: "critical" } : one));

    await user.click(screen.getByRole("button", { name: "Save" }));

    const conflict = within(await screen.findByRole("alert", { name: "Somebody else has changed this" }));
    expect(conflict.getByRole("row", { name: "Title Mine Theirs" })).toBeVisible();
    expect(conflict.getByRole("row", { name: "Severity Minor Critical" })).toBeVisible();
    await user.click(conflict.getByRole("button", { name: "Save mine over it" }));

    await heading("Mine");
    expect(api.incidents.find((one) => one.id === id)).toMatchObject({ title: "Mine", severity: "critical" });
  });

  it("filters and goes on to older ones", async () => {
    api.console.pageSize = 2;
    for (const title of ["One", "Two", "Three"]) api.addIncident(title, { severity: "critical", state: "resolved" });
    const user = open("/staff/incidents", api);
    await screen.findByRole("link", { name: "Signing in takes up to a minute" });

    await user.selectOptions(screen.getByLabelText("Show"), "Resolved");
    await user.selectOptions(screen.getByLabelText("Severity"), "Critical");
    await screen.findByRole("link", { name: "Three" });
    expect(screen.queryByRole("link", { name: "One" })).not.toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Show older ones" }));

    expect(await screen.findByRole("link", { name: "One" })).toBeVisible();
    expect(screen.getByText("3 in all.")).toBeVisible();
  });
});

describe("maintenance", () => {
  it("is announced with a window in the reader's time zone", async () => {
    const user = open("/staff/maintenance/new", api);
    await user.type(await screen.findByLabelText("Title"), "New disks");
    await user.type(screen.getByLabelText(/^What is done/), "It is quick.");
    await user.click(screen.getByRole("checkbox", { name: "API" }));
    expect(screen.getByText("Takes 1 hour.")).toBeVisible();

    await user.click(screen.getByRole("button", { name: "Announce" }));

    await heading("New disks");
    expect(api.maintenance[0]).toMatchObject({ title: "New disks", components: [{ id: 2, name: "API" }] });
    const { starts_at, ends_at } = api.maintenance[0] ?? { starts_at: "", ends_at: "" };
    expect(new Date(ends_at).getTime() - new Date(starts_at).getTime()).toBe(3_600_000);
  });

  it("begins, is completed and cancelled only when asked twice", async () => {
    const { id } = api.console.addMaintenance("New disks");
    const state = (): string | undefined => api.maintenance.find((one) => one.id === id)?.state;
    const user = open(`/staff/maintenance/${id}`, api);

    await user.click(await screen.findByRole("button", { name: "Begin now New disks" }));
    const question = within(screen.getByRole("group", { name: "Begin “New disks” now?" }));
    expect(question.getByRole("button", { name: "Leave it to the clock" })).toHaveFocus();
    await user.keyboard("{Escape}");
    expect(screen.getByRole("button", { name: "Begin now New disks" })).toHaveFocus();
    expect(state()).toBe("scheduled");

    await user.click(screen.getByRole("button", { name: "Begin now New disks" }));
    await user.click(screen.getByRole("button", { name: "Begin" }));
    await user.click(await screen.findByRole("button", { name: "Complete now New disks" }));
    expect(state()).toBe("in_progress");
    await user.click(screen.getByRole("button", { name: "Complete" }));
    expect(await screen.findByText("New disks: completed.")).toBeVisible();
    expect(state()).toBe("completed");
    expect(screen.queryByRole("button", { name: /Cancel it/ })).not.toBeInTheDocument();
  });

  it("says why it cannot be cancelled any more", async () => {
    const { id } = api.console.addMaintenance("New disks");
    const user = open(`/staff/maintenance/${id}`, api);
    await user.click(await screen.findByRole("button", { name: "Cancel it New disks" }));
    api.maintenance = api.maintenance.map((one) => ({ ...one, state: "completed" }));

    await user.click(screen.getByRole("button", { name: "Cancel the maintenance" }));

    // The page asks anew after a refusal, and then offers nothing any more.
    await waitFor(() => {
      expect(screen.queryByRole("button", { name: "Cancel the maintenance" })).not.toBeInTheDocument();
    });
    expect(screen.getByText("Completed")).toBeVisible();
  });

  it("keeps mine and theirs apart when both have changed it", async () => {
    const { id } = api.console.addMaintenance("New disks");
    const user = open(`/staff/maintenance/${id}`, api);
    await user.click(await screen.findByRole("button", { name: "Change it" }));
    await user.type(screen.getByLabelText("Title"), " and cables");
    api.maintenance = api.maintenance.map((one) => ({ ...one, message: "It takes long." }));

    await user.click(screen.getByRole("button", { name: "Save" }));
    const conflict = within(await screen.findByRole("alert", { name: "Somebody else has changed this" }));
    expect(conflict.getByRole("row", { name: "Message It is quick. It takes long." })).toBeVisible();
    await user.click(conflict.getByRole("button", { name: "Save mine over it" }));

    await heading("New disks and cables");
    expect(api.maintenance[0]).toMatchObject({ title: "New disks and cables", message: "It takes long." });
  });
});

describe("components", () => {
  it("are moved with buttons that keep the focus", async () => {
    const user = open("/staff/components", api);
    await user.click(await screen.findByRole("button", { name: "Move API up" }));

    expect(await screen.findByText("API moved up.")).toBeVisible();
    await waitFor(() => {
      expect(api.components.map(({ name, position }) => [name, position]).slice(0, 2)).toEqual([
        ["Website", 1],
        ["API", 0],
      ]);
    });
    expect(screen.getByRole("button", { name: "Move API up" })).toHaveAttribute("aria-disabled", "true");
    expect(screen.getByRole("button", { name: "Move API up" })).toHaveFocus();
  });

  it("are added, and a taken name is said", async () => {
    const user = open("/staff/components/new", api);
    await user.type(await screen.findByLabelText("Name"), "API");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("A component is already called API.");

    await user.type(screen.getByLabelText("Name"), " of partners");
    await user.click(screen.getByRole("button", { name: "Save" }));

    await heading("Components");
    expect(await screen.findByRole("link", { name: "API of partners" })).toBeVisible();
  });

  it("are deleted only by administrators, and after a question", async () => {
    const user = open("/staff/components/2", api);
    await user.click(await screen.findByRole("button", { name: "Delete the component API" }));
    expect(screen.getByText(/This cannot be undone/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Delete the component" }));

    await heading("Components");
    expect(api.components.map(({ name }) => name)).not.toContain("API");
  });

  it("have groups that are added and deleted", async () => {
    const user = open("/staff/components", api);
    await user.click(await screen.findByRole("button", { name: "Add a group" }));
    await user.type(screen.getByLabelText("Name of the group"), "Core{Enter}");
    await screen.findByRole("heading", { name: "Core" });

    await user.click(screen.getByRole("button", { name: "Delete the group Core" }));
    await user.click(screen.getByRole("button", { name: "Delete the group" }));

    await waitFor(() => {
      expect(screen.queryByRole("heading", { name: "Core" })).not.toBeInTheDocument();
    });
  });
});

describe("monitors", () => {
  it("are paused at once and look again", async () => {
    const { id } = api.console.addMonitor("Front page");
    const user = open("/staff/monitors", api);

    await user.click(await screen.findByRole("button", { name: "Pause Front page" }));
    await user.click(await screen.findByRole("button", { name: "Resume Front page" }));

    expect(await screen.findByText("Front page looks again.")).toBeVisible();
    expect(api.console.monitors.find((one) => one.id === id)?.enabled).toBe(true);
  });

  it("look when told to, and say what they saw", async () => {
    const { id } = api.console.addMonitor("Front page");
    api.console.addCheck(id);
    const user = open(`/staff/monitors/${id}`, api);
    await screen.findByText("1 in all.");

    await user.click(screen.getByRole("button", { name: "Check now" }));
    expect(await screen.findByRole("button", { name: "Looking…" })).toBeVisible();
    api.console.addCheck(id, { up: false, status_code: 503, detail: "The status was 503." });

    expect(await screen.findByText("It looked: down. The status was 503.")).toBeVisible();
    expect(screen.getByRole("button", { name: "Check now" })).toBeVisible();
    expect(screen.getByRole("img", { name: /half of the answers took 120 ms or less/ })).toBeVisible();
  });

  it("say in words why a paused one does not look", async () => {
    const { id } = api.console.addMonitor("Front page", { enabled: false });
    const user = open(`/staff/monitors/${id}`, api);

    await user.click(await screen.findByRole("button", { name: "Check now" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("This monitor is paused: resume it first.");
  });

  it("are refused at the field of an address that may not be asked", async () => {
    const user = open("/staff/monitors/new", api);
    await user.type(await screen.findByLabelText("Name"), "Metadata");
    await user.clear(screen.getByLabelText("Address"));
    await user.type(screen.getByLabelText("Address"), "http://169.254.169.254/");

    await user.click(screen.getByRole("button", { name: "Save" }));

    await waitFor(() => {
      expect(screen.getByLabelText("Address")).toHaveFocus();
    });
    expect(screen.getByLabelText("Address")).toHaveAccessibleDescription(/not on the public internet/);
  });

  it("are changed by what was changed alone", async () => {
    const { id } = api.console.addMonitor("Front page");
    const user = open(`/staff/monitors/${id}/edit`, api);
    const every = await screen.findByLabelText("Looks every (seconds)");
    await user.clear(every);
    await user.type(every, "300");

    await user.click(screen.getByRole("button", { name: "Save" }));

    await heading("Front page");
    expect(api.console.bodies.at(-1)).toMatchObject({ body: { interval_seconds: 300 } });
  });
});

describe("people and machines", () => {
  it("removes a subscriber after a question", async () => {
    api.console.addSubscriber("grace@example.com");
    const user = open("/staff/subscribers", api);

    await user.click(await screen.findByRole("button", { name: "Remove grace@example.com" }));
    expect(api.console.subscribers).toHaveLength(1);
    await user.click(screen.getByRole("button", { name: "Remove" }));

    expect(await screen.findByText("grace@example.com is removed.")).toBeVisible();
    expect(await screen.findByText("Nobody has subscribed yet.")).toBeVisible();
  });

  it("shows a new token once, and revokes it", async () => {
    const user = open("/staff/tokens", api);
    await user.click(await screen.findByRole("button", { name: "Make a token" }));
    await user.type(screen.getByLabelText("Name"), "Deployments");
    await user.click(screen.getByRole("button", { name: "Make it" }));
    expect(await screen.findByText("This list may not be empty.")).toBeVisible();

    await user.click(screen.getByRole("checkbox", { name: "Open and update incidents" }));
    await user.click(screen.getByRole("button", { name: "Make it" }));
    expect(await screen.findByText("slipway_0123456789abcdef_secret")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "I have it" }));
    expect(screen.queryByText("slipway_0123456789abcdef_secret")).not.toBeInTheDocument();

    await user.click(await screen.findByRole("button", { name: "Revoke the token Deployments" }));
    await user.click(screen.getByRole("button", { name: "Revoke" }));
    expect(await screen.findByText("Revoked")).toBeVisible();
  });

  it("shows who changed what, and filters it", async () => {
    const entry = { actor_kind: "person", target_type: "status.component", target_id: "1", at: "2026-03-01T12:00:00Z" } as const;
    api.console.audit = [
      { ...entry, id: 2, actor_name: "ada", action: "component.update", target_name: "API", changes: { state: ["operational", "degraded"] } },
      { ...entry, id: 1, actor_name: "grace", action: "component.create", target_name: "Website", changes: {} },
    ];
    const user = open("/staff/audit", api);
    await screen.findByText("1 value: state");
    await user.click(screen.getByText("1 value: state"));
    expect(screen.getByRole("row", { name: "state operational degraded" })).toBeVisible();

    await user.type(screen.getByLabelText("Who"), "grace{Enter}");

    await waitFor(() => {
      expect(screen.queryByText("component.update")).not.toBeInTheDocument();
    });
    expect(await screen.findByText("component.create")).toBeVisible();
  });
});

describe("every page", () => {
  it.each([
    "/staff",
    "/staff/incidents",
    "/staff/incidents/new",
    "/staff/incidents/5",
    "/staff/maintenance",
    "/staff/maintenance/new",
    "/staff/components",
    "/staff/components/2",
    "/staff/monitors",
    "/staff/monitors/new",
    "/staff/subscribers",
    "/staff/tokens",
    "/staff/audit",
    "/staff/account",
    "/staff/nothing",
  ])("%s has no accessibility problem, and one heading that names the tab", async (path) => {
    api.console.addMonitor("Front page", { state: "down" });
    api.console.addSubscriber("grace@example.com");
    api.console.addMaintenance("New disks");
    open(path, api);
    const title = await screen.findByRole("heading", { level: 1 });
    await waitFor(() => {
      expect(screen.queryByText("Loading…")).not.toBeInTheDocument();
    });

    expect(await accessibilityProblems()).toEqual([]);
    expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(1);
    expect(title).toBeVisible();
    expect(document.title).toContain("Example Status");
  });
});
