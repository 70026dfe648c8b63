"""Time and peak memory of import and O2 over made graphs that grow from 1,000 to 200,000 nodes, beside onnxslim at 50,000."""
import json
import math
import subprocess
import sys
from pathlib import Path

from cold import best, spawn

MAKE = Path(__file__).resolve().parent / "models/make_scale.py"
FAMILIES = ("chain", "wide", "foldable", "convolutions", "transformer", "twins", "nested")
SIZES = (1000, 10000, 50000, 200000)
COMPARED = 50000       # nodes, with the peer
PEER_LIMIT_S = 1200    # unless --peer-limit says otherwise
SMALLEST_MS = 20       # of a pass at the largest size: less is noise


def model(folder, family, size):
    path = folder / f"{family}_{size}.onnx"
    if not path.exists():
        subprocess.run([sys.executable, MAKE, family, str(size), path], check=True)
    return path


def pipeline(path):
    steps = path.with_suffix(".json")
    steps.write_text(json.dumps({"stages": [{"import": "onnx", "model": str(path.resolve())}, {"pipeline": "O2"}]}))
    return steps


def times(report):
    """CPU milliseconds of import, of O2, and of each pass in all its runs."""
    passes, total = {}, {"import": 0.0, "O2": 0.0}
    for stage in json.loads(report.read_text())["stages"]:
        total["import" if stage["kind"] == "import" else "O2"] += stage["cpu-ms"]
        if stage["kind"] == "pass":
            passes[stage["name"]] = passes.get(stage["name"], 0) + stage["cpu-ms"]
        for name, account in stage.get("passes", {}).items():
            passes[name] = passes.get(name, 0) + account["cpu-ms"]
    return total | {"both": sum(total.values())}, passes


def least(samples):
    return {key: min(s[key] for s in samples) for key in samples[0]}


def tenon(host, path, rounds):
    report = path.with_suffix(".report.json")
    arguments = [host, "--quiet", "--pipeline", pipeline(path), "--report", report]
    runs, totals, passes = [], [], []
    for _ in range(rounds):
        runs.append(spawn(arguments)[0])
        if "error" in runs[-1]:
            return runs[-1]
        total, each = times(report)
        totals.append(total)
        passes.append(each)
    return best(runs) | {"peak_mb": min(r["peak_mb"] for r in runs), "cpu": least(totals), "passes": least(passes)}


def slim(path, limit):
    target = path.with_suffix(".slim")
    result = spawn([sys.executable, "-m", "onnxslim", path, target], limit)[0]
    target.unlink(missing_ok=True)
    return result


def compared(host, folder, rounds, limit):
    """The peer between two halves of Tenon's rounds, one family after the other."""
    rows = []
    for family in FAMILIES:
        print(f"{family}, {COMPARED} nodes, beside onnxslim", file=sys.stderr, flush=True)
        path = model(folder, family, COMPARED)
        first = tenon(host, path, rounds)
        peer = slim(path, limit)
        rows.append({"family": family, "tenon": best([first, tenon(host, path, rounds)]), "onnxslim": peer})
    return rows


def measure(host, work, rounds, limit=PEER_LIMIT_S):
    folder = work / "scale"
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for family in FAMILIES:
        for size in SIZES:
            print(f"{family}, {size} nodes", file=sys.stderr, flush=True)
            results.append({"family": family, "nodes": size, **tenon(host, model(folder, family, size), rounds)})
    return {"grown": results, "compared": compared(host, folder, rounds, limit)}


def slope(points):
    """Of a least-squares line through the logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in points if y and y > 0]
    if len(logs) < 2:
        return None
    mx, my = (sum(p[i] for p in logs) / len(logs) for i in (0, 1))
    return sum((x - mx) * (y - my) for x, y in logs) / sum((x - mx) ** 2 for x, _ in logs)


def grown(results, family, value):
    return [(r["nodes"], value(r)) for r in results if r["family"] == family and "error" not in r]


def peak(r):
    return r["peak_mb"]


def pass_exponents(results):
    """{pass: (exponent, family)}, the largest over the families in which the pass takes a while."""
    worst = {}
    for family in dict.fromkeys(r["family"] for r in results):
        for name in {n for r in results if r["family"] == family for n in r.get("passes", {})}:
            points = grown(results, family, lambda r: r["passes"].get(name))
            if not points or (points[-1][1] or 0) < SMALLEST_MS:
                continue
            found = slope(points)
            if found is not None and found > worst.get(name, (-1, ""))[0]:
                worst[name] = (found, family)
    return dict(sorted(worst.items()))
