# SPDX-License-Identifier: Apache-2.0
"""Runs the host as a user does."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TENON_BUILD", ROOT / "build"))
HOST = BUILD / "bin" / "host"
TEST_PLUGINS = BUILD / "tests" / "plugins"
MODELS = ROOT / "tests" / "models"
SHARED = ROOT.parent / "shared" / "models"


def keep_report(path):
    """What the coverage page is made of: what became of each operator and which kernel ran each node."""
    if not path.exists():
        return
    stages = json.loads(path.read_text()).get("stages", [])
    kept = {"test": pathlib.Path(sys.argv[0]).stem, "stages": [{k: s[k] for k in ("kind", "operators", "program") if k in s} for s in stages]}
    path.write_text(json.dumps(kept))


def run(*args, **options):
    """The finished process; never raises for an exit code. A crash (killed by a signal) is a failed assertion.

    Where TENON_COVERAGE names a folder, every pipeline leaves its report there for scripts/coverage."""
    args = [str(a) for a in args]
    folder = os.environ.get("TENON_COVERAGE")
    kept = pathlib.Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}.json" if folder and "--pipeline" in args else None
    if kept and "--report" not in args:
        args += ["--report", str(kept)]
    p = subprocess.run([str(HOST), *args], capture_output=True, text=True, timeout=options.pop("timeout", 600), **options)
    if kept and not kept.exists() and pathlib.Path(args[args.index("--report") + 1]).exists():
        shutil.copy(args[args.index("--report") + 1], kept)
    if kept:
        keep_report(kept)
    assert p.returncode >= 0, f"host was killed by signal {-p.returncode}: {args}\n{p.stderr[-2000:]}"
    return p


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)

    def tearDown(self):
        self._folder.cleanup()

    def pipeline(self, stages, *args, name="pipeline.json", **top):
        """Runs a pipeline of these stages; returns (process, report)."""
        path = self.folder / name
        path.write_text(json.dumps({"stages": stages, **top}))
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        p = run("--pipeline", path, "--report", report, *args)
        return p, json.loads(report.read_text()) if report.exists() else None

    def ok(self, process):
        self.assertEqual(process.returncode, 0, process.stderr[-3000:] + process.stdout[-1000:])

    def error(self, process, code, *texts):
        """One clear error with that exit code that mentions each of the texts."""
        self.assertEqual(process.returncode, code, process.stderr[-3000:] + process.stdout[-500:])
        for t in texts:
            self.assertIn(t, process.stderr)
