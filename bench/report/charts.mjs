// The charts: which question each answers, its data, and its marks. Observable Plot draws them.
import * as Plot from "@observablehq/plot";
import {parseHTML} from "linkedom";
import {name, number, size} from "./records.mjs";

const {document} = parseHTML("<!doctype html><html><body></body></html>");
const KIB = 1024;

/** How a peer's line looks everywhere: colour by CSS, so that it follows the scheme, and a dash for who sees none. */
const LINES = {
    contiguous: ["--contiguous", ""],
    segmented_eager: ["--eager", ""],
    segmented_keep_one: ["--keep", "7 3"],
    reserved: ["--reserved", "12 3"],
    fixed: ["--fixed", "2 3"],
    boost_fiber_protected: ["--boost", "9 3 2 3"],
    goroutine: ["--go", "5 2"],
    gccgo: ["--gccgo", "1 2"],
    libgcc: ["--libgcc", "8 2 2 2"],
    libgcc_signals: ["--signals", "4 4"],
};
const OURS = /^(contiguous|segmented|fixed|reserved|growstack|dense|guard|compiler|probe)/;
export const line = peer => LINES[peer] ?? ["--ink", ""];

const plot = (width, height, options) =>
    Plot.plot({
        document,
        width,
        height,
        style: {fontSize: "12px"},
        marginLeft: 56,
        marginRight: 16,
        marginTop: 28,
        marginBottom: 46,
        ...options,
    });

const groups = points => [...new Set(points.map(p => p.peer))].map(peer => [peer, points.filter(p => p.peer === peer)]);

/** Lines over a depth; points are {peer, x, y}. */
const drawLines = (chart, width) =>
    plot(width, width < 500 ? 320 : 400, {
        x: {grid: false, ...chart.x},
        y: {type: "log", grid: true, tickFormat: number, ticks: width < 500 ? 5 : 7, ...chart.y},
        marks: groups(chart.points).map(([peer, points]) =>
            Plot.lineY(points, {
                x: "x",
                y: "y",
                stroke: `var(${line(peer)[0]})`,
                strokeWidth: 1.8,
                strokeDasharray: line(peer)[1] || undefined,
                className: `series-${peer}`,
                marker: chart.marker ? "dot" : undefined,
            }),
        ),
    });

/** A label for each 1, 2 and 5 of a log axis: those of more would overlap. */
const fewNumbers = v => (/^[125]e/.test(v.toExponential()) ? number(v) : "");

/** One row for each peer: a dot for the median, a bar for the spread; points are {peer, x, lo, hi, filled}. */
const drawDots = (chart, width) => {
    const rows = [...new Set(chart.points.map(p => p.peer))];
    return plot(width, rows.length * 26 + 80, {
        marginLeft: 14 + 6.9 * Math.max(...rows.map(row => name(row).length)),
        x: {grid: true, tickSpacing: 70, ...(chart.x.type && {tickFormat: fewNumbers}), ...chart.x},
        y: {domain: rows, label: null, tickFormat: name},
        marks: [
            Plot.ruleX(chart.mark ?? [], {stroke: "var(--soft)"}),
            Plot.ruleY(
                chart.points.filter(p => p.hi > p.lo),
                {y: "peer", x1: "lo", x2: "hi", strokeWidth: 5, strokeOpacity: 0.35, stroke: p => `var(${p.colour})`},
            ),
            Plot.dot(chart.points, {
                y: "peer",
                x: "x",
                r: 4.5,
                stroke: p => `var(${p.colour})`,
                strokeWidth: 2,
                fill: p => (p.filled ? `var(${p.colour})` : "var(--paper)"),
                className: "points",
            }),
        ],
        color: {type: "identity"},
    });
};

export const draw = (chart, width) => (chart.kind === "lines" ? drawLines : drawDots)(chart, width).outerHTML;

const dot = (row, filled = true, peer = row.peer) => ({
    peer,
    x: row.value,
    lo: row.lo,
    hi: row.hi,
    unit: row.unit,
    filled,
    colour: OURS.test(row.peer) ? "--contiguous" : "--eager",
});
const sorted = points => points.sort((a, b) => a.x - b.x);

/** Returns a log scale if values differ by more than a few times, or its ticks would be odd numbers. */
const scale = (points, label) =>
    Math.max(...points.map(p => p.hi)) > 4 * Math.min(...points.map(p => p.lo))
        ? {type: "log", nice: true, label: `${label}, log →`}
        : {label: `${label} →`};

