"""Times all engines on one model in turns, so that what else the machine does falls on each of them."""
import contextlib
import statistics
import time

from engine import Engine, EngineError, names_for

TURN_S = 0.2
PAUSE_S = 0.02  # lets the threads of the engine before go to sleep
MOST_RUNS = 1000


def start(stack, names, host, model, threads, rows):
    engines = []
    for name in names:
        try:
            engine = stack.enter_context(Engine(name, host, model, threads))
            rows[name] = {key: value for key, value in engine.ready.items() if key != "ready"}
            engines.append(engine)
        except EngineError as error:
            rows[name] = {"error": str(error)}
    return engines


def warm_up(engine):
    """Returns how many inferences fill a turn."""
    engine.run(1)
    first = engine.run(1)[0]
    fastest = min(engine.run(max(1, min(50, int(50 / max(first, 1e-3))))))
    return max(1, min(MOST_RUNS, int(TURN_S * 1e3 / max(fastest, 1e-3))))


def attempt(engines, rows, action):
    """Does the action with each engine and drops those that fail."""
    for engine in list(engines):
        try:
            action(engine)
        except EngineError as error:
            rows[engine.name] = {"error": str(error)}
            engines.remove(engine)


def summary(samples):
    return {"min_ms": min(samples), "median_ms": statistics.median(samples), "runs": len(samples)}


def measure(model, host, threads, rounds, outputs=None):
    """{engine: {min_ms, median_ms, runs, compile_ms} or {error}}; outputs maps an engine's name to a file to write."""
    rows, counts, samples = {}, {}, {}
    with contextlib.ExitStack() as stack:
        engines = start(stack, names_for(model.path, host), host, model, threads, rows)

        def turn(engine):
            time.sleep(PAUSE_S)
            engine.run(1)
            samples.setdefault(engine.name, []).extend(engine.run(counts[engine.name]))

        attempt(engines, rows, lambda engine: counts.update({engine.name: warm_up(engine)}))
        for round_index in range(rounds):
            shift = round_index % max(1, len(engines))
            order = engines[shift:] + engines[:shift]
            attempt(order, rows, turn)
            engines = [engine for engine in engines if engine in order]
        if outputs:
            attempt(engines, rows, lambda engine: engine.save_outputs(outputs(engine.name)))
        for engine in engines:
            rows[engine.name].update(summary(samples[engine.name]))
    return rows


def ratio(rows):
    """The best peer's minimum divided by Tenon's: above 1, Tenon is the faster one."""
    peers = [row["min_ms"] for name, row in rows.items() if name != "tenon" and "min_ms" in row]
    own = rows.get("tenon", {}).get("min_ms")
    return min(peers) / own if peers and own else None
