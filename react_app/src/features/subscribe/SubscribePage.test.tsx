import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";

import { MockApi, problem } from "../../testing/mock-api";
import { open } from "../../testing/render";

describe("the form", () => {
  it("asks to be told by e-mail, and says that a link has to be opened", async () => {
    const api = MockApi.withExample();
    const user = open("/subscribe", api);

    await user.type(await screen.findByLabelText("E-mail address"), " ada@example.com ");
    await user.click(screen.getByRole("button", { name: "Subscribe" }));

    expect(await screen.findByRole("heading", { level: 1, name: "Now look into your mailbox" })).toBeVisible();
    expect(screen.getByText(/sent a message to ada@example\.com\. Open the link/)).toBeVisible();
    expect(api.subscriptions).toEqual([{ channel: "email", address: "ada@example.com" }]);
  });

  it("asks for a webhook and for some components", async () => {
    const api = MockApi.withExample();
    const user = open("/subscribe", api);

    await user.click(await screen.findByRole("radio", { name: "By webhook" }));
    await user.type(screen.getByLabelText("URL of the webhook"), "https://hooks.example.com/x");
    await user.click(screen.getByRole("radio", { name: "Only these" }));
    await user.click(await screen.findByRole("checkbox", { name: "API" }));
    await user.click(screen.getByRole("checkbox", { name: "Sign-in" }));
    await user.click(screen.getByRole("checkbox", { name: "API" }));
    await user.click(screen.getByRole("button", { name: "Subscribe" }));

    expect(await screen.findByRole("heading", { level: 1, name: "Now answer our message" })).toBeVisible();
    expect(api.subscriptions).toEqual([{ channel: "webhook", address: "https://hooks.example.com/x", components: [3] }]);
  });

  it("says beside the field what is wrong with it, and keeps what was typed", async () => {
    const api = MockApi.withExample();
    api.failure = ({ url }) =>
      url.includes("/subscriptions/")
        ? problem(400, "Something is wrong.", [{ pointer: "#/address", detail: "This address is not public." }])
        : undefined;
    const user = open("/subscribe", api);

    await user.type(await screen.findByLabelText("E-mail address"), "ada@localhost");
    await user.click(screen.getByRole("button", { name: "Subscribe" }));

    expect(await screen.findByText("This address is not public.")).toBeVisible();
    expect(screen.getByLabelText("E-mail address")).toHaveValue("ada@localhost");
    expect(screen.getByLabelText("E-mail address")).toBeInvalid();
  });
});

describe("the links in messages", () => {
  it.each([
    ["confirm", "Subscribe", "You will be told when something happens"],
    ["unsubscribe", "Unsubscribe", "You will hear no more"],
  ] as const)("%s only when the button is pressed", async (action, button, done) => {
    const api = new MockApi();
    api.links.set("1:abc", action);
    const user = open(`/subscriptions/${action}?token=1%3Aabc`, api);

    const control = await screen.findByRole("button", { name: button });
    expect(api.seen.filter((line) => line.includes("subscriptions"))).toEqual([]);
    await user.click(control);

    expect(await screen.findByRole("heading", { level: 1, name: done })).toBeVisible();
  });

  it("say when they are not valid", async () => {
    const user = open("/subscriptions/confirm?token=old", new MockApi());

    await user.click(await screen.findByRole("button", { name: "Subscribe" }));

    expect(await screen.findByRole("heading", { level: 1, name: "This link is not valid, or no longer" })).toBeVisible();
    expect(within(screen.getByRole("main")).getByRole("link", { name: "Subscribe" })).toBeVisible();
  });

  it("can be tried again when the API fails", async () => {
    const api = new MockApi();
    api.links.set("t", "unsubscribe");
    api.failure = ({ method }) => (method === "POST" ? problem(503, "Not now.") : undefined);
    const user = open("/subscriptions/unsubscribe?token=t", api);

    await user.click(await screen.findByRole("button", { name: "Unsubscribe" }));
    const again = await screen.findByRole("button", { name: "Try again" });
    api.failure = () => undefined;
    await user.click(again);

    expect(await screen.findByRole("heading", { level: 1, name: "You will hear no more" })).toBeVisible();
  });
});
