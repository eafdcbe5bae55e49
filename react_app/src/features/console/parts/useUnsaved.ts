import { useEffect } from "react";

/** Ask before a page with something typed on it is closed, or left by a link. */
export function useUnsaved(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return undefined;
    const ask = (event: BeforeUnloadEvent): void => {
      event.preventDefault();
    };
    const askOfLinks = (event: MouseEvent): void => {
      const link = (event.target as Element).closest("a");
      const leaves = link !== null && link.target === "" && !event.ctrlKey && !event.metaKey && !event.shiftKey;
      if (!leaves || link.getAttribute("href")?.startsWith("#") || window.confirm("Leave without saving what you have typed?")) return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener("beforeunload", ask);
    // Before the router hears of it.
    document.addEventListener("click", askOfLinks, { capture: true });
    return () => {
      window.removeEventListener("beforeunload", ask);
      document.removeEventListener("click", askOfLinks, { capture: true });
    };
  }, [dirty]);
}
