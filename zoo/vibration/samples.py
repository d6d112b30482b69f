"""Measurements of a machine as samples: sound ones to adapt to, sound and faulty
ones to test with."""
import numpy as np

import features
import machine

ADAPT, NORMAL, FAULTY = 48, 180, 180


def sound(m, r, n):
    return np.stack([features.levels(machine.measure(m, r)) for _ in range(n)])


def faulty(m, r, n):
    """Every kind equally often, severities even in their logarithm."""
    out = []
    for i in range(n):
        fault = list(machine.FAULTS)[i % len(machine.FAULTS)]
        severity = np.exp(r.uniform(*np.log(machine.FAULTS[fault])))
        out.append(features.levels(machine.measure(m, r, fault, severity)))
    return np.stack(out)


def sets_of(seed, stream):
    """Measurements of one machine; another stream, others."""
    m, r = machine.draw(seed), np.random.default_rng([seed, stream])
    return {"adapt": sound(m, r, ADAPT), "normal": sound(m, r, NORMAL),
            "faulty": faulty(m, r, FAULTY)}


def write(folder, sets):
    """Into the files that examples/anomaly reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, x in sets.items():
        (folder / f"{name}.bin").write_bytes(x.tobytes())


def auc(normal, fault):
    """That a faulty sample scores above a sound one; equal ones count half."""
    return np.mean((fault[:, None] > normal) + 0.5 * (fault[:, None] == normal))
