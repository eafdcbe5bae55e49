import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { applyTheme, switchTheme } from "./theme";

let systemIsDark = false;

beforeEach(() => {
  localStorage.clear();
  document.head.innerHTML = `<meta name="theme-color" data-scheme="light"><meta name="theme-color" data-scheme="dark">`;
  vi.stubGlobal("matchMedia", () => ({ matches: systemIsDark }));
  systemIsDark = false;
});

afterEach(() => {
  document.head.innerHTML = "";
  delete document.documentElement.dataset.theme;
});

const shown = (): string | undefined => document.documentElement.dataset.theme;
const bars = (): string[] => [...document.querySelectorAll("meta")].map(({ media }) => media);

it("follows the system until somebody chooses", () => {
  applyTheme();

  expect(shown()).toBeUndefined();
  expect(bars()).toEqual(["(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"]);
});

it("remembers what was chosen, and follows the system again when it wants the same", () => {
  applyTheme();
  switchTheme();
  expect(shown()).toBe("dark");
  expect(bars()).toEqual(["not all", "all"]);

  // As after a reload.
  delete document.documentElement.dataset.theme;
  applyTheme();
  expect(shown()).toBe("dark");

  switchTheme();
  expect(shown()).toBeUndefined();
  expect(localStorage).toHaveLength(0);
});

it("turns a dark system light, without a place to store it too", () => {
  systemIsDark = true;
  vi.spyOn(Storage.prototype, "getItem").mockImplementation(() => {
    throw new DOMException("denied", "SecurityError");
  });
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("denied", "SecurityError");
  });
  applyTheme();
  switchTheme();

  expect(shown()).toBe("light");
});