const dotTable = (points, label) => ({
    header: ["", `median, ${label}`, "quartiles"],
    rows: points.map(p => [
        name(p.peer) + (p.filled ? "" : " (after)"),
        number(p.x),
        `${number(p.lo)} – ${number(p.hi)}`,
    ]),
});

const lineTable = (points, label, form) => {
    const peers = [...new Set(points.map(p => p.peer))],
        xs = [...new Set(points.map(p => p.x))].sort((a, b) => a - b);
    const at = new Map(points.map(p => [`${p.peer}|${p.x}`, p.y]));
    return {
        header: [`depth; ${label}`, ...peers.map(name)],
        rows: xs.map(x => [form(x), ...peers.map(p => number(at.get(`${p}|${x}`)))]),
    };
};

/** Returns a chart, or nothing if there is nothing to show; values in `mark` get a line. */
const dotsOf = (id, title, read, command, label, points, mark) =>
    points.length && {
        id,
        title,
        read,
        command,
        kind: "dots",
        x: scale(points, label),
        points,
        mark,
        table: dotTable(points, label),
    };

const ownRest = "Blue is growstack, orange is what else there is.";

function hotSplit(r) {
    const points = r
        .of("hot_split")
        .map(row => ({peer: row.peer, x: Number(row.parameter), y: row.value}))
        .sort((a, b) => a.x - b.x);
    return (
        points.length && {
            id: "hot-split",
            title: "Hot split: a call in a loop, at every depth",
            kind: "lines",
            points,
            read:
                "Lower is better: a spike is a depth at which each call links a chunk and unlinks it again, " +
                "a flat line has no such depth.",
            command: "./bench/run && build/bench/bench/hot_split",
            x: {label: "depth of the loop, KiB →", transform: x => x / KIB},
            y: {label: "↑ ns a call, log"},
            table: lineTable(points, "ns a call", x => `${number(x)} B`),
        }
    );
}

function growth(r) {
    const points = r
        .of("growth")
        .filter(row => row.parameter.endsWith("/first") || (row.peer === "fixed" && row.parameter.endsWith("/again")))
        .filter(row => row.peer !== "fixed" || row.parameter.endsWith("/again"))
        .map(row => ({peer: row.peer, x: parseInt(row.parameter), y: row.value}))
        .sort((a, b) => a.x - b.x);
    const powers = [...new Set(points.map(p => p.x))];
    return (
        points.length && {
            id: "growth",
            title: "Growth: reaching a depth for the first time",
            kind: "lines",
            points,
            marker: true,
            read:
                "Lower is better: the line of the fixed stack, which is ready and warm, is the recursion itself; " +
                "what lies above it is the price of growing.",
            command: "./bench/run && build/bench/bench/growth",
            x: {
                type: "log",
                base: 2,
                label: "depth reached, log →",
                ticks: powers.filter((_, i) => i % 3 === 0),
                tickFormat: size,
            },
            y: {label: "↑ ns per KiB reached, log"},
            table: lineTable(points, "ns per KiB", size),
        }
    );
}

function density(r) {
    const largest = new Map();
    for (const row of r.of("density"))
        largest.set(row.peer, Math.max(largest.get(row.peer) ?? 0, parseInt(row.parameter)));
    const points = r.of("density").flatMap(row => {
        const [count, field] = row.parameter.split("/");
        return Number(count) === largest.get(row.peer) && /^bytes(_after_spike)?$/.test(field)
            ? [dot(row, field === "bytes")]
            : [];
    });
    const counts = [...new Set(largest.values())].map(n => n.toLocaleString("en-US")).join(" or ");
    return dotsOf(
        "density",
        `Memory of a suspended coroutine, of ${counts}`,
        "Further left is better: a full dot is a coroutine that has done little, a ring the same after it has once " +
            "been 32 KiB deep and was trimmed; where one of them is not seen, it is the same or was not measured. " +
            ownRest,
        "./bench/run && build/bench/bench/density contiguous_dense_2K 1000000",
        "bytes each",
        sorted(points),
    );
}

const ofAxis = (r, axis, parameter) =>
    sorted(
        r
            .of(axis)
            .filter(row => row.parameter === parameter)
            .map(row => dot(row)),
    );

