# SPDX-License-Identifier: Apache-2.0
"""ONNX's own operator tests (Debian's libonnx-testdata) through the host: on the reference kernels and on the CPU backend.

A folder that neither passes nor is listed in onnx_node_known.json, with its reason, is a failure.
"""
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

import tenon

DATA = pathlib.Path("/usr/share/libonnx-testdata/data/node")
# pattern of a folder's name -> why it does not pass
KNOWN = json.loads((tenon.ROOT / "tests" / "host" / "onnx_node_known.json").read_text())


def values(folder, prefix, infos):
    """Arrays by name; None when one is no tensor."""
    arrays = {}
    for i, info in enumerate(infos):
        path = folder / f"{prefix}_{i}.pb"
        if not path.exists():
            return None
        if not info.type.HasField("tensor_type"):
            return None
        t = onnx.TensorProto()
        t.ParseFromString(path.read_bytes())
        arrays[info.name] = numpy_helper.to_array(t)
        if arrays[info.name].dtype == object:
            arrays[info.name] = np.array([x.decode() if isinstance(x, bytes) else x for x in arrays[info.name].ravel()], dtype=str).reshape(arrays[info.name].shape)
    return arrays


def run_case(folder):
    """(name, backend or None, message): message empty when it passed, None when the data is no plain tensors."""
    results = []
    model = onnx.load(str(folder / "model.onnx"))
    data = folder / "test_data_set_0"
    inputs, outputs = values(data, "input", model.graph.input), values(data, "output", model.graph.output)
    if inputs is None or outputs is None:
        return [(folder.name, None, None)]
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        np.savez(work / "x.npz", **{f"in:{k}": v for k, v in inputs.items()}, **{f"out:{k}": v for k, v in outputs.items()})
        for backend in ("reference", "cpu"):
            stages = [{"import": "onnx", "model": str(folder / "model.onnx")},
                      {"execute": backend, "inputs": str(work / "x.npz"), "expect": str(work / "x.npz"), "tolerance": {"absolute": 1e-7, "relative": 1e-3}}]
            (work / "p.json").write_text(json.dumps({"stages": stages}))
            try:
                p = tenon.run("--pipeline", work / "p.json", timeout=120)
                message = "" if p.returncode == 0 else f"exit {p.returncode}: " + " | ".join((p.stderr or p.stdout).strip().splitlines()[-8:])[:300]
            except Exception as e:  # killed or too slow
                message = str(e)[:200]
            results.append((folder.name, backend, message))
    return results


def main():
    if not DATA.is_dir():
        print("libonnx-testdata is not installed", file=sys.stderr)
        return 1
    only = [a for a in sys.argv[1:] if not a.startswith("-")]
    folders = [f for f in sorted(DATA.iterdir()) if (f / "model.onnx").exists() and (not only or f.name in only)]
    passed, failed, skipped, wrong = 0, 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(run_case, folders):
            for name, backend, message in results:
                if message is None:
                    skipped += 1
                elif any(fnmatch.fnmatch(name, k) for k in KNOWN):
                    skipped += 1
                elif message:
                    failed += 1
                    wrong.append(f"{name} on {backend}: {message}")
                else:
                    passed += 1
    print("\n".join(wrong))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
