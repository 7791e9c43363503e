// Opens the page from disk in headless Chromium and compares it with the results it was made of.
// Usage: test.mjs RESULTS.json PAGE.html SCREENSHOTS
import {readFileSync} from "node:fs";
import {pathToFileURL} from "node:url";
import {chromium} from "playwright-core";

const [from, pagePath, screenshots] = process.argv.slice(2);
const records = JSON.parse(readFileSync(from, "utf-8")).records.filter(r => r.values.length);
let passed = 0,
    failed = 0;
const check = (what, holds, seen = "") => {
    if (holds) return void ++passed;
    ++failed;
    console.log(`FAILED: ${what} ${seen}`);
};

/** How many points a chart must show, counted from the results alone. */
const largest = peer =>
    Math.max(...records.filter(r => r.axis === "density" && r.peer === peer).map(r => parseInt(r.parameter)));
const of = axis => records.filter(r => r.axis === axis);
const toFixed = axis =>
    of(axis).filter(
        r =>
            r.peer !== "fixed" &&
            !r.parameter.includes("/") &&
            of(axis).some(f => f.peer === "fixed" && f.parameter === r.parameter),
    ).length;
const expected = {
    "hot-split": of("hot_split").length,
    growth: of("growth").filter(r => r.parameter.endsWith(r.peer === "fixed" ? "/again" : "/first")).length,
    density: of("density").filter(r =>
        [`${largest(r.peer)}/bytes`, `${largest(r.peer)}/bytes_after_spike`].includes(r.parameter),
    ).length,
    switch: of("switch").filter(r => r.parameter === "pair").length,
    create: of("create").filter(r => r.parameter === "run").length,
    check: of("check").filter(r => r.peer !== "thread").length,
    exceptions: toFixed("exceptions"),
    jobs: toFixed("jobs"),
    patterns: toFixed("patterns"),
};

/** The worst depth of the hot split, found once more, to be seen in its aim; and a figure of a chart's table. */
const worst = peer =>
    Math.max(
        ...of("hot_split")
            .filter(r => r.peer === peer)
            .map(r => Math.min(...r.values)),
    );
const shown = text => Number(text.replaceAll(",", ""));
const near = (text, value) =>
    Number.isFinite(value) ? Math.abs(shown(text) - value) <= 0.006 * value : text === "–";

/** Counts points in each of a chart's two drawings: corners of its lines and dots. */
const countPoints = id =>
    [".wide", ".narrow"].map(which => {
        const drawing = document.querySelector(`#${id} ${which}`);
        const corners = [...drawing.querySelectorAll("[class^=series-] path")]
            .filter(p => !p.closest("marker"))
            .reduce((sum, p) => sum + (p.getAttribute("d").replace(/Z$/, "").match(/[MLZ]/g) ?? []).length, 0);
        return corners + drawing.querySelectorAll(".points circle").length;
    });

const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ],
});
try {
    for (const colorScheme of ["light", "dark"])
        for (const width of [390, 1280]) {
            const page = await browser.newPage({colorScheme, viewport: {width, height: 844}});
            const at = `${width} px, ${colorScheme}:`,
                complaints = [],
                requests = [];
            page.on("console", m => complaints.push(m.text()));
            page.on("pageerror", e => complaints.push(e.message));
            page.on("request", q => {
                if (!/^(file|data):/.test(q.url())) requests.push(q.url());
            });
            await page.goto(pathToFileURL(pagePath).href);
            check(`${at} nothing is said on the console`, complaints.length === 0, complaints.join("; "));
            check(`${at} nothing is asked of a network`, requests.length === 0, requests.join(" "));
            const wide = await page.evaluate(() => document.documentElement.scrollWidth);
            check(`${at} the page does not scroll sideways`, wide <= width, `it is ${wide} px wide`);
            for (const [id, points] of Object.entries(expected)) {
                const section = page.locator(`section#${id}`);
                if (!points) {
                    check(`${at} no chart of what was not measured, ${id}`, (await section.count()) === 0);
                    continue;
                }
                check(
                    `${at} chart ${id} is seen once`,
                    (await section
                        .locator("figure [role=img] > svg:visible, figure [role=img] > figure:visible")
                        .count()) === 1,
                );
                const seen = await page.evaluate(countPoints, id);
                check(
                    `${at} chart ${id} has ${points} points`,
                    seen.every(n => n === points),
                    `but ${seen}`,
                );
                check(`${at} chart ${id} has a table`, (await section.locator("tbody tr").count()) > 0);
                check(
                    `${at} chart ${id} says how to reproduce it`,
                    /bench\/run/.test(await section.locator("figcaption").innerText()),
                );
                check(
                    `${at} chart ${id} has no undefined number`,
                    !/NaN|undefined|Infinity/.test(await section.innerHTML()),
                );
            }
            const verdicts = await page.locator("#aims tbody td:last-child").allInnerTexts();
            check(
                `${at} each aim has a verdict`,
                verdicts.length >= 20 && verdicts.every(v => /^(met|NOT met|not measured|reported)$/.test(v)),
            );
            const eager = page.locator("#aims tr", {hasText: "segmented eager, worst depth"}).locator("td").nth(1);
            check(`${at} the aim has the results' figure`, near(await eager.innerText(), worst("segmented_eager")));
            const [raw] = of("switch").filter(r => r.peer === "raw_fcontext");
            const middle = [...raw.values].sort((a, b) => a - b);
            const cell = page.locator("#switch tbody tr", {hasText: "raw fcontext"}).locator("td").first();
            const half = middle.length >> 1;
            const median = middle.length % 2 ? middle[half] : (middle[half - 1] + middle[half]) / 2;
            check(`${at} the table has the results' figure`, near(await cell.textContent(), median));
            check(`${at} the summary has three lines`, (await page.locator(".summary p").count()) === 3);
            check(
                `${at} the scheme is followed`,
                (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)) ===
                    (colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(20, 23, 27)"),
            );
            await page.screenshot({path: `${screenshots}/${colorScheme}-${width}.png`, fullPage: true});
            await page.close();
        }
} finally {
    await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
