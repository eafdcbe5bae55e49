import type { components } from "./schema";

type Schemas = components["schemas"];

export type Component = Schemas["ComponentOutput"];
export type ComponentState = Schemas["ComponentState"];
export type ComponentChange = Schemas["PatchedComponentInputRequest"];
export type ComponentGroup = Schemas["ComponentGroupOutput"];
export type Incident = Schemas["IncidentOutput"];
export type IncidentDraft = Schemas["IncidentInputRequest"];
export type IncidentPage = Schemas["IncidentPageOutput"];
export type IncidentSeverity = Schemas["IncidentSeverity"];
export type IncidentState = Schemas["IncidentState"];
export type IncidentUpdate = Schemas["IncidentUpdateOutput"];
export type IncidentUpdateDraft = Schemas["IncidentUpdateInputRequest"];
export type LatencyPoint = Schemas["LatencyPointOutput"];
export type Maintenance = Schemas["MaintenanceOutput"];
export type MaintenancePage = Schemas["MaintenancePageOutput"];
export type MaintenanceState = Schemas["MaintenanceState"];
export type Session = Schemas["SessionOutput"];
export type SessionDraft = Schemas["SessionInputRequest"];
export type SubscriptionDraft = Schemas["SubscriptionInputRequest"];
export type SubscriptionAnswer = Schemas["SubscriptionOutput"];
export type Summary = Schemas["SummaryOutput"];
export type UptimeReport = Schemas["UptimeReportOutput"];
