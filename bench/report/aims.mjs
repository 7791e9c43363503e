// The aims that growstack was designed for, each beside what was measured.
import {median, number, size} from "./records.mjs";

const KIB = 1024;
const SIGNS = {"<=": "≤", "<": "<", ">=": "≥"};

/** Returns a row; the aim is stated, and the figure rounded, to `digits`. What is no number was not measured. */
const aim = (what, relation, limit, measured, unit, digits) => {
    const known = Number.isFinite(measured);
    const form = (value, other) => (digits === undefined ? other : value.toFixed(digits));
    const rounded = known ? Number(form(measured, measured)) : measured;
    const met = relation === "<=" ? rounded <= limit : relation === "<" ? rounded < limit : rounded >= limit;
    return {
        what,
        limit: `${SIGNS[relation]} ${form(limit, limit.toLocaleString("en-US"))} ${unit}`,
        measured: known ? form(measured, number(measured)) : "–",
        verdict: known ? (met ? "met" : "NOT met") : "not measured",
    };
};

/** Returns the largest, or nothing if one of them was not measured: an aim holds for all. */
const most = values => (values.length && values.every(Number.isFinite) ? Math.max(...values) : undefined);

const ratiosToRaw = (r, axis, parameter) =>
    ["contiguous", "segmented", "fixed"].map(p => r.get(axis, p, parameter) / r.get(axis, "raw_fcontext", parameter));

function relocateAims(r) {
    const kernel = ["avx512", "avx2", "scalar"].find(k => r.of("relocate", k).length);
    const ratios = r
        .of("relocate", kernel ?? "none")
        .map(row => [Number(row.parameter), row.value / r.get("relocate", "memcpy", row.parameter)]);
    const of = wanted => most(ratios.filter(([bytes]) => wanted(bytes)).map(([, ratio]) => ratio));
    const label = `copy and re-point (${kernel ?? "no kernel"}) against memcpy`;
    return [
        aim(
            `${label}, 32 KiB and up`,
            "<=",
            1.05,
            of(b => b >= 32 * KIB),
            "x",
        ),
        aim(
            `${label}, 2–8 KiB`,
            "<=",
            1.3,
            of(b => b <= 8 * KIB),
            "x",
        ),
    ];
}

function checkAims(r) {
    const report = kind =>
        ["gcc", "clang"].map(compiler => {
            const found = r.checks().filter(c => c.kind === kind && c.code.endsWith(` by ${compiler}`));
            return {
                what: `prologue check by ${compiler}, ${kind.replace("_", " ")}, to plain`,
                limit: "to be reported",
                measured:
                    found.map(c => `${c.code.split(" ")[0]} ${(c.middle / c.plain).toFixed(2)}`).join(", ") || "–",
                verdict: found.length ? "reported" : "not measured",
            };
        });
    // The same code at the same place, on two stacks.
    const guard = r
        .checks()
        .filter(c => c.kind === "guard")
        .flatMap(c => c.rows.map((row, layout) => row.value / c.plainRows[layout]?.value));
    return [
        ...["compiler", "probe", "clash_protection"].flatMap(report),
        aim("prologue check, guard, to plain, median over all code", "<=", 1, median(guard), "x", 2),
    ];
}

function densityAims(r) {
    const count = r.mostCoroutines(),
        full = count >= 1_000_000;
    const at = `${count.toLocaleString("en-US")} suspended${full ? "" : ", not the aim's 1,000,000"}`;
    const get = (peer, field) => r.get("density", peer, `${count}/${field}`);
    const ours = ["contiguous_dense_1K", "contiguous_dense_2K", "contiguous_4K", "segmented_4K"];
    return [
        aim(`${at}: dense, 2 KiB`, "<=", 2300, get("contiguous_dense_2K", "bytes"), "bytes each"),
        aim(`${at}: guarded, contiguous`, "<=", 4400, get("contiguous_4K", "bytes"), "bytes each"),
        aim(`${at}: guarded, segmented`, "<=", 4400, get("segmented_4K", "bytes"), "bytes each"),
        ...ours.map(p =>
            aim(
                `${at}: create ${p.replaceAll("_", " ")}, to goroutines`,
                "<",
                1,
                get(p, "create_ns") / get("goroutine", "create_ns"),
                "x",
            ),
        ),
        aim(
            `${at}: bytes after a 32 KiB spike and a trim, to before`,
            "<=",
            1.1,
            most(ours.map(p => get(p, "bytes_after_spike") / get(p, "bytes"))),
            "x",
        ),
    ];
}

function heapAims(r) {
    const toBest = parameter =>
        r.get("heap", "growstack", parameter) /
        Math.min(
            ...["glibc", "tcmalloc", "mimalloc", "jemalloc"]
                .map(a => r.get("heap", a, parameter))
                .filter(Number.isFinite),
        );
    return [1, 2].map(threads =>
        aim(
            `allocator, 64 B, batch of 256, threads: ${threads}, to the best other`,
            "<=",
            1.1,
            toBest(`batch-64-${threads}`),
            "x",
        ),
    );
}

export function aims(r) {
    const worst = peer => r.worst("hot_split", peer)?.value;
    const best = peer => r.best("hot_split", peer)?.value;
    return [
        aim("resume + yield, to a raw fcontext pair", "<=", 1.1, most(ratiosToRaw(r, "switch", "pair")), "x"),
        aim("create, run, finish, destroy, to a ready stack", "<=", 1.3, most(ratiosToRaw(r, "create", "run")), "x"),
        ...[64 * KIB, 1024 * KIB].flatMap(b => [
            aim(`contiguous: growth to ${size(b)}`, "<=", 60, r.grown("contiguous", b), "ns per KiB"),
            aim(
                `growth to ${size(b)}: goroutine to contiguous`,
                ">=",
                10,
                r.grown("goroutine", b) / r.grown("contiguous", b),
                "x",
            ),
        ]),
        ...relocateAims(r),
        aim("hot split, segmented eager, worst depth", "<=", 25, worst("segmented_eager"), "ns a call"),
        aim("hot split, segmented keep_one, worst depth", "<=", 6, worst("segmented_keep_one"), "ns a call"),
        aim(
            "hot split, contiguous, worst depth, to a fixed stack's",
            "<=",
            1,
            worst("contiguous") / worst("fixed"),
            "x",
            1,
        ),
        aim(
            "hot split, contiguous, worst depth, to its best, beside a fixed stack's",
            "<=",
            1.1,
            worst("contiguous") / best("contiguous") / (worst("fixed") / best("fixed")),
            "x",
        ),
        ...checkAims(r),
        ...densityAims(r),
        aim(
            "throw through 100 frames over chunks, to plain",
            "<=",
            1.1,
            r.get("exceptions", "segmented_eager", "100") / r.get("exceptions", "fixed", "100"),
            "x",
        ),
        ...heapAims(r),
    ];
}
