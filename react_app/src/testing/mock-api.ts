import type {
  Component,
  ComponentChange,
  ComponentGroup,
  ComponentState,
  Incident,
  IncidentDraft,
  IncidentUpdate,
  IncidentUpdateDraft,
  LatencyPoint,
  Maintenance,
  Session,
  SessionDraft,
  SubscriptionDraft,
  Summary,
  UptimeReport,
} from "../lib/api/types";
import { MockConsole } from "./mock-console.ts";

export const PASSWORD = "correct horse battery staple";
export const CONFIG = { siteName: "Example Status", apiBase: "/api" };

const SEVERITY: readonly ComponentState[] = ["operational", "maintenance", "degraded", "partial_outage", "major_outage"];

type Failure = (request: Request) => Promise<Response> | Response | undefined;

/**
 * The API of django_app in memory, for the tests and for the development server alike. It enforces what the real one
 * enforces (session, CSRF token, required members), so that a page that forgets something fails here too.
 */
export class MockApi {
  groups: ComponentGroup[] = [];
  components: Component[] = [];
  incidents: Incident[] = [];
  /** What monitors saw, by component. */
  readonly uptime = new Map<number, readonly (number | null)[]>();
  /** Subscriptions that were asked for, and tokens of links in messages: what each would do. */
  readonly subscriptions: SubscriptionDraft[] = [];
  readonly links = new Map<string, "confirm" | "unsubscribe">();
  maintenance: Maintenance[] = [];
  signedInAs = "";
  /** Of whoever signs in. */
  role: Session["role"] = "administrator";
  /** The moment of the last known state when the database of the API is away, and null otherwise. */
  staleSince: string | null = null;
  /** What only staff asks for. */
  readonly console = new MockConsole(this);
  /** Requests that were answered, as "GET /api/summary/". */
  readonly seen: string[] = [];
  /** Answers instead of the API when it returns something; throw a TypeError to be unreachable. */
  failure: Failure = () => undefined;

  #token = "token-1";
  #nextId = 1;

  readonly #now: () => Date;

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  static withExample(): MockApi {
    const api = new MockApi();
    const names: [string, string, ComponentState][] = [
      ["Website", "The public site and its assets", "operational"],
      ["API", "What partners and the mobile app talk to", "operational"],
      ["Sign-in", "Accounts, sessions and single sign-on", "degraded"],
      ["Background jobs", "Mail, exports and nightly reports", "maintenance"],
    ];
    for (const [name, description, state] of names) api.addComponent(name, { description, state });
    const incident = api.addIncident("Signing in takes up to a minute", {
      message: "Some people wait for up to a minute after they have entered their password.",
      components: [3],
    });
    api.addUpdate(incident.id, "identified", "A certificate check times out. We are rolling out a fix.");
    api.addUpdate(api.addIncident("Exports were late").id, "resolved", "All exports have been delivered.");
    return api;
  }

  /** A site that has been watched for months, for the development server and for pictures. */
  static withMonths(): MockApi {
    const api = MockApi.withExample();
    api.addGroup("For customers", [1, 2]);
    api.addGroup("Behind the scenes", [3, 4]);
    api.addMaintenance("Moving the job queue", {
      from: -0.5,
      to: 1,
      components: [4],
      state: "in_progress",
      message: "Exports wait until we are done. Nothing is lost.",
    });
    api.addMaintenance("Database upgrade", {
      from: 50,
      to: 52,
      components: [1, 2],
      message: "The site can be read, and for some minutes nothing can be changed.",
    });
    for (const [id, failures] of [
      [1, { 12: 0.9931, 61: 0.874 }],
      [2, {}],
      [3, { 40: 0.998, 41: 0.952, 88: 0.9992, 89: 0.981 }],
    ] as const) {
      const from = id === 2 ? 35 : 0;
      api.watch(
        id,
        Array.from({ length: 90 }, (_, day) => (day < from ? null : ((failures as Record<number, number>)[day] ?? 1))),
      );
    }
    return api;
  }

