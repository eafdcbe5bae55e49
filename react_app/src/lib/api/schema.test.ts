// @vitest-environment node
import { readFile } from "node:fs/promises";

import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, it } from "vitest";

const PROJECT = new URL("../../../../", import.meta.url);

async function types(document: string): Promise<string> {
  const options = { immutable: true, alphabetize: true, defaultNonNullable: false };
  return `${COMMENT_HEADER}${astToString(await openapiTS(new URL(document, PROJECT), options))}`;
}

it("has the types of openapi.json: otherwise run npm run generate", async () => {
  expect(await readFile(new URL("./schema.d.ts", import.meta.url), "utf8")).toBe(await types("react_app/openapi.json"));
});

it("has the API of django_app: otherwise run python -m tools.openapi ../react_app/openapi.json there", async () => {
  expect(await types("react_app/openapi.json")).toBe(await types("django_app/openapi.yaml"));
});
