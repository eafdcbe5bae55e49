import { render } from "@testing-library/react";
import { userEvent, type UserEvent } from "@testing-library/user-event";
import axe from "axe-core";
import { vi } from "vitest";

import { App } from "../app/App";
import { Api } from "../lib/api/client";
import { createQueryClient } from "../lib/queries";
import { CONFIG, type MockApi } from "./mock-api";

/** Open the whole application at an address, against a mock API. */
export function open(path: string, api: MockApi): UserEvent {
  vi.stubGlobal("fetch", api.fetch);
  window.history.replaceState(null, "", path);
  render(
    <App
      environment={{ config: CONFIG, api: new Api(CONFIG.apiBase) }}
      queryClient={createQueryClient({ retryDelay: 1 })}
    />,
  );
  return userEvent.setup();
}

/** What axe finds wrong with the page. Colours need a real browser: jsdom draws nothing. */
export async function accessibilityProblems(): Promise<string[]> {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
