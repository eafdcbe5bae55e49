import { ApiError, kindOfStatus, type FieldProblem, type Problem } from "./errors";
import type {
  Component,
  ComponentChange,
  Incident,
  IncidentDraft,
  IncidentPage,
  IncidentUpdate,
  IncidentUpdateDraft,
  Session,
  SessionDraft,
  Summary,
} from "./types";

const TIMEOUT_MILLISECONDS = 10_000;

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** The API of django_app. Every method rejects with an ApiError. */
export class Api {
  constructor(private readonly base: string) {}

  summary = (): Promise<Summary> => this.#send("GET", "/summary/");

  incident = (id: number): Promise<Incident> => this.#send("GET", `/incidents/${id}/`);

  pastIncidents = (): Promise<IncidentPage> => this.#send("GET", "/incidents/?show=resolved");

  session = (): Promise<Session> => this.#send("GET", "/session/");

  signIn = (draft: SessionDraft): Promise<Session> => this.#write("POST", "/session/", draft);

  signOut = (): Promise<Session> => this.#write("DELETE", "/session/");

  changeComponent = (id: number, change: ComponentChange): Promise<Component> =>
    this.#write("PATCH", `/components/${id}/`, change);

  openIncident = (draft: IncidentDraft): Promise<Incident> => this.#write("POST", "/incidents/", draft);

  postUpdate = (incidentId: number, draft: IncidentUpdateDraft): Promise<IncidentUpdate> =>
    this.#write("POST", `/incidents/${incidentId}/updates/`, draft);

  /** A token is read before each write: signing in or out in another tab makes an older one useless. */
  async #write<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const { csrf_token: token } = await this.session();
    return this.#send(method, path, body, { "X-CSRFToken": token });
  }

  async #send<T>(method: Method, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.base + path, {
        method,
        credentials: "same-origin",
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      });
      text = await response.text();
    } catch (cause) {
      const slow = cause instanceof DOMException && cause.name === "TimeoutError";
      throw new ApiError(slow ? "slow" : "unreachable", null, { cause });
    }
    if (!response.ok) throw new ApiError(kindOfStatus(response.status), parseProblem(text));
    // A proxy may answer 200 with a page of its own.
    if (!response.headers.get("Content-Type")?.startsWith("application/json")) throw new ApiError("unintelligible");
    try {
      // The shape is that of openapi.json, against which the tests of django_app compare its own code.
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new ApiError("unintelligible", null, { cause });
    }
  }
}

/** The problem document of a refusal, or null when something else than the API answered. */
export function parseProblem(text: string): Problem | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { status, detail, errors } = value as Record<string, unknown>;
  if (typeof status !== "number" || typeof detail !== "string") return null;
  return { status, detail, errors: Array.isArray(errors) ? errors.filter(isFieldProblem) : [] };
}

function isFieldProblem(value: unknown): value is FieldProblem {
  if (typeof value !== "object" || value === null) return false;
  const { pointer, detail } = value as Record<string, unknown>;
  return typeof pointer === "string" && typeof detail === "string";
}