/** All layouts of each kind of check, as ratios to the median of the plain ones of the same function and compiler. */
function ofChecks(r) {
    const colours = {compiler: "--eager", probe: "--keep", guard: "--contiguous", clash_protection: "--fixed"};
    return r
        .checks()
        .filter(check => check.kind !== "thread")
        .flatMap(({kind, code, plain, rows}) =>
            rows.map(row => ({
                ...dot(row),
                peer: `${code}, ${name(kind)}`,
                x: row.value / plain,
                lo: row.lo / plain,
                hi: row.hi / plain,
                colour: colours[kind],
            })),
        )
        .sort((a, b) => a.peer.localeCompare(b.peer));
}

function check(r) {
    const chart = dotsOf(
        "check",
        "Check: what a call pays for “is there room?”",
        "Further left is better: at 1 a check is free; each dot is one layout of the same code, so what lies within " +
            "another row's dots is no difference.",
        "./bench/run && build/bench/bench/check-gcc",
        "time, × a plain call",
        ofChecks(r),
        [1],
    );
    if (!chart) return chart;
    const ns = list => list.map(row => number(row.value)).join(", ");
    const rows = r.checks().map(({kind, code, plain, middle, rows}) => [
        `${code}, ${kind === "thread" ? "plain" : name(kind)}`,
        number(middle / plain),
        number(middle),
        ns(rows),
    ]);
    return {...chart, table: {header: ["", "× plain", "median, ns a call", "its layouts"], rows}};
}

function exceptions(r) {
    const points = toFixed(r, "exceptions", frames => `N = ${frames}`);
    const chart = dotsOf(
        "exceptions",
        "Exceptions: a throw through N frames, beside a fixed stack",
        "Further left is better: at 1 chunks and moves cost a throw nothing; from 100 frames on it crosses chunks.",
        "./bench/run && build/bench/bench/exceptions",
        "time, × fixed",
        points,
        [1],
    );
    if (!chart) return chart;
    const rows = r.of("exceptions"),
        distinct = field => [...new Set(rows.map(row => row[field]))];
    return {
        ...chart,
        table: {
            header: ["frames; ns a throw", ...distinct("peer").map(name)],
            rows: distinct("parameter").map(n => [n, ...distinct("peer").map(p => number(r.get("exceptions", p, n)))]),
        },
    };
}

/** Ratios to the fixed stack of the same run; rows of one job or pattern stand together. */
function toFixed(r, axis, label = parameter => parameter) {
    return r
        .of(axis)
        .filter(row => !row.parameter.includes("/") && row.peer !== "fixed")
        .flatMap(row => {
            const fixed = r.get(axis, "fixed", row.parameter);
            if (!fixed) return [];
            return [
                {
                    ...dot(row),
                    peer: `${label(row.parameter)}, ${name(row.peer)}`,
                    x: row.value / fixed,
                    lo: row.lo / fixed,
                    hi: row.hi / fixed,
                    colour:
                        {contiguous: "--contiguous", segmented_eager: "--eager", segmented_keep_one: "--keep"}[
                            row.peer
                        ] ?? "--reserved",
                },
            ];
        })
        .sort((a, b) => a.peer.localeCompare(b.peer, "en", {numeric: true}));
}

export function charts(r) {
    return [
        hotSplit(r),
        growth(r),
        density(r),
        dotsOf(
            "switch",
            "Switch: resume and the yield back",
            `Further left is better: the bar is what half of the processes lie in. ${ownRest}`,
            "./bench/run && build/bench/bench/switch",
            "ns a pair",
            ofAxis(r, "switch", "pair"),
        ),
        dotsOf(
            "create",
            "Create, run, finish, destroy",
            `Further left is better: the bar is what half of the processes lie in. ${ownRest}`,
            "./bench/run && build/bench/bench/create",
            "ns each",
            ofAxis(r, "create", "run"),
        ),
        check(r),
        exceptions(r),
        dotsOf(
            "jobs",
            "Real jobs, beside a fixed stack that somebody made large enough",
            "Further left is better: at 1 a growing stack is free.",
            "./bench/run && build/bench/bench/jobs",
            "time, × fixed",
            toFixed(r, "jobs"),
            [1],
        ),
        dotsOf(
            "patterns",
            "Patterns of calls, beside a fixed stack that is large enough",
            "Further left is better: at 1 a growing stack is free.",
            "./bench/run && build/bench/bench/patterns",
            "time, × fixed",
            toFixed(r, "patterns"),
            [1],
        ),
    ].filter(Boolean);
}
