"""The windows that a person gives, as the files that the device reads."""
import people

MASK = 0xFFFFFFFF


def order(n):
    """tp_train_order() of include/tinypeft/train.h, seed 0, epoch 0."""
    x = (1 + 0x9E3779B9) & MASK
    x = (x ^ x >> 16) * 0x85EBCA6B & MASK
    x = (x ^ x >> 13) * 0xC2B2AE35 & MASK
    x ^= x >> 16
    out = list(range(n))
    for i in range(n, 1, -1):
        x ^= x << 13 & MASK
        x ^= x >> 17
        x ^= x << 5 & MASK
        j = x * i >> 32
        out[i - 1], out[j] = out[j], out[i - 1]
    return out


def write(folder, name, rows, labels):
    (folder / f"{name}_x.bin").write_bytes(b"".join(map(people.quantise, rows)))
    (folder / f"{name}_y.bin").write_bytes(bytes(labels))


def write_person(data, person, ks, folder):
    """test, and for each k the first k windows of each activity, in a seeded
    order: those of tests/accuracy/har.c, split 0."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, "test", *people.read(data, person, "test"))
    rows, labels = people.read(data, person, "train")
    for k in ks:
        left = [k] * people.ACTIVITIES
        taken = []
        for i in order(len(rows)):
            if left[labels[i]] > 0:
                left[labels[i]] -= 1
                taken.append(i)
        write(folder, k, [rows[i] for i in taken], [labels[i] for i in taken])
