"""Fewer at once when memory is short."""

import pytest

from localfair.engines.at_once import AtOnce, tells_of_memory
from localfair.errors import OutOfMemory


def test_it_is_halved_each_time_and_said_once(capsys):
    at_once = AtOnce("the engine", 16)
    at_once.halve(MemoryError())
    at_once.halve(MemoryError())
    assert at_once.most == 4
    said = capsys.readouterr().err
    assert said == "warning: the engine has too little memory for 16 at once; fewer go on\n"


def test_half_of_those_that_ran_go_on_where_fewer_ran_than_might():
    at_once = AtOnce("the engine", 16)
    at_once.halve(MemoryError(), running=6)
    assert at_once.most == 3


def test_one_at_a_time_that_is_too_much_ends_in_a_line():
    with pytest.raises(OutOfMemory, match="for one sequence at a time: no room") as ended:
        AtOnce("the engine", 1).halve(MemoryError("no\nroom"))
    assert ended.value.exit_code == 1
    assert "max_tokens" in ended.value.hint


@pytest.mark.parametrize(
    "words",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes",
        "ggml_backend_cuda_buffer_type_alloc_buffer: failed to allocate",
        "vk::Device::allocateMemory: ErrorOutOfDeviceMemory, OutOfMemoryError",
        "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
    ],
)
def test_words_of_short_memory_are_known(words):
    assert tells_of_memory(words)


@pytest.mark.parametrize("words", ["", "the student has a good memory", "size mismatch"])
def test_other_words_are_not_taken_for_them(words):
    assert not tells_of_memory(words)
