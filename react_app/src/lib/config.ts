/** What differs between environments, read at run time so that one build serves all of them. */
export interface Config {
  readonly siteName: string;
  /** Path of the API on this host, without a slash at the end. */
  readonly apiBase: string;
}

export class ConfigError extends Error {
  override name = "ConfigError";
}

const KNOWN = ["apiBase", "siteName"];

/** Parse the contents of /config.json; throws a ConfigError that names everything that is wrong. */
export function parseConfig(value: unknown): Config {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError("config.json is not an object.");
  }
  const record = value as Record<string, unknown>;
  const problems = Object.keys(record)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `${name} is unknown`);
  const { siteName, apiBase } = record;
  if (typeof siteName !== "string" || siteName.trim() === "") problems.push("siteName must be a text");
  // Another host would see the session cookie of neither side, and the content security policy forbids it.
  if (typeof apiBase !== "string" || !/^(\/[\w-]+)+$/.test(apiBase)) {
    problems.push("apiBase must be a path like /api");
  }
  if (problems.length > 0 || typeof siteName !== "string" || typeof apiBase !== "string") {
    throw new ConfigError(`config.json cannot be used: ${problems.join("; ")}.`);
  }
  return { siteName: siteName.trim(), apiBase };
}

export async function loadConfig(): Promise<Config> {
  let response: Response;
  try {
    response = await fetch("/config.json", { signal: AbortSignal.timeout(10_000) });
  } catch (cause) {
    throw new ConfigError("config.json cannot be loaded.", { cause });
  }
  if (!response.ok) throw new ConfigError(`config.json answered ${response.status}.`);
  let value: unknown;
  try {
    value = await response.json();
  } catch (cause) {
    throw new ConfigError("config.json is not JSON.", { cause });
  }
  return parseConfig(value);
}
