"""Tables in text and Markdown from the bench's results."""
import math

TITLES = {"tenon": "Tenon", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT",
          "tenon_file": "Tenon, .tenon", "onnxsim": "onnxsim", "onnxslim": "onnxslim"}


def number(value, form="{:.3g}"):
    if value is None:
        return "-"
    return form.format(value) if value < 100 else f"{value:.0f}"


def cell(row, key="min_ms"):
    row = row or {}
    return "error" if "error" in row else number(row.get(key))


def markdown(header, rows):
    table = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in table)


def text(header, rows):
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [[row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))] for row in [header, *rows]]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def engines_in(results, key="engines"):
    found = {name for result in results for name in result[key]}
    return [name for name in TITLES if name in found]


def mean_ratio(results):
    ratios = [result["ratio"] for result in results if result.get("ratio")]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def speed(results):
    """One row for each model; milliseconds, minimum, and the best peer's divided by Tenon's."""
    counts = sorted({result["threads"] for result in results})
    names = engines_in(results)
    header = ["model"]
    for count in counts:
        header += [f"{TITLES[name]} {count}t" for name in names] + [f"ratio {count}t"]
    by_key = {(result["model"], result["threads"]): result for result in results}
    rows = []
    for model in dict.fromkeys(result["model"] for result in results):
        row = [model]
        for count in counts:
            result = by_key.get((model, count), {"engines": {}})
            row += [cell(result["engines"].get(name)) for name in names]
            row.append(number(result.get("ratio"), "{:.2f}"))
        rows.append(row)
    last = ["geometric mean"]
    for count in counts:
        mine = [result for result in results if result["threads"] == count]
        last += [""] * len(names) + [number(mean_ratio(mine), "{:.2f}")]
    return header, [*rows, last]


def worst(pairs, name, base):
    return number((pairs or {}).get(f"{name}:{base}", (pairs or {}).get(f"{base}:{name}")), "{:.1e}")


def agreement(results):
    """Largest relative difference from the peer that is there for the format, of the outputs and of the logits."""
    found = {name for report in results.values() for pair in report["outputs"] for name in pair.split(":")}
    base = "onnxruntime" if "onnxruntime" in found else "litert"
    header = [f"against {TITLES[base]}", "Tenon", "OpenVINO", "Tenon logits", "OpenVINO logits"]
    rows = []
    for model, report in results.items():
        kinds = (report["outputs"], report.get("logits"))
        rows.append([model, *(worst(pairs, name, base) for pairs in kinds for name in ("tenon", "openvino"))])
    return header, rows


def cold(results):
    """Wall time of the whole process, in brackets without the interpreter and imports, and peak memory."""
    names = engines_in(results)
    header = ["model", *(f"{TITLES[name]} ms" for name in names), *(f"{TITLES[name]} MB" for name in names)]

    def time_of(row):
        inner = [row[key] for key in ("compile_ms", "first_ms") if key in row]
        return cell(row, "ms") + (f" ({number(sum(inner))})" if inner else "")

    rows = [[result["model"], *(time_of(result["engines"].get(name, {})) for name in names),
             *(cell(result["engines"].get(name), "peak_mb") for name in names)] for result in results]
    return header, rows


def convert(results):
    names = engines_in(results)
    header = ["model", "nodes", *(f"{TITLES[name]} {unit}" for name in names for unit in ("s", "MB", "nodes"))]

    def cells(row):
        seconds = {"s": row["ms"] / 1e3} if "ms" in row else {}
        return [cell(row | seconds, key) for key in ("s", "peak_mb", "nodes")]

    rows = [[result["model"], str(result["nodes_before"]),
             *(c for name in names for c in cells(result["engines"].get(name, {})))] for result in results]
    return header, rows


def best_peer(engines):
    counts = [row["nodes"] for name, row in engines.items() if name != "tenon" and "nodes" in row]
    return min(counts, default=None)


def nodes(results):
    """Nodes left; the last column is how many more Tenon leaves than the peer that leaves fewest, below 0 fewer."""
    names = engines_in(results)
    header = ["model", "nodes", *(TITLES[name] for name in names), "Tenon - fewest"]
    rows = []
    for r in results:
        mine, fewest = r["engines"].get("tenon", {}).get("nodes"), best_peer(r["engines"])
        difference = "-" if None in (mine, fewest) else f"{mine - fewest:+d}"
        rows.append([r["model"], str(r["nodes_before"]), *(cell(r["engines"].get(name), "nodes") for name in names), difference])
    return header, rows


def scaling(results):
    """CPU time of import and O2 and the process's peak memory at each size, and the exponents of growth."""
    from scaling import SIZES, grown, peak, slope

    header = ["family", *(f"{n:,} {unit}" for n in SIZES for unit in ("ms", "MB")), "exponent of time", "of O2 alone", "of memory"]
    rows = []
    for family in dict.fromkeys(r["family"] for r in results["grown"]):
        own = [r for r in results["grown"] if r["family"] == family]
        cells = [c for r in own for c in (number(r.get("cpu", {}).get("both")), cell(r, "peak_mb"))]
        exponents = [slope(grown(own, family, value)) for value in (lambda r: r["cpu"]["both"], lambda r: r["cpu"]["O2"], peak)]
        rows.append([family, *cells, *(number(e, "{:.2f}") for e in exponents)])
    return header, rows


def passes(results):
    from scaling import pass_exponents

    rows = [[name, number(found, "{:.2f}"), family] for name, (found, family) in pass_exponents(results["grown"]).items()]
    return ["pass", "largest exponent of time", "in family"], rows


def beside(results):
    from scaling import COMPARED

    rows = []
    for r in results["compared"]:
        stopped = r["onnxslim"].get("stopped")
        seconds = stopped or r["onnxslim"].get("ms", 0) / 1e3
        mine = r["tenon"].get("ms")
        share = f"{'< ' if stopped else ''}{mine / 1e3 / seconds:.3f}" if mine and seconds else "-"
        peer = f"> {stopped:g}, stopped" if stopped else r["onnxslim"].get("error") or number(seconds)
        rows.append([r["family"], number(mine and mine / 1e3), peer, share])
    return [f"{COMPARED:,} nodes", "Tenon s", "onnxslim s", "share"], rows


def importing(results):
    """Time and memory of import; last rows: the exponent of growth with nodes and with bytes."""
    from importing import exponent

    names = engines_in(results) + (["onnx"] if any("onnx" in r["engines"] for r in results) else [])
    header = ["model", "MB"] + [f"{TITLES.get(n, n)} {what}" for n in names for what in ("ms", "peak MB")]
    rows = []
    for r in results:
        cells = [cell(r["engines"].get(n), key) for n in names for key in ("ms", "peak_mb")]
        rows.append([r["model"], number(r["mb"]), *cells])
    for unit in ("nodes", "MB"):
        rows.append([f"exponent of growth with {unit}", "", *(number(exponent(results, unit, n, key), "{:.2f}") for n in names for key in ("ms", "peak_mb"))])
    return header, rows