  addGroup(name: string, members: readonly number[]): ComponentGroup {
    const group = { id: this.#id(), name, position: this.groups.length };
    this.groups.push(group);
    this.components = this.components.map((component) =>
      members.includes(component.id) ? { ...component, group: group.id } : component,
    );
    return group;
  }

  /** `from` and `to` are hours from now. */
  addMaintenance(
    title: string,
    values: {
      from: number;
      to: number;
      message?: string;
      state?: Maintenance["state"];
      components?: readonly number[];
    },
  ): Maintenance {
    const moment = (hours: number): string => new Date(this.#now().getTime() + hours * 3_600_000).toISOString();
    const maintenance: Maintenance = {
      id: this.#id(),
      title,
      message: values.message ?? "We will be back soon.",
      state: values.state ?? "scheduled",
      starts_at: moment(values.from),
      ends_at: moment(values.to),
      components: this.#named(values.components ?? []),
    };
    this.maintenance.push(maintenance);
    return maintenance;
  }

  /** Say what the monitors of a component saw on each of the last 90 days; null is nothing. */
  watch(component: number, days: readonly (number | null)[]): void {
    this.uptime.set(component, days);
  }

  addComponent(name: string, values: Partial<Component> = {}): Component {
    const component: Component = {
      id: this.#id(),
      name,
      description: "",
      group: null,
      position: this.components.length,
      state: "operational",
      state_changed_at: this.#moment(),
      ...values,
    };
    this.components.push(component);
    return component;
  }

  addIncident(
    title: string,
    values: {
      message?: string;
      state?: Incident["state"];
      severity?: Incident["severity"];
      components?: readonly number[];
    } = {},
  ): Incident {
    const ids = values.components ?? [];
    const incident: Incident = {
      id: this.#id(),
      title,
      state: values.state ?? "investigating",
      severity: values.severity ?? "minor",
      started_at: this.#moment(),
      resolved_at: values.state === "resolved" ? this.#moment() : null,
      components: this.#named(ids),
      updates: [],
    };
    this.incidents.unshift(incident);
    this.addUpdate(incident.id, incident.state, values.message ?? "We are looking into it.");
    return this.#incident(incident.id);
  }

  addUpdate(incidentId: number, state: Incident["state"], message: string): IncidentUpdate {
    const update: IncidentUpdate = { id: this.#id(), state, message, created_at: this.#moment() };
    this.incidents = this.incidents.map((incident) =>
      incident.id === incidentId
        ? {
            ...incident,
            state,
            resolved_at: state === "resolved" ? (incident.resolved_at ?? this.#moment()) : null,
            updates: [update, ...incident.updates],
          }
        : incident,
    );
    return update;
  }

  summary(): Summary {
    const worst = Math.max(0, ...this.components.map(({ state }) => SEVERITY.indexOf(state)));
    return {
      overall_state: SEVERITY[worst] ?? "operational",
      groups: this.groups,
      components: this.components,
      open_incidents: this.incidents.filter(({ resolved_at }) => resolved_at === null),
      maintenance: this.maintenance
        .filter(({ state }) => state === "scheduled" || state === "in_progress")
        .sort((one, other) => one.starts_at.localeCompare(other.starts_at)),
      stale: this.staleSince !== null,
      as_of: this.staleSince,
    };
  }

  /** The signature of fetch, for tests that put it in its place. */
  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input instanceof Request ? input : new URL(input, "https://app.example.com/"), init);
    return this.handle(request);
  };

  async handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    this.seen.push(`${request.method} ${pathname}`);
    const instead = await this.failure(request);
    if (instead !== undefined) return instead;
    if (pathname === "/config.json") return Response.json(CONFIG);
    if (pathname.startsWith("/api/subscriptions/")) return this.#subscription(request, pathname, searchParams);
    if (request.method !== "GET" && request.headers.get("X-CSRFToken") !== this.#token) {
      return problem(403, "The request carries no valid CSRF token.");
    }
    return pathname === "/api/session/" ? this.#session(request) : this.#content(request, pathname, searchParams);
  }

  async #session(request: Request): Promise<Response> {
    if (request.method === "POST") {
      const { username, password } = (await request.json()) as SessionDraft;
      if (password !== PASSWORD) return problem(403, "This user name and password do not open the staff page.");
      this.signedInAs = username;
      this.#token = `token-${this.#id()}`;
    } else if (request.method === "DELETE") {
      this.signedInAs = "";
      this.#token = `token-${this.#id()}`;
    }
    const session: Session = {
      signed_in: this.signedInAs !== "",
      username: this.signedInAs,
      role: this.signedInAs === "" ? "" : this.role,
      csrf_token: this.#token,
    };
    return Response.json(session);
  }

  async #content(request: Request, pathname: string, query: URLSearchParams): Promise<Response> {
    const [, , kind, id, part] = pathname.split("/");
    const route = `${request.method} ${kind ?? ""}${id ? "/id" : ""}${part ? `/${part}` : ""}`;
    if (request.method !== "GET" && this.signedInAs === "") {
      return problem(401, "Authentication credentials were not provided.");
    }
    const staff = await this.console.answer(request, pathname, query);
    if (staff !== undefined) return staff;
    switch (route) {
      case "GET summary":
        return Response.json(this.summary());
      case "GET components":
        return Response.json(this.components);
      case "PATCH components/id":
        return this.#changeComponent(Number(id), (await request.json()) as ComponentChange);
      case "GET uptime":
        return Response.json(this.#uptimeReport());
      case "GET components/id/latency":
        return Response.json(this.#latency(Number(id), query.get("range") ?? "day"));
      case "GET incidents":
        return this.#incidentPage(query);
      case "POST incidents":
        return this.#openIncident((await request.json()) as IncidentDraft);
      case "GET incidents/id": {
        const incident = this.incidents.find((candidate) => candidate.id === Number(id));
        return incident ? Response.json(incident) : problem(404, "Not found.");
      }
      case "POST incidents/id/updates": {
        const { state, message } = (await request.json()) as IncidentUpdateDraft;
        if (message.trim() === "") return invalid("#/message", "This field may not be blank.");
        return Response.json(this.addUpdate(Number(id), state, message), { status: 201 });
      }
      default:
        return problem(404, "There is nothing at this address.");
    }
  }

  #incidentPage(query: URLSearchParams): Response {
    const show = query.get("show") ?? "all";
    const severity = query.get("severity");
    const component = query.get("component");
    const after = query.get("started_after") ?? "";
    const before = query.get("started_before") ?? "9";
    const cursor = parseInt(query.get("cursor") ?? "ffffffff", 16);
    const limit = Number(query.get("limit") ?? this.console.pageSize);
    const found = this.incidents.filter(
      ({ id, resolved_at, started_at, ...incident }) =>
        (severity === null || incident.severity === severity) &&
        (component === null || incident.components.some((affected) => String(affected.id) === component)) &&
        (show === "all" || (show === "resolved") === (resolved_at !== null)) &&
        started_at >= after &&
        started_at < before &&
        id < cursor,
    );
    const results = found.slice(0, limit);
    const last = found.length > limit ? (results.at(-1)?.id ?? null) : null;
    return Response.json({
      results,
      next_before: last,
      next_cursor: last === null ? null : last.toString(16).padStart(16, "0"),
    });
  }

