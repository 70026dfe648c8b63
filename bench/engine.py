"""An engine as a process of its own that answers one line of JSON to each line of text."""
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PEER = Path(__file__).resolve().parent / "peer.py"
PEERS = {".onnx": ["onnxruntime", "openvino"], ".tflite": ["litert", "openvino"]}
QUIET = {**os.environ, "PIP_NO_INDEX": "1"}
TIME_LIMIT_S = 300


class EngineError(Exception):
    pass


def names_for(path, host):
    return (["tenon"] if host else []) + PEERS[path.suffix]


def command(name, host, model, threads, once=False):
    """What starts an engine: to serve, or to run once and end."""
    common = [str(model.path), "--inputs", str(model.inputs), "--threads", str(threads)]
    if name == "tenon":
        return [str(host), "run", *common] if once else [str(host), "bench", *common, "--serve"]
    return [sys.executable, str(PEER), name, *common, *(["--once"] if once else [])]


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def message(text):
    """A short error as one line, of a long one the last line."""
    joined = " ".join(text.split())
    return (joined if len(joined) <= 300 else last_line(text)[:300]) or "no message"


class Engine:
    """Started and compiled on entry, ended on exit."""

    def __init__(self, name, host, model, threads):
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command(name, host, model, threads), env=QUIET, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        try:
            self.ready = self.answer()
        except EngineError:
            self.close()
            raise

    def answer(self):
        timer = threading.Timer(TIME_LIMIT_S, self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            self.process.kill()
            self.process.wait()
            self.errors.seek(0)
            raise EngineError(message(line or self.errors.read())) from None
        if "error" in answer:
            raise EngineError(message(str(answer["error"])))
        return answer

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() says why it ended
        return self.answer()

    def run(self, count):
        return self.ask(f"run {count}")["ms"]

    def save_outputs(self, path):
        self.ask(f"outputs {path}")

    def close(self):
        try:
            self.process.communicate("quit\n", timeout=10)
        except (subprocess.TimeoutExpired, BrokenPipeError, ValueError):
            self.process.kill()
            self.process.wait()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
