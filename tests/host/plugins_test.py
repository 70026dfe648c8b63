# SPDX-License-Identifier: Apache-2.0
"""Plugins that no standard code knows: in C, with clang and libc++, and a vendor's operator; and plugins that misbehave."""
import json
import shutil
import unittest

import numpy as np

import tenon

C_PASS = tenon.TEST_PLUGINS / "libc_pass.so"
LIBCXX = tenon.TEST_PLUGINS / "liblibcxx_frontend.so"
VENDOR = tenon.TEST_PLUGINS / "libvendor_operator.so"
TOY = "toy 1\ninput x 2 3\nneg x -> a\nneg a -> b\nplus b x -> y\noutput y\n"


class Plugins(tenon.Case):
    def setUp(self):
        super().setUp()
        self.toy = self.folder / "m.toy"
        self.toy.write_text(TOY)
        self.x = np.arange(6, dtype=np.float32).reshape(2, 3)
        self.data = self.folder / "x.npz"
        np.savez(self.data, x=self.x)

    def run_toy(self, *stages, out="y.npz"):
        all_stages = [{"import": "auto", "model": str(self.toy)}, *stages, {"execute": "cpu", "inputs": str(self.data), "outputs": str(self.folder / out)}]
        return self.pipeline(all_stages, "--plugin", LIBCXX, "--plugin", C_PASS)

    def test_frontend_with_clang_and_libcxx(self):
        p, report = self.run_toy()
        self.ok(p)
        np.testing.assert_array_equal(np.load(self.folder / "y.npz")["out:y"], 2 * self.x)
        self.assertEqual(report["stages"][0]["nodes-after"], 3)

    def test_pass_in_c(self):
        p, report = self.run_toy({"pass": "example.c/remove-double-neg", "verify": True}, {"pass": "eliminate-dead"})
        self.ok(p)
        np.testing.assert_array_equal(np.load(self.folder / "y.npz")["out:y"], 2 * self.x)
        self.assertEqual(report["stages"][-1]["nodes-after"], 1)

    def test_exceptions_become_errors(self):
        for kind in ("range", "int", "anything else"):
            p, _ = self.run_toy({"pass": "example.libcxx/throw", "options": {"kind": kind}})
            self.error(p, 5, "example.libcxx")

    def test_vendor_operator_runs_everywhere(self):
        """One lowering, one definition, one kernel: the reference kernel and the kernel for the CPU give the same."""
        model, data = tenon.MODELS / "vendor.onnx", tenon.MODELS / "vendor.npz"
        for backend in ("cpu", "reference"):
            p, report = self.pipeline([{"import": "onnx", "model": str(model)}, {"pipeline": "O2", "verify": True}, {"execute": backend, "inputs": str(data), "expect": str(data), "tolerance": {"absolute": 1e-6, "relative": 1e-5}}], "--plugin", VENDOR)
            self.ok(p)
            kernels = {n["operator"]: n["kernel"] for n in report["stages"][-1]["program"]["nodes"]}
            self.assertIn("acme/scaled-tanh" if backend == "cpu" else "reference", kernels["acme::ScaledTanh"])

    def test_without_the_plugin_the_operator_is_named(self):
        p = tenon.run("check", tenon.MODELS / "vendor.onnx")
        self.error(p, 4)
        self.assertIn("com.acme::ScaledTanh", p.stdout + p.stderr)

    def test_listed(self):
        p = tenon.run("plugins", "--json", "--plugin", VENDOR)
        self.ok(p)
        ids = {x["id"]: x for x in json.loads(p.stdout)["plugins"]}
        self.assertEqual(ids["acme.operators"]["provides"], {"kernel": 1, "lowering": 1, "operator": 1})
        p = tenon.run("plugins", "acme.operators", "--plugin", VENDOR)
        for text in ("acme::ScaledTanh", "com.acme::ScaledTanh", "acme/scaled-tanh"):
            self.assertIn(text, p.stdout)

    def test_two_files_of_one_plugin(self):
        """The same bytes: one is used. Other bytes under the same id and version: an error that names both."""
        a, b = self.folder / "a", self.folder / "b"
        a.mkdir()
        b.mkdir()
        shutil.copy(VENDOR, a / "libone.so")
        shutil.copy(VENDOR, a / "libtwo.so")
        self.ok(tenon.run("plugins", "--plugin-dir", a))
        with open(a / "libtwo.so", "ab") as f:
            f.write(b"\0")
        self.error(tenon.run("plugins", "--plugin-dir", a), 2, "libone.so", "libtwo.so")

    def test_no_plugin(self):
        path = self.folder / "libno.so"
        path.write_bytes(b"\x7fELF nothing")
        self.error(tenon.run("plugins", "--plugin", path), 5, "libno.so")

    def test_broken_library(self):
        """A manifest in a file that cannot be loaded: the loader's own words."""
        path = self.folder / "libbroken.so"
        data = VENDOR.read_bytes()
        path.write_bytes(b"\0" * 64 + data[64:])
        p, _ = self.pipeline([{"import": "onnx", "model": str(tenon.MODELS / "vendor.onnx")}], "--plugin", path)
        self.error(p, 5, "libbroken.so")


if __name__ == "__main__":
    unittest.main()
