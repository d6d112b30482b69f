"""Cycles of a Cortex-M4, estimated from counted instructions.

Each kind of instruction has its number of cycles, from Table 3-1 of Arm's
Cortex-M4 Technical Reference Manual (100166), memory without wait states:

  multiplications of any width, SIMD and all others   1
  load of a register       2; 1 where the instruction before is a load or store
                           of one register too, and does not make its address
  store of a register      1, as with an immediate offset
  LDRD, LDM, POP, STRD, STM, PUSH    1 and one for each register
  division                 7, of 2 to 12
  branch that is taken     1 + REFILL, and what is loaded into pc likewise;
                           REFILL is 2, of 1 to 3; one not taken 1

The second number adds flash: WAIT wait states, fetched 16 bytes at a time, the
next fetched while the last is executed, and a cache of LINES such lines, like an
STM32F4 at 168 MHz (RM0090, section 3). Where the lines that make 99 % of the
instructions of a step fit, all are taken to hit; else none: a line is then
executed in no less than WAIT + 1 cycles. Loads of constants are not delayed,
and no step is helped or hindered by the one before.

Not modelled: the alignment of what is branched to, the write buffer, folded IT
instructions, the bus."""
import re
from collections import Counter

REFILL = 2
DIVISION = 7
WAIT = 5
LINES = 64
LINE_BYTES = 16

ONE = re.compile(r"(ldr|str)(b|h|sb|sh)?(eq|ne|[cm][cs]|[hl][os]|[gl][et]|mi|pl|"
                 r"v[sc]|hi|ls)?$")
MANY = re.compile(r"(ldm|stm|pop|push)")
BRANCH = re.compile(r"(b|bl|bx|blx|cbz|cbnz)(eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|"
                    r"ls|ge|lt|gt|le)?$")


def registers(operands):
    """How many a list in braces has."""
    n = 0
    for part in re.search(r"\{(.*)\}", operands)[1].split(","):
        ends = re.findall(r"r(\d+)", part)
        n += int(ends[1]) - int(ends[0]) + 1 if len(ends) == 2 else 1
    return n


def pipelined(before, instruction):
    """May a load overlap with the instruction before it?"""
    if before is None or not ONE.match(before.name.split(".")[0]):
        return False
    made = before.operands.split(",")[0]
    inside = re.search(r"\[(.*?)\]", instruction.operands)
    return not (before.name.startswith("ldr") and inside
                and made in re.split(r"[ ,]+", inside[1]))


def of_one(name, before, instruction):
    """Of a load or store of one register."""
    if name.startswith("str"):
        return 1
    into_pc = REFILL if instruction.operands.startswith("pc") else 0
    return (1 if pipelined(before, instruction) else 2) + into_pc


def of(before, instruction):
    """Where no branch is taken."""
    name = instruction.name.split(".")[0]
    if ONE.match(name):
        return of_one(name, before, instruction)
    if name.startswith(("ldrd", "strd")):
        return 3
    if MANY.match(name):
        back = REFILL if "pc" in instruction.operands and name[0] in "lp" \
            and not name.startswith("push") else 0
        return 1 + registers(instruction.operands) + back
    if name.startswith(("sdiv", "udiv")):
        return DIVISION
    if name in ("tbb", "tbh"):
        return 2 + REFILL
    return 1


def estimate(program, step):
    """(cycles, cycles from flash) of all its counts together."""
    spent, previous = Counter(), {}
    for i in program.instructions.values():
        previous[i.address + i.size] = i
    for address, times in step.counts.items():
        i = program.instructions[address]
        spent[address] = times * of(previous.get(address), i)
        if BRANCH.match(i.name.split(".")[0]):
            spent[address] += REFILL * step.taken[address]
    return spent.total(), spent.total() + stalls(step.counts, spent)


def stalls(counts, spent):
    fetched, cycles, executed = Counter(), Counter(), Counter()
    for address, times in counts.items():
        line = address // LINE_BYTES
        fetched[line] = max(fetched[line], times)
        cycles[line] += spent[address]
        executed[line] += times
    hot, covered = 0, 0
    for _, n in executed.most_common():
        if covered >= 0.99 * executed.total():
            break
        covered, hot = covered + n, hot + 1
    if hot <= LINES:
        return 0
    return sum(max(0, n * (WAIT + 1) - cycles[line])
               for line, n in fetched.items())
