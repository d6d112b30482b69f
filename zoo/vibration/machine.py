"""A rotating machine and the accelerometer on its housing: a motor, a pair of
gears and a ball bearing, as a simulation of what is known of such machines.

* Shaft: an induction motor turns a little slower under load (slip) and never
  quite evenly. Unbalance shakes at its speed, as the square of it (m r w^2);
  misalignment at twice and three times that speed (Randall 2011,
  "Vibration-based Condition Monitoring", chapter 2).
* Gears (the same): tooth contact at the number of teeth times the speed, with
  harmonics, its amplitude modulated once a turn, which makes sidebands. A
  damaged tooth knocks once a turn.
* Bearing: balls that pass a fault knock at rates that geometry gives (Randall
  and Antoni 2011, "Rolling element bearing diagnostics: a tutorial", Mechanical
  Systems and Signal Processing 25, 485-520), with a slip of a percent from knock
  to knock; a fault on the inner race or on a ball moves through the loaded side,
  so its knocks swell and fade.
* Housing: each knock and all noise of contact pass its resonances, modes of
  the second order in acceleration over force.
* Sensor: a gain of its mounting, a first-order roll-off, white noise.

Amplitudes are of the order of 1 m/s^2. A machine is drawn from a seed.
"""
import dataclasses

import numpy as np

RATE = 12800  # samples a second
LENGTH = 16384  # samples of a measurement: 1.28 s
LEAD = 4096  # before it, for resonances to settle
# Lowest and highest severity: of knocks their force, of the shaft's faults how
# many times what a sound one has comes on top.
FAULTS = {"outer": (1, 8), "inner": (1, 8), "ball": (1, 8), "tooth": (3, 24),
          "unbalance": (0.4, 4), "misalignment": (0.5, 5)}


@dataclasses.dataclass
class Machine:
    speed: float  # Hz, without load
    slip: float  # of the speed, at full load
    teeth: int
    mesh: np.ndarray  # force of the harmonics of tooth contact
    balls: int
    ratio: float  # ball over pitch diameter, times cos(contact angle)
    unbalance: float  # m/s^2 at 25 Hz
    misalignment: float
    modes: np.ndarray  # [k][3]: frequency in Hz, damping, share
    friction: float  # force of the noise of contact
    gain: float
    rolloff: float  # Hz
    noise: float  # of the sensor, m/s^2


def draw(seed):
    """The machine of this seed."""
    r = np.random.default_rng(seed)
    modes = np.stack([np.exp(r.uniform(np.log(350), np.log(5500), 5)),
                      r.uniform(0.015, 0.05, 5), r.uniform(0.3, 1, 5)], 1)
    return Machine(
        speed=r.uniform(22, 30), slip=r.uniform(0.02, 0.05),
        teeth=int(r.integers(19, 38)),
        mesh=r.uniform(0.15, 0.4) * np.array([1, r.uniform(0.2, 0.6),
                                              r.uniform(0.05, 0.3)]),
        balls=int(r.integers(7, 13)), ratio=r.uniform(0.17, 0.27),
        unbalance=r.uniform(0.2, 0.5), misalignment=r.uniform(0.05, 0.15),
        modes=modes, friction=r.uniform(0.1, 0.25),
        gain=10 ** (r.normal(0, 2) / 20), rolloff=r.uniform(5000, 9000),
        noise=r.uniform(0.01, 0.02))


def rates(machine):
    """Knocks of each fault in a turn of the shaft, and turns of the cage."""
    n, c = machine.balls, machine.ratio
    return {"outer": n / 2 * (1 - c), "inner": n / 2 * (1 + c),
            "ball": (1 - c * c) / c, "tooth": 1.0}, (1 - c) / 2


def turning(machine, load, r):
    """The shaft's angle at each sample: slower under load, with a wander of
    0.2 % that lasts a tenth of a second."""
    n = LEAD + LENGTH
    coarse = r.normal(0, 0.002, n // 1280 + 2)
    wander = np.interp(np.arange(n) / 1280, np.arange(len(coarse)), coarse)
    speed = machine.speed * (1 - machine.slip * load) * (1 + wander)
    return 2 * np.pi * (np.cumsum(speed) / RATE + r.uniform()), speed.mean()


def knocks(machine, fault, angle, r):
    """Force of a fault's knocks at severity 1."""
    rate, cage = rates(machine)
    turn = angle / (2 * np.pi)
    count = int((turn[-1] - turn[0]) * rate[fault]) + 2
    steps = (1 + 0.01 * r.normal(size=count)) / rate[fault]
    if fault == "tooth":
        steps[:] = 1
    at = turn[0] + r.uniform() / rate[fault] + np.cumsum(steps)
    size = np.abs(1 + 0.2 * r.normal(size=count))
    if fault == "inner":
        size *= np.clip(0.6 + np.cos(2 * np.pi * at), 0.05, None)
    if fault == "ball":
        size *= np.clip(0.7 + np.cos(2 * np.pi * cage * at), 0.05, None)
    force = np.zeros(len(turn))
    inside = at < turn[-1]
    np.add.at(force, np.searchsorted(turn, at[inside]), size[inside])
    return force


def housing(machine, force, heat):
    """Acceleration by the force; frequencies of the modes move with heat."""
    f = np.fft.rfftfreq(len(force), 1 / RATE)
    h = np.zeros(len(f), complex)
    for mode, damping, share in machine.modes:
        fm = mode * heat
        h += share * f * f / (fm * fm - f * f + 2j * damping * fm * f)
    h /= 1 + 1j * f / machine.rolloff
    return np.fft.irfft(np.fft.rfft(force) * h, len(force))


def measure(machine, r, fault=None, severity=0.0):
    """One measurement [LENGTH], m/s^2: load and heat as they happen to be."""
    load, heat = r.uniform(0.3, 1), 1 + 0.01 * r.normal()
    angle, speed = turning(machine, load, r)
    square = (speed / 25) ** 2
    more = {name: severity if name == fault else 0.0 for name in FAULTS}
    swing = 1 + 0.15 * np.cos(angle + 1)
    force = sum(a * np.cos(k * machine.teeth * angle + k)
                for k, a in enumerate(machine.mesh, 1)) * swing * load
    force += (machine.friction * np.sqrt(load) * speed / 25
              * r.normal(size=len(angle)))
    if fault in ("outer", "inner", "ball", "tooth"):
        force += severity * np.sqrt(load) * knocks(machine, fault, angle, r)
    shake = machine.unbalance * (1 + more["unbalance"]) * square * np.cos(angle)
    shake += machine.misalignment * (1 + more["misalignment"]) * square * (
        np.cos(2 * angle + 2) + 0.4 * np.cos(3 * angle))
    seen = machine.gain * (shake + housing(machine, force, heat))
    return (seen + machine.noise * r.normal(size=len(seen)))[LEAD:]
