// Writes the page: summary, charts with their tables, aims, and how it was measured. Usage: render.mjs RESULTS.json OUT.html
import {readFileSync, writeFileSync} from "node:fs";
import {aims} from "./aims.mjs";
import {charts, draw, line} from "./charts.mjs";
import {name, number, Records} from "./records.mjs";

const escape = text =>
    String(text).replace(/[&<>"]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[c]);

const table = ({
    header,
    rows,
}) => `<div class="scroll" tabindex="0"><table><thead><tr>${header.map(h => `<th scope="col">${escape(h)}</th>`).join("")}</tr></thead>
<tbody>${rows.map(([first, ...rest]) => `<tr><th scope="row">${escape(first)}</th>${rest.map(c => `<td>${escape(c)}</td>`).join("")}</tr>`).join("\n")}</tbody></table></div>`;

const legend = chart =>
    chart.kind !== "lines"
        ? ""
        : `<ul class="legend">${[...new Set(chart.points.map(p => p.peer))]
              .map(
                  peer =>
                      `<li><svg width="30" height="8" aria-hidden="true"><line x1="0" x2="30" y1="4" y2="4" stroke="var(${line(peer)[0]})" stroke-width="3" stroke-dasharray="${line(peer)[1]}"/></svg>${escape(name(peer))}</li>`,
              )
              .join("")}</ul>`;

const figure = chart => `<section id="${chart.id}"><h2>${escape(chart.title)}</h2><p>${escape(chart.read)}</p>
<figure>${legend(chart)}<div class="wide" role="img" aria-label="${escape(chart.title)}; the table below has the figures">${draw(chart, 860)}</div>
<div class="narrow" role="img" aria-label="${escape(chart.title)}; the table below has the figures">${draw(chart, 358)}</div>
<figcaption>Measured by <code>${escape(chart.command)}</code></figcaption></figure>
<details><summary>The figures as a table</summary>${table(chart.table)}</details></section>`;

/** Says who wins when, in figures of this run, also where they speak against it; leaves out what was not measured. */
function summary(r) {
    const MIB = 1 << 20,
        eager = r.worst("hot_split", "segmented_eager"),
        moved = r.worst("hot_split", "contiguous");
    const [linked, copied] = ["segmented_keep_one", "contiguous"].map(p => r.get("growth", p, `${MIB}/first`));
    const most = r.mostCoroutines(),
        bytes = p => r.get("density", p, `${most}/bytes`);
    const job = p => r.get("jobs", p, "regex"),
        unless = holds => (holds ? "" : " (not so in this run)");
    const lines = [
        [
            "Segmented stacks win",
            " when frames must never move, because pointers to locals are kept elsewhere" +
                (linked && copied
                    ? `; reaching 1 MiB for the first time takes them ${number(linked)} ns per KiB, contiguous stacks ${number(copied)}.`
                    : "."),
        ],
        [
            "Contiguous stacks win",
            " when calls in a loop may lie at any depth" +
                (eager && moved
                    ? `: the worst depth costs ${number(moved.value)} ns a call, an eagerly segmented stack's ${number(eager.value)}${unless(moved.value < eager.value)}`
                    : "") +
                (bytes("contiguous_dense_1K")
                    ? `; and when there are very many, small ones: ${number(bytes("contiguous_dense_1K"))} bytes each.`
                    : "."),
        ],
        [
            "Plain reserved address space is the better answer",
            " when coroutines are few enough to give each its pages for good: nothing is copied, linked or checked" +
                (job("fixed") && job("contiguous")
                    ? `; a deep regex takes ${number(job("fixed"))} ms on a stack that is large enough, ${number(job("contiguous"))} on a contiguous one that grows${unless(job("fixed") < job("contiguous"))}`
                    : "") +
                ".",
        ],
    ];
    return `<div class="summary">${lines.map(([who, when]) => `<p><strong>${who}</strong>${escape(when)}</p>`).join("")}</div>`;
}

const aimsTable =
    list => `<div class="scroll" tabindex="0" style="max-height:none"><table class="aims"><thead><tr><th scope="col">aim</th><th scope="col">at</th><th scope="col">measured</th><th scope="col"></th></tr></thead>
<tbody>${list.map(a => `<tr><th scope="row">${escape(a.what)}</th><td>${escape(a.limit)}</td><td>${a.measured}</td><td class="${{met: "met", "NOT met": "missed"}[a.verdict] ?? "soft"}">${a.verdict}</td></tr>`).join("\n")}</tbody></table></div>`;

const complaints = (title, list) =>
    list?.length
        ? `<h3>${title}</h3><ul>${list
              .map(({what, why, round}) => `<li>${escape(what)}: ${escape(why)}${round ? `, round ${round}` : ""}</li>`)
              .join("")}</ul>`
        : "";

function page(results) {
    const r = new Records(results),
        m = results.machine,
        list = aims(r);
    const count = verdict => list.filter(a => a.verdict === verdict).length;
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>growstack: segmented or contiguous?</title><link rel="icon" href="data:,"><style>${readFileSync(new URL("page.css", import.meta.url), "utf-8")}</style></head><body>
<h1>Segmented or contiguous stacks: what does it cost?</h1>
<p class="soft">${escape(`${m.cpus} × ${m.cpu}, ${m.kernel}, ${m.date}; ${m.mode} run, processes of each: ${m.rounds}`)}</p>
${results.complete ? "" : `<p class="missed">This run was cut short: what is missing was not measured.</p>`}
${summary(r)}
${charts(r).map(figure).join("\n")}
<section id="aims"><h2>Aims, beside what was measured</h2><p>${count("met")} met, ${count("NOT met")} not met, ${count("not measured")} not measured by this run.</p>${aimsTable(list)}</section>
<section id="method"><h2>How it was measured</h2><p>Processes of all that is compared run in turns. A figure is the median of the processes' medians, but for the hot split: there it is the least.
Load before and after: ${escape((m.load ?? []).join(", ") || "unknown")}; MHz: ${escape((m.frequency_mhz ?? []).map(Math.round).join(", ") || "unknown")}. Versions: ${escape(
        Object.entries(m.versions ?? {})
            .map(e => e.join(" "))
            .join(", "),
    )}.
<code>bench/README.md</code> has the rest.</p>${complaints("Skipped", results.skipped)}${complaints("Failed", results.failed)}</section></body></html>\n`;
}

const [from, to] = process.argv.slice(2);
writeFileSync(to, page(JSON.parse(readFileSync(from, "utf-8"))));
console.log(`report:   ${to}`);
