/** Every address of the console. */
export const consolePaths = {
  overview: "/staff",
  incidents: "/staff/incidents",
  newIncident: "/staff/incidents/new",
  incident: (id: number): string => `/staff/incidents/${id}`,
  maintenance: "/staff/maintenance",
  newMaintenance: "/staff/maintenance/new",
  oneMaintenance: (id: number): string => `/staff/maintenance/${id}`,
  components: "/staff/components",
  newComponent: "/staff/components/new",
  component: (id: number): string => `/staff/components/${id}`,
  monitors: "/staff/monitors",
  newMonitor: "/staff/monitors/new",
  monitor: (id: number): string => `/staff/monitors/${id}`,
  editMonitor: (id: number): string => `/staff/monitors/${id}/edit`,
  subscribers: "/staff/subscribers",
  tokens: "/staff/tokens",
  audit: "/staff/audit",
  account: "/staff/account",
  /** Served by Django: the form of the administration. */
  password: "/admin/password_change/",
} as const;