  async #subscription(request: Request, pathname: string, query: URLSearchParams): Promise<Response> {
    const action = pathname.split("/")[3];
    if (action === "") {
      const draft = (await request.json()) as SubscriptionDraft;
      if (draft.channel === "email" && !draft.address.includes("@")) {
        return invalid("#/address", "Enter a valid email address.");
      }
      this.subscriptions.push(draft);
      return Response.json({ detail: "A message is on its way." }, { status: 202 });
    }
    if (this.links.get(query.get("token") ?? "") !== action) return problem(404, "This link is not valid, or no longer.");
    return Response.json({ detail: action === "confirm" ? "You will be told." : "You will hear no more." });
  }

  #uptimeReport(): UptimeReport {
    const first = new Date(this.#now().getTime() - 89 * 86_400_000).toISOString().slice(0, 10);
    return {
      first_day: first,
      components: [...this.uptime].map(([component, days]) => {
        const known = days.filter((day) => day !== null);
        const uptime = known.length === 0 ? null : known.reduce((sum, day) => sum + day, 0) / known.length;
        return { component, uptime, days };
      }),
    };
  }

  /** A quiet curve with a slow morning; nothing where nothing is watched. */
  #latency(component: number, range: string): LatencyPoint[] {
    if (!this.uptime.has(component)) return [];
    const [step, count] = range === "quarter" ? [86_400_000, 90] : [3_600_000, range === "week" ? 168 : 24];
    const last = Math.floor(this.#now().getTime() / step);
    return Array.from({ length: count }, (_, index) => {
      const wave = Math.sin(index * 1.7) * 14 + Math.sin(index / 5) * 22 + (index % 24 === 9 ? 160 : 0);
      const p50 = Math.round(120 + component * 10 + wave);
      return { at: new Date((last - count + 1 + index) * step).toISOString(), p50_ms: p50, p95_ms: Math.round(p50 * 1.9) };
    }).filter((_, index) => index % 24 !== 15);
  }

  #named(ids: readonly number[]): { id: number; name: string }[] {
    return this.components.filter(({ id }) => ids.includes(id)).map(({ id, name }) => ({ id, name }));
  }

  #changeComponent(id: number, change: ComponentChange): Response {
    const before = this.components.find((component) => component.id === id);
    if (!before) return problem(404, "Not found.");
    const after: Component = { ...before, ...change, state_changed_at: this.#moment() };
    this.components = this.components.map((component) => (component.id === id ? after : component));
    return Response.json(after);
  }

  #openIncident(draft: IncidentDraft): Response {
    if (draft.title.trim() === "") return invalid("#/title", "This field may not be blank.");
    if (draft.message.trim() === "") return invalid("#/message", "This field may not be blank.");
    const state = draft.component_state;
    for (const id of draft.components ?? []) if (state) this.#changeComponent(id, { state });
    const incident = this.addIncident(draft.title, {
      message: draft.message,
      state: draft.state ?? "investigating",
      severity: draft.severity ?? "minor",
      ...(draft.components ? { components: draft.components } : {}),
    });
    return Response.json(incident, { status: 201 });
  }

  #incident(id: number): Incident {
    const incident = this.incidents.find((candidate) => candidate.id === id);
    if (!incident) throw new Error(`There is no incident ${id}.`);
    return incident;
  }

  #id(): number {
    return this.#nextId++;
  }

  #moment(): string {
    return this.#now().toISOString();
  }
}

export function problem(status: number, detail: string, errors?: { pointer: string; detail: string }[]): Response {
  return new Response(JSON.stringify({ title: "Problem", status, detail, ...(errors ? { errors } : {}) }), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });
}

function invalid(pointer: string, detail: string): Response {
  return problem(400, "The request holds values that cannot be accepted.", [{ pointer, detail }]);
}
