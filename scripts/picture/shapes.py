"""Shapes and signs of the picture, as SVG."""
from html import escape

GOOD, MID, PALE = "#0a8f83", "#4db6ac", "#b2dfdb"
GREY, LINE = "#aab6c2", "#d5dde5"


def text(x, y, words, kind=""):
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(words)}</text>'


def box(x, y, width, height, fill, stroke="none", radius=3):
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
            f'rx="{radius}" fill="{fill}" stroke="{stroke}"/>')


def path(d, stroke, width=2, fill="none", extra=""):
    return (f'<path d="{d}" stroke="{stroke}" stroke-width="{width}" '
            f'fill="{fill}" stroke-linecap="round" stroke-linejoin="round" '
            f'{extra}/>')


def sheet(x, y, folded):
    """A file; of C where it is not folded from a model."""
    lines = "".join(path(f"M{x + 10} {y + 22 + 8 * i}h{w}", folded, 2)
                    for i, w in enumerate((20, 26, 14)))
    return path(f"M{x} {y}h30l14 14v42h-44z", "#3a4a5a", 2, "#fff") + path(
        f"M{x + 30} {y}v14h14", "#3a4a5a") + lines


def layers(x, y):
    """A network: layers as bars."""
    return "".join(box(x + 12 * i, y + d, 8, 56 - 2 * d, "#3a4a5a")
                   for i, d in enumerate((0, 6, 6, 14, 20)))


def chip(x, y):
    pins = "".join(path(f"M{x + 8 + 10 * i} {y - 6}v6m0 52v6M{x - 6} "
                        f"{y + 8 + 9 * i}h6m56 0h6", "#3a4a5a")
                   for i in range(5))
    return pins + box(x, y, 56, 52, "#fff", "#3a4a5a", 5) + box(
        x + 12, y + 11, 32, 30, PALE, GOOD, 3) + path(
        f"M{x + 18} {y + 33}l7 -8l6 4l8 -11", GOOD)


def parcel(x, y):
    """An adapter: a small plug with a seal."""
    return box(x, y + 10, 52, 36, GOOD, "none", 6) + box(
        x + 12, y, 7, 12, GOOD) + box(x + 33, y, 7, 12, GOOD) + path(
        f"M{x + 17} {y + 28}l7 7l12 -13", "#fff", 3)


def arrow(x, y, words, more):
    return (path(f"M{x} {y}h62m-9 -6l9 6l-9 6", GOOD, 2.5) +
            text(x + 31, y - 12, words, "mono middle") +
            text(x + 31, y + 21, more, "small middle"))
