/**
 * Lighthouse on one page and axe on several, in a Chromium of their own. Called by benchmarks/page/__main__.py.
 *
 * usage: node measure.mjs ORDER RESULTS
 *   ORDER    JSON: url, authority (PEM file), chromium, profile (an empty directory), runs, pages (paths) and
 *            staff (paths that need a session)
 *   RESULTS  directory for Lighthouse's own reports
 * Reads {username, password} for the latter from its standard input, as JSON, or null. Prints one JSON document, and
 * how far it is to its standard error.
 */
import { createHash, X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const order = JSON.parse(process.argv[2]);
const results = process.argv[3];
const session = JSON.parse(await readFile("/dev/stdin", "utf8"));

/** The authority is in no store of this machine, and only what it has signed is let through. */
const spki = new X509Certificate(await readFile(order.authority)).publicKey.export({ type: "spki", format: "der" });
const trusted = createHash("sha256").update(spki).digest("base64");

const browser = await puppeteer.launch({
  executablePath: order.chromium,
  userDataDir: order.profile,
  // A busy machine is slow, not wrong.
  timeout: 120_000,
  protocolTimeout: 300_000,
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--ignore-certificate-errors-spki-list=${trusted}`,
  ],
});
try {
  const kilobytes = await firstLoad();
  const runs = [];
  for (let run = 0; run < order.runs; run += 1) {
    runs.push(await measure(run));
    console.error(`lighthouse: run ${run}, perf ${runs[run].perf}`);
  }
  console.log(JSON.stringify({ kilobytes, runs, accessibility: await accessibility() }));
} finally {
  await browser.close();
}

/** All JavaScript that the browser fetches before the page rests, in kB (1000 bytes) of gzip at its default level. */
async function firstLoad() {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const scripts = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "script") scripts.push(response.buffer());
  });
  await page.goto(order.url, { waitUntil: "networkidle0" });
  const bytes = (await Promise.all(scripts)).reduce((sum, code) => sum + gzipSync(code).length, 0);
  await context.close();
  return bytes / 1000;
}

/** One run of Lighthouse as it comes: a phone of the middle class on a slow 4G line, with nothing in its cache. */
async function measure(run) {
  const page = await browser.newPage();
  const { lhr, report } = await lighthouse(order.url, { output: "html", logLevel: "error" }, undefined, page);
  await page.close();
  await writeFile(`${results}/lighthouse-${run}.html`, report);
  const score = (category) => Math.round(lhr.categories[category].score * 100);
  const seconds = (audit) => lhr.audits[audit].numericValue / 1000;
  return {
    perf: score("performance"),
    a11y: score("accessibility"),
    best: score("best-practices"),
    seo: score("seo"),
    seconds: {
      "first paint": seconds("first-contentful-paint"),
      "largest paint": seconds("largest-contentful-paint"),
      "speed index": seconds("speed-index"),
      blocked: seconds("total-blocking-time"),
    },
    shift: lhr.audits["cumulative-layout-shift"].numericValue,
    lost: Object.values(lhr.categories)
      .flatMap(({ auditRefs }) => auditRefs)
      .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 0.9)
      .map(({ id }) => `${lhr.audits[id].title} (${id})`),
    warnings: lhr.runWarnings,
  };
}

/** The newest incident, if there is one: its page is one of those that are looked at. */
async function incidents(page) {
  const { results } = await page.evaluate(async () => (await fetch("/api/incidents/?limit=1")).json());
  return results.map(({ id }) => id);
}

/**
 * What axe finds on every page, in light and dark, on a phone and on a desk. A page is loaded once and looked at in all
 * four: to load it is most of the time. In dark only colours are new.
 */
async function accessibility() {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const found = {};
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  for (const path of order.pages) await look(path, "");
  for (const id of await incidents(page)) await look(`/incidents/${id}`, "");
  if (session) {
    await page.goto(`${order.url}/sign-in`, { waitUntil: "networkidle2" });
    const status = await page.evaluate(async (person) => {
      const { csrf_token: token } = await (await fetch("/api/session/")).json();
      const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
      return (await fetch("/api/session/", { method: "POST", headers, body: JSON.stringify(person) })).status;
    }, session);
    if (status !== 200) throw new Error(`the member of staff was not let in: ${status}`);
    for (const path of order.staff) await look(path, ", signed in");
  }
  await context.close();
  return found;

  async function look(path, as) {
    const began = Date.now();
    await page.goto(order.url + path, { waitUntil: "networkidle2" });
    // Whatever can be opened is a part of the page too.
    await page.evaluate(() => {
      for (const button of document.querySelectorAll('main button[aria-expanded="false"]')) button.click();
    });
    await page.waitForNetworkIdle({ concurrency: 2 });
    // Through the debugger, for which the content security policy makes an exception.
    await page.evaluate(axe);
    for (const width of [390, 1280]) {
      await page.setViewport({ width, height: 900 });
      for (const scheme of ["light", "dark"]) {
        await page.emulateMediaFeatures([
          { name: "prefers-color-scheme", value: scheme },
          { name: "prefers-reduced-motion", value: "reduce" },
        ]);
        const options = scheme === "dark" ? { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } } : {};
        const { violations, passes } = await page.evaluate((wanted) => globalThis.axe.run(wanted), options);
        if (passes.length === 0) throw new Error(`axe found nothing to look at on ${path}`);
        const name = `${new URL(page.url()).pathname}${as} (${scheme}, ${width})`;
        found[name] = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      }
    }
    console.error(`axe: ${path}${as}, ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
}
