"""Assembly beside the source, in the colour of the source line that each instruction comes from."""

from __future__ import annotations

from itertools import groupby

from telerun_magic.render.blocks import Block, Details, Pair, Stripe, Tone, line
from telerun_protocol.listing import AsmFunction, AsmListing, AsmView

MAX_LINES = 2000
MAX_BYTES = 200_000
MARKUP_BYTES = 50  # of a coloured stripe
CONTEXT = 1
NAMES = {"ptx": "PTX", "sass": "SASS", "host": "host assembly"}


class Room:
    """What assembly may take in one notebook output, all views together."""

    def __init__(self, lines: int = MAX_LINES, size_bytes: int = MAX_BYTES) -> None:
        self.lines = lines
        self.size_bytes = size_bytes

    def take(self, text: str) -> bool:
        cost = len(text.encode()) + 1
        if self.lines < 1 or self.size_bytes < cost:
            self.lines = 0  # nothing after a gap
            return False
        self.lines -= 1
        self.size_bytes -= cost
        return True


def blocks(listing: AsmListing, *, line_offset: int, room: Room | None = None) -> list[Block]:
    """One closed section for each view, and in it one for each function."""
    room = room or Room()
    found: list[Block] = [
        _view(view, listing, line_offset, room, is_open=number == 0)
        for number, view in enumerate(_in_turn(listing.views))
    ]
    found += [line(note, Tone.DIM) for note in listing.notes]
    return found


def _in_turn(views: tuple[AsmView, ...]) -> list[AsmView]:
    """What the device runs first: it is what people look for, and the room may not last."""
    order = ["sass", "ptx", "host"]
    return sorted(views, key=lambda view: order.index(view.kind) if view.kind in order else len(order))


def _view(view: AsmView, listing: AsmListing, line_offset: int, room: Room, *, is_open: bool) -> Details:
    inner: list[Block] = []
    interesting = next((function for function in view.functions if function.ranges), None)
    for number, function in enumerate(view.functions):
        lines = len(function.text)
        if room.lines < 1:
            rest = len(view.functions) - number
            inner.append(line(f"… {rest} more functions not shown; job.asm and {view.artifact} have all.", Tone.DIM))
            break
        title = f"{function.name or function.symbol}: {lines} lines"
        inner.append(Details(title, tuple(_function(function, listing, line_offset, room)), function is interesting))
    named = sum(1 for function in view.functions if function.symbol)  # what stands outside of functions has no symbol
    summary = f"{NAMES.get(view.kind, view.kind)} {view.arch}: {_count(named, 'function')}"
    return Details(summary, tuple(inner), is_open)


def _function(function: AsmFunction, listing: AsmListing, line_offset: int, room: Room) -> list[Block]:
    source_of = {
        number: part.source
        for part in function.ranges
        for number in range(max(0, part.first), min(part.last, len(function.text) - 1) + 1)
    }
    colors = {source: color for color, source in enumerate(dict.fromkeys(source_of.values()))}  # in first-seen order
    numbers = [number for number in colors if 0 < number <= len(listing.source)]
    first, last = (min(numbers) - CONTEXT, max(numbers) + CONTEXT) if numbers else (1, 0)
    shown_source = range(max(1, first), min(len(listing.source), last) + 1)
    left = [
        (f"{number + line_offset:>4}  {listing.source[number - 1]}\n", colors.get(number)) for number in shown_source
    ]
    right = [(f"{text}\n", colors.get(source_of.get(number, -1))) for number, text in enumerate(function.text)]
    kept_left, kept_right = _kept(left, room), _kept(right, room)
    found: list[Block] = [Pair(_stripes(kept_left), _stripes(kept_right))]
    if cut := len(left) - len(kept_left) + len(right) - len(kept_right):
        found.append(line(f"… {_count(cut, 'line')} not shown; job.asm has all.", Tone.DIM))
    return found


def _kept(lines: list[tuple[str, int | None]], room: Room) -> list[tuple[str, int | None]]:
    kept = []
    for text, color in lines:
        if not room.take(text):
            break
        if color is not None:
            room.size_bytes -= MARKUP_BYTES
        kept.append((text, color))
    return kept


def _stripes(lines: list[tuple[str, int | None]]) -> tuple[Stripe, ...]:
    """Neighbouring lines of one colour as one stripe."""
    return tuple(
        Stripe("".join(text for text, _ in group), color) for color, group in groupby(lines, key=lambda entry: entry[1])
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
