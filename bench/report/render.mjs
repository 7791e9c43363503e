// Writes the page: summary, charts with their tables, aims, method. Usage: render.mjs RESULTS.json OUT.html
import {readFileSync, writeFileSync} from "node:fs";
import {aims} from "./aims.mjs";
import {charts, draw, line} from "./charts.mjs";
import {name, number, Records} from "./records.mjs";

const escape = text =>
    String(text).replace(/[&<>"]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[c]);

const head = cells => `<thead><tr>${cells.map(c => `<th scope="col">${escape(c)}</th>`).join("")}</tr></thead>`;
const body = rows => `<tbody>${rows.map(cells => `<tr>${cells}</tr>`).join("\n")}</tbody>`;
const rowHead = text => `<th scope="row">${escape(text)}</th>`;

const table = ({header, rows}) => {
    const cells = rows.map(([first, ...rest]) => rowHead(first) + rest.map(c => `<td>${escape(c)}</td>`).join(""));
    return `<div class="scroll" tabindex="0"><table>${head(header)}\n${body(cells)}</table></div>`;
};

const legendItem = peer => {
    const [colour, dash] = line(peer);
    const stroke = `stroke="var(${colour})" stroke-width="3" stroke-dasharray="${dash}"`;
    const mark = `<svg width="30" height="8" aria-hidden="true"><line x1="0" x2="30" y1="4" y2="4" ${stroke}/></svg>`;
    return `<li>${mark}${escape(name(peer))}</li>`;
};

const legend = chart =>
    chart.kind === "lines"
        ? `<ul class="legend">${[...new Set(chart.points.map(p => p.peer))].map(legendItem).join("")}</ul>`
        : "";

const drawing = (chart, which, width) =>
    `<div class="${which}" role="img" aria-label="${escape(chart.title)}; the table below has the figures">${draw(
        chart,
        width,
    )}</div>`;

const figure = chart => `<section id="${chart.id}"><h2>${escape(chart.title)}</h2><p>${escape(chart.read)}</p>
<figure>${legend(chart)}${drawing(chart, "wide", 860)}
${drawing(chart, "narrow", 358)}
<figcaption>Measured by <code>${escape(chart.command)}</code></figcaption></figure>
<details><summary>The figures as a table</summary>${table(chart.table)}</details></section>`;

/** Says who wins when, in figures of this run, also where they speak against it; leaves out what was not measured. */
function summary(r) {
    const MIB = 1 << 20,
        many = r.mostCoroutines();
    const first = p => r.get("growth", p, `${MIB}/first`),
        worst = p => r.worst("hot_split", p)?.value,
        bytes = p => r.get("density", p, `${many}/bytes`),
        job = p => r.get("jobs", p, "regex");
    const unless = holds => (holds ? "" : " (not so in this run)");
    const say = (values, text) => (values.every(Number.isFinite) ? text(...values.map(number)) : "");
    const eager = "segmented_eager",
        keep = "segmented_keep_one";
    const lines = [
        [
            "Segmented stacks win",
            " when frames must never move, because pointers to locals are kept elsewhere, and when a stack grows once" +
                say(
                    [first(keep), first("contiguous")],
                    (linked, copied) =>
                        `; reaching 1 MiB for the first time takes ${linked} ns per KiB, on contiguous ones ${copied}` +
                        unless(first(keep) < first("contiguous")),
                ),
        ],
        [
            "Contiguous stacks win",
            " when calls in a loop may lie at any depth" +
                say(
                    [worst("contiguous"), worst(keep), worst(eager)],
                    (moved, kept, linked) =>
                        `: the worst depth costs ${moved} ns a call, a segmented stack's ${kept} with a chunk kept ` +
                        `and ${linked} without${unless(worst("contiguous") < worst(keep))}`,
                ) +
                say([bytes("contiguous_dense_1K")], each => `; and when there are very many: ${each} bytes each`),
        ],
        [
            "Plain reserved address space is the better answer",
            " when somebody knows how deep it gets, and coroutines are few enough to give each that much address " +
                "space, and the pages it has once touched for good: nothing is copied or linked" +
                say(
                    [job("reserved"), job("contiguous"), job(keep)],
                    (reserved, moved, linked) =>
                        `; a deep regex takes ${reserved} ms on it, ${moved} on a contiguous stack, ${linked} on a ` +
                        `segmented one${unless(job("reserved") < Math.min(job("contiguous"), job(keep)))}`,
                ),
        ],
    ];
    const paragraphs = lines.map(([who, when]) => `<p><strong>${who}</strong>${escape(when)}.</p>`);
    return `<div class="summary">${paragraphs.join("")}</div>`;
}

function aimsTable(list) {
    const style = {met: "met", "NOT met": "missed"};
    const cells = a =>
        `${rowHead(a.what)}<td>${escape(a.limit)}</td><td>${escape(a.measured)}</td>` +
        `<td class="${style[a.verdict] ?? "soft"}">${a.verdict}</td>`;
    const rows = head(["aim", "at", "measured", ""]) + body(list.map(cells));
    return `<div class="scroll" tabindex="0" style="max-height:none"><table class="aims">${rows}</table></div>`;
}

const complaints = (title, list) =>
    list?.length
        ? `<h3>${title}</h3><ul>${list
              .map(({what, why, round}) => `<li>${escape(what)}: ${escape(why)}${round ? `, round ${round}` : ""}</li>`)
              .join("")}</ul>`
        : "";

function aimsSection(r) {
    const list = aims(r);
    const counts = ["met", "NOT met", "not measured"].map(v => `${list.filter(a => a.verdict === v).length} ${v}`);
    return `<section id="aims"><h2>Aims, beside what was measured</h2>
<p>${counts.join(", ").replace("NOT", "not")} by this run.</p>${aimsTable(list)}</section>`;
}

function methodSection(results) {
    const m = results.machine;
    const list = (values, form) => (values ?? []).map(form).join(", ") || "unknown";
    return `<section id="method"><h2>How it was measured</h2>
<p>Processes of all that is compared run in turns. A figure is the median of the processes' medians, but for the hot
split: there it is the least. Load before and after: ${escape(list(m.load, v => v.toFixed(2)))};
MHz: ${escape(list(m.frequency_mhz, Math.round))}.
Versions: ${escape(list(Object.entries(m.versions ?? {}), e => e.join(" ")))}.
<code>docs/benchmarks.md</code> has the rest.</p>
${complaints("Skipped", results.skipped)}${complaints("Failed", results.failed)}</section>`;
}

function page(results) {
    const r = new Records(results),
        m = results.machine;
    const run = `${m.cpus} × ${m.cpu}, ${m.kernel}, ${m.date}; ${m.mode} run, processes of each: ${m.rounds}`;
    const css = readFileSync(new URL("page.css", import.meta.url), "utf-8");
    return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>growstack: segmented or contiguous?</title><link rel="icon" href="data:,"><style>${css}</style></head><body>
<h1>Segmented or contiguous stacks: what does it cost?</h1>
<p class="soft">${escape(run)}</p>
${results.complete ? "" : `<p class="missed">This run was cut short: what is missing was not measured.</p>`}
${summary(r)}
${charts(r).map(figure).join("\n")}
${aimsSection(r)}
${methodSection(results)}</body></html>\n`;
}

const [from, to] = process.argv.slice(2);
writeFileSync(to, page(JSON.parse(readFileSync(from, "utf-8"))));
console.log(`report:   ${to}`);
