"""Blocks as HTML that is safe and readable wherever a notebook is opened: inline styles, no script, no classes."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

from telerun_magic.render import clean
from telerun_magic.render.blocks import Block, Details, Image, Line, Pair, Pre, Span, Stripe, Table, Tone

COLORS = ("#4e79a733", "#f28e2b33", "#59a14f33", "#e1575933", "#b07aa133", "#edc94833", "#76b7b233", "#9c755f33")
_MONO = "font-family:monospace;font-size:12px;line-height:1.35;margin:0;white-space:pre;"
_CELL = "padding:1px 10px 1px 0;vertical-align:top;text-align:"


def to_html(blocks: Iterable[Block]) -> str:
    inner = "".join(_block(block) for block in blocks)
    return f'<div style="font-family:sans-serif;font-size:13px;line-height:1.5">{inner}</div>'


def _block(block: Block) -> str:
    match block:
        case Line(spans):
            return f"<div>{' '.join(_span(span) for span in spans)}</div>"
        case Pre(text, tone):
            style = f"{_MONO}white-space:pre-wrap;max-height:30em;overflow:auto;color:{tone.value}"
            return f'<pre style="{style}">{_text(text)}</pre>'
        case Table():
            return _table(block)
        case Image(name, media_type, data):
            source = f"data:{escape(media_type)};base64,{base64.b64encode(data).decode()}"
            name = escape(clean.line(name))
            return (
                f'<figure style="margin:4px 0"><img src="{source}" alt="{name}" style="max-width:100%">'
                f'<figcaption style="color:{Tone.DIM.value}">{name}</figcaption></figure>'
            )
        case Pair(left, right):
            panes = "".join(
                f'<td style="vertical-align:top;text-align:left;padding:0 16px 0 0"><pre style="{_MONO}">'
                f"{''.join(_stripe(stripe) for stripe in pane)}</pre></td>"
                for pane in (left, right)
            )
            return f'<div style="overflow:auto;max-height:40em"><table><tr>{panes}</tr></table></div>'
        case Details(summary, blocks, is_open):
            inner = "".join(_block(inner) for inner in blocks)
            shown = " open" if is_open else ""
            return f"<details{shown}><summary>{_text(clean.line(summary))}</summary>{inner}</details>"


def _text(text: str) -> str:
    return escape(clean.text(text))


def _span(span: Span) -> str:
    styles = [f"color:{span.tone.value}"] if span.tone is not Tone.PLAIN else []
    content = _text(span.text)
    if span.strong:
        content = f"<b>{content}</b>"
    return f'<span style="{";".join(styles)}">{content}</span>' if styles else content


def _table(table: Table) -> str:
    def cells(row: tuple[str, ...], tag: str) -> str:
        return "".join(
            f'<{tag} style="{_CELL}{"right" if number in table.numeric else "left"}">{_text(text)}</{tag}>'
            for number, text in enumerate(row)
        )

    caption = f'<div style="color:{Tone.DIM.value}">{_text(table.caption)}</div>' if table.caption else ""
    head = f"<tr>{cells(table.columns, 'th')}</tr>" if any(table.columns) else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in table.rows)
    return f'{caption}<div style="overflow:auto"><table style="font-size:12px">{head}{body}</table></div>'


def _stripe(stripe: Stripe) -> str:
    text = _text(stripe.text)
    if stripe.color is None:
        return text
    return f'<span style="background:{COLORS[stripe.color % len(COLORS)]}">{text}</span>'
