/** Every address of this application, so that a link cannot be mistyped. */
export const paths = {
  home: "/",
  incidentPattern: "/incidents/:id",
  incident: (id: number): string => `/incidents/${id}`,
  history: "/history",
  monthPattern: "/history/:month",
  monthOf: (month: string): string => `/history/${month}`,
  subscribe: "/subscribe",
  /** Links in messages lead here, with ?token=…. */
  confirm: "/subscriptions/confirm",
  unsubscribe: "/subscriptions/unsubscribe",
  signIn: "/sign-in",
  staff: "/staff",
  consolePattern: "/staff/*?",
  /** Served by Django, not by this application. */
  admin: "/admin/",
} as const;
