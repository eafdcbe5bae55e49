import { createContext, useContext } from "react";

import type { Role } from "./types";
import { suffices } from "./words";

export interface Desk {
  readonly username: string;
  readonly role: Role | "";
  /** Say something that has happened, aloud and at the edge of the screen. */
  readonly announce: (sentence: string) => void;
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk & { readonly may: (needed: Role) => boolean } {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error("useDesk needs a DeskContext above it.");
  return { ...desk, may: (needed) => suffices(desk.role, needed) };
}
