import { createContext, useContext } from "react";

import type { Api } from "./api/client";
import type { Config } from "./config";

export interface Environment {
  readonly config: Config;
  readonly api: Api;
}

export const EnvironmentContext = createContext<Environment | null>(null);

export function useEnvironment(): Environment {
  const environment = useContext(EnvironmentContext);
  if (environment === null) throw new Error("useEnvironment needs an EnvironmentContext above it.");
  return environment;
}
