"""A second reader of every format, written from SPEC.md and the RFCs it names
alone: blobs, deltas, their signatures (HSS/LMS, ES256), store images. Plain and
slow; it shares no line with the C. What is wrong raises Bad."""
import hashlib
import struct
import zlib

U32 = struct.Struct("<I")


class Bad(Exception):
    """The first argument is the name of a status, without TP_ERR_."""


def need(fact, status="MALFORMED"):
    if not fact:
        raise Bad(status)


def u16(b, at):
    return struct.unpack_from("<H", b, at)[0]


def u32(b, at):
    return struct.unpack_from("<I", b, at)[0]


def u64(b, at):
    return struct.unpack_from("<Q", b, at)[0]


# --- blobs: SPEC.md, 1 --------------------------------------------------------

TYPE_BYTE = {"q8": 6, "s16": 2, "q16": 7, "q4": 9, "q2": 10, "u16": 11}


def layout_id(params, derived=()):
    """Section 1.3. params: (name, type, shape); derived: (name, type, shape,
    "KIND VALUE SEED STD")."""
    crc = 0

    def tensor(crc, name, kind, shape):
        head = name.encode() + bytes([0, TYPE_BYTE[kind], len(shape)])
        return zlib.crc32(head + b"".join(U32.pack(d) for d in shape), crc)
    for name, kind, shape in params:
        crc = tensor(crc, name, kind, shape)
    for name, kind, shape, text in derived:
        crc = zlib.crc32(text.encode() + b"\0", tensor(crc, name, kind, shape))
    return crc


def param_bytes(kind, count):
    """Of the types whose size does not depend on ranks."""
    raw = {"q8": 4 + count, "s16": 2 * count, "u16": 2 * count}[kind]
    return (raw + 3) // 4 * 4


def read_blob(b, base=None, layout=None, length=None):
    """base: SHA-256 of the model, 32 bytes."""
    need(len(b) >= 48, "TRUNCATED")
    need(b[:4] == b"TPPA")
    need(u32(b, 44) == zlib.crc32(b[:44]), "CORRUPT")
    need(u16(b, 4) == 1 and u16(b, 6) == 0, "UNSUPPORTED")
    head = {"layout": u32(b, 8), "length": u32(b, 12), "base": b[16:32]}
    need(base is None or head["base"] == base[:16], "MISMATCH")
    need(layout is None or head["layout"] == layout, "MISMATCH")
    need(length is None or head["length"] == length, "MISMATCH")
    need(len(b) >= 48 + head["length"], "TRUNCATED")
    need(len(b) == 48 + head["length"])
    head["payload"] = b[48:]
    need(u32(b, 40) == zlib.crc32(head["payload"]), "CORRUPT")
    return head


