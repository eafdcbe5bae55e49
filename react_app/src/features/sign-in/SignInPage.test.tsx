import { screen } from "@testing-library/react";
import { expect, it } from "vitest";

import { MockApi, PASSWORD, problem } from "../../testing/mock-api";
import { open } from "../../testing/render";

it("opens the staff page", async () => {
  const user = open("/sign-in", MockApi.withExample());

  await user.type(await screen.findByLabelText("User name"), "ada");
  await user.type(screen.getByLabelText("Password"), `${PASSWORD}{Enter}`);

  expect(await screen.findByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  expect(screen.getByRole("link", { name: "ada" })).toBeVisible();
  expect(window.location.pathname).toBe("/staff");
});

it("keeps the name and forgets the password after a refusal", async () => {
  const user = open("/sign-in", new MockApi());

  await user.type(await screen.findByLabelText("User name"), "ada");
  await user.type(screen.getByLabelText("Password"), "wrong{Enter}");

  expect(await screen.findByRole("alert")).toHaveTextContent(
    "This user name and password do not open the staff page.",
  );
  expect(screen.getByLabelText("User name")).toHaveValue("ada");
  expect(screen.getByLabelText("Password")).toHaveValue("");
});

it("passes on how long to wait after too many attempts", async () => {
  const api = new MockApi();
  api.failure = ({ method }) => (method === "POST" ? problem(429, "Wait five minutes and try again.") : undefined);
  const user = open("/sign-in", api);

  await user.type(await screen.findByLabelText("User name"), "ada");
  await user.type(screen.getByLabelText("Password"), "wrong{Enter}");

  expect(await screen.findByText("Wait five minutes and try again.")).toBeVisible();
});

it("sends a stranger from the staff page to sign in", async () => {
  open("/staff", new MockApi());

  expect(await screen.findByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
});
