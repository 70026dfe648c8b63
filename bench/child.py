"""Starts a command, waits, and prints its wall time and peak memory as JSON.

A process of its own, without imports of weight: a child's peak counts the memory of the process that forked it.
"""
import json
import os
import subprocess
import sys
import time

start = time.perf_counter()
with open(sys.argv[1], "wb") as output:
    process = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    _, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - start
code = os.waitstatus_to_exitcode(status)
print(json.dumps({"ms": seconds * 1e3, "peak_mb": usage.ru_maxrss / 1024, "exit_code": code}))
