import "./styles.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Api } from "../lib/api/client";
import { loadConfig } from "../lib/config";
import { createQueryClient } from "../lib/queries";
import { applyTheme } from "../lib/theme";
import { App } from "./App";
import { StartFailure } from "./StartFailure";

applyTheme();

const element = document.getElementById("root");
if (element === null) throw new Error("index.html has no element with the id root.");
const root = createRoot(element);

try {
  const config = await loadConfig();
  root.render(
    <StrictMode>
      <App environment={{ config, api: new Api(config.apiBase) }} queryClient={createQueryClient()} />
    </StrictMode>,
  );
} catch (error) {
  console.error(error);
  root.render(<StartFailure />);
}
