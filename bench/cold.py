"""From the start of a process to its first output, and the process's peak memory."""
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from engine import QUIET, TIME_LIMIT_S, command, last_line, message, names_for

CHILD = Path(__file__).resolve().parent / "child.py"


def spawn(arguments, limit=TIME_LIMIT_S):
    """{ms, peak_mb, exit_code} of the command, and what it printed."""
    with tempfile.NamedTemporaryFile() as output:
        watched = [sys.executable, "-I", "-S", str(CHILD), output.name, *map(str, arguments)]
        result = watch(watched, limit)
        text = Path(output.name).read_text(errors="replace")
    if code := result.get("exit_code"):
        result = {"error": message(text) if code > 0 else f"crashed: {signal.strsignal(-code)}"}
    return result, text


def watch(arguments, limit):
    """What child.py reports; at the limit it is stopped with all that it has started."""
    with subprocess.Popen(arguments, env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as child:
        try:
            answer, complaint = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            return {"error": f"more than {limit} s", "stopped": limit}
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, arguments, answer, complaint)
    return json.loads(answer)


def once(arguments):
    result, text = spawn(arguments)
    if "error" not in result:
        try:
            result |= json.loads(last_line(text))
        except json.JSONDecodeError:
            pass  # Tenon prints its outputs here
    return result


def best(samples):
    good = [sample for sample in samples if "error" not in sample]
    return min(good, key=lambda sample: sample["ms"]) if good else samples[0]


def prepared(model, saved):
    """The same model as Tenon's own file, if a conversion left one."""
    return dataclasses.replace(model, path=saved) if saved and saved.exists() else None


def measure(model, host, threads, rounds, saved=None):
    commands = {name: command(name, host, model, threads, once=True) for name in names_for(model.path, host)}
    if own := prepared(model, saved):
        commands["tenon_file"] = command("tenon", host, own, threads, once=True)
    samples = {name: [] for name in commands}
    for _ in range(rounds):
        for name, arguments in commands.items():
            samples[name].append(once(arguments))
    return {name: best(rows) for name, rows in samples.items()}
