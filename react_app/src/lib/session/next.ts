import { paths } from "../paths";

/** The address of the sign-in page that leads back to `wanted`. */
export function signInFor(wanted: string): string {
  return wanted === paths.staff ? paths.signIn : `${paths.signIn}?next=${encodeURIComponent(wanted)}`;
}

/** Where somebody goes after signing in: only within the console, whatever a link says. */
export function afterSignIn(search: string): string {
  const wanted = new URLSearchParams(search).get("next");
  return wanted !== null && /^\/staff(\/[\w-]+)*$/.test(wanted) ? wanted : paths.staff;
}
