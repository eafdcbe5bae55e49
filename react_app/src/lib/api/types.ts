import type { components } from "./schema";

type Schemas = components["schemas"];

export type Component = Schemas["ComponentOutput"];
export type ComponentState = Schemas["ComponentState"];
export type ComponentChange = Schemas["PatchedComponentInputRequest"];
export type Incident = Schemas["IncidentOutput"];
export type IncidentDraft = Schemas["IncidentInputRequest"];
export type IncidentPage = Schemas["IncidentPageOutput"];
export type IncidentState = Schemas["IncidentState"];
export type IncidentUpdate = Schemas["IncidentUpdateOutput"];
export type IncidentUpdateDraft = Schemas["IncidentUpdateInputRequest"];
export type Session = Schemas["SessionOutput"];
export type SessionDraft = Schemas["SessionInputRequest"];
export type Summary = Schemas["SummaryOutput"];
