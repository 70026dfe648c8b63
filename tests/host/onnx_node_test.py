# SPDX-License-Identifier: Apache-2.0
"""ONNX's own operator tests through the host, on the reference kernels and on the CPU backend: those of Debian's libonnx-testdata, or with
--suite FOLDER those that make_onnx_suite.py wrote. Further arguments are names of cases. Each case runs twice: with the shapes that the
model declares, and with a symbol for every dimension of an input (--shapes declared or symbolic for one of them).

A case that neither passes nor is listed in onnx_node_known.json, with its reason, is a failure. So is a listed one that passes.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx

import onnx_data
import tenon

DATA = pathlib.Path("/usr/share/libonnx-testdata/data")
GROUPS = ("node", "pytorch-converted", "pytorch-operator", "simple")
BACKENDS = ("reference", "cpu")
# What the suite's own runner compares with; two steps of a bfloat16 are 2^-6.
DEFAULT = {"rtol": 1e-3, "atol": 1e-7}
BFLOAT16_RTOL = 2**-6
# case -> {"reason": why it cannot pass}; with "rtol" or "atol" it must pass within those; "check" is "shape" where types and shapes must
# still be right, and "undeclared shapes" where it must pass once the model says nothing about the shapes of its inputs. "dynamic" is the
# reason why it cannot run when no dimension is known
KNOWN = json.loads((tenon.ROOT / "tests" / "host" / "onnx_node_known.json").read_text())


def has_bfloat16(info):
    return info.type.tensor_type.elem_type == onnx_data.BFLOAT16


def tolerance(folder, model):
    own = folder / "tolerance.json"
    t = json.loads(own.read_text()) if own.exists() else dict(DEFAULT)
    t.update({k: v for k, v in KNOWN.get(folder.name, {}).items() if k in t})
    if any(has_bfloat16(o) for o in model.graph.output):
        t["rtol"] = max(t["rtol"], BFLOAT16_RTOL)
    return {"absolute": t["atol"], "relative": t["rtol"]}


def fed_inputs(folder, model):
    """Inputs that the data has a file for: all, or those without an initializer."""
    if (folder / "test_data_set_0" / f"input_{len(model.graph.input) - 1}.pb").exists():
        return model.graph.input
    initialized = {t.name for t in model.graph.initializer}
    return [v for v in model.graph.input if v.name not in initialized]


def data_sets(folder, model, work):
    """One .npz for each data set, with inputs and expected outputs."""
    inputs = fed_inputs(folder, model)
    for data in sorted(folder.glob("test_data_set_*")):
        entries = {}
        for prefix, file, infos in (("in", "input", inputs), ("out", "output", model.graph.output)):
            for k, info in enumerate(infos):
                path = data / f"{file}_{k}.pb"
                if path.exists() and info.name:
                    entries.update({f"{prefix}:{name}": a for name, a in onnx_data.read(path, info).items()})
        path = work / f"{data.name}.npz"
        np.savez(path, **entries)
        yield path


def undeclared(model):
    """No shapes for the inputs."""
    for v in model.graph.input:
        v.type.tensor_type.ClearField("shape")


def symbolic(model):
    """A symbol of its own for each dimension of an input, and nothing about the shapes of other values."""
    for v in model.graph.input:
        if v.type.WhichOneof("value") == "tensor_type":
            for k, d in enumerate(v.type.tensor_type.shape.dim):
                d.dim_param = f"{v.name}_{k}"
    for v in [*model.graph.output, *model.graph.value_info]:
        if v.type.WhichOneof("value") == "tensor_type":
            v.type.tensor_type.ClearField("shape")


def changed(path, model, check, dynamic, work):
    """The model's file, or one of a model that says less about shapes."""
    if check != "undeclared shapes" and not dynamic:
        return path
    undeclared(model) if check == "undeclared shapes" else symbolic(model)
    path = work / "model.onnx"
    onnx.save(model, str(path))
    return path


