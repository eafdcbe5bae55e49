import type { ComponentState, IncidentSeverity, IncidentState } from "../api/types";

/** From harmless to worst, as the API orders them. */
export const COMPONENT_STATES: readonly ComponentState[] = [
  "operational",
  "maintenance",
  "degraded",
  "partial_outage",
  "major_outage",
];

export const INCIDENT_STATES: readonly IncidentState[] = ["investigating", "identified", "monitoring", "resolved"];

export const componentStateWords: Record<ComponentState, string> = {
  operational: "Operational",
  maintenance: "Maintenance",
  degraded: "Degraded",
  partial_outage: "Partial outage",
  major_outage: "Major outage",
};

export const incidentStateWords: Record<IncidentState, string> = {
  investigating: "Investigating",
  identified: "Identified",
  monitoring: "Monitoring",
  resolved: "Resolved",
};

export const severityWords: Record<IncidentSeverity, string> = {
  minor: "Minor",
  major: "Major",
  critical: "Critical",
};

/** What the top of the page shows: with an incident open it is never green, even if no component is affected. */
export function overview(overall: ComponentState, openIncidents: number): ComponentState {
  return overall === "operational" && openIncidents > 0 ? "degraded" : overall;
}

/** The sentence at the top of the page. */
export function headline(overall: ComponentState, openIncidents: number): string {
  switch (overall) {
    case "operational":
      if (openIncidents === 0) return "All systems operational";
      return openIncidents === 1 ? "An incident is open" : `${String(openIncidents)} incidents are open`;
    case "maintenance":
      return "Maintenance in progress";
    case "degraded":
      return "Some systems are degraded";
    case "partial_outage":
      return "Some systems are partly down";
    case "major_outage":
      return "Some systems are down";
  }
}
