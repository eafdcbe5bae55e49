/** A problem document (RFC 9457) as the API answers it. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
  /** With "changed": what is stored now. */
  readonly current?: unknown;
}

export interface FieldProblem {
  /** A JSON pointer (RFC 6901) with a leading #, as in #/title. */
  readonly pointer: string;
  readonly detail: string;
}

export type ApiErrorKind =
  | "unreachable"
  | "slow"
  | "unintelligible"
  | "broken"
  | "busy"
  | "signedOut"
  | "refused"
  | "missing"
  | "conflict"
  | "changed"
  | "invalid";

export class ApiError extends Error {
  override name = "ApiError";

  /** With "changed": the entity tag of what is stored now. */
  readonly etag: string | null;

  constructor(
    readonly kind: ApiErrorKind,
    readonly problem: Problem | null = null,
    { etag = null, ...options }: ErrorOptions & { etag?: string | null } = {},
  ) {
    super(problem?.detail ?? kind, options);
    this.etag = etag;
  }

  /** Whether the same request may succeed a moment later without anybody changing anything. */
  get passing(): boolean {
    return ["unreachable", "slow", "unintelligible", "broken"].includes(this.kind);
  }
}

export function kindOfStatus(status: number): ApiErrorKind {
  switch (status) {
    case 401:
      return "signedOut";
    case 403:
      return "refused";
    case 404:
      return "missing";
    case 409:
      return "conflict";
    case 412:
      return "changed";
    case 429:
      return "busy";
    default:
      return status >= 500 ? "broken" : "invalid";
  }
}

export interface Explanation {
  readonly title: string;
  readonly advice: string;
  readonly canRetry: boolean;
}

/** The one place that turns an error into words for a person. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof ApiError)) {
    return {
      title: "Something in this page went wrong.",
      advice: "Reload the page. If it happens again, please tell us.",
      canRetry: false,
    };
  }
  switch (error.kind) {
    case "unreachable":
      return {
        title: "The status service cannot be reached.",
        advice: "Either your connection or our service is down. Check your connection and try again.",
        canRetry: true,
      };
    case "slow":
      return {
        title: "The status service takes too long to answer.",
        advice: "It may be under heavy load. Try again in a moment.",
        canRetry: true,
      };
    case "unintelligible":
    case "broken":
      return {
        title: "The status service has a problem of its own.",
        advice: "It answered with an error. We can see it in our logs; try again in a moment.",
        canRetry: true,
      };
    case "busy":
      return { title: "That was too often.", advice: error.message, canRetry: false };
    case "signedOut":
      return { title: "You are signed out.", advice: "Sign in again to go on.", canRetry: false };
    case "refused":
      return { title: "That was refused.", advice: error.message, canRetry: false };
    case "missing":
      return {
        title: "There is nothing here.",
        advice: "It may have been removed, or the address has a typing mistake.",
        canRetry: false,
      };
    case "conflict":
      return { title: "That does not fit.", advice: error.message, canRetry: false };
    case "changed":
      return {
        title: "Somebody else has changed this meanwhile.",
        advice: "Nothing of yours was saved. Compare both versions and decide.",
        canRetry: false,
      };
    case "invalid":
      return {
        title: "Something in the form cannot be accepted.",
        advice: error.problem?.errors.length ? "What it is stands beside the field." : error.message,
        canRetry: false,
      };
  }
}

/** The sentences about one member of the body, for display beside its field. */
export function fieldErrors(error: unknown, field: string): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const sentences = (error.problem?.errors ?? [])
    .filter(({ pointer }) => pointer === `#/${field}` || pointer.startsWith(`#/${field}/`))
    .map(({ detail }) => detail);
  return sentences.length > 0 ? sentences.join(" ") : undefined;
}
