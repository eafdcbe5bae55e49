// @vitest-environment node
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, it } from "vitest";

it("has the types of openapi.json: otherwise run npm run generate", async () => {
  const document = new URL("../../../openapi.json", import.meta.url);
  const types = astToString(await openapiTS(document, { immutable: true, alphabetize: true }));

  const committed = await readFile(fileURLToPath(new URL("./schema.d.ts", import.meta.url)), "utf8");

  expect(committed).toBe(`${COMMENT_HEADER}${types}`);
});
