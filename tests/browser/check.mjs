// Opens pages in a headless Chromium, at phone and desktop width, light and dark, and prints the problems of each page as JSON. Writes
// screenshots to a folder.
//
// node check.mjs <folder> <page.html>...

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// Resolves packages from the working directory, because they are installed under target/ and not next to this file.
const require = createRequire(join(process.cwd(), "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { default: chromium } = await load("@sparticuz/chromium");
const { default: puppeteer } = await load("puppeteer-core");
const { default: axe } = await load("axe-core");

const WIDTHS = [390, 1280];
const THEMES = ["light", "dark"];
const HEIGHT = 844;
// Maximum height of a screenshot in pixels, because one of thousands of lines is useless.
const TALLEST = 6000;
const MOST_OF_TOP = 1200;
const MOST_TABS = 500;

const [folder, ...files] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const executablePath = await chromium.executablePath();
const args = await puppeteer.defaultArgs({ args: chromium.args, headless: "shell" });
const browser = await puppeteer.launch({ args, executablePath, headless: "shell" });
const found = [];
try {
  for (const file of files) for (const width of WIDTHS) for (const theme of THEMES) found.push(await look(file, width, theme));
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));

async function look(file, width, theme) {
  const page = await browser.newPage();
  const url = pathToFileURL(resolve(file)).href;
  const messages = [];
  const requests = [];
  page.on("console", (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => messages.push(`error: ${error.message}`));
  page.on("request", (request) => request.url().split("#")[0] === url || requests.push(request.url()));
  await page.setViewport({ width, height: HEIGHT });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.goto(url, { waitUntil: "load" });
  const name = join(folder, `${basename(file, ".html")}-${width}-${theme}`);
  await shoot(page, name, width);
  const wide = await page.evaluate(tooWide);
  const ran = await page.evaluate(() => window.ran === true);
  const violations = await broken(page);
  const keyboard = await tabThrough(page);
  await page.close();
  return { page: basename(file, ".html"), width, theme, messages, requests, wide, ran, violations, ...keyboard };
}

async function shoot(page, name, width) {
  const top = await page.evaluate(() => document.querySelector("#volumes")?.getBoundingClientRect().bottom ?? 0);
  const above = { x: 0, y: 0, width, height: Math.min(Math.ceil(top) + 48, MOST_OF_TOP) };
  if (top) await page.screenshot({ path: `${name}-top.png`, clip: above, captureBeyondViewport: true });
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const clip = { x: 0, y: 0, width, height: Math.min(height, TALLEST) };
  await page.screenshot({ path: `${name}.png`, clip, captureBeyondViewport: true });
}

/** What makes the document wider than the screen. */
function tooWide() {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 1);
  return ["document", ...wide.slice(0, 5).map((one) => one.outerHTML.slice(0, 120))];
}

/** What axe finds against WCAG A and AA; its script comes through the debugger, for the page's own policy lets none in. */
async function broken(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      resultTypes: ["violations"],
      preload: false,
    }),
  );
  const told = (node) => `${node.html.slice(0, 160)} ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`;
  return violations.map((one) => `${one.id}: ${one.nodes.length} times, such as ${told(one.nodes[0])}`);
}

/** What there is to reach, what Tab does not reach, and where its focus cannot be seen. */
async function tabThrough(page) {
  const reachable = await page.evaluate(() => {
    const scrolls = (one) => {
      const { overflowX, overflowY } = getComputedStyle(one);
      const may = (overflow) => overflow === "auto" || overflow === "scroll";
      return (may(overflowX) && one.scrollWidth > one.clientWidth) || (may(overflowY) && one.scrollHeight > one.clientHeight);
    };
    const isLive = (one) => one.matches("a[href], button, input, select, textarea, summary, [tabindex='0']");
    const all = [...document.body.querySelectorAll("*")].filter((one) => isLive(one) || scrolls(one));
    window.toReach = new Set(all);
    // In Chromium, Tab reaches scrollable elements. In other browsers it only does if the page makes them focusable.
    return all.map((one) => ({ html: one.cloneNode(false).outerHTML, scrolls: scrolls(one), named: isLive(one) }));
  });
  const hidden = [];
  for (let tab = 0; tab < Math.min(reachable.length + 5, MOST_TABS); tab += 1) {
    await page.keyboard.press("Tab");
    const unmarked = await page.evaluate(() => {
      const here = document.activeElement;
      window.toReach.delete(here);
      const { outlineStyle, boxShadow } = getComputedStyle(here);
      return here !== document.body && outlineStyle === "none" && boxShadow === "none" ? here.cloneNode(false).outerHTML : null;
    });
    if (unmarked) hidden.push(unmarked);
  }
  const missed = await page.evaluate(() => [...window.toReach].map((one) => one.cloneNode(false).outerHTML));
  const unnamed = reachable.filter((one) => !one.named).map((one) => one.html);
  const scrolling = reachable.filter((one) => one.scrolls).map((one) => one.html);
  return { reachable: reachable.length, scrolling, unreached: [...missed, ...unnamed], unmarked: hidden };
}
