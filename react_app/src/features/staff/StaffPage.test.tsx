import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";

import { MockApi, problem } from "../../testing/mock-api";
import { accessibilityProblems, open } from "../../testing/render";

let api: MockApi;

beforeEach(() => {
  api = MockApi.withExample();
  api.signedInAs = "ada";
});

describe("the staff page", () => {
  it("saves the state of a component only when told to", async () => {
    const user = open("/staff", api);

    await user.selectOptions(await screen.findByLabelText("State of Website"), "Major outage");
    expect(api.components[0]?.state).toBe("operational");
    await user.click(screen.getByRole("button", { name: "Save the state of Website" }));

    expect(await screen.findByText("Saved: Major outage.")).toBeVisible();
    expect(api.components[0]?.state).toBe("major_outage");
  });

  it("opens an incident and sets the state of what it affects", async () => {
    const user = open("/staff", api);
    const form = within(await screen.findByRole("form", { name: "Open an incident" }));

    await user.type(form.getByLabelText("Title"), "Uploads fail");
    await user.type(form.getByLabelText("First update"), "We are looking.");
    expect(form.queryByLabelText("Their state from now on")).not.toBeInTheDocument();
    await user.click(form.getByRole("checkbox", { name: "API" }));
    await user.selectOptions(form.getByLabelText("Their state from now on"), "Partial outage");
    await user.click(form.getByRole("button", { name: "Open incident" }));

    expect(await form.findByText(/Opened\./)).toBeVisible();
    expect(form.getByLabelText("Title")).toHaveValue("");
    expect(api.incidents[0]).toMatchObject({ title: "Uploads fail", state: "investigating" });
    expect(api.components[1]?.state).toBe("partial_outage");
    expect(await screen.findByRole("form", { name: "Update on Uploads fail" })).toBeVisible();
  });

  it("posts an update that resolves an incident", async () => {
    const user = open("/staff", api);
    const name = "Update on Signing in takes up to a minute";
    const form = within(await screen.findByRole("form", { name }));

    await user.selectOptions(form.getByLabelText("State"), "Resolved");
    await user.type(form.getByLabelText("What is known now"), "It is over.");
    await user.click(form.getByRole("button", { name: "Post and resolve" }));

    await waitFor(() => {
      expect(screen.queryByRole("form", { name })).not.toBeInTheDocument();
    });
    expect(api.incidents.find(({ title }) => title.startsWith("Signing"))?.state).toBe("resolved");
  });

  it("keeps what was typed when the server fails, and says so in words", async () => {
    const user = open("/staff", api);
    const form = within(await screen.findByRole("form", { name: "Open an incident" }));
    await user.type(form.getByLabelText("Title"), "Uploads fail");
    await user.type(form.getByLabelText("First update"), "We are looking.");
    api.failure = ({ method }) => (method === "POST" ? problem(500, "Broken.") : undefined);

    await user.click(form.getByRole("button", { name: "Open incident" }));

    expect(await form.findByRole("alert")).toHaveTextContent("The status service has a problem of its own.");
    expect(form.getByLabelText("Title")).toHaveValue("Uploads fail");
    // A write is not repeated behind the person's back: it may have arrived.
    expect(api.seen.filter((line) => line.startsWith("POST"))).toHaveLength(1);
  });

  it("shows what the server does not accept beside its field", async () => {
    const user = open("/staff", api);
    const form = within(await screen.findByRole("form", { name: "Open an incident" }));
    await user.type(form.getByLabelText("Title"), "  ");
    await user.type(form.getByLabelText("First update"), "We are looking.");

    await user.click(form.getByRole("button", { name: "Open incident" }));

    await waitFor(() => {
      expect(form.getByLabelText("Title")).toHaveAccessibleDescription(/This field may not be blank/);
    });
    expect(form.getByLabelText("Title")).toBeInvalid();
  });

  it("asks to sign in again when the session has ended meanwhile", async () => {
    const user = open("/staff", api);
    await screen.findByLabelText("State of Website");
    api.signedInAs = "";

    await user.click(screen.getByRole("button", { name: "Save the state of Website" }));

    expect(await screen.findByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  });

  it("signs out", async () => {
    const user = open("/staff", api);

    await user.click(await screen.findByRole("button", { name: "Sign out" }));

    expect(await screen.findByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
    expect(api.signedInAs).toBe("");
  });

  it("can be used with the keyboard alone", async () => {
    const user = open("/staff", api);
    const title = await screen.findByLabelText("Title");
    title.focus();

    await user.keyboard("Uploads fail{Tab}We are looking.{Tab}{Tab} {Tab}{Tab}{Tab}{Tab}{Enter}");

    expect(await screen.findByText(/Opened\./)).toBeVisible();
    expect(api.incidents[0]?.components).toEqual([{ id: 2, name: "API" }]);
  });

  it("has no accessibility problem", async () => {
    open("/staff", api);
    await screen.findByLabelText("State of Website");

    expect(await accessibilityProblems()).toEqual([]);
  });
});
