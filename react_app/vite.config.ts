import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import type { Plugin, ViteDevServer } from "vite";
import { defineConfig } from "vitest/config";

import { MockApi } from "./src/testing/mock-api.ts";

/** Answers /config.json and /api/ of the development and preview servers from the mock API that the tests use too. */
function mockApi(): Plugin {
  const configure = (server: Pick<ViteDevServer, "middlewares">): void => {
    const api = MockApi.withMonths();
    const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const request = new Request(new URL(incoming.url ?? "/", "http://localhost"), {
        method: incoming.method ?? "GET",
        headers: incoming.headers as Record<string, string>,
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      });
      const response = await api.handle(request);
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(await response.text());
    };
    server.middlewares.use((incoming, outgoing, next) => {
      const path = incoming.url ?? "";
      if (path.startsWith("/api/") || path === "/config.json") answer(incoming, outgoing).catch(next);
      else next();
    });
  };
  return { name: "mock-api", apply: "serve", configureServer: configure, configurePreviewServer: configure };
}

const JAVASCRIPT_BUDGET_BYTES = 90_000;

/** Fails a build whose first page has grown past what a phone on a bad network should load to learn of an outage. */
function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle(_options, bundle) {
      const first = new Set<string>();
      const add = (name: string): void => {
        const output = bundle[name];
        if (output?.type !== "chunk" || first.has(name)) return;
        first.add(name);
        output.imports.forEach(add);
      };
      for (const output of Object.values(bundle)) if (output.type === "chunk" && output.isEntry) add(output.fileName);
      const bytes = [...first].reduce((sum, name) => {
        const output = bundle[name];
        return sum + (output?.type === "chunk" ? gzipSync(output.code).length : 0);
      }, 0);
      if (bytes > JAVASCRIPT_BUDGET_BYTES) {
        this.error(`The first page loads ${bytes} bytes of JavaScript (gzip), and ${JAVASCRIPT_BUDGET_BYTES} are allowed.`);
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), mockApi(), budget()],
  resolve: {
    alias: {
      // What these do for React 17 and older, React does itself.
      "use-sync-external-store/shim/index.js": "react",
    },
  },
  build: {
    // Everything in assets/ carries its digest in the name and may be cached for ever.
    assetsDir: "assets",
    // A data: address in CSS or JavaScript would need an exception in the content security policy.
    assetsInlineLimit: 0,
    sourcemap: true,
    rolldownOptions: {
      output: {
        // What the first page needs is one file, React included: many small ones compress worse, and who looks for an
        // outage comes with an empty cache.
        codeSplitting: { groups: [{ name: "first", tags: ["$initial"] }] },
      },
    },
  },
  test: {
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "https://app.example.com/" } },
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    // A busy machine of a CI is slow, not wrong.
    testTimeout: 30_000,
    css: false,
  },
});