def run_on(backends, model, sets, limits, work):
    """Empty when it passed."""
    stages = [{"import": "onnx", "model": str(model)}]
    stages += [{"execute": b, "inputs": str(s), "expect": str(s), "tolerance": limits} for b in backends for s in sets]
    (work / "p.json").write_text(json.dumps({"stages": stages}))
    try:
        p = tenon.run("--pipeline", work / "p.json", timeout=120)
    except Exception as e:  # killed or too slow
        return str(e)[:300]
    if p.returncode:
        return f"exit {p.returncode}: " + " | ".join((p.stderr or p.stdout).strip().splitlines()[-12:])[:500]
    return "not compared: " + p.stderr[:300] if "was not compared" in p.stderr else ""


def same_shapes(folder, sets, work):
    """For results of random numbers: every type and shape as expected."""
    for backend in BACKENDS:
        stages = [{"import": "onnx", "model": str(folder / "model.onnx")}, {"execute": backend, "inputs": str(sets[0]), "outputs": str(work / "y.npz")}]
        (work / "p.json").write_text(json.dumps({"stages": stages}))
        p = tenon.run("--pipeline", work / "p.json", timeout=120)
        if p.returncode:
            return p.stderr[-300:]
        with np.load(sets[0]) as want, np.load(work / "y.npz") as got:
            for name in (n for n in want.files if n.startswith("out:")):
                if name not in got.files or want[name].shape != got[name].shape or want[name].dtype != got[name].dtype:
                    return f"{name} on {backend} has another type or shape"
    return ""


def known_case(name, dynamic):
    """What onnx_node_known.json says about a case, in this mode."""
    entry = dict(KNOWN.get(name, {}))
    why = entry.pop("dynamic", None)
    return {"reason": why} if dynamic and why else entry


def run_case(folder, dynamic):
    """(name, {backend: message}); a message is empty when the case passed there."""
    path = folder / "model.onnx"
    model, check = onnx.load(str(path)), KNOWN.get(folder.name, {}).get("check")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        sets = list(data_sets(folder, model, work))
        if check == "shape":
            return folder.name, {"shapes": same_shapes(folder, sets, work)}
        limits = tolerance(folder, model)
        path = changed(path, model, check, dynamic, work)
        if not run_on(BACKENDS, path, sets, limits, work):
            return folder.name, {b: "" for b in BACKENDS}
        return folder.name, {b: run_on([b], path, sets, limits, work) for b in BACKENDS}


def cases(suite, names):
    folders = [f for g in GROUPS if (suite / g).is_dir() for f in sorted((suite / g).iterdir()) if (f / "model.onnx").exists()]
    return [f for f in folders if not names or f.name in names]


def outcome(name, results, dynamic):
    """(passed, known, failures)"""
    failures = [f"{name} on {b}: {m}" for b, m in results.items() if m]
    known = known_case(name, dynamic)
    if not known:
        return len(results) - len(failures), 0, failures
    if len(known) > 1:  # it must still pass in some way
        return 0, 1, failures
    return 0, 1, [] if failures else [f"{name} passes but is listed in onnx_node_known.json"]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--suite", type=pathlib.Path, default=DATA)
    p.add_argument("--list", type=pathlib.Path, help="write the names of the cases that failed")
    p.add_argument("--shapes", choices=["declared", "symbolic"])
    p.add_argument("names", nargs="*")
    a = p.parse_args()
    folders = cases(a.suite, a.names)
    if not folders:
        print(f"no cases in {a.suite}", file=sys.stderr)
        return 1
    modes = [False, True] if not a.shapes else [a.shapes == "symbolic"]
    passed, known, wrong = 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for dynamic in modes:
            for name, results in pool.map(lambda f: run_case(f, dynamic), folders):
                ok, listed, failures = outcome(name, results, dynamic)
                passed, known, wrong = passed + ok, known + listed, wrong + [f + " (symbolic shapes)" * dynamic for f in failures]
    print("\n".join(wrong))
    if a.list:
        a.list.write_text("\n".join(sorted({w.split()[0] for w in wrong})) + "\n")
    print(f"{len(folders)} cases in {len(modes)} forms on {len(BACKENDS)} backends: {passed} passed, {len(wrong)} failed, {known} known")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
