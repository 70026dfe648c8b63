# SPDX-License-Identifier: Apache-2.0
"""What O2 does to a graph four times as large is four times as much: counted, not timed. bench/bench --scale has the times."""
import subprocess
import sys
import unittest

import tenon

MAKE = tenon.ROOT / "bench/models/make_scale.py"
SMALL, FACTOR, SLACK = 1000, 4, 1.1


class ScaleTest(tenon.Case):
    def counts(self, family, size):
        """(rounds of the repeated group, rewrites of each pass, nodes left, peak bytes)."""
        model = self.folder / f"{family}_{size}.onnx"
        subprocess.run([sys.executable, MAKE, family, str(size), model], check=True)
        process, report = self.pipeline([{"import": "onnx", "model": str(model)}, {"pipeline": "O2"}])
        self.ok(process)
        stages, rewrites = report["stages"], {}
        for stage in stages:
            own = {stage["name"]: stage} if stage["kind"] == "pass" else stage.get("passes", {})
            for name, account in own.items():
                rewrites[name] = rewrites.get(name, 0) + account["rewritten"]
        return [s["rounds"] for s in stages if "rounds" in s], rewrites, stages[-1]["nodes-after"], max(s["peak-bytes"] for s in stages)

    def grows_in_proportion(self, family):
        rounds, rewrites, nodes, peak = self.counts(family, SMALL)
        more_rounds, more_rewrites, more_nodes, more_peak = self.counts(family, SMALL * FACTOR)
        self.assertEqual(more_rounds, rounds)
        for name, count in rewrites.items():
            self.assertLessEqual(more_rewrites[name], FACTOR * SLACK * count + 8, name)
        self.assertGreater(sum(rewrites.values()), 0)
        self.assertLessEqual(more_nodes, FACTOR * SLACK * nodes + 8)
        self.assertLessEqual(more_peak, FACTOR * SLACK * peak)


for family in ("chain", "wide", "foldable", "convolutions", "transformer", "twins", "nested"):
    setattr(ScaleTest, f"test_{family}", lambda self, family=family: self.grows_in_proportion(family))

if __name__ == "__main__":
    unittest.main()