def read_params(payload, params):
    """Section 1.1, of q8 and s16 and u16: {name: (exponent, values)}."""
    at, out = 0, {}
    for name, kind, shape in params:
        count = 1
        for d in shape:
            count *= d
        if kind == "q8":
            e = struct.unpack_from("<b", payload, at)[0]
            need(payload[at + 1:at + 4] == bytes(3) and e >= -13)
            values = struct.unpack_from(f"<{count}b", payload, at + 4)
            need(all(v >= -127 for v in values))
        else:
            e = -13 if kind == "s16" else 0
            form = "h" if kind == "s16" else "H"
            values = struct.unpack_from(f"<{count}{form}", payload, at)
        out[name] = (e, values)
        at += param_bytes(kind, count)
    need((at + 7) // 8 * 8 == len(payload))
    return out


# --- deltas: SPEC.md, 6; RFC 8949, RFC 9052 ------------------------------------

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP = range(6)


class Cbor:
    """Definite lengths, shortest integers, nothing else."""

    def __init__(self, b):
        self.b, self.at = b, 0

    def take(self, n):
        need(self.at + n <= len(self.b), "TRUNCATED")
        self.at += n
        return self.b[self.at - n:self.at]

    def head(self, major):
        first = self.take(1)[0]
        need(first >> 5 == major, "TRUNCATED")
        info = first & 31
        if info < 24:
            return info
        need(info <= 27, "TRUNCATED")
        n = 1 << (info - 24)
        value = int.from_bytes(self.take(n), "big")
        need(value >= (24 if n == 1 else 1 << (4 * n)), "TRUNCATED")
        return value

    def string(self, n=None):
        length = self.head(BYTES)
        need(n is None or n == length, "TRUNCATED")
        return self.take(length)


def cbor_head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    n = next(n for n in (1, 2, 4, 8) if value < 1 << (8 * n))
    return (bytes([major << 5 | 24 + n.bit_length() - 1]) +
            value.to_bytes(n, "big"))


FIELDS = ("format", "payload_bytes", "seq", "abi", "class", "flags", "base",
          "blob_sha256", "id", "layout", "encoding", "blob_bytes", "blob_crc")


def read_manifest(b):
    c, m = Cbor(b), {}
    n = c.head(MAP)
    for key, name in enumerate(FIELDS, 1):
        need(c.head(UINT) == key, "TRUNCATED")
        if name in ("base", "blob_sha256"):
            m[name] = c.string(32)
        else:
            m[name] = c.head(UINT)
            need(m[name] < 1 << (64 if name == "seq" else 32), "TRUNCATED")
    if m["encoding"] == 2:
        need(c.head(UINT) == 14, "TRUNCATED")
        m["before"] = c.string(8)
    need(c.at == len(b) and n == (14 if m["encoding"] == 2 else 13),
         "TRUNCATED")
    return m


def read_delta(b):
    """The head, with what was signed; the payload behind it."""
    c = Cbor(b)
    need(c.head(ARRAY) == 4, "TRUNCATED")
    protected = c.string()
    need(c.head(MAP) == 0, "TRUNCATED")
    payload = c.string()
    signature = c.string()
    p = Cbor(protected)
    need(p.head(MAP) == 2 and p.head(UINT) == 1, "TRUNCATED")
    algorithm = -1 - p.head(NEGATIVE)
    need(p.head(UINT) == 4, "TRUNCATED")
    key_id = p.string(8)
    need(p.at == len(protected) and algorithm >= -256, "TRUNCATED")
    message = (cbor_head(ARRAY, 4) + cbor_head(TEXT, 10) + b"Signature1" +
               cbor_head(BYTES, len(protected)) + protected +
               cbor_head(BYTES, 0) +
               cbor_head(BYTES, len(payload)) + payload)
    return {"algorithm": algorithm, "key_id": key_id, "head_bytes": c.at,
            "message": message, "signature": signature,
            "payload": b[c.at:], **read_manifest(payload)}


def empty_blob(d):
    """An empty blob: the header without its checksums, then zeros."""
    head = (b"TPPA" + struct.pack("<HHII", 1, 0, d["layout"],
                                  d["blob_bytes"] - 48) + d["base"][:16])
    return head + bytes(d["blob_bytes"] - len(head))


class Unpacker:
    def __init__(self, payload, before):
        self.b, self.at, self.before, self.out = payload, 0, before, bytearray()

    def byte(self):
        need(self.at < len(self.b), "TRUNCATED")
        self.at += 1
        return self.b[self.at - 1]

    def count(self):
        n = shift = 0
        while True:
            byte = self.byte()
            need(byte != 0 or shift == 0)
            n |= (byte & 127) << shift
            shift += 7
            need(n <= 1 << 24 and shift <= 28)
            if byte < 128:
                return n

    def codes(self, n, bits):
        """n codes of so many bits, the first in the lowest."""
        for i in range(0, n, 8 // bits):
            byte = self.byte()
            for _ in range(min(8 // bits, n - i)):
                yield byte & ((1 << bits) - 1)
                byte >>= bits
            need(byte == 0)

    def sparse(self, n):
        end = len(self.out) + n
        while len(self.out) < end:
            gap = self.byte()
            need(len(self.out) + gap <= end)
            self.out += bytes(gap)
            if len(self.out) < end:
                self.out.append(self.byte())

    def segment(self):
        operation, n = self.byte(), self.count()
        need(operation < 8 and n > 0)
        need(len(self.out) + n <= len(self.before))
        was = self.before[len(self.out):][:n]
        if operation == 0:
            self.out += bytes(self.byte() for _ in range(n))
        elif operation == 1:
            self.out += bytes(n)
        elif operation in (2, 7):
            shift = self.byte()
            need(shift <= 4)
            for i, code in enumerate(self.codes(n, 4)):
                v = (code - 16 if code > 7 else code) << shift
                self.out.append((v + (was[i] if operation == 7 else 0)) & 255)
        elif operation == 3:
            m = self.byte()
            need(m <= 127)
            for code in self.codes(n, 2):
                need(code != 2)
                self.out.append({0: 0, 1: m, 3: -m & 255}[code])
        elif operation == 4:
            self.sparse(n)
        elif operation == 5:
            self.out += was
        else:
            self.out += bytes((v + self.byte()) & 255 for v in was)

    def all(self):
        while self.at < len(self.b):
            self.segment()
        need(len(self.out) == len(self.before), "TRUNCATED")
        return bytes(self.out)


def unpack(d, before=None):
    """The blob of a delta that read_delta() has read."""
    need(d["format"] == 1 and d["flags"] == 0 and d["encoding"] <= 2,
         "UNSUPPORTED")
    need(d["id"] != 0 and d["blob_bytes"] >= 48)
    need(len(d["payload"]) >= d["payload_bytes"], "TRUNCATED")
    need(len(d["payload"]) == d["payload_bytes"])
    if d["encoding"] == 2:
        need(before is not None and len(before) == d["blob_bytes"] and
             hashlib.sha256(before).digest()[:8] == d["before"], "NOT_FOUND")
    if d["encoding"] == 0:
        need(d["payload_bytes"] == d["blob_bytes"])
        blob = d["payload"]
    else:
        blob = Unpacker(d["payload"], empty_blob(d) if d["encoding"] == 1
                        else before).all()
    need(hashlib.sha256(blob).digest() == d["blob_sha256"] and
         zlib.crc32(blob) == d["blob_crc"], "CORRUPT")
    return blob


# --- signatures: RFC 8554; FIPS 186-4 with P-256 --------------------------------

def lms_verify(key, message, signature):
    """HSS of one level, LMS_SHA256_M32_H5 or H10, LMOTS_SHA256_N32_W4."""
    def sha(*parts):
        return hashlib.sha256(b"".join(parts)).digest()

    def be(n, value):
        return value.to_bytes(n, "big")
    heights = {5: 5, 6: 10}
    levels, kind, ots, ident, root = (key[:4], key[4:8], key[8:12], key[12:28],
                                      key[28:])
    h = heights.get(int.from_bytes(kind, "big"))
    if (len(key) != 60 or levels != be(4, 1) or ots != be(4, 3) or h is None or
            len(signature) != 4 + 4 + 4 + 32 * 68 + 4 + 32 * h):
        return False
    q = signature[4:8]
    leaf = int.from_bytes(q, "big")
    y = [signature[44 + 32 * i:][:32] for i in range(67)]
    behind = 44 + 32 * 67
    if (signature[:4] != be(4, 0) or signature[8:12] != ots or
            signature[behind:behind + 4] != kind or leaf >= 1 << h):
        return False
    digest = sha(ident, q, b"\x81\x81", signature[12:44], message)
    digits = [d for byte in digest for d in (byte >> 4, byte & 15)]
    check = sum(15 - d for d in digits) << 4
    digits += [check >> 12 & 15, check >> 8 & 15, check >> 4 & 15]
    ends = []
    for i, value in enumerate(y):
        for j in range(digits[i], 15):
            value = sha(ident, q, be(2, i), be(1, j), value)
        ends.append(value)
    node = (1 << h) + leaf
    value = sha(ident, be(4, node), b"\x82\x82",
                sha(ident, q, b"\x80\x80", *ends))
    for i in range(h):
        other = signature[behind + 4 + 32 * i:][:32]
        both = (other, value) if node & 1 else (value, other)
        node >>= 1
        value = sha(ident, be(4, node), b"\x83\x83", *both)
    return value == root


P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CURVE_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(a, b):
    """Of two points of the curve, None the one at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    out = None
    while k:
        out = add(out, point) if k & 1 else out
        point = add(point, point)
        k >>= 1
    return out


def es256_verify(key, message, signature):
    x, y = (int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big"))
    if (len(key) != 65 or key[0] != 4 or len(signature) != 64 or
            x >= P or y >= P or (y * y - x**3 + 3 * x - CURVE_B) % P):
        return False
    r, s = (int.from_bytes(signature[:32], "big"),
            int.from_bytes(signature[32:], "big"))
    if not (0 < r < ORDER and 0 < s < ORDER):
        return False
    e = int.from_bytes(hashlib.sha256(message).digest(), "big")
    w = pow(s, -1, ORDER)
    point = add(times(e * w % ORDER, G), times(r * w % ORDER, (x, y)))
    return point is not None and point[0] % ORDER == r


def verify(d, key):
    """The signature of a delta, by a public key."""
    need(hashlib.sha256(key).digest()[:8] == d["key_id"], "SIGNATURE")
    check = {-46: lms_verify, -7: es256_verify}.get(d["algorithm"])
    need(check is not None and check(key, d["message"], d["signature"]),
         "SIGNATURE")


# --- stores: SPEC.md, 5 --------------------------------------------------------

def read_slot(b, granule):
    """The record of a slot if it is good, else None."""
    def padded(n):
        return (n + granule - 1) // granule * granule
    h = b[:96]
    if h[:4] != b"TPPS" or u16(h, 4) != 1 or u32(h, 92) != zlib.crc32(h[:92]):
        return None
    r = {"kind": u16(h, 6) & 0x7FFF, "deleted": u16(h, 6) >> 15 == 1,
         "id": u32(h, 8), "seq": u64(h, 16), "layout": u32(h, 28),
         "generation": u32(h, 84)}
    n = u32(h, 12)
    start = padded(96)
    first = start + padded(n)
    if first + 2 * padded(16) > len(b):
        return None

    def commit(magic, at):
        want = magic + U32.pack(r["seq"] & 0xFFFFFFFF) + h[92:96]
        return b[at:at + 16] == want + U32.pack(zlib.crc32(want))
    r["payload"] = b[start:start + n]
    commits = [commit(b"TPCA", first), commit(b"TPCB", first + padded(16))]
    if not any(commits):
        return None
    r["whole"] = all(commits)
    return r if u32(h, 80) == zlib.crc32(r["payload"]) else None


def generations(records):
    """{(kind, id): [newest, ...]}; of one generation the later record."""
    keys = {}
    for r in sorted(records, key=lambda r: r["seq"]):
        keys.setdefault((r["kind"], r["id"]), {})[r["generation"]] = r
    return {key: [g[n] for n in sorted(g, reverse=True)]
            for key, g in keys.items()}


def read_choice(keys):
    newest = keys.get((2, 0), [None])[0]
    if newest is None or newest["deleted"] or len(newest["payload"]) != 32:
        return (0,) * 6
    return struct.unpack("<IIIIQQ", newest["payload"])


def is_full(keys, slots):
    """Every slot holds a record that stays."""
    choice = read_choice(keys)
    named = {(1, *choice[:2]), (1, *choice[2:4])}
    return slots == sum(
        n < 2 or (*key, r["generation"]) in named
        for key, records in keys.items() for n, r in enumerate(records))


def read_store(image, granule, slot_bytes):
    """What a mount would show: {(kind, id): [newest, the one before]}, and the
    choice."""
    slots = [image[i:i + slot_bytes]
             for i in range(0, len(image), slot_bytes)][:32]
    good = [r for r in (read_slot(b, granule) for b in slots) if r]
    if is_full(generations(good), len(slots)):
        good = [r for r in good if r["whole"] or not r["deleted"]]
    gone = {(r["kind"], r["id"]) for r in good if r["deleted"]}
    keys = generations(
        r for r in good if (r["kind"], r["id"]) not in gone and
        not any(kind == 0 for kind, _ in gone))
    return {key: r[:2] for key, r in keys.items()}, read_choice(keys)
