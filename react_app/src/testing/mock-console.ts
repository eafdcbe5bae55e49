import type { components as Schema } from "../lib/api/schema";
import type {
  Component,
  ComponentGroup,
  ComponentState,
  Incident,
  IncidentUpdate,
  Maintenance,
  Session,
} from "../lib/api/types";

type Schemas = Schema["schemas"];
type Monitor = Schemas["MonitorOutput"];
type Check = Schemas["CheckOutput"];
type Subscriber = Schemas["SubscriberOutput"];
type Token = Schemas["TokenOutput"];
type AuditEntry = Schemas["AuditEntryOutput"];
type Role = Schemas["Role"];
type Row = Readonly<Record<string, unknown>>;

/** What this part of the mock API shares with the public one. */
export interface Store {
  groups: ComponentGroup[];
  components: Component[];
  incidents: Incident[];
  maintenance: Maintenance[];
  signedInAs: string;
  role: Session["role"];
  addComponent(name: string, values?: Partial<Component>): Component;
  addIncident(title: string, values: Row): Incident;
  addUpdate(incidentId: number, state: Incident["state"], message: string): IncidentUpdate;
}

const ROLES: readonly string[] = ["viewer", "editor", "administrator"];
const REMOVES_COMPONENTS = /^DELETE components\/id$/;
const FOR_ADMINISTRATORS = /^\w+ (tokens|subscribers|audit)/;
const FOR_VIEWERS = /^GET (monitors|tokens|subscribers|audit)/;

/** The part of the API that only staff uses: roles, entity tags, cursors and conflicts as django_app has them. */
export class MockConsole {
  monitors: Monitor[] = [];
  checks = new Map<number, Check[]>();
  subscribers: Subscriber[] = [];
  tokens: Token[] = [];
  audit: AuditEntry[] = [];
  pageSize = 20;
  /** Bodies of writes, as they came. */
  readonly bodies: { line: string; body: unknown; ifMatch: string | null }[] = [];

  #nextId = 1000;

  constructor(private readonly store: Store) {}

  addMonitor(name: string, values: Partial<Monitor> = {}): Monitor {
    const monitor: Monitor = {
      id: this.#id(),
      name,
      component: null,
      url: "https://www.example.com/",
      method: "GET",
      interval_seconds: 60,
      timeout_seconds: 10,
      expected_status: "200-299",
      expected_body: "",
      failure_threshold: 3,
      success_threshold: 2,
      severity: "major",
      enabled: true,
      state: "up",
      last_check_at: new Date().toISOString(),
      next_check_at: new Date().toISOString(),
      incident: null,
      ...values,
    };
    this.monitors.unshift(monitor);
    return monitor;
  }

  addCheck(monitor: number, values: Partial<Check> = {}): void {
    const check: Check = {
      id: this.#id(),
      checked_at: new Date().toISOString(),
      up: true,
      status_code: 200,
      latency_ms: 120,
      detail: "",
      ...values,
    };
    this.checks.set(monitor, [check, ...(this.checks.get(monitor) ?? [])]);
  }

  addSubscriber(address: string, values: Partial<Subscriber> = {}): void {
    this.subscribers.unshift({
      id: this.#id(),
      channel: "email",
      address,
      components: [],
      created_at: new Date().toISOString(),
      confirmed_at: new Date().toISOString(),
      ...values,
    });
  }

  addMaintenance(title: string, values: Partial<Maintenance> = {}): Maintenance {
    const maintenance: Maintenance = {
      id: this.#id(),
      title,
      message: "It is quick.",
      state: "scheduled",
      starts_at: new Date(Date.now() + 3_600_000).toISOString(),
      ends_at: new Date(Date.now() + 7_200_000).toISOString(),
      components: [],
      ...values,
    };
    this.store.maintenance = [maintenance, ...this.store.maintenance];
    return maintenance;
  }

