/** Every address of this application, so that a link cannot be mistyped. */
export const paths = {
  home: "/",
  incidentPattern: "/incidents/:id",
  incident: (id: number): string => `/incidents/${id}`,
  signIn: "/sign-in",
  staff: "/staff",
  consolePattern: "/staff/*?",
  /** Served by Django, not by this application. */
  admin: "/admin/",
} as const;
