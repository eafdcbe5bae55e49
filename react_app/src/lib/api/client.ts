import { ApiError, kindOfStatus, type FieldProblem, type Problem } from "./errors";
import type { Session } from "./types";

const TIMEOUT_MILLISECONDS = 10_000;

export interface Version<T> {
  readonly data: T;
  /** The entity tag, for If-Match; null when something on the way has taken it off. */
  readonly etag: string | null;
}

/**
 * The API of django_app, by path: `api.get<Summary>("/summary/")`. The shapes are those of ./types. Which addresses
 * there are stands in the hooks (lib/queries for reads that the public page needs, lib/writes for the rest), so that a
 * reader does not load what only staff calls. Every method rejects with an ApiError.
 */
export class Api {
  constructor(readonly base: string) {}

  async get<T>(path: string): Promise<T> {
    return (await this.#send<T>("GET", path)).data;
  }

  /** The same with the entity tag, for a write that must not overwrite what somebody else has written meanwhile. */
  getVersion<T>(path: string): Promise<Version<T>> {
    return this.#send("GET", path);
  }

  session(): Promise<Session> {
    return this.get("/session/");
  }

  /** A token is read before each write: signing in or out in another tab makes an older one useless. */
  async write<T>(
    method: "POST" | "PATCH" | "DELETE",
    path: string,
    body?: unknown,
    { ifMatch = null }: { ifMatch?: string | null } = {},
  ): Promise<T> {
    const { csrf_token: token } = await this.session();
    const headers = { "X-CSRFToken": token, ...(ifMatch === null ? {} : { "If-Match": ifMatch }) };
    return (await this.#send<T>(method, path, body, headers)).data;
  }

  /** A request that needs no session, whatever its method. */
  async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await this.#send<T>(method, path, body)).data;
  }

  async #send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Version<T>> {
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
    const etag = response.headers.get("ETag");
    if (!response.ok) throw new ApiError(kindOfStatus(response.status), parseProblem(text), { etag });
    if (response.status === 204) return { data: undefined as T, etag };
    // A proxy may answer 200 with a page of its own.
    if (!response.headers.get("Content-Type")?.startsWith("application/json")) throw new ApiError("unintelligible");
    try {
      // The shape is that of openapi.json, against which the tests of django_app compare its own code.
      return { data: JSON.parse(text) as T, etag };
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
  const { status, detail, errors, current } = value as Record<string, unknown>;
  if (typeof status !== "number" || typeof detail !== "string") return null;
  return { status, detail, errors: Array.isArray(errors) ? errors.filter(isFieldProblem) : [], current };
}

function isFieldProblem(value: unknown): value is FieldProblem {
  if (typeof value !== "object" || value === null) return false;
  const { pointer, detail } = value as Record<string, unknown>;
  return typeof pointer === "string" && typeof detail === "string";
}