  /** An answer, or undefined when the address is none of this part's. */
  async answer(request: Request, pathname: string, query: URLSearchParams): Promise<Response | undefined> {
    const [, , kind = "", idText, part] = pathname.split("/");
    const route = `${request.method} ${kind}${idText ? "/id" : ""}${part ? `/${part}` : ""}`;
    const id = Number(idText);
    const write = request.method !== "GET";
    if (kind === "subscriptions") return undefined;
    const refusal = write || FOR_VIEWERS.test(route) ? this.#refusal(route, write) : undefined;
    if (refusal) return refusal;
    const text = write ? await request.clone().text() : "";
    const body = (text === "" ? {} : JSON.parse(text)) as Row;
    const ifMatch = request.headers.get("If-Match");
    if (write) this.bodies.push({ line: `${request.method} ${pathname}`, body, ifMatch });
    const page = (rows: readonly { readonly id: number }[]): Response => {
      const cursor = query.get("cursor");
      const start = cursor === null ? 0 : rows.findIndex((row) => String(row.id) === cursor) + 1;
      const results = rows.slice(start, start + this.pageSize);
      const more = rows.length > start + this.pageSize;
      return Response.json({ results, next_before: null, next_cursor: more ? String(results.at(-1)?.id) : null });
    };
    const stale = (current: unknown): Response | undefined =>
      ifMatch !== null && ifMatch !== tagOf(current)
        ? refuse(412, "Somebody else has changed this meanwhile.", { current }, { ETag: tagOf(current) })
        : undefined;

    switch (route) {
      case "GET incidents/id":
        return tagged(this.store.incidents.find((one) => one.id === id));
      case "POST incidents": {
        const wrong = blank(body, "title") ?? blank(body, "message");
        if (wrong) return wrong;
        const { title, ...values } = body;
        this.#setStates(body.component_states);
        return Response.json(this.store.addIncident(String(title), values), { status: 201 });
      }
      case "PATCH incidents/id": {
        const before = this.store.incidents.find((one) => one.id === id);
        if (!before) return missing();
        const refused = stale(before) ?? ("title" in body ? blank(body, "title") : undefined);
        if (refused) return refused;
        const ids = body.components as readonly number[] | undefined;
        const after: Incident = {
          ...before,
          ...body,
          components: ids ? this.#named(ids) : before.components,
        };
        this.store.incidents = this.store.incidents.map((one) => (one.id === id ? after : one));
        return tagged(after);
      }
      case "POST incidents/id/updates": {
        const before = this.store.incidents.find((one) => one.id === id);
        if (!before) return missing();
        const refused = stale(before) ?? blank(body, "message");
        if (refused) return refused;
        this.#setStates(body.component_states);
        const update = this.store.addUpdate(id, body.state as Incident["state"], String(body.message));
        return Response.json(update, { status: 201 });
      }
      case "GET components/id":
        return tagged(this.store.components.find((one) => one.id === id));
      case "POST components": {
        const wrong = blank(body, "name") ?? this.#taken(this.store.components, body, "component");
        return wrong ?? Response.json(this.store.addComponent(String(body.name), body), { status: 201 });
      }
      case "PATCH components/id": {
        const before = this.store.components.find((one) => one.id === id);
        if (!before) return missing();
        const refused = stale(before) ?? this.#taken(this.store.components, body, "component", id);
        if (refused) return refused;
        const after: Component = { ...before, ...body };
        this.store.components = this.store.components.map((one) => (one.id === id ? after : one));
        return tagged(after);
      }
      case "DELETE components/id":
        this.store.components = this.store.components.filter((one) => one.id !== id);
        return new Response(null, { status: 204 });
      case "GET component-groups":
        return Response.json(this.store.groups);
      case "POST component-groups": {
        const wrong = blank(body, "name") ?? this.#taken(this.store.groups, body, "group");
        if (wrong) return wrong;
        const group: ComponentGroup = { id: this.#id(), name: "", position: 0, ...body };
        this.store.groups = [...this.store.groups, group];
        return Response.json(group, { status: 201 });
      }
      case "PATCH component-groups/id":
        this.store.groups = this.store.groups.map((one) => (one.id === id ? { ...one, ...body } : one));
        return Response.json(this.store.groups.find((one) => one.id === id));
      case "DELETE component-groups/id":
        this.store.groups = this.store.groups.filter((one) => one.id !== id);
        this.store.components = this.store.components.map((one) => (one.group === id ? { ...one, group: null } : one));
        return new Response(null, { status: 204 });
      case "GET maintenance": {
        const live = (one: Maintenance): boolean => one.state === "scheduled" || one.state === "in_progress";
        return page(this.store.maintenance.filter((one) => live(one) === (query.get("show") !== "past")));
      }
      case "GET maintenance/id":
        return tagged(this.store.maintenance.find((one) => one.id === id));
      case "POST maintenance": {
        const wrong = blank(body, "title") ?? blank(body, "message");
        if (wrong) return wrong;
        const { components, ...values } = body;
        const made = this.addMaintenance(String(body.title), {
          ...(values as Partial<Maintenance>),
          components: this.#named((components ?? []) as readonly number[]),
        });
        return tagged(made, 201);
      }
      case "PATCH maintenance/id":
      case "DELETE maintenance/id":
      case "POST maintenance/id/start":
      case "POST maintenance/id/complete": {
        const before = this.store.maintenance.find((one) => one.id === id);
        if (!before) return missing();
        const refused = stale(before);
        if (refused) return refused;
        if (before.state === "completed" || before.state === "cancelled") {
          return refuse(409, `This maintenance is ${before.state} and cannot be changed any more.`);
        }
        const { components, ...values } = body;
        const after: Maintenance = {
          ...before,
          ...(values as Partial<Maintenance>),
          ...(components ? { components: this.#named(components as readonly number[]) } : {}),
          ...(route === "DELETE maintenance/id" ? { state: "cancelled" } : {}),
          ...(part === "start" ? { state: "in_progress" } : {}),
          ...(part === "complete" ? { state: "completed" } : {}),
        };
        this.store.maintenance = this.store.maintenance.map((one) => (one.id === id ? after : one));
        return tagged(after);
      }
      case "GET monitors":
        return page(this.monitors);
      case "GET monitors/id":
        return tagged(this.monitors.find((one) => one.id === id));
      case "POST monitors": {
        if (String(body.url).includes("169.254")) {
          return refuse(400, "The request holds values that cannot be accepted.", {
            errors: [{ pointer: "#/url", detail: "This address is not on the public internet." }],
          });
        }
        return Response.json(this.addMonitor(String(body.name), { ...body, state: "unknown" }), { status: 201 });
      }
      case "PATCH monitors/id":
        this.monitors = this.monitors.map((one) => (one.id === id ? { ...one, ...body } : one));
        return Response.json(this.monitors.find((one) => one.id === id));
      case "DELETE monitors/id":
        this.monitors = this.monitors.filter((one) => one.id !== id);
        return new Response(null, { status: 204 });
      case "GET monitors/id/checks":
        return page(this.checks.get(id) ?? []);
      case "POST monitors/id/check":
        if (this.monitors.find((one) => one.id === id)?.enabled !== true) {
          return refuse(409, "This monitor is paused: resume it first.");
        }
        return Response.json({ scheduled_for: new Date().toISOString() }, { status: 202 });
      case "GET subscribers":
        return page(
          this.subscribers.filter(({ channel }) => query.get("channel") === null || query.get("channel") === channel),
        );
      case "DELETE subscribers/id":
        this.subscribers = this.subscribers.filter((one) => one.id !== id);
        return new Response(null, { status: 204 });
      case "GET tokens":
        return page(this.tokens);
      case "POST tokens": {
        const wrong = blank(body, "name");
        if (wrong) return wrong;
        if ((body.scopes as readonly string[]).length === 0) {
          return refuse(400, "The request holds values that cannot be accepted.", {
            errors: [{ pointer: "#/scopes", detail: "This list may not be empty." }],
          });
        }
        const token: Token = {
          id: this.#id(),
          identifier: "0123456789abcdef",
          created_at: new Date().toISOString(),
          revoked_at: null,
          last_used_at: null,
          ...(body as { name: string; scopes: Token["scopes"]; expires_at: string | null }),
        };
        this.tokens.unshift(token);
        return Response.json({ token, text: "slipway_0123456789abcdef_secret" }, { status: 201 });
      }
      case "DELETE tokens/id":
        this.tokens = this.tokens.map((one) =>
          one.id === id ? { ...one, revoked_at: new Date().toISOString() } : one,
        );
        return Response.json(this.tokens.find((one) => one.id === id));
      case "GET audit":
        return page(
          this.audit.filter(
            ({ actor_name, action }) =>
              (query.get("actor") ?? actor_name) === actor_name && (query.get("action") ?? action) === action,
          ),
        );
      default:
        return undefined;
    }
  }

  #refusal(route: string, write: boolean): Response | undefined {
    if (this.store.signedInAs === "") return refuse(401, "Authentication credentials were not provided.");
    const needed: Role =
      FOR_ADMINISTRATORS.test(route) || REMOVES_COMPONENTS.test(route) ? "administrator" : write ? "editor" : "viewer";
    return ROLES.indexOf(this.store.role) >= ROLES.indexOf(needed)
      ? undefined
      : refuse(403, `This needs the role ${needed}, and yours is ${this.store.role}.`);
  }

  #taken(rows: readonly { id: number; name: string }[], body: Row, what: string, but = 0): Response | undefined {
    return rows.some(({ id, name }) => name === body.name && id !== but)
      ? refuse(409, `A ${what} is already called ${String(body.name)}.`)
      : undefined;
  }

  #named(ids: readonly number[]): { id: number; name: string }[] {
    return this.store.components.filter(({ id }) => ids.includes(id)).map(({ id, name }) => ({ id, name }));
  }

  #setStates(states: unknown): void {
    for (const { component, state } of (states ?? []) as readonly { component: number; state: ComponentState }[]) {
      this.store.components = this.store.components.map((one) => (one.id === component ? { ...one, state } : one));
    }
  }

  #id(): number {
    return this.#nextId++;
  }
}

/** As good as a digest here: two contents that differ have two tags, whatever letters they hold. */
function tagOf(content: unknown): string {
  return `"${encodeURIComponent(JSON.stringify(content))}"`;
}

function tagged(content: unknown, status = 200): Response {
  return content === undefined ? missing() : Response.json(content, { status, headers: { ETag: tagOf(content) } });
}

function missing(): Response {
  return refuse(404, "Not found.");
}

function blank(body: Row, field: string): Response | undefined {
  const value = body[field];
  return typeof value === "string" && value.trim() !== ""
    ? undefined
    : refuse(400, "The request holds values that cannot be accepted.", {
        errors: [{ pointer: `#/${field}`, detail: "This field may not be blank." }],
      });
}

function refuse(status: number, detail: string, members: Row = {}, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ title: "Problem", status, detail, ...members }), {
    status,
    headers: { "Content-Type": "application/problem+json", ...headers },
  });
}
