#!/usr/bin/env python3
"""Runs one model with another engine, by the same command line and protocol as `host bench --serve`.

After the start: {"ready": true, "import_ms": i, "compile_ms": c}. Then, line by line,
`run K` -> {"ms": [...]}, `outputs PATH.npz` -> {"ok": true}, `quit`.
With --once: one inference, {"import_ms": i, "compile_ms": c, "first_ms": f}, and the end.
"""
import argparse
import json
import sys
import time

clock = time.perf_counter


class OnnxRuntime:
    notes = {}

    def __init__(self):
        import onnxruntime

        self.api = onnxruntime

    def compile(self, path, threads, _):
        options = self.api.SessionOptions()
        options.graph_optimization_level = self.api.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = self.api.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def set_inputs(self, arrays):
        self.arrays = arrays
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self):
        self.results = self.session.run(self.names, self.arrays)

    def outputs(self):
        return dict(zip(self.names, self.results))


class OpenVino:
    notes = {}

    def __init__(self):
        sys.modules["openvino_telemetry"] = None  # an import of it now fails, and OpenVINO goes on without
        import openvino

        self.api = openvino

    def compile(self, path, threads, arrays):
        core = self.api.Core()
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
                    "INFERENCE_NUM_THREADS": threads}
        try:
            compiled = core.compile_model(core.read_model(path), "CPU", settings)
        except RuntimeError:
            if not path.endswith(".onnx"):
                raise
            compiled = core.compile_model(self.fixed(path, arrays), "CPU", settings)
            self.notes = {"fixed_shapes": True}
        self.request = compiled.create_infer_request()

    def fixed(self, path, arrays):
        """The model with the shapes of these inputs: some dynamic models are not taken otherwise."""
        from openvino.frontend import FrontEndManager

        frontend = FrontEndManager().load_by_framework("onnx")
        model = frontend.load(path)
        for name, array in arrays.items():
            place = model.get_place_by_tensor_name(name)
            model.set_partial_shape(place, self.api.PartialShape(list(array.shape)))
        return frontend.convert(model)

    def set_inputs(self, arrays):
        for name, array in arrays.items():
            self.request.set_tensor(name, self.api.Tensor(array))

    def run(self):
        self.request.infer()

    def outputs(self):
        ports = self.request.model_outputs
        return {port.any_name: self.request.get_tensor(port).data.copy() for port in ports}


class LiteRt:
    notes = {}

    def __init__(self):
        from ai_edge_litert.interpreter import Interpreter

        self.api = Interpreter

    def compile(self, path, threads, _):
        self.interpreter = self.api(model_path=path, num_threads=threads)

    def set_inputs(self, arrays):
        details = {detail["name"]: detail["index"] for detail in self.interpreter.get_input_details()}
        for name, array in arrays.items():
            self.interpreter.resize_tensor_input(details[name], array.shape)
        self.interpreter.allocate_tensors()
        for name, array in arrays.items():
            self.interpreter.set_tensor(details[name], array)

    def run(self):
        self.interpreter.invoke()

    def outputs(self):
        details = self.interpreter.get_output_details()
        return {detail["name"]: self.interpreter.get_tensor(detail["index"]) for detail in details}


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "litert": LiteRt}


def elapsed_ms(action):
    start = clock()
    action()
    return (clock() - start) * 1e3


def say(**answer):
    print(json.dumps(answer), flush=True)


def serve(engine, numpy):
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "run":
            say(ms=[elapsed_ms(engine.run) for _ in range(int(argument))])
        elif command == "outputs":
            numpy.savez(argument, **{f"out:{name}": value for name, value in engine.outputs().items()})
            say(ok=True)
        elif command == "quit":
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("model")
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--once", action="store_true")
    arguments = parser.parse_args()

    start = clock()
    import numpy

    engine = ENGINES[arguments.engine]()
    import_ms = (clock() - start) * 1e3
    with numpy.load(arguments.inputs) as file:
        arrays = {key[3:]: file[key] for key in file.files if key.startswith("in:")}
    compile_ms = elapsed_ms(lambda: engine.compile(arguments.model, arguments.threads, arrays))
    engine.set_inputs(arrays)
    times = {"import_ms": import_ms, "compile_ms": compile_ms, **engine.notes}
    if arguments.once:
        say(**times, first_ms=elapsed_ms(engine.run))
    else:
        say(ready=True, **times)
        serve(engine, numpy)


if __name__ == "__main__":
    main()
