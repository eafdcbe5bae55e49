const KEY = "theme";

function systemIsDark(): boolean {
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Some people forbid it. Their choice then lasts as long as the page.
    return null;
  }
}

/** Show the page in the colours that its reader has chosen, or in those of the system. */
export function applyTheme(theme = stored()): void {
  const root = document.documentElement;
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  else delete root.dataset.theme;
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const own = meta.dataset.scheme;
    meta.media = root.dataset.theme ? (own === theme ? "all" : "not all") : `(prefers-color-scheme: ${own ?? ""})`;
  }
}

/** From light to dark or back. What the system wants anyway is not stored, so that it is followed again. */
export function switchTheme(): void {
  const { theme } = document.documentElement.dataset;
  const dark = !(theme ? theme === "dark" : systemIsDark());
  const wanted = dark === systemIsDark() ? null : dark ? "dark" : "light";
  try {
    if (wanted) localStorage.setItem(KEY, wanted);
    else localStorage.removeItem(KEY);
  } catch {
    // As above.
  }
  applyTheme(wanted);
}
