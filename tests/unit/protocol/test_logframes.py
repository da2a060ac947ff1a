from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telerun_protocol.errors import InvalidMessage
from telerun_protocol.logframes import MAX_PAYLOAD_BYTES, Frame, FrameDecoder, encode_frame
from telerun_protocol.states import StreamId

frames = st.lists(st.builds(Frame, st.sampled_from([0, 1, 2, 3]), st.binary(max_size=50)), max_size=20)


@given(frames, st.data())
def test_frames_survive_any_cutting(sent: list[Frame], data: st.DataObject) -> None:
    wire = b"".join(encode_frame(frame.stream, frame.payload) for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    decoder = FrameDecoder()
    received = [
        frame
        for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)
        for frame in decoder.feed(wire[start:end])
    ]
    assert received == sent
    assert decoder.offset == len(wire)


@given(frames.filter(bool), st.data())
def test_reading_resumes_at_the_last_whole_frame(sent: list[Frame], data: st.DataObject) -> None:
    wire = b"".join(encode_frame(frame.stream, frame.payload) for frame in sent)
    cut = data.draw(st.integers(0, len(wire)))
    decoder = FrameDecoder()
    received = list(decoder.feed(wire[:cut]))
    decoder.reset()
    received += decoder.feed(wire[decoder.offset :])
    assert received == sent


@pytest.mark.parametrize(
    "wire",
    [b"\x04\0\0\0\0\0\0\0", b"\x01\x01\0\0\0\0\0\0", b"\x01\0\0\0" + (MAX_PAYLOAD_BYTES + 1).to_bytes(4, "big")],
    ids=["stream", "padding", "length"],
)
def test_bytes_that_are_no_frame_are_refused_where_they_stand(wire: bytes) -> None:
    decoder = FrameDecoder(100)
    good = encode_frame(StreamId.STDOUT, b"x")
    with pytest.raises(InvalidMessage, match="at byte 109"):
        list(decoder.feed(good + wire))
    assert decoder.offset == 109
