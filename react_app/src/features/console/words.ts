import type { IncidentSeverity, MaintenanceState } from "../../lib/api/types";
import type { MonitorState, Role, Scope } from "./types";

export const ROLES: readonly Role[] = ["viewer", "editor", "administrator"];

export const roleWords: Record<Role, string> = {
  viewer: "viewer",
  editor: "editor",
  administrator: "administrator",
};

/** Whether `role` is `needed` or more; who has no role may nothing. */
export function suffices(role: Role | "", needed: Role): boolean {
  return role !== "" && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export const SEVERITIES: readonly IncidentSeverity[] = ["minor", "major", "critical"];

export const severityWords: Record<IncidentSeverity, string> = {
  minor: "Minor",
  major: "Major",
  critical: "Critical",
};

export const maintenanceWords: Record<MaintenanceState, string> = {
  scheduled: "Scheduled",
  in_progress: "In progress",
  completed: "Completed",
  cancelled: "Cancelled",
};

export const monitorWords: Record<MonitorState, string> = {
  unknown: "Not looked yet",
  up: "Up",
  down: "Down",
};

export const scopeWords: Record<Scope, string> = {
  "audit:read": "Read the audit trail",
  "components:write": "Change components and their groups",
  "incidents:write": "Open and update incidents",
  "maintenance:write": "Announce and change maintenance",
  "monitors:read": "Read how monitors are set",
  "monitors:write": "Change monitors",
  "subscribers:read": "Read who has subscribed",
};

/** "30 seconds", "5 minutes", "1 hour". */
export function interval(seconds: number): string {
  const [amount, unit] =
    seconds % 3600 === 0 ? [seconds / 3600, "hour"] : seconds % 60 === 0 ? [seconds / 60, "minute"] : [seconds, "second"];
  return `${amount} ${unit}${amount === 1 ? "" : "s"}`;
}
