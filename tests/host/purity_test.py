# SPDX-License-Identifier: Apache-2.0
"""The host names no operator, format, pass or kernel."""
import json
import re
import subprocess
import unittest

import tenon


def names_in_manifests():
    """Everything that the plugins of the build bring, read from their manifests: operators, lowerings, passes, kernels, formats."""
    found = set()
    for lib in sorted((tenon.BUILD / "lib" / "tenon").glob("*.so")):
        for text in re.findall(rb"\x7fTNMANIFEST\x01\r\n\x1a\0.{8}(\{.*?\})\0", lib.read_bytes(), re.DOTALL):
            p = json.loads(text)
            if p.get("kind") in (None, "pipeline"):
                continue
            found.add(p["id"])
            found.add(re.sub(r"@.*", "", p["id"]).split("::")[-1])
            found.update(p.get("formats", []))
    return found


class Purity(unittest.TestCase):
    def test_core_has_no_names(self):
        """As string literals every name is looked for; as words in code and comments those that are no plain words."""
        names = names_in_manifests()
        self.assertGreater(len(names), 150, "the plugins bring many names")
        hits = []
        for path in sorted((tenon.ROOT / "core").rglob("*")):
            if path.suffix not in (".cpp", ".hpp", ".fbs", ".txt"):
                continue
            text = path.read_text()
            for number, line in enumerate(text.splitlines(), 1):
                for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
                    if literal in names and literal not in ALLOWED:
                        hits.append(f"{path.relative_to(tenon.ROOT)}:{number}: \"{literal}\"")
                for word in re.findall(r"[A-Za-z0-9_-]+", line):
                    if word in FORMATS or (word in names and re.search(r"[a-z][A-Z]|-", word)):
                        hits.append(f"{path.relative_to(tenon.ROOT)}:{number}: {word}")
        self.assertEqual(hits, [])

    def test_host_exports_nothing(self):
        """But what takes the place of the C and C++ libraries' own allocation, for the whole process."""
        out = subprocess.run(["nm", "-D", "--defined-only", tenon.HOST], capture_output=True, text=True, check=True).stdout
        names = [l.split()[-1] for l in out.splitlines() if l.strip()]
        self.assertEqual([n for n in names if n not in ALLOCATION and not re.match(r"_Z(nw|na|dl|da)[mP]", n)], [])

    def test_host_shares_only_the_runtime(self):
        out = subprocess.run(["readelf", "-d", tenon.HOST], capture_output=True, text=True, check=True).stdout
        needed = re.findall(r"NEEDED.*\[(.*)\]", out)
        self.assertLessEqual(set(needed), {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"})

    def test_plugins_export_the_entry_alone(self):
        for lib in sorted((tenon.BUILD / "lib" / "tenon").glob("*.so")):
            out = subprocess.run(["nm", "-D", "--defined-only", lib], capture_output=True, text=True, check=True).stdout
            self.assertEqual([l.split()[-1] for l in out.splitlines()], ["tenon_plugin_entry_v1"], lib.name)


ALLOCATION = {"aligned_alloc", "calloc", "free", "malloc", "malloc_usable_size", "memalign", "posix_memalign", "pvalloc", "realloc", "valloc"}
FORMATS = {"onnx", "tflite", "caffe", "ONNX", "TFLite", "Caffe"}
# Names that the host's own vocabulary shares with a plugin: the word for a backend's target, and types.
ALLOWED = {"cpu"}

if __name__ == "__main__":
    unittest.main()
