# SPDX-License-Identifier: Apache-2.0
"""The report's page and Netron's files: whole, self-contained, safe against names, and there for runs that failed too."""
import collections
import html.parser
import json
import re
import shutil
import subprocess
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tenon

ATTACK = "</script><img src=x onerror=\"document.title='pwned'\"><b>&amp;\u2028'`${0}"
VOID = {"meta", "br", "hr", "img", "input", "link"}


def model_of(nodes, inputs, outputs, constants=(), name="main"):
    graph = helper.make_graph(nodes, name, inputs, outputs, [numpy_helper.from_array(a, n) for n, a in constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def floats(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def small_cnn(name="y"):
    """Conv, BatchNormalization and two Relus: passes remove, change and add nodes. `name` goes into every name that a model has."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    stats = [(name + s, rng.random(4).astype(np.float32) + 0.5) for s in ("scale", "bias", "mean", "var")]
    nodes = [helper.make_node("Conv", ["x", name + "w"], [name + "c"], name=name + "conv", pads=[1, 1, 1, 1]),
             helper.make_node("BatchNormalization", [name + "c"] + [n for n, _ in stats], [name + "b"], name=name + "norm"),
             helper.make_node("Relu", [name + "b"], [name + "r"], name=name + "relu"),
             helper.make_node("Identity", [name + "r"], [name + "i"], name=name + "same"),
             helper.make_node("Relu", [name + "i"], [name], name=name + "again")]
    return model_of(nodes, [floats("x", 1, 3, 8, 8)], [floats(name, 1, 4, 8, 8)], [(name + "w", w)] + stats, name)


class Page(html.parser.HTMLParser):
    """Elements in order, texts of script and style elements, and mistakes in nesting."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts, self.mistakes = [], [], collections.defaultdict(list), []
        self.feed(text)
        self.close()
        self.mistakes += [f"<{t}> is not closed" for t in self.open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("script", "style"):
            self.texts[tag].append("")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.mistakes.append(f"</{tag}> at line {self.getpos()[0]}")

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            self.texts[self.open[-1]][-1] += data


class Report(tenon.Case):
    def onnx_file(self, model, name="model.onnx"):
        path = self.folder / name
        onnx.save(model, str(path))
        return path

    def page_of(self, *args, code=0):
        path = self.folder / "page.html"
        p = tenon.run(*args, "--report", path)
        self.assertEqual(p.returncode, code, p.stderr)
        self.assertTrue(path.exists(), "the page is written")
        return self.checked(path)

    def checked(self, path):
        """The page's data; the page is well-formed and needs nothing from elsewhere."""
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        self.assertEqual(page.mistakes, [])
        self.assertEqual([e for e in page.elements if {"src", "href", "action", "srcset"} & set(e[1])], [])
        for source in page.texts["style"] + page.texts["script"][1:]:
            self.assertNotRegex(source, r"https?://|@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|\bimport\(|innerHTML|insertAdjacentHTML|document\.write|\beval\(")
        self.assertEqual([t for t, _ in page.elements].count("script"), 2, "the data and the page's own script")
        self.assertIn(("script", {"type": "application/json", "id": "data"}), page.elements)
        policy = [a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
        self.assertEqual(len(policy), 1)
        self.assertIn("default-src 'none'", policy[0])
        ids = [a["id"] for _, a in page.elements if "id" in a]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertNotRegex(text, r"\{\{\w+\}\}")
        return json.loads(page.texts["script"][0])

    def replay(self, graph):
        """[(step, nodes by number)] as the page puts them together."""
        states, nodes = [], {}
        for step in graph["steps"]:
            whole, before = step["whole"], nodes
            nodes = {} if whole["reset"] else dict(nodes)
            for n in whole["gone"]:
                del nodes[n]
            nodes.update({n[0]: n for n in whole["set"]})
            states.append((step, nodes))
            if not whole["reset"]:
                same = before.keys() & nodes.keys()
                changed = sum((before[n][1], before[n][4], before[n][6]) != (nodes[n][1], nodes[n][4], nodes[n][6]) for n in same)
                self.assertEqual((len(before) - len(same), len(nodes) - len(same), changed), (step["removed"], step["added"], step["changed"]), step["name"])
            self.assertEqual(len(nodes), step["nodes"])
            ops = collections.Counter(graph["operators"][n[1]] for n in nodes.values())
            self.assertEqual(ops, {graph["operators"][k]: c for k, c in step["count"]})
        return states

    def test_all_nodes_of_every_step(self):
        data = self.page_of("run", self.onnx_file(small_cnn()))
        states = self.replay(data["graph"])
        names = {n[2] for n in states[0][1].values()}
        self.assertEqual(names, {"yconv", "ynorm", "yrelu", "ysame", "yagain"})
        ops = [data["graph"]["operators"][n[1]] for n in states[0][1].values()]
        self.assertIn("onnx::Conv@17", " ".join(o if "@" in o else o + "@17" for o in ops))
        report = data["report"]
        self.assertEqual(len(states[-1][1]), report["stages"][-1]["nodes-after"])
        self.assertLess(len(states[-1][1]), 5)
        by_stage = {}
        for step, nodes in states:
            by_stage[step["stage"]] = len(nodes)
        for k, n in by_stage.items():
            self.assertEqual(n, report["stages"][k]["nodes-after"], report["stages"][k]["name"])
        self.assertTrue(any(s["removed"] for s, _ in states[1:]))
        self.assertTrue(any(s["changed"] or s["added"] for s, _ in states[1:]))

    def test_values_have_types_and_sizes_but_no_contents(self):
        data = self.page_of("run", self.onnx_file(small_cnn()))
        values = {v[1]: v for s in data["graph"]["steps"] for v in s["whole"]["values"]}
        self.assertEqual(values["x"][2:], ["f32[1, 3, 8, 8]", -1])
        self.assertEqual(values["yw"][2:], ["f32[4, 3, 3, 3]", 432])
        self.assertEqual({len(v) for v in values.values()}, {4})

    def test_origins_and_attributes(self):
        data = self.page_of("run", self.onnx_file(small_cnn()))
        graph = data["graph"]
        last = self.replay(graph)[-1][1]
        origins = {graph["origins"][o][0] for n in last.values() for o in n[7]}
        self.assertTrue({"yconv", "ynorm"} <= origins, origins)
        first = self.replay(graph)[0][1]
        conv = next(n for n in first.values() if n[2] == "yconv")
        self.assertIn(["pads", "[1, 1, 1, 1]"], conv[6])

    def test_names_cannot_run(self):
        path = self.folder / "page.html"
        data = self.page_of("run", self.onnx_file(small_cnn(ATTACK)))
        text = path.read_text(encoding="utf-8")
        self.assertNotIn("<img", text)
        self.assertNotIn("onerror=\"", text)
        names = {n[2] for s in data["graph"]["steps"] for n in s["whole"]["set"]}
        self.assertIn(ATTACK + "conv", names)

    def test_page_of_a_failing_run(self):
        broken = small_cnn()
        broken.graph.node[0].input[0] = "nowhere"
        data = self.page_of("run", self.onnx_file(broken), code=3)
        self.assertEqual(len(data["report"]["errors"]), 1)
        self.assertTrue(data["report"]["stages"][0]["failed"])

    def test_page_when_the_expected_output_is_missed(self):
        model = self.onnx_file(small_cnn())
        np.savez(self.folder / "x.npz", **{"in:x": np.ones((1, 3, 8, 8), np.float32), "out:y": np.full((1, 4, 8, 8), 7e3, np.float32)})
        data = self.page_of("run", model, "--inputs", self.folder / "x.npz", "--expect", self.folder / "x.npz", code=1)
        outputs = data["report"]["stages"][-1]["outputs"]
        self.assertEqual([o["agrees"] for o in outputs], [False])
        self.assertEqual(data["report"]["errors"][0]["code"], "mismatch")
        self.assertGreater(len(data["graph"]["steps"]), 1)

    def test_page_when_nothing_could_start(self):
        data = self.page_of("run", self.folder / "missing.onnx", code=6)
        self.assertEqual(data["report"]["stages"], [])
        self.assertEqual(data["graph"]["steps"], [])
        bad = self.folder / "bad.json"
        bad.write_text("{")
        self.assertEqual(len(self.page_of("--pipeline", bad, code=2)["report"]["errors"]), 1)

    def test_both_kinds_of_report(self):
        first, second = self.folder / "a.json", self.folder / "b.html"
        p = tenon.run("run", self.onnx_file(small_cnn()), "--report", first, "--report", second)
        self.ok(p)
        plain, page = json.loads(first.read_text()), self.checked(second)["report"]
        self.assertEqual([s["name"] for s in plain["stages"]], [s["name"] for s in page["stages"]])
        self.assertEqual(plain["exit-code"], 0)

    def test_profile_is_measured_for_a_page(self):
        path = self.onnx_file(small_cnn())
        program = self.page_of("run", path)["report"]["stages"][-1]["program"]
        self.assertTrue(all(n["ms"] >= 0 for n in program["nodes"]))
        plain = self.folder / "plain.json"
        self.ok(tenon.run("run", path, "--report", plain))
        self.assertTrue(all("ms" not in n for n in json.loads(plain.read_text())["stages"][-1]["program"]["nodes"]))

    def test_bench_writes_both(self):
        plain, page = self.folder / "a.json", self.folder / "b.html"
        self.ok(tenon.run("bench", self.onnx_file(small_cnn()), "--runs", 2, "--warmup", 0, "--report", plain, "--report", page))
        self.assertEqual(json.loads(plain.read_text())["runs"], 2)
        self.assertEqual(self.checked(page)["report"]["stages"][-1]["kind"], "execute")

    def test_model_of_the_own_format(self):
        saved, pipeline = self.folder / "m.tenon", self.folder / "p.json"
        pipeline.write_text(json.dumps({"stages": [{"import": "auto", "model": str(self.onnx_file(small_cnn()))}, {"export": "tenon", "model": str(saved)}]}))
        self.ok(tenon.run("--pipeline", pipeline))
        states = self.replay(self.page_of("run", saved)["graph"])
        self.assertEqual(states[0][0]["name"], "read")
        self.assertEqual(states[0][0]["nodes"], len(states[0][1]))

    def test_nested_graphs(self):
        def branch(name, op):
            return helper.make_graph([helper.make_node(op, ["x"], [name + "v"], name=name + "node")], name, [], [floats(name + "v", 2)])
        node = helper.make_node("If", ["c"], ["y"], name="choose", then_branch=branch("then", "Neg"), else_branch=branch("else", "Abs"))
        model = model_of([node], [floats("x", 2), helper.make_tensor_value_info("c", TensorProto.BOOL, [])], [floats("y", 2)])
        folder = self.folder / "netron"
        graph = self.page_of("run", self.onnx_file(model), "--netron", folder)["graph"]
        nodes = {n[2]: n for n in self.replay(graph)[-1][1].values()}
        self.assertEqual({nodes["thennode"][3], nodes["elsenode"][3]}, set(nodes["choose"][9]))
        names = {g[0]: g[1] for s in graph["steps"] for g in s["whole"]["graphs"]}
        self.assertTrue(set(nodes["choose"][9]) <= set(names))
        self.assertEqual(len(json.loads(sorted(folder.iterdir())[-1].read_text())["graphs"]), 3)

    def test_large_graphs_keep_surroundings_only(self):
        n = 20100
        nodes = [helper.make_node("Sin" if k != 10000 else "Identity", [f"v{k}"], [f"v{k + 1}"], name=f"n{k}") for k in range(n)]
        path = self.onnx_file(model_of(nodes, [floats("v0", 2)], [floats(f"v{n}", 2)]))
        pipeline = self.folder / "p.json"
        pipeline.write_text(json.dumps({"stages": [{"import": "auto", "model": str(path)}, {"pass": "eliminate-identity"}]}))
        graph = self.page_of("--pipeline", pipeline)["graph"]
        self.assertEqual(graph["steps"][0]["nodes"], n)
        self.assertTrue(all("whole" not in s for s in graph["steps"]))
        last = graph["steps"][-1]
        self.assertEqual(last["nodes"], n - 1)
        self.assertIn("n10000", {m[2] for m in last["part"]["before"]})
        self.assertNotIn("n10000", {m[2] for m in last["part"]["after"]})
        self.assertLess(len(last["part"]["before"]), 20)
        self.assertLess((self.folder / "page.html").stat().st_size, 10_000_000)

    def test_page_grows_with_changes_not_with_steps(self):
        nodes = [helper.make_node("Neg" if k % 50 else "Abs", [f"v{k}"], [f"v{k + 1}"], name=f"n{k}") for k in range(2000)]
        path = self.onnx_file(model_of(nodes, [floats("v0", 2)], [floats("v2000", 2)]))
        sizes = []
        for repeats in (1, 8):
            pipeline = self.folder / "p.json"
            pipeline.write_text(json.dumps({"stages": [{"import": "auto", "model": str(path)}] + [{"pass": "eliminate-dead"}, {"pass": "merge-common"}] * repeats}))
            self.page_of("--pipeline", pipeline)
            sizes.append((self.folder / "page.html").stat().st_size)
        self.assertLess(sizes[1], sizes[0] * 1.05)

    def test_netron_files(self):
        folder = self.folder / "netron"
        p = tenon.run("run", self.onnx_file(small_cnn(ATTACK)), "--netron", folder, "--report", self.folder / "page.html")
        self.ok(p)
        steps = self.checked(self.folder / "page.html")["graph"]["steps"]
        files = sorted(folder.iterdir())
        self.assertEqual(len(files), len(steps), "a file for each step of the page")
        for k, (path, step) in enumerate(zip(files, steps)):
            self.assertRegex(path.name, rf"^{k:03}-[\w-]+\.netron\.json$")
            text = path.read_text(encoding="utf-8")
            self.assertRegex(text[:64], re.compile(r'^{\s*"signature":\s*"netron:[^"]*"\s*,\s*\n'))
            j = json.loads(text)
            self.assertEqual(next(iter(j)), "signature")
            self.assertEqual(sum(len(g["nodes"]) for g in j["graphs"]), step["nodes"])
            for g in j["graphs"]:
                names = [v["name"] for v in g["values"]]
                self.assertEqual(len(names), len(set(names)), "Netron connects nodes by the names of values")
                numbers = [v for n in g["nodes"] for a in n["inputs"] + n["outputs"] for v in a["value"]]
                self.assertTrue(all(0 <= v < len(names) for v in numbers))
                self.assertEqual(sum("initializer" in v for v in g["values"]) > 0, k < len(files))

    def test_netron_folder_that_cannot_be_made(self):
        (self.folder / "file").write_text("")
        p = tenon.run("run", self.onnx_file(small_cnn()), "--netron", self.folder / "file" / "inside")
        self.error(p, 6, "inside")

    @unittest.skipUnless(shutil.which("chromium"), "no browser here")
    def test_in_a_browser(self):
        self.page_of("run", self.onnx_file(small_cnn(ATTACK)))
        for tab, text in (("overview", "Stages"), ("graph", "Near changes"), ("graph&find=conv", "Origins in the model file"), ("memory", "Arena"), ("profile", "By kernel"), ("outputs", "not compared"),
                          ("messages", "The run ended well"), ("nonsense&step=x", "Stages"), ("graph&step=77&node=99999&fit=1", "The node is not in this step")):
            self.browse("#tab=" + tab, text, "<title>model.onnx")

    @unittest.skipUnless(shutil.which("chromium"), "no browser here")
    def test_a_failed_run_in_a_browser(self):
        self.page_of("run", self.folder / "missing.onnx", code=6)
        self.browse("#tab=overview", "The run failed")
        self.browse("#tab=graph&fit=1&find=x", "No graph was recorded")

    def browse(self, fragment, *texts):
        """The page as the browser's script makes it holds the texts; nothing of the model's names has become an element, no script failed."""
        p = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom", "--enable-logging=stderr", f"--user-data-dir={self.folder / 'browser'}",
                            (self.folder / "page.html").as_uri() + fragment], capture_output=True, text=True, timeout=300)
        for text in texts:
            self.assertIn(text, p.stdout, fragment)
        self.assertNotIn("img", [tag for tag, _ in Page(p.stdout).elements])
        self.assertNotIn("pwned</title>", p.stdout)
        self.assertEqual([line for line in p.stderr.splitlines() if "CONSOLE" in line], [])


if __name__ == "__main__":
    unittest.main()
