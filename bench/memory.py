"""The CPU backend's arena over all models of a manifest, beside its lower bound; and files of intervals solved by the same planner."""
import json
import os
import subprocess
import tempfile
from pathlib import Path

CAPACITY = 1048576


def stages(entry, folder, threads):
    source = {"import": "auto", "model": str(folder / entry["file"])}
    if entry.get("prototxt"):
        source["network"] = str(folder / entry["prototxt"])
    inputs = str(folder / entry["reference"])
    return [source, {"pipeline": "O2"}, {"execute": "cpu", "inputs": inputs, "options": {"threads": threads}}]


def programs(program):
    """A program and those of the graphs that its nodes hold."""
    yield program
    for nested in program.get("nested", []):
        yield from programs(nested)


def totals(program):
    every = list(programs(program))
    arena, bound = (sum(p[key] for p in every) for key in ("arena_bytes", "arena_lower_bound"))
    return {"programs": len(every), "buffers": sum(len(p["arena"]) for p in every), "arena": arena, "bound": bound,
            "apart": sum(b["bytes"] for p in every for b in p["arena"])}


def plan(entry, manifest, host, threads):
    with tempfile.TemporaryDirectory() as folder:
        pipeline, report = Path(folder) / "pipeline.json", Path(folder) / "report.json"
        pipeline.write_text(json.dumps({"stages": stages(entry, manifest.parent, threads)}))
        run = subprocess.run([host, "--pipeline", pipeline, "--report", report], capture_output=True, text=True)
        if run.returncode:
            return {"error": run.stderr.strip().splitlines()[-1] if run.stderr.strip() else f"exit code {run.returncode}"}
        return totals(json.loads(report.read_text())["stages"][-1]["program"])


def without_inputs(entry, manifest, host, threads):
    """A model that the manifest has no inputs for: the host makes some."""
    run = subprocess.run([host, "bench", manifest.parent / entry["file"], "--threads", str(threads), "--json"], capture_output=True, text=True)
    return totals(json.loads(run.stdout)["program"]) if run.returncode == 0 else {"error": run.stderr.strip()}


def measure(host, manifest, patterns, threads, chosen):
    """Rows of all models of every format."""
    rows = []
    if not manifest.exists():
        return rows
    for entry in json.loads(manifest.read_text())["models"]:
        if chosen(entry["name"], patterns):
            way = plan if entry.get("reference") and all(i["name"] for i in entry["inputs"]) else without_inputs
            rows += [{"model": entry["name"], "format": entry["format"], "threads": n, **way(entry, manifest, host, n)} for n in threads]
    return rows


def memory_table(rows):
    header = ["model", "threads", "programs", "buffers", "each apart", "lower bound", "arena", "arena / bound"]
    cells = [[r["model"], str(r["threads"]), *(f"{r[k]}" for k in ("programs", "buffers", "apart", "bound", "arena")),
              f"{r['arena'] / r['bound'] if r['bound'] else 1:.3f}"] if "error" not in r else [r["model"], str(r["threads"]), *["error"] * 6] for r in rows]
    return header, cells


def intervals_table(rows):
    header = ["file", "buffers", "lower bound", "height", "solved", "seconds"]
    return header, [[r["file"], *(str(r.get(k, "-")) for k in ("buffers", "lower_bound", "height")), "yes" if r.get("height", CAPACITY + 1) <= CAPACITY else "no",
                     f"{r['seconds']:.2f}"] for r in rows]


def solve(tool, files, capacity):
    """Seconds of processor time for each file of intervals (id,lower,upper,size)."""
    rows = []
    for path in sorted(files):
        before = os.times()
        run = subprocess.run([tool, "--capacity", str(capacity), path], capture_output=True, text=True)
        after = os.times()
        row = {"file": path.name, "seconds": after.children_user - before.children_user}
        rows.append({**row, **json.loads(run.stdout)} if run.returncode in (0, 1) and run.stdout else {**row, "error": run.stderr.strip()})
    return rows
