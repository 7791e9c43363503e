// What was measured, by axis, peer and parameter: medians (of a hot split minima) of the processes, and their spread.

const quantile = (sorted, q) => {
    const at = (sorted.length - 1) * q,
        lo = Math.floor(at);
    return sorted[lo] + (sorted[Math.ceil(at)] - sorted[lo]) * (at - lo);
};

const toRow = ({axis, peer, parameter, unit, values}) => {
    const sorted = [...values].sort((a, b) => a - b);
    return {
        axis,
        peer,
        parameter,
        unit,
        value: axis === "hot_split" ? sorted[0] : quantile(sorted, 0.5),
        lo: quantile(sorted, 0.25),
        hi: quantile(sorted, 0.75),
    };
};

export class Records {
    constructor(results) {
        if (results.schema !== 1) throw new Error(`results of schema ${results.schema}, not 1`);
        this.rows = results.records.filter(r => r.values.length).map(toRow);
        this.index = new Map(this.rows.map(r => [`${r.axis}|${r.peer}|${r.parameter}`, r]));
    }
    get(axis, peer, parameter) {
        return this.index.get(`${axis}|${peer}|${parameter}`)?.value;
    }
    of(axis, peer) {
        return this.rows.filter(r => r.axis === axis && (!peer || r.peer === peer));
    }
    worst(axis, peer) {
        return this.extreme(axis, peer, (a, b) => a.value > b.value);
    }
    best(axis, peer) {
        return this.extreme(axis, peer, (a, b) => a.value < b.value);
    }
    extreme(axis, peer, wins) {
        return this.of(axis, peer).reduce((a, b) => (a && !wins(b, a) ? a : b), undefined);
    }
    /** Returns, for each check, function and compiler: its layouts, their median, and those of the plain ones. */
    checks() {
        const found = new Map();
        for (const row of this.of("check")) {
            const [name, compiler, layout] = row.parameter.split("-");
            const key = `${row.peer}|${name}, ${compiler}`;
            if (!found.has(key)) found.set(key, {kind: row.peer, code: `${name} by ${compiler}`, rows: []});
            found.get(key).rows[layout] = row;
        }
        const middle = rows => median(rows.map(row => row.value));
        const plain = new Map(
            [...found.values()].filter(c => c.kind === "thread").map(c => [c.code, c.rows]),
        );
        return [...found.values()]
            .filter(c => plain.has(c.code))
            .map(c => ({...c, middle: middle(c.rows), plain: middle(plain.get(c.code)), plainRows: plain.get(c.code)}))
            .sort((a, b) => a.code.localeCompare(b.code));
    }
    /** Returns how many coroutines the largest run of any kind had. */
    mostCoroutines() {
        return Math.max(0, ...this.of("density").map(r => Number(r.parameter.split("/")[0])));
    }
    /** Returns the ns per KiB that growing to a depth adds to going there again. */
    grown(peer, bytes) {
        return this.get("growth", peer, `${bytes}/first`) - this.get("growth", peer, `${bytes}/again`);
    }
}

export const median = values => {
    const sorted = values.filter(v => v !== undefined).sort((a, b) => a - b);
    return sorted.length ? quantile(sorted, 0.5) : undefined;
};

export const number = v =>
    v === undefined || Number.isNaN(v)
        ? "–"
        : Math.abs(v) >= 1000
          ? Math.round(v).toLocaleString("en-US")
          : Number(v.toPrecision(3)).toString();

export const size = n =>
    n >= 1 << 20 ? `${number(n / (1 << 20))} MiB` : n >= 1024 ? `${number(n / 1024)} KiB` : `${n} B`;

export const name = peer => peer.replaceAll("_", " ");
