import type { components } from "../../lib/api/schema";

type Schemas = components["schemas"];

export type AuditEntry = Schemas["AuditEntryOutput"];
export type Check = Schemas["CheckOutput"];
export type ComponentDraft = Schemas["ComponentInputRequest"];
export type GroupDraft = Schemas["ComponentGroupInputRequest"];
export type IncidentChange = Schemas["PatchedIncidentChangeInputRequest"];
export type MaintenanceDraft = Schemas["MaintenanceInputRequest"];
export type Monitor = Schemas["MonitorOutput"];
export type MonitorDraft = Schemas["MonitorInputRequest"];
export type MonitorState = Schemas["MonitorState"];
export type NewToken = Schemas["NewTokenOutput"];
export type Role = Schemas["Role"];
export type Scope = Schemas["Scope"];
export type Subscriber = Schemas["SubscriberOutput"];
export type Token = Schemas["TokenOutput"];
export type TokenDraft = Schemas["TokenInputRequest"];

/** What every list answers. */
export interface Page<T> {
  readonly results: readonly T[];
  readonly next_cursor: string | null;
}
