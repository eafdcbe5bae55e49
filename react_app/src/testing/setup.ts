import "@testing-library/jest-dom/vitest";

import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

configure({ asyncUtilTimeout: 10_000 });

beforeEach(() => {
  // Tests of the repository itself run without a page.
  if (typeof window === "undefined") return;
  window.history.replaceState(null, "", "/");
  // A test that forgets its MockApi must not reach any network.
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("No API was given to this test.")));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
