#!/usr/bin/env python3
"""Times Tenon and other engines on the same models and inputs, in one run; see README.md."""
import argparse
import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import agreement
import catalog
import cold
import convert
import importing
import memory
import nodes
import scaling
import speed
import table

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PACKAGES = ("onnxruntime", "openvino", "ai-edge-litert", "onnx", "onnxsim", "onnxslim", "numpy")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", metavar="PATTERN", help="names with * and ?; all without it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--cold", action="store_true", help="process start to first output, instead of speed")
    parser.add_argument("--convert", action="store_true", help="conversion time and memory, instead of speed")
    parser.add_argument("--import", dest="importing", action="store_true", help="import time and memory of the largest and of made models, instead of speed")
    parser.add_argument("--memory", action="store_true", help="the arena beside its lower bound, and files of intervals, instead of speed")
    parser.add_argument("--nodes", action="store_true", help="nodes left by the optimizers, instead of speed")
    parser.add_argument("--scale", action="store_true", help="import and O2 of made graphs of 1,000 to 200,000 nodes, instead of speed")
    parser.add_argument("--peer-limit", type=float, default=scaling.PEER_LIMIT_S, metavar="SECONDS", help="after which --scale stops the peer")
    parser.add_argument("--all", action="store_true", help="speed, --convert, --cold, --import, --nodes and --scale")
    parser.add_argument("--format", choices=catalog.SUFFIX, default="onnx")
    parser.add_argument("--host", type=Path, default=BUILD / "bin/host")
    parser.add_argument("--manifest", type=Path, default=ROOT / "../shared/models/manifest.json")
    parser.add_argument("--work", type=Path, default=BUILD / "bench", help="for the zoo and intermediate files")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--markdown", type=Path, metavar="OUT")
    return parser.parse_args()


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def machine():
    return {"processor": processor(), "cores": os.cpu_count(), "system": platform.system(),
            "load_average": os.getloadavg(), "python": platform.python_version(),
            "versions": {package: version(package) for package in PACKAGES}}


def note(message):
    print(message, file=sys.stderr, flush=True)


def run_speed(models, host, options, results):
    outputs = options.work / "outputs"
    outputs.mkdir(parents=True, exist_ok=True)
    results["speed"], results["agreement"] = [], {}
    for model in models:
        files = {}

        def file_for(name):
            files[name] = outputs / f"{model.name}.{name}.npz"
            files[name].unlink(missing_ok=True)
            return files[name]

        for threads in options.threads:
            note(f"{model.name}, {threads} thread(s)")
            rows = speed.measure(model, host, threads, options.rounds, file_for)
            ratio = speed.ratio(rows)
            results["speed"].append({"model": model.name, "threads": threads, "engines": rows, "ratio": ratio})
        results["agreement"][model.name] = agreement.compare(model, host, outputs, files)


def run_convert(models, host, options, results):
    results["convert"] = []
    for model in models:
        note(f"{model.name}, conversion")
        row = convert.measure(model, host, options.work / "convert", options.rounds)
        results["convert"].append({"model": model.name, **row})


def run_nodes(models, host, options, results):
    results["nodes"] = []
    for model in models:
        note(f"{model.name}, nodes")
        results["nodes"].append({"model": model.name, **nodes.measure(model, host, options.work / "nodes")})


def run_memory(host, options, results):
    results["memory"] = memory.measure(host, options.manifest, options.models, options.threads, catalog.chosen) if host else []
    tool = options.host.parent.parent / "tests/plan_arena"
    files = list((options.manifest.parent.parent / "reference/minimalloc").glob("*.csv"))
    results["intervals"] = memory.solve(tool, files, memory.CAPACITY) if tool.exists() else []


def run_cold(models, host, options, results):
    results["cold"] = []
    threads = options.threads[0]
    for model in models:
        note(f"{model.name}, cold start")
        saved = options.work / "convert" / f"{model.name}.tenon"
        rows = cold.measure(model, host, threads, options.rounds, saved if host else None)
        results["cold"].append({"model": model.name, "threads": threads, "engines": rows})


def errors(results):
    for kind in ("speed", "convert", "cold", "import", "nodes"):
        for result in results.get(kind, []):
            for name, row in result["engines"].items():
                if "error" in row:
                    yield f"{kind} {result['model']} {name}: {row['error']}"


def tables(results):
    titles = {"speed": "Milliseconds for one inference, minimum; ratio: best peer / Tenon, above 1 Tenon is faster",
              "agreement": "Largest difference between outputs, relative to the largest magnitude",
              "convert": "Conversion: seconds, peak MB, nodes left",
              "nodes": "Nodes left",
              "import": "Import alone: milliseconds of the process, peak MB",
              "cold": "Process start to first output (peers in brackets: without interpreter and imports), peak MB"}
    return [(title, *getattr(table, kind if kind != "import" else "importing")(results[kind])) for kind, title in titles.items() if results.get(kind)] + memory_tables(results) + scale_tables(results)


def memory_tables(results):
    titles = {"memory": "Arena of the CPU backend, bytes", "intervals": f"Files of intervals at {memory.CAPACITY} bytes, one thread"}
    return [(title, *getattr(memory, f"{kind}_table")(results[kind])) for kind, title in titles.items() if results.get(kind)]


def scale_tables(results):
    titles = {"scaling": "Import and O2 of graphs that grow: milliseconds of CPU, peak MB of the process", "passes": "Growth of each pass's time",
              "beside": "Import and O2 beside onnxslim: seconds of the process"}
    return [(title, *getattr(table, kind)(results["scale"])) for kind, title in titles.items()] if results.get("scale") else []


def main():
    options = parse()
    host = options.host.resolve() if options.host.exists() else None
    if host is None:
        note(f"no {options.host}: the peers are timed without Tenon")
    options.work.mkdir(parents=True, exist_ok=True)
    models = [] if options.importing or options.scale or options.memory else catalog.models(options.manifest, options.work / "zoo", options.models, options.format)
    if not models and not options.importing and not options.scale and not options.memory:
        sys.exit("no such model")

    results = {"machine": machine(), "rounds": options.rounds}
    only = options.cold or options.convert or options.importing or options.nodes or options.scale or options.memory
    if options.all or not only:
        run_speed(models, host, options, results)
    if options.all or options.convert:
        run_convert(models, host, options, results)
    if options.all or options.cold:
        run_cold(models, host, options, results)

    if options.all or options.memory:
        run_memory(host, options, results)

    if options.all or options.nodes:
        run_nodes(models, host, options, results)

    if options.all or options.importing:
        results["import"] = importing.measure(host, options.work, options.manifest, options.rounds)

    if options.all or options.scale:
        results["scale"] = scaling.measure(host, options.work, options.rounds, options.peer_limit)

    shown = tables(results)
    for title, header, rows in shown:
        print(f"{title}\n{table.text(header, rows)}\n")
    for line in errors(results):
        note(line)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text("\n".join(f"**{t}**\n\n{table.markdown(h, r)}\n" for t, h, r in shown))


if __name__ == "__main__":
    main()
